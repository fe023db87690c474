//! `cargo xtask fuzz`: every decoder with bytes that nobody wrote, for as long as one likes.

use clap::Args;

use crate::{Failure, Outcome, process};

/// A decoder: its name, the crate, the kind of test that tries it, and which.
const DECODERS: [(&str, &str, &[&str], &str); 9] = [
    ("line", "corrente-line", &["--test", "corpus"], "whatever_"),
    ("files", "corrente-files", &["--test", "files"], "corpus::"),
    ("tariff", "corrente-tariff", &["--test", "corpus"], "whatever_"),
    ("billing", "corrente-billing", &["--test", "corpus"], "whatever_"),
    ("formula", "corrente-billing", &["--lib"], "check::expression::tests::whatever_"),
    ("town", "corrente-registry", &["--test", "it"], "corpus::"),
    ("map", "corrente", &["--bins"], "replay::map::tests::whatever_"),
    ("state", "corrente-meter", &["--test", "corpus"], "whatever_"),
    ("kit", "corrente-testkit", &["--lib"], "fuzz::"),
];

#[derive(Args)]
pub(crate) struct Options {
    /// How often each file of a corpus is changed.
    #[arg(long, default_value_t = 20_000)]
    rounds: u64,
    /// What the changes are drawn from; another one each time when it is left out.
    #[arg(long)]
    seed: Option<u64>,
    /// Which decoder; all of them when it is left out.
    decoder: Option<String>,
}

pub(crate) fn run(options: &Options) -> Outcome {
    let names = || DECODERS.map(|(name, ..)| name).join(", ");
    if let Some(wanted) = &options.decoder
        && !DECODERS.iter().any(|(name, ..)| name == wanted)
    {
        return Err(Failure(format!("there is no decoder `{wanted}`: use {}", names())));
    }
    // The process's number is another one each time, and good enough for that.
    let seed = options.seed.unwrap_or_else(|| u64::from(std::process::id()));
    println!("{} rounds of seed {seed}", options.rounds);
    for (name, package, kind, filter) in DECODERS {
        if options.decoder.as_ref().is_some_and(|wanted| wanted != name) {
            continue;
        }
        println!("\n── {name} ──");
        let mut fuzz = process::cargo(&["test", "--quiet", "--package", package]);
        fuzz.args(kind).args(["--", filter]);
        fuzz.env("CORRENTE_FUZZ_ROUNDS", options.rounds.to_string());
        fuzz.env("CORRENTE_FUZZ_SEED", seed.to_string());
        process::run(fuzz)?;
    }
    println!("\nNothing broke. What does gets a file in the corpus of its crate, and stays there.");
    Ok(())
}
