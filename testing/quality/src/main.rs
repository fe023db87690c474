//! The quality of alerts and forecast, at a terminal.

use clap::{Parser, Subcommand};
use corrente_quality::{london, report, speed};

#[derive(Parser)]
#[command(name = "corrente-quality", about = "How good the alert rules and the forecast are")]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Simulated homes with labelled events
    Town {
        /// How many homes
        #[arg(long, default_value_t = 400)]
        homes: u64,
        /// Another seed is another town
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Sixty real homes of London, where ../shared/data is there
    London,
    /// All rules over many homes, one day of readings
    Speed {
        /// How many homes
        #[arg(long, default_value_t = 100_000)]
        homes: u64,
    },
}

#[expect(clippy::print_stdout, reason = "a tool for a person at a terminal")]
fn main() -> std::io::Result<()> {
    match Arguments::parse().what {
        What::Town { homes, seed } => println!("{}", report::town(seed, homes)),
        What::London => match london::folder() {
            Some(folder) => println!("{}", report::london(&london::homes(&folder)?)),
            None => println!("skipped: there is no shared data beside the repository"),
        },
        What::Speed { homes } => {
            let speed = speed::day(homes);
            println!(
                "{} homes, {} facts, {} notices: {:.2} s on two threads",
                speed.homes, speed.facts, speed.notices, speed.seconds
            );
        }
    }
    Ok(())
}
