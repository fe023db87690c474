//! `cargo xtask bench`: the benchmarks of `bench/`, built as users run the product.

use clap::Args;

use crate::{Outcome, process};

#[derive(Args)]
pub(crate) struct Options {
    /// Which one, and its options: `ledger --quick`.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    what: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Outcome {
    process::run(process::cargo(&["build", "--release", "--package", "corrente"]))?;
    let mut bench =
        process::cargo(&["run", "--release", "--quiet", "--package", "corrente-bench", "--"]);
    bench.args(&options.what);
    process::run(bench)
}
