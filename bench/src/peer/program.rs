//! A child process that is ended when it is no longer needed.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{Failure, cpu};

/// How long a program may take to come up.
const START: Duration = Duration::from_mins(2);

/// A running program.
pub(crate) struct Program {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Program {
    /// Starts it and waits until it takes connections.
    pub(crate) fn start(command: &mut Command, address: SocketAddr) -> Result<Self, Failure> {
        let child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let mut program = Self { child, address };
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            if let Some(status) = program.child.try_wait()? {
                return Err(format!("{command:?} ended at once ({status})").into());
            }
            if begun.elapsed() > START {
                return Err(format!("{command:?} does not listen").into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(program)
    }

    /// Takes over a program that listens already.
    pub(crate) const fn of(child: Child, address: SocketAddr) -> Self {
        Self { child, address }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it and its children at once.
    pub(crate) fn kill(mut self) -> Result<(), Failure> {
        let family: Vec<String> =
            cpu::family(self.child.id()).iter().map(ToString::to_string).collect();
        Command::new("kill").arg("-9").args(family).stderr(Stdio::null()).status()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end and waits.
    pub(crate) fn stop(mut self, signal: &str) -> Result<(), Failure> {
        Command::new("kill").args([signal, &self.child.id().to_string()]).status()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself; either way nobody needs it any more.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// An address of this machine that nobody uses now.
pub(crate) fn free_address() -> Result<SocketAddr, Failure> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// The first of these that exists.
pub(crate) fn find(places: &[&'static str]) -> Option<&'static str> {
    places.iter().copied().find(|place| std::path::Path::new(place).exists())
}

/// What a program prints, on one line.
pub(crate) fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.map(|o| [o.stdout, o.stderr].concat()).unwrap_or_default();
    String::from_utf8_lossy(&output).lines().next().unwrap_or_default().trim().to_owned()
}
