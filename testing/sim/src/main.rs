//! Runs the simulator on demand: `cargo run -p corrente-sim -- [COUNT] [FIRST_SEED]`.

use std::process::ExitCode;

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool for a person at a terminal")]
fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).map(|a| a.parse::<u64>());
    let (count, from) = (numbers.next(), numbers.next());
    let (Ok(count), Ok(from)) = (count.unwrap_or(Ok(10_000)), from.unwrap_or(Ok(0))) else {
        eprintln!("use: corrente-sim [COUNT] [FIRST_SEED]");
        return ExitCode::FAILURE;
    };
    match corrente_sim::run_seeds(from, count) {
        Ok(summary) => {
            println!("{count} towns from seed {from}: {summary:#?}");
            ExitCode::SUCCESS
        }
        Err(complaint) => {
            eprintln!("{complaint}");
            ExitCode::FAILURE
        }
    }
}
