//! An import into a running server, over its API.

use std::{
    io::{self, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    sync::Arc,
    time::Duration,
};

use corrente_mdm::import::{RefusedChannel, Stored};
use serde::Deserialize;

use super::ImportArguments;
use crate::failure::Failure;

/// A large file is stored within this.
const PATIENCE: Duration = Duration::from_mins(10);

/// A server that takes files.
pub(super) struct Remote {
    host: String,
    tls: Option<Arc<rustls::ClientConfig>>,
    token: String,
    query: String,
}

/// What the server says of a file.
#[derive(Debug, Deserialize)]
pub(super) struct Answered {
    pub(super) stored: Option<Stored>,
    #[serde(default)]
    pub(super) refused: Vec<RefusedChannel>,
}

#[derive(Debug, Deserialize)]
struct Problem {
    detail: String,
}

impl Remote {
    pub(super) fn new(
        arguments: &ImportArguments,
        server: &str,
        map: Option<String>,
    ) -> Result<Self, Failure> {
        let token = arguments.api_token.clone().ok_or_else(|| {
            Failure::new("--server needs an API token of an administrator: --api-token, or CORRENTE_API_TOKEN")
        })?;
        let (scheme, host) = server.split_once("://").unwrap_or(("http", server));
        let host = host.trim_end_matches('/').to_owned();
        let tls = match scheme {
            "http" => None,
            "https" => Some(crate::trust(arguments.tls_ca.as_deref())?.ok_or_else(|| {
                Failure::new("https needs --tls-ca: the server's certificate, or its issuer's")
            })?),
            other => return Err(Failure::new(format!("--server: `{other}` is not http or https"))),
        };
        let mut query = String::new();
        let mut add = |name: &str, value: &str| {
            query.push('&');
            query.push_str(name);
            query.push('=');
            query.push_str(&encoded(value));
        };
        for (name, value) in [
            ("meter", arguments.meter.as_deref()),
            ("usage_point", arguments.usage_point.as_deref()),
            ("map", map.as_deref()),
        ] {
            if let Some(value) = value {
                add(name, value);
            }
        }
        for (name, set) in [
            ("create", arguments.create),
            ("keep_going", arguments.keep_going),
            ("dry_run", arguments.dry_run),
        ] {
            if set {
                add(name, "true");
            }
        }
        Ok(Self { host, tls, token, query })
    }

    pub(super) fn import(&self, bytes: &[u8], name: &str) -> Result<Answered, Failure> {
        let answer = self
            .post(
                &format!("/api/v1/admin/readings/import?file={}{}", encoded(name), self.query),
                bytes,
            )
            .map_err(|error| Failure::of(format!("{} does not answer", self.host), error))?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer.as_str(), ""));
        let status = head.split_whitespace().nth(1).unwrap_or_default();
        if status.starts_with('2') {
            return serde_json::from_str(body)
                .map_err(|error| Failure::of("the server's answer", error));
        }
        let said =
            serde_json::from_str::<Problem>(body).map_or_else(|_| status.to_owned(), |p| p.detail);
        Err(Failure::of(name, said))
    }

    /// One request on a connection of its own. HTTP/1.0, so that the answer ends with the connection.
    fn post(&self, path: &str, bytes: &[u8]) -> io::Result<String> {
        let (name, _) = self.host.rsplit_once(':').unwrap_or((&self.host, ""));
        let mut failed = io::Error::other("the name has no address");
        for address in self.host.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, Duration::from_secs(10)) {
                Err(error) => failed = error,
                Ok(stream) => {
                    stream.set_read_timeout(Some(PATIENCE))?;
                    stream.set_write_timeout(Some(PATIENCE))?;
                    return match &self.tls {
                        None => self.exchange(stream, path, bytes),
                        Some(config) => {
                            let server = rustls::pki_types::ServerName::try_from(name.to_owned())
                                .map_err(io::Error::other)?;
                            let client = rustls::ClientConnection::new(Arc::clone(config), server)
                                .map_err(io::Error::other)?;
                            self.exchange(rustls::StreamOwned::new(client, stream), path, bytes)
                        }
                    };
                }
            }
        }
        Err(failed)
    }

    fn exchange(
        &self,
        mut stream: impl Read + Write,
        path: &str,
        bytes: &[u8],
    ) -> io::Result<String> {
        write!(
            stream,
            "POST {path} HTTP/1.0\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/octet-stream\r\nContent-Length: {}\r\n\r\n",
            self.host,
            self.token,
            bytes.len()
        )?;
        stream.write_all(bytes)?;
        stream.flush()?;
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            // A peer that leaves without a good-bye has said everything by then.
            Err(error) if answer.is_empty() || error.kind() != io::ErrorKind::UnexpectedEof => {
                return Err(error);
            }
            Ok(_) | Err(_) => {}
        }
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

/// A value of a query, percent-encoded.
fn encoded(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push('%');
            let digits = [byte >> 4, byte & 15];
            text.extend(digits.iter().filter_map(|digit| char::from_digit(u32::from(*digit), 16)));
        }
    }
    text
}
