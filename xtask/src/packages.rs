//! Debian packages that a task needs, installed when they are missing.

use std::process::Command;

use crate::{
    Failure, Outcome,
    process::{self, exists},
};

/// A program, and the Debian package that has it.
#[derive(Clone, Copy)]
pub(crate) struct Needed {
    pub(crate) program: &'static str,
    pub(crate) package: &'static str,
}

/// What compiles the C parts (SQLite, aws-lc) of the server.
pub(crate) const COMPILER: Needed = Needed { program: "cc", package: "build-essential" };
/// What takes out of a program what only a debugger reads.
pub(crate) const STRIP: Needed = Needed { program: "strip", package: "binutils" };
/// What compiles those parts for a program without a C library of the machine.
pub(crate) const MUSL: Needed = Needed { program: "musl-gcc", package: "musl-tools" };
/// What shows the pages to the browser tests.
pub(crate) const CHROMIUM: Needed = Needed { program: "chromium", package: "chromium" };
/// What runs the prototype's own meter, and the mail server of a test.
pub(crate) const PYTHON: Needed = Needed { program: "python3", package: "python3" };
/// What plays a terminal to the meter's screen.
pub(crate) const TMUX: Needed = Needed { program: "tmux", package: "tmux" };
/// The mail server of a test that others wrote.
pub(crate) const MAIL: Needed = Needed { program: "aiosmtpd", package: "python3-aiosmtpd" };
/// A colour-and-alpha picture of a page of a PDF, for tests of documents.
pub(crate) const POPPLER: Needed = Needed { program: "pdftotext", package: "poppler-utils" };

/// Installs those whose program is not there; without apt or root says which are missing.
pub(crate) fn install(needed: &[Needed]) -> Outcome {
    let missing: Vec<&str> =
        needed.iter().filter(|n| !exists(n.program)).map(|n| n.package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let by_hand = format!("these packages are missing: {}", missing.join(" "));
    if !exists("apt-get") {
        return Err(Failure(format!("{by_hand}. Install them with your system's package manager")));
    }
    let Some(prefix) = privilege() else {
        return Err(Failure(format!(
            "{by_hand}. Install them as root: apt-get install {}",
            missing.join(" ")
        )));
    };
    println!("Installing {}", missing.join(", "));
    process::run(apt(prefix, &["update", "-qq"]))?;
    let mut arguments = vec!["install", "-y", "-qq", "--no-install-recommends"];
    arguments.extend(&missing);
    process::run(apt(prefix, &arguments))
}

/// The words before `apt-get`: none for root, `sudo -n` where it asks for no password.
fn privilege() -> Option<&'static [&'static str]> {
    let user = process::output(process::command("id", &["-u"])).unwrap_or_default();
    if user.trim() == "0" {
        return Some(&[]);
    }
    let sudo = exists("sudo")
        && Command::new("sudo").args(["-n", "true"]).status().is_ok_and(|status| status.success());
    sudo.then_some(&["sudo", "-n"])
}

fn apt(prefix: &[&str], arguments: &[&str]) -> Command {
    let mut words = prefix.to_vec();
    words.extend(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    words.extend(arguments);
    process::command(words[0], &words[1..])
}
