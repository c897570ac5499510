//! Records as OTLP logs, in protobuf over HTTP.
//!
//! The five messages that are needed have few fields and have not changed since OTLP 1.0, so they are written here: code made
//! of the schema would bring a dozen crates for them. The tests have them read by OpenTelemetry's own classes.

use bytes::Bytes;
use serde_json::Value;

use super::stored::{Severity, Stored};

/// Of records, as attributes: by which name of OpenTelemetry's conventions, or of our own where there is none.
const ATTRIBUTES: [(&str, &str); 22] = [
    ("method", "mcp.method.name"),
    ("session", "mcp.session.id"),
    ("revision", "mcp.protocol.version"),
    ("resource", "mcp.resource.uri"),
    ("tool_name", "gen_ai.tool.name"),
    ("prompt", "gen_ai.prompt.name"),
    ("id", "jsonrpc.request.id"),
    ("error_code", "rpc.response.status_code"),
    ("subject", "user.id"),
    ("action", "mcpgw.action"),
    ("would", "mcpgw.would"),
    ("reason", "mcpgw.reason"),
    ("rule", "mcpgw.rule"),
    ("mode", "mcpgw.mode"),
    ("kind", "mcpgw.kind"),
    ("direction", "mcpgw.direction"),
    ("server", "mcpgw.server"),
    ("transport", "mcpgw.transport"),
    ("decision_id", "mcpgw.decision_id"),
    ("request_id", "mcpgw.request_id"),
    ("outcome", "mcpgw.outcome"),
    ("seq", "mcpgw.seq"),
];

/// `ExportLogsServiceRequest` with `records`.
pub(super) fn request(records: &[Stored<'_>], host: &str) -> Bytes {
    let mut logs = Vec::new();
    message(&mut logs, 1, |scope| {
        text(scope, 1, "mcpgw.audit");
        text(scope, 2, env!("CARGO_PKG_VERSION"));
    });
    for record in records {
        message(&mut logs, 2, |log| write(log, record));
    }
    let mut out = Vec::with_capacity(logs.len() + 256);
    message(&mut out, 1, |resource_logs| {
        message(resource_logs, 1, |resource| {
            attribute(resource, 1, "service.name", &Value::from("mcpgw"));
            attribute(resource, 1, "service.version", &Value::from(env!("CARGO_PKG_VERSION")));
            attribute(resource, 1, "host.name", &Value::from(host));
        });
        bytes(resource_logs, 2, &logs);
    });
    out.into()
}

/// `LogRecord`.
fn write(log: &mut Vec<u8>, record: &Stored<'_>) {
    let (number, word) = match record.severity() {
        Severity::Info => (9, "INFO"),
        Severity::Notice => (10, "INFO2"),
        Severity::Warning => (13, "WARN"),
        Severity::Error => (17, "ERROR"),
    };
    let time = record.nanoseconds();
    fixed(log, 1, time);
    varint(log, 2 << 3);
    varint(log, number);
    text(log, 3, word);
    // The line as it stands in the log, so that whoever has the key can verify it there, too.
    message(log, 5, |value| text(value, 1, record.line));
    for (key, name) in ATTRIBUTES {
        if let Some(value) = record.members.get(key) {
            attribute(log, 6, name, value);
        }
    }
    if let Some(Value::Object(labels)) = record.members.get("labels") {
        for (name, value) in labels {
            attribute(log, 6, &format!("mcpgw.label.{name}"), value);
        }
    }
    fixed(log, 11, time);
    text(log, 12, &format!("mcpgw.{}", record.event()));
}

/// How many records `ExportLogsServiceResponse` says were not taken.
pub(super) fn rejected(response: &[u8]) -> u64 {
    // 1: partial_success, and in it 1: rejected_log_records.
    let rejected = || Some(member(member(response, 1)?.1, 1)?.0);
    rejected().unwrap_or_default()
}

/// The first field `wanted` of a message: its number, or its bytes.
fn member(mut message: &[u8], wanted: u64) -> Option<(u64, &[u8])> {
    while !message.is_empty() {
        let key = take_varint(&mut message)?;
        let (number, inside) = match key & 7 {
            0 => (take_varint(&mut message)?, &[][..]),
            1 => (0, take(&mut message, 8)?),
            2 => {
                let length = usize::try_from(take_varint(&mut message)?).ok()?;
                (0, take(&mut message, length)?)
            }
            5 => (0, take(&mut message, 4)?),
            _ => return None,
        };
        if key >> 3 == wanted {
            return Some((number, inside));
        }
    }
    None
}

fn take<'a>(from: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = from.split_at_checked(length)?;
    *from = rest;
    Some(taken)
}

fn take_varint(from: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = *take(from, 1)?.first()?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

/// `KeyValue`; what is no text, number or truth is left out.
fn attribute(out: &mut Vec<u8>, field: u64, name: &str, value: &Value) {
    let mut any = Vec::new();
    match value {
        Value::String(value) => text(&mut any, 1, value),
        Value::Bool(value) => {
            varint(&mut any, 2 << 3);
            varint(&mut any, u64::from(*value));
        }
        Value::Number(number) => match number.as_i64() {
            Some(number) => {
                varint(&mut any, 3 << 3);
                varint(&mut any, number.cast_unsigned());
            }
            None => text(&mut any, 1, &number.to_string()),
        },
        Value::Null | Value::Array(_) | Value::Object(_) => return,
    }
    message(out, field, |pair| {
        text(pair, 1, name);
        bytes(pair, 2, &any);
    });
}

fn message(out: &mut Vec<u8>, field: u64, fields: impl FnOnce(&mut Vec<u8>)) {
    let mut inside = Vec::new();
    fields(&mut inside);
    bytes(out, field, &inside);
}

fn text(out: &mut Vec<u8>, field: u64, text: &str) {
    bytes(out, field, text.as_bytes());
}

fn bytes(out: &mut Vec<u8>, field: u64, inside: &[u8]) {
    varint(out, field << 3 | 2);
    varint(out, u64::try_from(inside.len()).unwrap_or(u64::MAX));
    out.extend_from_slice(inside);
}

fn fixed(out: &mut Vec<u8>, field: u64, number: u64) {
    varint(out, field << 3 | 1);
    out.extend_from_slice(&number.to_le_bytes());
}

fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(u8::try_from(number & 0x7f).unwrap_or_default() | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_was_not_taken_is_read() {
        // partial_success {rejected_log_records: 300, error_message: "x"}
        assert_eq!(rejected(&[0x0a, 6, 0x08, 0xac, 0x02, 0x12, 1, b'x']), 300);
        assert_eq!(rejected(&[]), 0);
    }

    proptest! {
        #[test]
        fn no_answer_is_too_strange(response in any::<Vec<u8>>()) {
            rejected(&response);
        }

        #[test]
        fn a_number_comes_back(number: u64) {
            let mut out = Vec::new();
            varint(&mut out, number);
            prop_assert_eq!(take_varint(&mut &*out), Some(number));
        }
    }
}
