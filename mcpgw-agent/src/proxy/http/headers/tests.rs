mod agree;
mod alone;
mod forward;
mod params;

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

use super::*;
use crate::json::{Document, Limits};
use crate::mcp::{Decoded, Message, Revision, decode};
use crate::verdict::Cause;

const MODERN: &str = "2026-07-28";

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())
    };
    pairs.iter().map(pair).collect()
}

fn message(text: &str) -> Message {
    match decode(Bytes::copy_from_slice(text.as_bytes()), &Limits::default()).unwrap() {
        Decoded::One(message) => message,
        Decoded::Batch(_) => panic!("a batch"),
    }
}

/// A request of 2026-07-28 with these members beside `_meta`.
fn modern(method: &str, params: &str) -> Message {
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#;
    let comma = if params.is_empty() { "" } else { "," };
    message(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{params}{comma}{meta}}}}}"#))
}

fn legacy(method: &str, params: &str) -> Message {
    message(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{params}}}}}"#))
}

/// What `agree` objects to, with the version's header set.
fn objection(message: &Message, pairs: &[(&str, &str)], schemas: Option<&ParamSchemas>) -> Option<String> {
    let mut headers = headers(pairs);
    headers.entry(PROTOCOL_VERSION).or_insert(HeaderValue::from_static(MODERN));
    match agree(&headers, message, None, schemas) {
        Ok(()) => None,
        Err(Cause::HeaderMismatch(what)) => Some(what.into()),
        Err(other) => panic!("{other:?}"),
    }
}

fn schemas(properties: &str) -> ParamSchemas {
    let list = format!(r#"{{"tools":[{{"name":"t","inputSchema":{{"properties":{properties}}}}}]}}"#);
    let list = Document::parse(list.into(), &Limits::default()).unwrap();
    let mut schemas = ParamSchemas::default();
    schemas.learn(list.root());
    schemas
}
