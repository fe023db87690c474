//! An HTTP/1.1 client that keeps its connection, small enough not to be what is measured.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use crate::Failure;

/// One connection.
pub(crate) struct Http {
    stream: BufReader<TcpStream>,
    head: Vec<u8>,
    token: Option<String>,
}

impl Http {
    pub(crate) fn connect(address: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::with_capacity(64 << 10, stream),
            head: Vec::new(),
            token: None,
        })
    }

    /// The same connection, on which each question carries this bearer token.
    pub(crate) fn with_token(self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self }
    }

    pub(crate) fn get(&mut self, path: &str) -> Result<Vec<u8>, Failure> {
        self.ask("GET", path, &[])
    }

    pub(crate) fn post(&mut self, path: &str, body: &[u8]) -> Result<Vec<u8>, Failure> {
        self.ask("POST", path, body)
    }

    fn ask(&mut self, method: &str, path: &str, body: &[u8]) -> Result<Vec<u8>, Failure> {
        self.head.clear();
        write!(
            self.head,
            "{method} {path} HTTP/1.1\r\nHost: bench\r\nContent-Length: {}\r\n",
            body.len()
        )?;
        if let Some(token) = &self.token {
            write!(self.head, "Authorization: Bearer {token}\r\n")?;
        }
        self.head.extend_from_slice(b"\r\n");
        let stream = self.stream.get_mut();
        stream.write_all(&self.head)?;
        stream.write_all(body)?;
        let status = self.line()?;
        let code = status.split(' ').nth(1).unwrap_or_default().to_owned();
        let (mut length, mut chunked) = (None, false);
        loop {
            let line = self.line()?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse::<usize>().ok();
            }
            chunked |= line.starts_with("transfer-encoding:") && line.ends_with("chunked");
        }
        let answer = match (length, chunked) {
            (_, true) => self.chunks()?,
            (Some(length), false) => self.exactly(length)?,
            (None, false) => Vec::new(),
        };
        if code.starts_with('2') {
            return Ok(answer);
        }
        let said = String::from_utf8_lossy(&answer);
        Err(format!("{method} {path}: {status} {}", said.trim()).into())
    }

    fn line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err("the server closed the connection".into());
        }
        Ok(line.trim_end().to_owned())
    }

    fn exactly(&mut self, length: usize) -> Result<Vec<u8>, Failure> {
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer)?;
        Ok(answer)
    }

    fn chunks(&mut self) -> Result<Vec<u8>, Failure> {
        let mut answer = Vec::new();
        loop {
            let size = self.line()?;
            let length = usize::from_str_radix(size.trim(), 16)?;
            answer.extend(self.exactly(length)?);
            self.line()?;
            if length == 0 {
                return Ok(answer);
            }
        }
    }
}
