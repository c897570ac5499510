//! A server that is reached over Streamable HTTP.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, Response};
use url::Url;

use super::ScanError;
use super::http::{Client, address};
use super::wire::{Fault, Head, MESSAGE_MAX, TOTAL_MAX, Wire};
use crate::mcp::Revision;
use crate::proxy::http::sse::Reader;

const SESSION: &str = "mcp-session-id";
/// Messages that wait to be looked at.
const WAITING: usize = 1024;

/// The endpoint, and the answer at hand.
pub(super) struct Remote {
    client: Client,
    url: Url,
    authorization: Option<HeaderValue>,
    session: Option<HeaderValue>,
    waiting: VecDeque<Bytes>,
    stream: Option<(Incoming, Reader)>,
    total: usize,
}

impl Remote {
    /// The server at `url`.
    pub(super) fn new(url: &Url, authorization: Option<&str>) -> Result<Self, ScanError> {
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err(ScanError::Url);
        }
        let authorization = authorization.map(HeaderValue::try_from).transpose();
        let authorization = authorization.map_err(|_unfit| ScanError::Url)?.map(|mut value| {
            value.set_sensitive(true);
            value
        });
        Ok(Self {
            client: Client::new(url.scheme() == "https")?,
            url: url.clone(),
            authorization,
            session: None,
            waiting: VecDeque::new(),
            stream: None,
            total: 0,
        })
    }

    fn request(&self, message: &[u8], head: Head<'_>) -> Result<Request<Full<Bytes>>, Fault> {
        let (host, target) = address(&self.url);
        let is_modern = head.revision == Some(Revision::R2026_07_28.as_str());
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(target)
            .header(HOST, host)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json, text/event-stream");
        if let Some(value) = &self.authorization {
            request = request.header(AUTHORIZATION, value);
        }
        if let Some(revision) = head.revision {
            request = request.header("mcp-protocol-version", revision);
        }
        match (head.method, &self.session) {
            (Some(method), _) if is_modern => request = request.header("mcp-method", method),
            (_, Some(session)) if !is_modern => request = request.header(SESSION, session),
            (_, _) => {}
        }
        request
            .body(Full::new(Bytes::copy_from_slice(message)))
            .map_err(|error| Fault::Connection(error.to_string()))
    }

    fn take(&mut self, response: Response<Incoming>, deadline: Instant) -> Result<(), Fault> {
        let status = response.status().as_u16();
        if let Some(session) = response.headers().get(SESSION) {
            self.session = Some(session.clone());
        }
        if matches!(status, 401 | 403) {
            return Err(Fault::Unauthorized(status));
        }
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let is_stream = kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/event-stream"));
        let mut body = response.into_body();
        if is_stream && status < 300 {
            // Of two at once, the one before is only what nobody waits for any more.
            self.stream = Some((body, Reader::new(MESSAGE_MAX)));
            return Ok(());
        }
        let whole = self.client.whole(&mut body, MESSAGE_MAX, deadline)?;
        self.count(whole.len())?;
        let text = whole.trim_ascii();
        // Errors of the protocol come with a status of their own, and the message.
        if text.starts_with(b"{") || status < 300 && !text.is_empty() {
            return self.push(Bytes::copy_from_slice(text));
        }
        if status < 300 { Ok(()) } else { Err(Fault::Status(status)) }
    }

    fn push(&mut self, message: Bytes) -> Result<(), Fault> {
        if self.waiting.len() >= WAITING {
            return Err(Fault::Flood);
        }
        self.waiting.push_back(message);
        Ok(())
    }

    fn count(&mut self, bytes: usize) -> Result<(), Fault> {
        self.total = self.total.saturating_add(bytes);
        if self.total > TOTAL_MAX { Err(Fault::Flood) } else { Ok(()) }
    }
}

impl Wire for Remote {
    fn send(&mut self, message: &[u8], head: Head<'_>, deadline: Instant) -> Result<(), Fault> {
        let request = self.request(message, head)?;
        let response = self.client.send(&self.url, request, deadline)?;
        // An answer of ours, or a notification: what comes back says nothing.
        let asks = message.windows(5).any(|bytes| bytes == b"\"id\":") && head.method.is_some();
        if asks { self.take(response, deadline) } else { Ok(()) }
    }

    fn next(&mut self, deadline: Instant) -> Result<Bytes, Fault> {
        loop {
            if let Some(message) = self.waiting.pop_front() {
                return Ok(message);
            }
            let Some((mut body, mut reader)) = self.stream.take() else {
                return Err(Fault::Ended("its answer holds none".to_owned()));
            };
            let Some(piece) = self.client.piece(&mut body, deadline)? else {
                return Err(Fault::Ended("the stream of its answer ended".to_owned()));
            };
            self.count(piece.len())?;
            let events: Result<Vec<_>, _> = reader.push(&piece).collect();
            for event in events.map_err(|_fault| Fault::Flood)? {
                if let Some(data) = event.data().filter(|data| !data.is_empty()) {
                    self.push(data.clone())?;
                }
            }
            self.stream = Some((body, reader));
        }
    }
}
