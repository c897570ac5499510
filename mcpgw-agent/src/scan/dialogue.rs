//! The dialogue with a server: both handshakes, all lists to their ends, and answers to what it asks meanwhile.
//!
//! Whatever it sends before an answer is taken as it comes: notifications, questions, lines that are no messages. Every
//! wait has an end, and so has every list.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::observation::{Listed, Observation, differing, told};
use super::wire::{Fault, Head, Wire};
use crate::detect::DefinitionKind;
use crate::json::{Document, Limits, Value, quote};
use crate::mcp::{Decoded, Message, MessageKind, Reason, RequestId, Revision, decode};

/// The newest revision that opens with `initialize`.
const OLDER: Revision = Revision::R2025_11_25;
/// The newest.
const NEWEST: Revision = Revision::R2026_07_28;
/// How long an answer may take that a server need not give.
const PATIENCE: Duration = Duration::from_secs(2);
/// Pages of one list.
const PAGES_MAX: usize = 200;
/// Definitions of one list.
const DEFINITIONS_MAX: usize = 10_000;
/// Lines that are no messages.
const RUBBISH_MAX: u32 = 10_000;
/// Why a line is refused that was never meant as a message.
const NO_MESSAGE: [&str; 5] = ["not-json", "not-utf8", "not-a-message", "trailing-bytes", "byte-order-mark"];
/// What a client can do, so that what a server has for such clients is listed too.
const CAPABILITIES: &str = r#"{"roots":{"listChanged":true},"sampling":{},"elicitation":{}}"#;

/// The lists there are: method, member of the result and of the capabilities, kind.
const LISTS: [(&str, &str, &str, DefinitionKind); 4] = [
    ("tools/list", "tools", "tools", DefinitionKind::Tool),
    ("prompts/list", "prompts", "prompts", DefinitionKind::Prompt),
    ("resources/list", "resources", "resources", DefinitionKind::Resource),
    ("resources/templates/list", "resourceTemplates", "resources", DefinitionKind::ResourceTemplate),
];

/// Has the server say all it has to say. Of one that takes both handshakes (`is_one` wire for both) also what it says to
/// clients of the newest revision.
///
/// # Errors
/// The first [`Fault`]; what was heard before it stands in `seen`.
pub(super) fn listen(
    wire: &mut dyn Wire,
    is_one: bool,
    deadline: Instant,
    seen: &mut Observation,
) -> Result<(), Fault> {
    let mut talk = Talk { wire, deadline, next_id: 1, revision: None, seen };
    let params =
        format!(r#"{{"protocolVersion":"{OLDER}","capabilities":{CAPABILITIES},"clientInfo":{}}}"#, client());
    match talk.ask("initialize", &params, deadline)? {
        Answer::Error(older) => {
            talk.modern(deadline).map_err(|fault| {
                if matches!(fault, Fault::Handshake(_)) { Fault::Handshake(older) } else { fault }
            })?;
            let definitions = talk.lists()?;
            talk.seen.definitions = definitions;
            Ok(())
        }
        Answer::Result(message) => {
            let result = message.result();
            let revision = result.and_then(|result| result.get("protocolVersion")).and_then(Value::as_str);
            let revision = revision.unwrap_or_default().chars().take(32).collect::<String>();
            talk.seen.identity = result.map(text_of);
            talk.seen.revisions.push(revision.clone());
            talk.revision = Some(revision);
            talk.tell("notifications/initialized")?;
            let definitions = talk.lists()?;
            talk.seen.definitions = definitions;
            talk.again()?;
            if is_one { talk.other_era() } else { Ok(()) }
        }
    }
}

/// The same for a server of the newest revision alone.
///
/// # Errors
/// As [`listen`].
pub(super) fn listen_modern(
    wire: &mut dyn Wire,
    deadline: Instant,
    seen: &mut Observation,
) -> Result<(), Fault> {
    let mut talk = Talk { wire, deadline, next_id: 1, revision: None, seen };
    talk.modern(deadline)?;
    let definitions = talk.lists()?;
    talk.seen.definitions = definitions;
    Ok(())
}

/// What a request came to.
enum Answer {
    Result(Message),
    Error(String),
}

struct Talk<'w> {
    wire: &'w mut dyn Wire,
    deadline: Instant,
    next_id: i128,
    /// Once it is agreed on.
    revision: Option<String>,
    seen: &'w mut Observation,
}

impl Talk<'_> {
    /// The handshake of the newest revision, which has none: the server is asked what it can.
    fn modern(&mut self, deadline: Instant) -> Result<(), Fault> {
        let before = self.revision.replace(NEWEST.as_str().to_owned());
        match self.ask("server/discover", "{}", deadline) {
            Ok(Answer::Result(message)) => {
                if self.seen.identity.is_none() {
                    self.seen.identity = message.result().map(text_of);
                }
                self.seen.revisions.push(NEWEST.as_str().to_owned());
                Ok(())
            }
            other => {
                self.revision = before;
                match other {
                    Ok(Answer::Error(error)) => Err(Fault::Handshake(error)),
                    Ok(Answer::Result(_)) => Ok(()),
                    Err(fault) => Err(fault),
                }
            }
        }
    }

    /// All lists.
    fn lists(&mut self) -> Result<Vec<Listed>, Fault> {
        let mut definitions = Vec::new();
        for (method, member, capability, kind) in LISTS {
            let is_due = self.has(capability);
            match self.list((method, member, kind), is_due, &mut definitions) {
                // What was not promised need not be answered.
                Err(Fault::Timeout) if !is_due && Instant::now() < self.deadline => {}
                other => other?,
            }
        }
        Ok(definitions)
    }

    /// The server says that it has such definitions.
    fn has(&self, capability: &str) -> bool {
        let identity = self.seen.identity.clone().unwrap_or_default();
        let document = Document::parse(identity, &Limits::default());
        document.is_ok_and(|document| {
            let capabilities = document.root().get("capabilities");
            capabilities.and_then(|capabilities| capabilities.get(capability)).is_some()
        })
    }

    fn list(
        &mut self,
        (method, member, kind): (&str, &str, DefinitionKind),
        is_due: bool,
        definitions: &mut Vec<Listed>,
    ) -> Result<(), Fault> {
        let mut cursors = HashSet::new();
        let mut params = "{}".to_owned();
        let start = definitions.len();
        for _ in 0..PAGES_MAX {
            let until = if is_due { self.deadline } else { self.deadline.min(Instant::now() + PATIENCE) };
            let message = match self.ask(method, &params, until)? {
                Answer::Result(message) => message,
                Answer::Error(_) => {
                    if is_due && definitions.len() == start {
                        return self.cut(kind, "it says that it has them and does not list them");
                    }
                    return Ok(());
                }
            };
            let result = message.result();
            let list = result.and_then(|result| result.get(member)).filter(|list| list.is_array());
            for element in list.into_iter().flat_map(Value::elements) {
                if definitions.len() - start >= DEFINITIONS_MAX {
                    return self.cut(kind, "there are more than 10,000");
                }
                definitions.push(Listed { kind, text: text_of(element) });
            }
            let cursor = result.and_then(|result| result.get("nextCursor")).and_then(Value::as_str);
            let Some(cursor) = cursor else { return Ok(()) };
            if !cursors.insert(cursor.clone().into_owned()) {
                return self.cut(kind, "its pages lead in a circle");
            }
            params = format!(r#"{{"cursor":{}}}"#, quote(&cursor));
        }
        self.cut(kind, "it has more than 200 pages")
    }

    /// A list was not heard to its end.
    fn cut(&mut self, kind: DefinitionKind, why: &'static str) -> Result<(), Fault> {
        if !self.seen.incomplete.contains(&(kind, why)) {
            self.seen.incomplete.push((kind, why));
        }
        Ok(())
    }

    /// Asked a second time for its tools, it should say the same.
    fn again(&mut self) -> Result<(), Fault> {
        let tools = |listed: &&Listed| listed.kind == DefinitionKind::Tool;
        let first: Vec<_> = self.seen.definitions.iter().filter(tools).cloned().collect();
        if first.is_empty() {
            return Ok(());
        }
        let mut second = Vec::new();
        self.list(("tools/list", "tools", DefinitionKind::Tool), true, &mut second)?;
        self.seen.unstable = differing(&told(&first), &told(&second));
        Ok(())
    }

    /// What it says to clients of the newest revision, where it knows that.
    fn other_era(&mut self) -> Result<(), Fault> {
        let until = self.deadline.min(Instant::now() + PATIENCE);
        match self.modern(until) {
            Ok(()) => {}
            // It does not know it, and shows that as it likes.
            Err(
                Fault::Handshake(_)
                | Fault::Timeout
                | Fault::Ended(_)
                | Fault::Status(_)
                | Fault::Unauthorized(_)
                | Fault::Connection(_),
            ) => return Ok(()),
            Err(fault @ (Fault::Flood | Fault::Deaf | Fault::Rubbish | Fault::Garbled(_))) => {
                return Err(fault);
            }
        }
        let modern = Observation { definitions: self.lists()?, ..Observation::default() };
        self.seen.compare(modern);
        Ok(())
    }

    fn tell(&mut self, method: &str) -> Result<(), Fault> {
        let message = format!(r#"{{"jsonrpc":"2.0","method":{}}}"#, quote(method));
        let head = Head { method: Some(method), revision: self.revision.as_deref() };
        self.wire.send(message.as_bytes(), head, self.deadline)
    }

    /// Sends a request and waits for its answer.
    fn ask(&mut self, method: &str, params: &str, until: Instant) -> Result<Answer, Fault> {
        let id = self.next_id;
        self.next_id += 1;
        let params = if self.revision.as_deref() == Some(NEWEST.as_str()) {
            with_meta(params)
        } else {
            params.to_owned()
        };
        let message =
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":{},"params":{params}}}"#, quote(method));
        let head = Head { method: Some(method), revision: self.revision.as_deref() };
        self.wire.send(message.as_bytes(), head, until)?;
        let mut until = until;
        let mut garbled = None;
        loop {
            let bytes = match (self.wire.next(until), garbled) {
                (Err(Fault::Timeout), Some(why)) => return Err(Fault::Garbled(why)),
                (next, _) => next?,
            };
            let messages = match decode(bytes, &Limits::default()) {
                Ok(Decoded::One(message)) => vec![message],
                Ok(Decoded::Batch(messages)) => messages,
                Err(malformed) => {
                    if let Some(why) = self.refused(malformed.reason)? {
                        // It may have been the answer: nothing else will come then.
                        garbled = Some(why);
                        until = until.min(Instant::now() + PATIENCE);
                    }
                    continue;
                }
            };
            for message in messages {
                if let Some(answer) = self.heard(message, id)? {
                    return Ok(answer);
                }
            }
        }
    }

    /// What is no message that passes the gateway: why, where it may have been meant for one.
    fn refused(&mut self, reason: Reason) -> Result<Option<&'static str>, Fault> {
        let why = reason.code();
        let (count, meant) = if NO_MESSAGE.contains(&why) {
            (&mut self.seen.rubbish, None)
        } else {
            (&mut self.seen.refused.get_or_insert((0, why)).0, Some(why))
        };
        *count += 1;
        if *count > RUBBISH_MAX { Err(Fault::Rubbish) } else { Ok(meant) }
    }

    fn heard(&mut self, message: Message, id: i128) -> Result<Option<Answer>, Fault> {
        let is_ours = message.id() == Some(&RequestId::Integer(id));
        for asked in message.asked_within() {
            self.seen.was_asked(&asked.method.unwrap_or_default());
        }
        match message.kind() {
            MessageKind::Result if is_ours => Ok(Some(Answer::Result(message))),
            MessageKind::Error if is_ours => {
                let text = message.error().and_then(|error| error.get("message")).and_then(Value::as_str);
                Ok(Some(Answer::Error(text.unwrap_or_default().chars().take(200).collect())))
            }
            MessageKind::Request => {
                self.answer(&message)?;
                Ok(None)
            }
            MessageKind::Notification | MessageKind::Result | MessageKind::Error => Ok(None),
        }
    }

    /// Answers what it asks: there are no roots, no model and no user.
    fn answer(&mut self, request: &Message) -> Result<(), Fault> {
        let (Some(method), Some(id)) = (request.method(), request.id()) else { return Ok(()) };
        self.seen.was_asked(method);
        let body = match method {
            "ping" => r#""result":{}"#,
            "roots/list" => r#""result":{"roots":[]}"#,
            _ => r#""error":{"code":-32601,"message":"not available"}"#,
        };
        let answer = format!(r#"{{"jsonrpc":"2.0","id":{},{body}}}"#, id.to_json());
        let head = Head { method: None, revision: self.revision.as_deref() };
        self.wire.send(answer.as_bytes(), head, self.deadline)
    }
}

/// `params` with what every request of the newest revision says of its client.
fn with_meta(params: &str) -> String {
    let meta = format!(
        r#""_meta":{{"io.modelcontextprotocol/protocolVersion":"{NEWEST}","io.modelcontextprotocol/clientInfo":{},"io.modelcontextprotocol/clientCapabilities":{CAPABILITIES}}}"#,
        client()
    );
    match params.strip_prefix('{') {
        Some("}") | None => format!("{{{meta}}}"),
        Some(rest) => format!("{{{meta},{rest}"),
    }
}

fn client() -> String {
    format!(r#"{{"name":"mcpgw-scan","version":{}}}"#, quote(env!("CARGO_PKG_VERSION")))
}

fn text_of(value: Value<'_>) -> Bytes {
    Bytes::copy_from_slice(value.raw().as_bytes())
}
