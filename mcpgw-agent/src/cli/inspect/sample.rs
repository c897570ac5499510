//! A sample as the message it would come in, judged as the gateway would.

use bytes::Bytes;

use super::Kind;
use super::answer::{Answer, Found};
use crate::detect::{DefinitionKind, Finding, Findings, pins};
use crate::json::{self, Document, Limits, Value, path_to, quote};
use crate::mcp::{Decoded, Direction, Message, decode};
use crate::policy::{Context, Effect, Evaluation, Mode, Policy, Principal, Reaction, Request, Transport};
use crate::session::{OpenRequest, Target};

/// The message a sample makes.
pub(super) struct Sample {
    message: Message,
    direction: Direction,
    /// The method it answers.
    answers: Option<&'static str>,
    /// Where in the message the sample is.
    at: &'static [Step],
    /// The definition it is to be compared with.
    before: Option<Document>,
}

enum Step {
    Key(&'static str),
    First,
}

/// What is the same for all samples.
pub(super) struct Circumstances {
    context: Context,
    tool: Box<str>,
}

const TEXT: &[Step] = &[Step::Key("result"), Step::Key("content"), Step::First, Step::Key("text")];
const ARGUMENT: &[Step] = &[Step::Key("params"), Step::Key("arguments"), Step::Key("input")];
const TOOL: &[Step] = &[Step::Key("result"), Step::Key("tools"), Step::First];

impl Sample {
    /// Of a whole text; an argument is one of `tool`.
    ///
    /// # Errors
    /// It is to be a definition and is no JSON.
    pub(super) fn of_text(kind: Option<Kind>, text: &str, tool: &str) -> Result<Self, anyhow::Error> {
        let sample = match kind.unwrap_or(Kind::Result) {
            Kind::Result => Self::text(text),
            Kind::Arguments => Self::argument(text, tool),
            Kind::Tool => Self::tool(text),
            Kind::Pin => Err("two definitions are compared with `--jsonl`, one pair a line".to_owned()),
        };
        sample.map_err(anyhow::Error::msg)
    }

    /// Of a line, and its id; an argument is one of `tool`.
    pub(super) fn of_line(
        kind: Option<Kind>,
        line: &[u8],
        tool: &str,
    ) -> (serde_json::Value, Result<Self, String>) {
        let limits = Limits { values: 4_000_000, ..Limits::default() };
        let bytes = Bytes::copy_from_slice(line);
        let document = match Document::parse(bytes.clone(), &limits) {
            Ok(document) => document,
            Err(error) => {
                let id = Document::parse_lenient(bytes, &limits).ok().map(|document| id_of(&document));
                return (id.unwrap_or_default(), Err(error.to_string()));
            }
        };
        (id_of(&document), Self::of_members(kind, document.root(), tool))
    }

    fn of_members(kind: Option<Kind>, line: Value<'_>, tool: &str) -> Result<Self, String> {
        if let Some(text) = line.get("text").and_then(Value::as_str) {
            return match kind {
                Some(Kind::Arguments) => Self::argument(&text, tool),
                Some(Kind::Tool) => Self::tool(&text),
                Some(Kind::Result) | None => Self::text(&text),
                Some(Kind::Pin) => Err("a line without `before` and `after`".to_owned()),
            };
        }
        if let (Some(before), Some(after)) = (line.get("before"), line.get("after")) {
            let bytes = Bytes::copy_from_slice(before.raw().as_bytes());
            let before = Document::parse(bytes, &Limits::default()).map_err(|error| error.to_string())?;
            return Ok(Self { before: Some(before), ..Self::tool(after.raw())? });
        }
        match line.get("tool") {
            Some(tool) if tool.is_object() => Self::tool(tool.raw()),
            Some(_) | None => Err("a line without `text` and `tool`".to_owned()),
        }
    }

    fn text(text: &str) -> Result<Self, String> {
        let text = quote(text);
        let message =
            format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"content":[{{"type":"text","text":{text}}}]}}}}"#);
        Self::new(message, Direction::ToClient, Some("tools/call"), TEXT)
    }

    fn argument(text: &str, tool: &str) -> Result<Self, String> {
        let (text, tool) = (quote(text), quote(tool));
        let message = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":{tool},"arguments":{{"input":{text}}}}}}}"#
        );
        Self::new(message, Direction::ToServer, None, ARGUMENT)
    }

    fn tool(definition: &str) -> Result<Self, String> {
        let message = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"tools":[{definition}]}}}}"#);
        Self::new(message, Direction::ToClient, Some("tools/list"), TOOL)
    }

    fn new(
        text: String,
        direction: Direction,
        answers: Option<&'static str>,
        at: &'static [Step],
    ) -> Result<Self, String> {
        let limits = Limits { bytes: 1 << 30, values: 4_000_000, ..Limits::default() };
        match decode(Bytes::from(text), &limits) {
            Ok(Decoded::One(message)) => Ok(Self { message, direction, answers, at, before: None }),
            Ok(Decoded::Batch(_)) => Err("it is no message".to_owned()),
            Err(malformed) => Err(malformed.reason.code().to_owned()),
        }
    }

    /// What changed since `before`.
    fn changes(&self, before: &Document) -> Findings {
        let after = self.within(&self.message);
        let list = after.map(|after| pins::changes(DefinitionKind::Tool, before.root(), after));
        Findings { list: list.unwrap_or_default(), is_complete: true }
    }

    /// The sample within `message`.
    fn within<'m>(&self, message: &'m Message) -> Option<Value<'m>> {
        self.at.iter().try_fold(message.document().root(), |value, step| match step {
            Step::Key(key) => value.get(key),
            Step::First => value.elements().next(),
        })
    }
}

impl Circumstances {
    pub(super) fn new(server: &str, tool: &str) -> Self {
        let context = Context {
            server: server.into(),
            upstream: None,
            transport: Transport::Stdio,
            principal: Principal::default(),
            client: None,
            tapped: None,
        };
        Self { context, tool: tool.into() }
    }

    /// What `policy` makes of `sample`; with `all`, also of what does not count.
    pub(super) fn judge(&self, policy: &Policy, sample: &Sample, all: bool) -> Answer {
        let answers = sample.answers.map(|method| OpenRequest {
            method: method.into(),
            target: (method == "tools/call").then(|| Target::Tool(self.tool.clone())),
            decision: "inspect".into(),
            since_us: 0,
            revision: None,
            from_start: true,
            shown: None,
        });
        let request = Request {
            direction: sample.direction,
            message: &sample.message,
            answers: answers.as_ref(),
            revision: None,
            task_tool: None,
            context: &self.context,
        };
        let wanted = policy.wants(&request);
        let findings = match &sample.before {
            None => request.inspect(wanted),
            Some(before) => sample.changes(before),
        };
        let found = if all { findings.list.clone() } else { Vec::new() };
        let evaluation = policy.weigh(&request, policy.evaluate(&request), wanted, findings);
        let mut shown: Vec<Found> = Vec::new();
        for weighed in &evaluation.findings {
            shown.extend(self.places(sample, &weighed.finding, false));
        }
        let counts =
            |finding: &Finding| evaluation.findings.iter().any(|weighed| weighed.finding == *finding);
        for finding in found.iter().filter(|finding| !counts(finding)) {
            shown.extend(self.places(sample, finding, true));
        }
        let redacted = redacted(sample, &evaluation);
        let action = match (action(&evaluation), &redacted) {
            // A definition that is taken out of its list.
            ("redact", None) => worst(&evaluation).as_str(),
            (action, _) => action,
        };
        Answer::new(action, shown, redacted)
    }

    fn places(&self, sample: &Sample, finding: &Finding, below: bool) -> Vec<Found> {
        let document = sample.message.document();
        let root = sample.within(&sample.message).unwrap_or(document.root());
        let path = path_to(root, finding.node);
        let value = Value::at(document, finding.node);
        let text = value.as_str().unwrap_or_else(|| value.raw().into());
        let mut characters = Characters { text: &text, bytes: 0, count: 0 };
        let mut place = |range: &std::ops::Range<usize>| Found {
            detector: finding.detector.as_str(),
            kind: finding.kind,
            severity: finding.severity.as_str(),
            score: (finding.score * 1000.0).round() / 1000.0,
            path: path.clone(),
            start: characters.before(range.start),
            end: characters.before(range.end),
            why: finding.why,
            below,
        };
        match finding.ranges.is_empty() {
            // It is about all of it.
            true => vec![place(&(0..0))],
            false => finding.ranges.iter().map(place).collect(),
        }
    }
}

/// Counts the characters before a byte; bytes are asked for in order.
struct Characters<'t> {
    text: &'t str,
    bytes: usize,
    count: usize,
}

impl Characters<'_> {
    fn before(&mut self, byte: usize) -> usize {
        let byte = byte.min(self.text.len());
        if byte < self.bytes {
            (self.bytes, self.count) = (0, 0);
        }
        self.count += self.text.get(self.bytes..byte).unwrap_or_default().chars().count();
        self.bytes = byte;
        self.count
    }
}

fn action(evaluation: &Evaluation) -> &'static str {
    match (evaluation.mode, &evaluation.effect) {
        (Mode::Observe, _) | (Mode::Enforce, Effect::Allow) => "allow",
        (Mode::Enforce, Effect::Redact(_)) => "redact",
        (Mode::Enforce, Effect::Hold) => "hold",
        (Mode::Enforce, Effect::Deny { .. }) => "deny",
    }
}

/// What the worst finding does.
fn worst(evaluation: &Evaluation) -> Reaction {
    evaluation.findings.iter().map(|weighed| weighed.reaction).max().unwrap_or(Reaction::Deny)
}

/// The sample after the changes.
fn redacted(sample: &Sample, evaluation: &Evaluation) -> Option<serde_json::Value> {
    let Effect::Redact(edits) = &evaluation.effect else { return None };
    let bytes = json::apply(sample.message.bytes(), edits.clone());
    let Ok(Decoded::One(message)) = decode(bytes, &Limits { bytes: 1 << 30, ..Limits::default() }) else {
        return None;
    };
    serde_json::from_str(sample.within(&message)?.raw()).ok()
}

fn id_of(document: &Document) -> serde_json::Value {
    let id = document.root().get("id").map(|id| serde_json::from_str(id.raw()).unwrap_or_default());
    id.unwrap_or_default()
}
