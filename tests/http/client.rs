//! A client that writes what a test tells it to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::DEADLINE;

/// A response, read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        let text = String::from_utf8_lossy(&self.body);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {} {text}", self.status))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A connection whose response is read in parts.
pub(crate) struct Connection {
    reader: BufReader<TcpStream>,
}

impl Connection {
    /// Sends `request` as it is.
    pub(crate) fn send(address: SocketAddr, request: &[u8]) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(request).unwrap();
        Self { reader: BufReader::new(stream) }
    }

    /// Status and headers.
    #[track_caller]
    pub(crate) fn head(&mut self) -> (u16, Vec<(String, String)>) {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        let status =
            line.split(' ').nth(1).unwrap_or_else(|| panic!("no status in {line:?}")).parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            self.reader.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        (status, headers)
    }

    /// The next chunk of a chunked body; empty at its end.
    #[track_caller]
    pub(crate) fn chunk(&mut self) -> Vec<u8> {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        let length = usize::from_str_radix(line.trim(), 16).unwrap_or_else(|_| panic!("no chunk: {line:?}"));
        let mut chunk = vec![0; length + 2];
        self.reader.read_exact(&mut chunk).unwrap();
        chunk.truncate(length);
        chunk
    }

    /// The next `length` bytes of a body that has a length.
    pub(crate) fn exactly(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.reader.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// Reads chunks until what came of them since the last call ends with `end`.
    #[track_caller]
    pub(crate) fn until(&mut self, end: &str) -> String {
        let mut text = String::new();
        while !text.ends_with(end) {
            let chunk = self.chunk();
            assert!(!chunk.is_empty(), "the stream ended after {text:?}, before {end:?}");
            text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        text
    }

    /// All of the response.
    #[track_caller]
    pub(crate) fn reply(mut self) -> Reply {
        let (status, headers) = self.head();
        let value =
            |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let mut body = Vec::new();
        if value("transfer-encoding").is_some() {
            loop {
                let chunk = self.chunk();
                if chunk.is_empty() {
                    break;
                }
                body.extend(chunk);
            }
        } else if let Some(length) = value("content-length") {
            body.resize(length.parse().unwrap(), 0);
            self.reader.read_exact(&mut body).unwrap();
        }
        Reply { status, headers, body }
    }
}

/// A request with the headers of an MCP client, and `more`.
pub(crate) fn request(method: &str, target: &str, more: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text = format!("{method} {target} HTTP/1.1\r\n");
    let mut headers = vec![("Host", "127.0.0.1"), ("Accept", "application/json, text/event-stream")];
    let length = body.len().to_string();
    if method == "POST" {
        headers.extend([("Content-Type", "application/json"), ("Content-Length", &length)]);
    }
    headers.retain(|(name, _)| !more.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)));
    for (name, value) in headers.iter().chain(more) {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut bytes = (text + "\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// Posts `body` to `/mcp`.
#[track_caller]
pub(crate) fn post(address: SocketAddr, more: &[(&str, &str)], body: impl AsRef<[u8]>) -> Reply {
    Connection::send(address, &request("POST", "/mcp", more, body.as_ref())).reply()
}

/// A request of JSON-RPC.
pub(crate) fn call(id: u32, method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)
}

/// A call of a tool.
pub(crate) fn tool(id: u32, name: &str) -> String {
    call(id, "tools/call", &format!(r#"{{"name":"{name}","arguments":{{}}}}"#))
}
