//! A running server, asked over its API.

use std::{
    io::{self, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use clap::Args;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value as Json;

use crate::failure::Failure;

/// A large file is stored within this.
const PATIENCE: Duration = Duration::from_mins(10);

/// Which server, and in whose name.
#[derive(Clone, Debug, Args)]
pub(crate) struct ServerArguments {
    /// A running server, as http://HOST:PORT or https://HOST:PORT
    #[arg(long, value_name = "URL", env = "CORRENTE_SERVER")]
    server: Option<String>,
    /// An API token of an administrator, for --server
    #[arg(
        long,
        value_name = "TOKEN",
        alias = "token",
        env = "CORRENTE_API_TOKEN",
        hide_env_values = true
    )]
    api_token: Option<String>,
    /// Trusts the certificates in this PEM file (the server's own, or its issuer's)
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
}

impl ServerArguments {
    /// The server that is named; nothing where none is.
    pub(crate) fn remote(&self) -> Result<Option<Remote>, Failure> {
        self.server.as_deref().map(|server| Remote::new(self, server)).transpose()
    }
}

/// A server that is asked.
pub(crate) struct Remote {
    host: String,
    tls: Option<Arc<rustls::ClientConfig>>,
    token: String,
}

#[derive(Debug, Deserialize)]
struct Problem {
    detail: String,
    field: Option<String>,
}

impl Remote {
    fn new(arguments: &ServerArguments, server: &str) -> Result<Self, Failure> {
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
        Ok(Self { host, tls, token })
    }

    /// Asks for a document. `path` begins behind `/api/v1`.
    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.read(&self.send("GET", path, ("application/json", b""))?)
    }

    /// Sends a document and reads the answer.
    pub(crate) fn post<T: DeserializeOwned>(&self, path: &str, body: &Json) -> Result<T, Failure> {
        self.read(&self.call("POST", path, body)?)
    }

    /// Sends a document to which there is no answer.
    pub(crate) fn tell(&self, method: &str, path: &str, body: &Json) -> Result<(), Failure> {
        self.call(method, path, body).map(drop)
    }

    /// Sends bytes and reads the answer.
    pub(crate) fn post_bytes<T: DeserializeOwned>(
        &self,
        path: &str,
        bytes: &[u8],
    ) -> Result<T, Failure> {
        self.read(&self.send("POST", path, ("application/octet-stream", bytes))?)
    }

    fn call(&self, method: &str, path: &str, body: &Json) -> Result<String, Failure> {
        self.send(method, path, ("application/json", body.to_string().as_bytes()))
    }

    fn read<T: DeserializeOwned>(&self, body: &str) -> Result<T, Failure> {
        serde_json::from_str(body)
            .map_err(|error| Failure::of(format!("the answer of {}", self.host), error))
    }

    /// The body of a good answer; a refusal is a failure in the server's own words.
    fn send(&self, method: &str, path: &str, body: (&str, &[u8])) -> Result<String, Failure> {
        let answer = self
            .connect(method, path, body)
            .map_err(|error| Failure::of(format!("{} does not answer", self.host), error))?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer.as_str(), ""));
        let status = head.split_whitespace().nth(1).unwrap_or_default();
        if status.starts_with('2') {
            return Ok(body.to_owned());
        }
        let said = serde_json::from_str::<Problem>(body).map_or_else(
            |_| format!("the server answers {status}"),
            |problem| match problem.field {
                Some(field) => format!("{field}: {}", problem.detail),
                None => problem.detail,
            },
        );
        Err(Failure::new(said))
    }

    /// One request on a connection of its own. HTTP/1.0, so that the answer ends with the connection.
    fn connect(&self, method: &str, path: &str, body: (&str, &[u8])) -> io::Result<String> {
        let (name, _) = self.host.rsplit_once(':').unwrap_or((&self.host, ""));
        let mut failed = io::Error::other("the name has no address");
        for address in self.host.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, Duration::from_secs(10)) {
                Err(error) => failed = error,
                Ok(stream) => {
                    stream.set_read_timeout(Some(PATIENCE))?;
                    stream.set_write_timeout(Some(PATIENCE))?;
                    return match &self.tls {
                        None => self.exchange(stream, method, path, body),
                        Some(config) => {
                            let server = rustls::pki_types::ServerName::try_from(name.to_owned())
                                .map_err(io::Error::other)?;
                            let client = rustls::ClientConnection::new(Arc::clone(config), server)
                                .map_err(io::Error::other)?;
                            let stream = rustls::StreamOwned::new(client, stream);
                            self.exchange(stream, method, path, body)
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
        method: &str,
        path: &str,
        (content_type, bytes): (&str, &[u8]),
    ) -> io::Result<String> {
        write!(
            stream,
            "{method} /api/v1{path} HTTP/1.0\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
             Content-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
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
pub(crate) fn encoded(value: &str) -> String {
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
