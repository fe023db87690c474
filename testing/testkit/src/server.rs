//! The real binary as a child process.

use std::{
    ffi::OsStr,
    io::{self, BufRead, BufReader, Read},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio},
};

/// A running `corrente serve` or `corrente demo`. It is killed when it is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    url: String,
    // Held so that the server's later lines find a reader's end that is open.
    _stdout: BufReader<ChildStdout>,
}

/// The server did not come up.
#[derive(Debug)]
pub struct ServerError {
    /// Its exit status, when it ended.
    pub status: Option<ExitStatus>,
    /// What it printed to standard error.
    pub stderr: String,
}

impl Server {
    /// Starts `binary` with these arguments and waits for its line `listening on http://…`.
    ///
    /// # Errors
    /// When it ends before that line, with what it said.
    pub fn start<A: AsRef<OsStr>>(
        binary: &Path,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Self, ServerError> {
        let mut child = Command::new(binary)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| ServerError { status: None, stderr: error.to_string() })?;
        let stderr = child.stderr.take();
        let Some(mut stdout) = child.stdout.take().map(BufReader::new) else {
            return Err(ServerError { status: None, stderr: "no standard output".to_owned() });
        };
        // Standard error is drained for as long as the server lives, so that it never blocks on it.
        let said = std::thread::spawn(move || drain(stderr));
        let mut line = String::new();
        loop {
            line.clear();
            match stdout.read_line(&mut line) {
                Ok(0) | Err(_) => {
                    let status = child.wait().ok();
                    return Err(ServerError { status, stderr: said.join().unwrap_or_default() });
                }
                Ok(_) => {
                    if let Some(url) = line.trim().strip_prefix("listening on ") {
                        return Ok(Self { child, url: url.to_owned(), _stdout: stdout });
                    }
                }
            }
        }
    }

    /// Where it answers HTTP: `http://127.0.0.1:40123`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address of its port.
    pub fn address(&self) -> Option<SocketAddr> {
        self.url.split("://").nth(1)?.trim_end_matches('/').parse().ok()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once, as a power cut would end the process: SIGKILL.
    pub fn kill(mut self) -> io::Result<ExitStatus> {
        self.child.kill()?;
        self.child.wait()
    }

    /// Asks it to end (SIGTERM) and waits until it has.
    pub fn terminate(mut self) -> io::Result<ExitStatus> {
        let killed = Command::new("kill").arg(self.child.id().to_string()).status()?;
        if killed.success() { self.child.wait() } else { Err(io::Error::other("kill failed")) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already: then there is nothing to kill.
        if self.child.kill().is_ok() {
            drop(self.child.wait());
        }
    }
}

fn drain(stderr: Option<ChildStderr>) -> String {
    let mut said = Vec::new();
    if let Some(mut stderr) = stderr {
        // What was read until an error is all there is to show.
        drop(stderr.read_to_end(&mut said));
    }
    String::from_utf8_lossy(&said).into_owned()
}
