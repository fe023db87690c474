//! `cargo xtask dist`: what strangers install. One static program, in an archive and in a Debian package.

mod check;
mod deb;
mod tree;

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;

use crate::{Failure, Outcome, packages, portal, process};

/// The target whose programs need nothing of the machine that they run on.
const STATIC: &str = "x86_64-unknown-linux-musl";

#[derive(Args)]
pub(crate) struct Options {
    /// Package this program instead of building one.
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Then install the package on this machine, start it, remove it, and see that only the data stays
    /// (as root).
    #[arg(long)]
    check: bool,
}

/// What is made of what.
struct Release {
    version: String,
    /// As Debian calls it.
    architecture: String,
    binary: PathBuf,
    /// Where the results go.
    folder: PathBuf,
}

impl Release {
    fn name(&self) -> String {
        format!("corrente-{}-linux-{}", self.version, self.architecture)
    }
}

pub(crate) fn run(options: &Options) -> Outcome {
    packages::install(&[packages::STRIP])?;
    let binary = match &options.binary {
        Some(binary) => fs::canonicalize(binary)
            .map_err(|error| Failure(format!("{}: {error}", binary.display())))?,
        None => build()?,
    };
    let folder = process::target_folder()?.join("dist");
    tree::make_empty(&folder)?;
    let binary = stripped(&binary, &folder)?;
    let release = Release {
        version: version()?,
        architecture: process::output(process::command("dpkg", &["--print-architecture"]))?
            .trim()
            .to_owned(),
        binary,
        folder,
    };
    let archive = archive(&release)?;
    let package = deb::build(&release)?;
    let sums = sums(&release, &[&archive, &package])?;
    tree::remove_file(&release.binary)?;
    for made in [&archive, &package, &sums] {
        let size = fs::metadata(made).map_or(0, |file| file.len());
        println!("{:>9} kB  {}", size / 1000, made.display());
    }
    if options.check { check::run(&release, &archive, &package) } else { Ok(()) }
}

/// The pages, then the program: static where the machine can build it so, and said where it cannot.
fn build() -> Result<PathBuf, Failure> {
    packages::install(&[packages::COMPILER])?;
    portal::install()?;
    portal::build()?;
    let mut build = process::cargo(&["build", "--release", "--locked", "--package", "corrente"]);
    let target = process::target_folder()?;
    if let Err(why) = make_static_possible() {
        println!(
            "Not static: {why}. The program will need this machine's C library or a newer one."
        );
        process::run(build)?;
        return Ok(target.join("release/corrente"));
    }
    build.args(["--target", STATIC]).env("CC_x86_64_unknown_linux_musl", "musl-gcc");
    process::run(build)?;
    Ok(target.join(STATIC).join("release/corrente"))
}

/// The program without what only a debugger reads: less than half the size.
fn stripped(binary: &Path, folder: &Path) -> Result<PathBuf, Failure> {
    let smaller = folder.join("corrente");
    let mut strip = process::command("strip", &["--strip-all", "-o"]);
    strip.arg(&smaller).arg(binary);
    process::run(strip)?;
    Ok(smaller)
}

fn make_static_possible() -> Outcome {
    if !cfg!(target_arch = "x86_64") {
        return Err(Failure("static programs are built on x86_64 only, for now".to_owned()));
    }
    packages::install(&[packages::MUSL])?;
    let installed =
        process::output(process::command("rustup", &["target", "list", "--installed"]))?;
    if installed.lines().any(|target| target == STATIC) {
        return Ok(());
    }
    process::run(process::command("rustup", &["target", "add", STATIC]))
}

fn version() -> Result<String, Failure> {
    let metadata = cargo_metadata::MetadataCommand::new()
        .current_dir(process::root())
        .no_deps()
        .exec()
        .map_err(|error| Failure(format!("cargo metadata failed: {error}")))?;
    let corrente = metadata.packages.iter().find(|package| package.name.as_str() == "corrente");
    corrente
        .map(|package| package.version.to_string())
        .ok_or_else(|| Failure("there is no package `corrente`".to_owned()))
}

/// A folder to unpack anywhere: the program, the book, the tariffs, the unit.
fn archive(release: &Release) -> Result<PathBuf, Failure> {
    let root = process::root();
    let name = release.name();
    let inside = release.folder.join(&name);
    tree::install(&release.binary, &inside.join("corrente"), tree::PROGRAM)?;
    tree::book(&inside)?;
    tree::copy(&root.join("tariffs"), &inside.join("tariffs"))?;
    tree::copy(&root.join("deploy"), &inside.join("deploy"))?;
    let made = release.folder.join(format!("{name}.tar.gz"));
    let mut tar = process::command("tar", &["--sort=name", "--owner=0", "--group=0"]);
    tar.args(["--numeric-owner", "--use-compress-program=gzip -n9", "--create", "--file"])
        .arg(&made)
        .arg("--directory")
        .arg(&release.folder)
        .arg(&name);
    process::run(tar)?;
    tree::remove(&inside)?;
    Ok(made)
}

fn sums(release: &Release, files: &[&Path]) -> Result<PathBuf, Failure> {
    let mut sum = process::command("sha256sum", &[]);
    sum.current_dir(&release.folder).args(files.iter().filter_map(|file| file.file_name()));
    let made = release.folder.join("SHA256SUMS");
    tree::write(&made, &process::output(sum)?, tree::FILE)?;
    Ok(made)
}
