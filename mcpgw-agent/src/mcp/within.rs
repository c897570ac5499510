//! Messages within a message. What a server asks a client for stands in results, in errors and in what is told of tasks as
//! well, and the client's answers in its next request: they do what requests and answers of their own do.

use std::borrow::Cow;
use std::iter;

use super::Message;
use crate::json::Value;

/// A request within a message of a server.
#[derive(Debug, Clone)]
pub struct Asked<'m> {
    /// `None` where it cannot be read.
    pub method: Option<Cow<'m, str>>,
    /// Its parameters.
    pub params: Option<Value<'m>>,
}

impl<'m> Asked<'m> {
    const UNREADABLE: Self = Self { method: None, params: None };

    fn of(request: Value<'m>) -> Self {
        Self { method: request.get("method").and_then(Value::as_str), params: request.get("params") }
    }

    /// An element of `elicitations`: parameters without a request around them.
    fn elicitation(params: Value<'m>) -> Self {
        Self { method: Some(Cow::Borrowed("elicitation/create")), params: Some(params) }
    }
}

/// A body of a message or within one, and where requests are in it.
pub(super) struct Body<'m> {
    pub(super) value: Value<'m>,
    /// `inputRequests`.
    pub(super) requests: Option<Value<'m>>,
    /// `data.elicitations` of its `error`.
    pub(super) elicitations: Option<Value<'m>>,
}

impl Message {
    /// What this message of a server asks its client for beside being a request: by `inputRequests` of a result or of a task,
    /// wherever that is told of, and by an error that wants URLs opened (-32042, 2025-11-25).
    pub fn asked_within(&self) -> impl Iterator<Item = Asked<'_>> {
        let own = self.error().and_then(elicitations);
        let body = self.params().or_else(|| self.result());
        let within = body.into_iter().flat_map(bodies).flat_map(|body| {
            let requests = body.requests.into_iter().flat_map(asked_in);
            requests.chain(body.elicitations.into_iter().flat_map(elicited_in))
        });
        own.into_iter().flat_map(elicited_in).chain(within)
    }
}

impl Message {
    /// What this message of a client answers beside being an answer (`inputResponses`, 2026-07-28): each with the method it
    /// answers. That is not in it, so an answer is one to each request whose results have a member of it; one with none of
    /// them, to all.
    pub fn answered_within(&self) -> impl Iterator<Item = (&'static str, Value<'_>)> {
        let responses = self.params().and_then(|params| params.get("inputResponses"));
        responses.into_iter().flat_map(Value::members).flat_map(|(_, response)| {
            let fits = move |(_, members): &(_, &[&str])| {
                members.iter().any(|member| response.get(member).is_some())
            };
            let all = ANSWERED.iter().filter(move |_| !ANSWERED.iter().any(fits));
            ANSWERED
                .iter()
                .filter(move |row| fits(row))
                .chain(all)
                .map(move |(method, _)| (*method, response))
        })
    }
}

/// What a client is asked within results, and members that only the result of that has.
static ANSWERED: [(&str, &[&str]); 3] = [
    ("elicitation/create", &["action"]),
    ("sampling/createMessage", &["model", "role", "stopReason"]),
    ("roots/list", &["roots"]),
];

/// `body`, and the bodies within: a task's, and that of its result.
pub(super) fn bodies<'m>(body: Value<'m>) -> impl Iterator<Item = Body<'m>> {
    // Mostly there is one, and then nothing is allocated.
    let (mut next, mut open) = (Some(body), Vec::new());
    iter::from_fn(move || {
        let value = next.take().or_else(|| open.pop())?;
        let mut body = Body { value, requests: None, elicitations: None };
        for (key, inner) in value.members() {
            match &*key.as_str().unwrap_or_default() {
                "inputRequests" => body.requests = Some(inner).filter(|inner| !inner.is_null()),
                "error" => body.elicitations = elicitations(inner),
                "task" | "result" => open.push(inner),
                "tasks" => open.extend(inner.elements()),
                _ => {}
            }
        }
        Some(body)
    })
}

/// Whatever its code: who reads the one may not look at the other.
pub(super) fn elicitations(error: Value<'_>) -> Option<Value<'_>> {
    error.get("data")?.get("elicitations").filter(|list| !list.is_null())
}

fn asked_in(requests: Value<'_>) -> impl Iterator<Item = Asked<'_>> {
    let unreadable = (!requests.is_object()).then_some(Asked::UNREADABLE);
    requests.members().map(|(_, request)| Asked::of(request)).chain(unreadable)
}

fn elicited_in(list: Value<'_>) -> impl Iterator<Item = Asked<'_>> {
    let unreadable = (!list.is_array()).then_some(Asked::UNREADABLE);
    list.elements().map(Asked::elicitation).chain(unreadable)
}
