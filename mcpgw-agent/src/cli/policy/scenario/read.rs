//! Reading scenario files: strict keys, and every problem at its place.

use std::fmt;

use bytes::Bytes;

use super::effects::{EffectScenario, effect_scenario};
use super::{Expectation, Scenario};
use crate::cli::policy::trial::Trial;
use crate::json::{Document, Fault, Limits, quote};
use crate::mcp::{Direction, Revision, Sender, sender};
use crate::policy::{Context, Principal, Transport};
use crate::yaml::{At, Content, FaultKind, Node, Place, Placed, nearest, tree};

const KEYS: [&str; 20] = [
    "name",
    "method",
    "params",
    "answers",
    "result",
    "error",
    "direction",
    "server",
    "upstream",
    "transport",
    "client",
    "revision",
    "subject",
    "roles",
    "expect",
    "rule",
    "removes",
    "contains",
    "lacks",
    "notification",
];
/// The server's name where a scenario gives none.
pub(in crate::cli::policy) const SERVER: &str = "server";

/// Something wrong with a scenario file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli::policy) struct Problem {
    pub(in crate::cli::policy) place: Option<Place>,
    pub(in crate::cli::policy) text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Placed for Problem {
    fn place(&self) -> Option<Place> {
        self.place
    }
}

pub(super) fn problem(place: Option<Place>, text: impl Into<String>) -> Problem {
    Problem { place, text: text.into() }
}

/// Reads the scenarios in `text`: of messages, and of effects.
///
/// # Errors
/// Everything that is wrong; no scenarios at all is, too.
pub(in crate::cli::policy) fn read_all(
    text: &str,
) -> Result<(Vec<Scenario>, Vec<EffectScenario>), Vec<Problem>> {
    let root = tree(text).map_err(|fault| vec![of_yaml(&fault.kind, fault.place)])?;
    let root = root.ok_or_else(|| vec![problem(None, "there are no scenarios")])?;
    let fields = Fields::of(&root, "a mapping with `scenarios`", &["scenarios", "effects"]);
    let fields = fields.map_err(|one| vec![one])?;
    let mut problems = Vec::new();
    let messages = list(fields.get("scenarios"), "scenarios", scenario, &mut problems);
    let effects = list(fields.get("effects"), "effects", effect_scenario, &mut problems);
    if fields.get("scenarios").is_none() && fields.get("effects").is_none() {
        problems.push(problem(root.place, "`scenarios` is missing"));
    }
    if problems.is_empty() { Ok((messages, effects)) } else { Err(problems) }
}

/// The scenarios of messages in `text`.
///
/// # Errors
/// As those of [`read_all`].
#[cfg(test)]
pub(in crate::cli::policy) fn read(text: &str) -> Result<Vec<Scenario>, Vec<Problem>> {
    read_all(text).map(|(messages, _)| messages)
}

fn list<T>(
    node: Option<&Node>,
    key: &str,
    one: impl Fn(&Node) -> Result<T, Problem>,
    problems: &mut Vec<Problem>,
) -> Vec<T> {
    let Some(node) = node else { return Vec::new() };
    let Content::List(elements) = &node.content else {
        problems.push(problem(node.place, format!("`{key}` is a list")));
        return Vec::new();
    };
    if elements.is_empty() {
        problems.push(problem(node.place, "there are no scenarios"));
    }
    elements.iter().filter_map(|element| one(element).map_err(|wrong| problems.push(wrong)).ok()).collect()
}

fn of_yaml(kind: &FaultKind, place: Option<Place>) -> Problem {
    match kind {
        FaultKind::Yaml(text) => problem(place, text.clone()),
        FaultKind::UnknownKey { key, .. } => problem(place, format!("unknown key `{key}`")),
    }
}

/// A mapping whose keys are known to be known.
pub(super) struct Fields<'n> {
    pub(super) place: Option<Place>,
    members: &'n [(At<String>, Node)],
}

impl<'n> Fields<'n> {
    pub(super) fn of(node: &'n Node, what: &str, known: &[&str]) -> Result<Self, Problem> {
        let Content::Map(members) = &node.content else {
            return Err(problem(node.place, format!("this should be {what}")));
        };
        for (key, _) in members {
            if !known.contains(&key.value.as_str()) {
                let hint = nearest(&key.value, known).map_or_else(
                    || format!(", expected one of: {}", known.join(", ")),
                    |meant| format!(", did you mean `{meant}`?"),
                );
                return Err(problem(key.place, format!("unknown key `{}`{hint}", key.value)));
            }
        }
        Ok(Self { place: node.place, members })
    }

    /// What is written under `key`; an empty value is none.
    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        let (_, node) = self.members.iter().find(|(name, _)| name.value == key)?;
        (!matches!(node.content, Content::Null)).then_some(node)
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<At<String>>, Problem> {
        self.get(key).map(|node| text(key, node)).transpose()
    }

    pub(super) fn required(&self, key: &str) -> Result<At<String>, Problem> {
        self.text(key)?.ok_or_else(|| problem(self.place, format!("`{key}` is missing")))
    }

    /// A list of texts, or one.
    fn texts(&self, key: &str) -> Result<Option<Vec<String>>, Problem> {
        let Some(node) = self.get(key) else { return Ok(None) };
        let Content::List(elements) = &node.content else { return Ok(Some(vec![text(key, node)?.value])) };
        let elements = elements.iter().map(|element| text(key, element).map(|text| text.value));
        elements.collect::<Result<_, _>>().map(Some)
    }

    fn boxed(&self, key: &str) -> Result<Option<Box<str>>, Problem> {
        Ok(self.text(key)?.map(|text| text.value.into()))
    }

    /// One of `words`.
    pub(super) fn word<T: Copy>(&self, key: &str, words: &[(&'static str, T)]) -> Result<Option<T>, Problem> {
        let Some(written) = self.text(key)? else { return Ok(None) };
        let found = words.iter().find(|(word, _)| *word == written.value).map(|(_, value)| *value);
        let list = || words.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        found.map(Some).ok_or_else(|| {
            problem(written.place, format!("`{key}` is one of {}, not `{}`", list(), written.value))
        })
    }
}

pub(super) fn text(key: &str, node: &Node) -> Result<At<String>, Problem> {
    let value = match &node.content {
        Content::Text(text) | Content::Number(text) => text.clone(),
        Content::Bool(value) => value.to_string(),
        Content::Null | Content::List(_) | Content::Map(_) => {
            return Err(problem(node.place, format!("`{key}` is text")));
        }
    };
    Ok(At { value, place: node.place })
}

const DIRECTIONS: [(&str, Direction); 2] = [("c2s", Direction::ToServer), ("s2c", Direction::ToClient)];
const TRANSPORTS: [(&str, Transport); 3] =
    [("stdio", Transport::Stdio), ("http", Transport::Http), ("sse", Transport::Sse)];
const EFFECTS: [(&str, &str); 4] =
    [("allow", "allow"), ("deny", "deny"), ("redact", "redact"), ("hold", "hold")];

fn scenario(node: &Node) -> Result<Scenario, Problem> {
    let fields = Fields::of(node, "a scenario: a mapping", &KEYS)?;
    let name = fields.required("name")?.value;
    let effect =
        fields.word("expect", &EFFECTS)?.ok_or_else(|| problem(fields.place, "`expect` is missing"))?;
    let expect = Expectation {
        effect,
        rule: fields.text("rule")?.map(|text| text.value),
        removes: fields.texts("removes")?,
        contains: fields.texts("contains")?.unwrap_or_default(),
        lacks: fields.texts("lacks")?.unwrap_or_default(),
    };
    let context = Context {
        server: fields.boxed("server")?.unwrap_or_else(|| SERVER.into()),
        upstream: fields.boxed("upstream")?,
        tapped: None,
        transport: fields.word("transport", &TRANSPORTS)?.unwrap_or(Transport::Stdio),
        principal: Principal {
            subject: fields.boxed("subject")?,
            roles: fields.texts("roles")?.unwrap_or_default().into_iter().map(Into::into).collect(),
            ..Principal::default()
        },
        client: fields.boxed("client")?,
    };
    let revision = fields.text("revision")?.map(|written| {
        let none = || problem(written.place, format!("`{}` is no revision of MCP", written.value));
        Revision::named(&written.value).ok_or_else(none)
    });
    let trial = Trial { revision: revision.transpose()?, context, ..message(&fields)? };
    Ok(Scenario { name, trial, expect })
}

/// The message a scenario speaks of, in no particular circumstances.
fn message(fields: &Fields<'_>) -> Result<Trial, Problem> {
    let direction = fields.word("direction", &DIRECTIONS)?;
    let empty = |direction, message, answers| Trial {
        direction,
        message,
        answers,
        revision: None,
        context: Context {
            server: SERVER.into(),
            upstream: None,
            transport: Transport::Stdio,
            principal: Principal::default(),
            client: None,
            tapped: None,
        },
    };
    let Some(asked) = fields.get("answers") else {
        if let Some(key) = ["result", "error"].into_iter().find(|key| fields.get(key).is_some()) {
            return Err(problem(fields.place, format!("`{key}` belongs to `answers`, which is missing")));
        }
        let method = fields.required("method")?.value;
        let with_id = fields.word("notification", &[("true", false), ("false", true)])?;
        let with_id = with_id.unwrap_or(!method.starts_with("notifications/"));
        let message = request(&method, fields, with_id)?;
        return Ok(empty(direction.unwrap_or_else(|| usual(&method)), message, None));
    };
    if let Some(key) = ["method", "params", "notification"].into_iter().find(|key| fields.get(key).is_some())
    {
        return Err(problem(
            fields.place,
            format!("an answer has no `{key}`: that is its request's, in `answers`"),
        ));
    }
    let asked =
        Fields::of(asked, "the request: a mapping with `method` and `params`", &["method", "params"])?;
    let method = asked.required("method")?.value;
    let (key, body) = match (fields.get("result"), fields.get("error")) {
        (Some(result), None) => ("result", result),
        (None, Some(error)) => ("error", error),
        (Some(_), Some(_)) | (None, None) => {
            return Err(problem(fields.place, "an answer has either `result` or `error`"));
        }
    };
    let message = format!(r#"{{"jsonrpc":"2.0","id":1,"{key}":{}}}"#, body_text(key, body)?);
    let direction = direction.unwrap_or_else(|| usual(&method).opposite());
    Ok(empty(direction, message, Some(request(&method, &asked, true)?)))
}

/// Which way requests of this name usually go.
pub(in crate::cli::policy) fn usual(method: &str) -> Direction {
    match sender(method) {
        Some(Sender::Server) => Direction::ToClient,
        Some(Sender::Client | Sender::Both) | None => Direction::ToServer,
    }
}

fn request(method: &str, fields: &Fields<'_>, with_id: bool) -> Result<String, Problem> {
    let id = if with_id { r#""id":1,"# } else { "" };
    let params = match fields.get("params") {
        None => String::new(),
        Some(node) => match body_text("params", node)? {
            blank if blank.trim().is_empty() => String::new(),
            body => format!(r#","params":{body}"#),
        },
    };
    Ok(format!(r#"{{"jsonrpc":"2.0",{id}"method":{}{params}}}"#, quote(method)))
}

/// JSON of what is written as text, or as YAML.
fn body_text(key: &str, node: &Node) -> Result<String, Problem> {
    let Content::Text(written) = &node.content else {
        let mut json = String::new();
        write_json(node, &mut json)?;
        return Ok(json);
    };
    if key == "params" && written.trim().is_empty() {
        return Ok(String::new());
    }
    // Whatever else is wrong with it is for the gateway to refuse.
    match Document::parse(Bytes::copy_from_slice(written.as_bytes()), &Limits::default()) {
        Err(error) if matches!(error.fault, Fault::Syntax | Fault::TrailingBytes) => {
            Err(problem(node.place, format!("`{key}` is not JSON (at byte {})", error.at)))
        }
        Ok(_) | Err(_) => Ok(written.clone()),
    }
}

fn write_json(node: &Node, json: &mut String) -> Result<(), Problem> {
    match &node.content {
        Content::Null => json.push_str("null"),
        Content::Bool(value) => json.push_str(if *value { "true" } else { "false" }),
        Content::Text(text) => json.push_str(&quote(text)),
        Content::Number(spelling) => {
            if Document::parse(Bytes::copy_from_slice(spelling.as_bytes()), &Limits::default()).is_err() {
                return Err(problem(node.place, format!("`{spelling}` is no number in JSON")));
            }
            json.push_str(spelling);
        }
        Content::List(elements) => {
            json.push('[');
            for (index, element) in elements.iter().enumerate() {
                json.push_str(if index == 0 { "" } else { "," });
                write_json(element, json)?;
            }
            json.push(']');
        }
        Content::Map(members) => {
            json.push('{');
            for (index, (key, value)) in members.iter().enumerate() {
                json.push_str(if index == 0 { "" } else { "," });
                json.push_str(&quote(&key.value));
                json.push(':');
                write_json(value, json)?;
            }
            json.push('}');
        }
    }
    Ok(())
}
