//! The real binary, as a person or a script runs it.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod backup;
mod bare;
mod check;
mod disk;
mod doctor;
mod export;
mod findings;
mod first_town;
mod golden;
mod hostile;
mod import;
mod interval;
mod kill;
mod load;
mod meter;
mod people;
mod piped;
mod prototype;
mod replay;
mod screen;
mod serve;
mod signals;
mod tls;
mod town;
mod traces;

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use corrente_testkit::Server;

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_corrente"))
}

/// A command with nothing of the environment in it that could set it.
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CORRENTE_")) {
        command.env_remove(name);
    }
    command.args(arguments);
    command
}

fn run(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

/// What a command prints that has to succeed.
fn printed(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// What a command says that has to fail: one sentence, exit code 1.
fn refused(arguments: &[&str]) -> String {
    let output = run(arguments);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A data directory of its own and the server on it.
struct Town {
    dir: tempfile::TempDir,
    server: Option<Server>,
    listen: String,
}

impl Town {
    fn start(more: &[&str]) -> Self {
        let mut town = Self::without_server();
        town.serve(more);
        // The next server comes back where this one was.
        town.listen = town.address();
        town
    }

    fn without_server() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), server: None, listen: "127.0.0.1:0".to_owned() }
    }

    fn serve(&mut self, more: &[&str]) {
        let data = self.data();
        let mut arguments = vec!["serve", "--data", &data, "--listen", &self.listen];
        arguments.extend(more);
        self.server = Some(Server::start(binary(), arguments).unwrap());
    }

    fn data(&self) -> String {
        self.dir.path().join("data").to_str().unwrap().to_owned()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn address(&self) -> String {
        self.server.as_ref().unwrap().address().unwrap().to_string()
    }

    fn kill(&mut self) {
        self.server.take().unwrap().kill().unwrap();
    }

    fn stop(&mut self) {
        assert!(self.server.take().unwrap().terminate().unwrap().success());
    }

    fn token(&self, more: &[&str]) -> String {
        let data = self.data();
        let mut arguments = vec!["admin", "token", "create", "--data", &data];
        arguments.extend(more);
        printed(&arguments).trim().to_owned()
    }
}
