//! A demo city for a check, and how long a visitor waits for a page with data.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use crate::{Failure, process};

/// A demo city that ends with its owner.
pub(crate) struct City {
    server: Child,
    pub(crate) url: String,
    data: PathBuf,
    /// From the start of the program to the answer with a resident's bill so far.
    pub(crate) took: Duration,
}

impl City {
    /// Starts a city in a directory of its own, and waits until a resident has a page with data.
    pub(crate) fn start(binary: &Path, options: &[&str]) -> Result<Self, Failure> {
        let data = std::env::temp_dir().join(format!("corrente-city-{}", std::process::id()));
        let begun = Instant::now();
        let mut command =
            process::command(&binary.to_string_lossy(), &["demo", "--listen", "127.0.0.1:0"]);
        let mut server = command
            .args(options)
            .arg("--data")
            .arg(&data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| Failure(format!("the demo city could not be started: {error}")))?;
        let lines = server.stdout.take().map(BufReader::new).map(BufRead::lines);
        let url = lines
            .into_iter()
            .flatten()
            .map_while(Result::ok)
            .find_map(|line| Some(line.strip_prefix("listening on ")?.trim().to_owned()));
        let mut city = Self { server, url: url.unwrap_or_default(), data, took: Duration::ZERO };
        if city.url.is_empty() {
            return Err(Failure("the demo city ended before it was ready".to_owned()));
        }
        city.look()?;
        city.took = begun.elapsed();
        Ok(city)
    }

    /// Signs in as the first resident of the sign-in page, and asks for what the home page shows.
    fn look(&self) -> Result<(), Failure> {
        let options = self.ask("GET", "/api/v1/options", "", "")?;
        let email = between(&options, "\"email\":\"", "\"")?;
        let password = between(&options, "\"password\":\"", "\"")?;
        let credentials = format!("{{\"email\":\"{email}\",\"password\":\"{password}\"}}");
        let signed_in = self.ask("POST", "/api/v1/session", "", &credentials)?;
        let cookie = between(&signed_in, "__Host-sid=", ";")?;
        let cookie = format!("Cookie: __Host-sid={cookie}\r\n");
        let me = self.ask("GET", "/api/v1/me", &cookie, "")?;
        let home = between(&me, "\"usage_points\":[{\"id\":\"", "\"")?;
        let shown = self.ask("GET", &format!("/api/v1/usage-points/{home}/home"), &cookie, "")?;
        between(&shown, "\"projected_amount\":\"", "\"").map(drop)
    }

    /// The whole answer, which must be a success.
    fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Result<String, Failure> {
        let address = self.url.trim_start_matches("http://");
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n{headers}\r\n{body}",
            body.len()
        );
        let mut answer = String::new();
        let asked = TcpStream::connect(address).and_then(|mut stream| {
            stream.write_all(request.as_bytes())?;
            stream.read_to_string(&mut answer)
        });
        asked.map_err(|error| Failure(format!("the demo city does not answer: {error}")))?;
        if answer.starts_with("HTTP/1.1 200") {
            return Ok(answer);
        }
        Err(Failure(format!("the demo city answers {method} {path} with {answer}")))
    }
}

fn between(text: &str, before: &str, after: &str) -> Result<String, Failure> {
    text.split_once(before)
        .and_then(|(_, rest)| rest.split_once(after))
        .map(|(found, _)| found.to_owned())
        .ok_or_else(|| Failure(format!("the demo city shows no {before} in {text}")))
}

impl Drop for City {
    fn drop(&mut self) {
        if let Err(error) = self.server.kill().and_then(|()| self.server.wait().map(drop)) {
            eprintln!("the demo city could not be ended: {error}");
        }
        if let Err(error) = std::fs::remove_dir_all(&self.data) {
            eprintln!("{} could not be removed: {error}", self.data.display());
        }
    }
}
