//! `corrente health`: asks a server whether it lives, for container images and scripts.

use std::{
    io::{Read, Write},
    net::{TcpStream, ToSocketAddrs},
    time::{Duration, Instant},
};

use clap::Args;

use crate::failure::Failure;

/// Options of `corrente health`.
#[derive(Debug, Args)]
pub(crate) struct HealthArguments {
    /// The server, as HOST:PORT
    #[arg(
        long,
        value_name = "HOST:PORT",
        default_value = "localhost:4005",
        env = "CORRENTE_CONNECT"
    )]
    connect: String,
    /// Asks whether it can do its work, not only whether it lives
    #[arg(long)]
    ready: bool,
    /// Asks again for so many seconds until it answers well: for a script that has just started it
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
}

/// How long to rest before asking again.
const REST: Duration = Duration::from_millis(100);

/// Exit code 0 when the server answers well.
pub(crate) fn run(arguments: HealthArguments) -> Result<(), Failure> {
    let until = Instant::now() + Duration::from_secs(arguments.wait);
    loop {
        match check(&arguments.connect, arguments.ready) {
            Err(_) if Instant::now() < until => std::thread::sleep(REST),
            outcome => return outcome,
        }
    }
}

/// Asks the server at `address` whether it lives, or is ready.
pub(crate) fn check(address: &str, ready: bool) -> Result<(), Failure> {
    let path = if ready { "/health/ready" } else { "/health/live" };
    let answer = ask(address, path)
        .map_err(|error| Failure::of(format!("{address} does not answer"), error))?;
    let status = answer.split_whitespace().nth(1).unwrap_or_default();
    if status == "200" {
        return Ok(());
    }
    let said = answer.split("\r\n\r\n").nth(1).unwrap_or_default().trim();
    Err(Failure::new(format!("{address} is not well: {status} {said}")))
}

fn ask(address: &str, path: &str) -> std::io::Result<String> {
    let limit = Duration::from_secs(3);
    let mut failed = std::io::Error::other("the name has no address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, limit) {
            Err(error) => failed = error,
            Ok(mut stream) => {
                stream.set_read_timeout(Some(limit))?;
                stream.set_write_timeout(Some(limit))?;
                write!(
                    stream,
                    "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
                )?;
                let mut answer = Vec::new();
                stream.take(64 * 1024).read_to_end(&mut answer)?;
                return Ok(String::from_utf8_lossy(&answer).into_owned());
            }
        }
    }
    Err(failed)
}
