//! A client over HTTP that posts one message at a time, each on a connection of its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

const DEADLINE: Duration = Duration::from_secs(60);

/// A session with whoever listens at an address.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    address: String,
    session: Option<String>,
}

impl Client {
    /// Opens one.
    pub(crate) fn open(address: &str) -> Self {
        let mut client = Self { address: address.to_owned(), session: None };
        let info = json!({"name": "e2e", "version": "1"});
        let params = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": info});
        let (session, answer) =
            client.post(&json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}));
        assert!(answer["result"].is_object(), "{answer}");
        client.session = session;
        client.post(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        client
    }

    /// Calls a tool; the answer.
    pub(crate) fn call(&self, id: u32, tool: &str, arguments: &Value) -> Value {
        let params = json!({"name": tool, "arguments": arguments});
        self.post(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params})).1
    }

    /// The session's id, and the message in the answer; null where there is none.
    fn post(&self, message: &Value) -> (Option<String>, Value) {
        self.try_post(message).unwrap_or_else(|error| panic!("{message}: {error}"))
    }

    fn try_post(&self, message: &Value) -> std::io::Result<(Option<String>, Value)> {
        let (address, body) = (&self.address, message.to_string());
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        let session = self.session.as_ref().map(|id| format!("Mcp-Session-Id: {id}\r\n")).unwrap_or_default();
        let head = format!(
            "POST /mcp HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2025-06-18\r\n{session}\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body.as_bytes()].concat())?;
        let mut reader = BufReader::new(stream);
        let (mut session, mut line) = (None, String::new());
        while reader.read_line(&mut line)? > 2 {
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("mcp-session-id")
            {
                session = Some(value.trim().to_owned());
            }
            line.clear();
        }
        let mut body = Vec::new();
        reader.read_to_end(&mut body)?;
        let body = String::from_utf8_lossy(&body);
        // Of an event, or of a chunk, the line that is a message.
        let lines = body.lines().map(|line| line.strip_prefix("data:").unwrap_or(line).trim());
        let message =
            lines.filter(|line| line.starts_with('{')).find_map(|line| serde_json::from_str(line).ok());
        Ok((session, message.unwrap_or(Value::Null)))
    }
}
