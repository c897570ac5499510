//! What is known about a message, taken apart once for all rules.

use std::borrow::Cow;
use std::cell::OnceCell;

use crate::json::Value;
use crate::mcp::{Direction, Revision};
use crate::session::Target;

use super::effort::Effort;
use super::leaf::Leaves;
use super::pattern::Words;
use super::request::{Context, Request};
use super::text::{Readings, fold};

/// A message as the rules see it.
pub(super) struct Facts<'a> {
    /// The policy's: what its regexes need to have in a text.
    pub(super) words: &'a Words,
    pub(super) direction: Direction,
    pub(super) revision: Option<Revision>,
    pub(super) context: &'a Context,
    /// It answers a request: only rules that name its direction speak of it.
    pub(super) is_answer: bool,
    /// A server's notification, or its question whether anybody is there.
    pub(super) only_tells: bool,
    /// Its own method, or that of the request it answers.
    pub(super) method: Option<Readings<'a>>,
    pub(super) tool: Option<Readings<'a>>,
    /// There is a tool, and nobody knows which: it may be any.
    pub(super) is_of_some_tool: bool,
    pub(super) prompt: Option<Readings<'a>>,
    /// URIs of the resources it names.
    pub(super) resources: Vec<Readings<'a>>,
    /// Its method has arguments: it calls a tool or gets a prompt.
    pub(super) takes_arguments: bool,
    pub(super) arguments: Arguments<'a>,
    /// Every argument's value, once a condition has asked for all of them.
    pub(super) every: OnceCell<Vec<Value<'a>>>,
    pub(super) leaves: Leaves<'a>,
    /// What evaluating it may still cost.
    pub(super) effort: Effort,
    pub(super) params: Option<Value<'a>>,
    pub(super) result: Option<Value<'a>>,
    /// What of the message it is, where that is not the message: no more than that is changed for it.
    pub(super) part: Option<Value<'a>>,
}

/// A message's arguments.
#[derive(Debug, Clone, Copy)]
pub(super) enum Arguments<'a> {
    /// These, where there are some.
    Known(Option<Value<'a>>),
    /// It is asked what would become of a call with whatever arguments.
    Any,
}

impl<'a> Facts<'a> {
    /// Of a message.
    pub(super) fn of(request: &Request<'a>, words: &'a Words) -> Self {
        let Request { direction, message, answers, revision, context, task_tool: _ } = *request;
        if let Some(method) = message.method() {
            return Self {
                revision,
                only_tells: direction == Direction::ToClient
                    && (method == "ping" || method.starts_with("notifications/") && message.id().is_none()),
                ..Self::of_parts(direction, context, words, method, message.params())
            };
        }
        let mut facts = Self::empty(direction, context, words);
        facts.revision = revision;
        facts.is_answer = true;
        facts.result = message.result().or_else(|| message.error());
        let Some(answers) = answers else { return facts };
        facts.method = Some(Readings::new(&*answers.method));
        match &answers.target {
            Some(Target::Tool(name)) => facts.tool = Some(Readings::new(&**name)),
            Some(Target::Prompt(name)) => facts.prompt = Some(Readings::new(&**name)),
            Some(Target::Resource(uri)) => facts.resources.push(Readings::new(&**uri)),
            Some(Target::Task(_)) | None => {}
        }
        facts
    }

    /// Of what tells of a task that a request of `method` became, as its answer.
    pub(super) fn of_task(request: &Request<'a>, words: &'a Words, method: &'a str) -> Self {
        let message = request.message;
        let mut facts = Self::empty(request.direction, request.context, words);
        facts.revision = request.revision;
        facts.is_answer = true;
        facts.method = Some(Readings::new(method));
        facts.tool = request.task_tool.map(Readings::new);
        facts.is_of_some_tool = method == "tools/call" && facts.tool.is_none();
        facts.result = message.result().or_else(|| message.error()).or_else(|| message.params());
        facts
    }

    /// Of an answer to `method` within a request.
    pub(super) fn of_response(
        request: &Request<'a>,
        words: &'a Words,
        method: &'a str,
        response: Value<'a>,
    ) -> Self {
        let mut facts = Self::empty(request.direction, request.context, words);
        facts.revision = request.revision;
        facts.is_answer = true;
        facts.method = Some(Readings::new(method));
        facts.result = Some(response);
        facts.part = Some(response);
        facts
    }

    /// Of a method and its parameters: a message's, or those of a request within a result.
    pub(super) fn of_parts(
        direction: Direction,
        context: &'a Context,
        words: &'a Words,
        method: &'a str,
        params: Option<Value<'a>>,
    ) -> Self {
        let mut facts = Self::empty(direction, context, words);
        facts.method = Some(Readings::new(method));
        facts.params = params;
        let known = known_method(method);
        facts.takes_arguments = matches!(&*known, "tools/call" | "prompts/get");
        let Some(params) = params else { return facts };
        let text = |value: Option<Value<'a>>| value.and_then(Value::as_str).map(Readings::new);
        match &*known {
            "tools/call" => facts.tool = text(params.get("name")),
            "prompts/get" => facts.prompt = text(params.get("name")),
            "completion/complete" => {
                let named = params.get("ref");
                facts.prompt = text(named.and_then(|named| named.get("name")));
                facts.resources.extend(text(named.and_then(|named| named.get("uri"))));
            }
            "resources/read"
            | "resources/subscribe"
            | "resources/unsubscribe"
            | "notifications/resources/updated" => facts.resources.extend(text(params.get("uri"))),
            "subscriptions/listen" => {
                for filter in [Some(params), params.get("notifications")].into_iter().flatten() {
                    let uris = filter.get("resourceSubscriptions").into_iter().flat_map(Value::elements);
                    facts.resources.extend(uris.filter_map(|uri| text(Some(uri))));
                }
            }
            _ => {}
        }
        if facts.takes_arguments {
            facts.arguments = Arguments::Known(params.get("arguments"));
        }
        facts
    }

    /// Of any call of the tool `name`.
    pub(super) fn of_any_call(
        context: &'a Context,
        words: &'a Words,
        revision: Option<Revision>,
        name: &'a str,
    ) -> Self {
        let mut facts = Self::empty(Direction::ToServer, context, words);
        facts.revision = revision;
        facts.method = Some(Readings::new("tools/call"));
        facts.tool = Some(Readings::new(name));
        facts.arguments = Arguments::Any;
        facts
    }

    /// The value of every argument; nothing where they are not known.
    pub(super) fn every_argument(&self) -> &[Value<'a>] {
        self.every.get_or_init(|| match self.arguments {
            Arguments::Known(Some(all)) => all.members().map(|(_, value)| value).collect(),
            Arguments::Known(None) | Arguments::Any => Vec::new(),
        })
    }

    fn empty(direction: Direction, context: &'a Context, words: &'a Words) -> Self {
        Self {
            words,
            direction,
            revision: None,
            context,
            is_answer: false,
            only_tells: false,
            method: None,
            tool: None,
            is_of_some_tool: false,
            prompt: None,
            resources: Vec::new(),
            takes_arguments: false,
            arguments: Arguments::Known(None),
            every: OnceCell::new(),
            leaves: Leaves::default(),
            effort: Effort::default(),
            params: None,
            result: None,
            part: None,
        }
    }
}

/// The method a careless server may take `method` for: its case, blanks and invisible characters aside.
fn known_method(method: &str) -> Cow<'_, str> {
    let is_plain = method.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'/' | b'_'));
    if is_plain { Cow::Borrowed(method) } else { Cow::Owned(fold(method).trim().to_owned()) }
}
