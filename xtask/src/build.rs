//! `cargo xtask build`: the pages, then the program with the pages in it.

use crate::{Outcome, packages, portal, process};

pub(crate) fn run() -> Outcome {
    packages::install(&[packages::COMPILER])?;
    portal::install()?;
    portal::build()?;
    process::run(process::cargo(&["build", "--release", "--package", "corrente"]))?;
    let made = process::target_folder()?.join("release/corrente");
    println!("Built: {}", made.display());
    Ok(())
}
