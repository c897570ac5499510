//! What whoever decides is shown of a message.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::mcp::{Direction, Message};
use crate::policy::Context;
use crate::session::{OpenRequest, Standing, Target};

/// Bytes of the arguments that are shown.
pub const PREVIEW_MAX: usize = 2048;
/// Bytes of any other text.
const TEXT_MAX: usize = 512;

/// A message somebody is to decide on.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The decision that holds it.
    pub decision: &'a str,
    /// The session's id.
    pub session: &'a str,
    /// The session's circumstances.
    pub context: &'a Context,
    /// Which way it goes.
    pub direction: Direction,
    /// Its length in bytes.
    pub bytes: usize,
    /// What may be shown of it, as in the audit log; `None` where that cannot be read.
    pub shown: Option<&'a Message>,
    /// What the session knows about it.
    pub standing: &'a Standing,
    /// The policy's rule.
    pub rule: Option<&'a str>,
}

/// A message that waits, as `hold list` shows it. Nothing is in it that is not in the audit log's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldView {
    /// Id of the decision that holds it; what `approve` and `deny` are given.
    pub id: String,
    /// Since when it waits.
    pub since: Timestamp,
    /// When it is refused if nobody decides.
    pub until: Timestamp,
    /// The session's id in the audit log.
    pub session: String,
    /// The server's name.
    pub server: String,
    /// Executable of the client, where it is known.
    pub client: Option<String>,
    /// `c2s` or `s2c`.
    pub direction: String,
    /// Its method; an answer's is that of the request it answers.
    pub method: Option<String>,
    /// The tool, prompt, resource or task it names.
    pub target: Option<String>,
    /// The policy's rule that holds it.
    pub rule: Option<String>,
    /// The start of the call's arguments, as JSON text.
    pub arguments: Option<String>,
    /// The arguments go on beyond that.
    pub arguments_cut: bool,
}

impl HeldView {
    pub(super) fn new(question: &Question<'_>, timeout: Duration) -> Self {
        let Question { decision, session, context, direction, shown, standing, rule, .. } = *question;
        let since = Timestamp::now();
        let answers = standing.answers.as_ref();
        let short = |text: &str| cut(text, TEXT_MAX).0;
        let arguments = shown.and_then(Message::params).and_then(|params| params.get("arguments"));
        let arguments = arguments.map(|arguments| cut(arguments.raw(), PREVIEW_MAX));
        // Of an answer the tool alone, as in the audit log.
        let of_answer = || match answers?.shown_target()? {
            Target::Tool(name) => Some(short(name)),
            Target::Prompt(_) | Target::Resource(_) | Target::Task(_) => None,
        };
        Self {
            id: decision.to_owned(),
            since,
            until: since.checked_add(timeout).unwrap_or(since),
            session: session.to_owned(),
            server: context.server.to_string(),
            client: context.client.as_deref().map(str::to_owned),
            direction: direction.as_str().to_owned(),
            method: shown
                .and_then(Message::method)
                .or(answers.and_then(OpenRequest::shown_method))
                .map(short),
            target: shown.and_then(Target::of).map(|target| short(target.text())).or_else(of_answer),
            rule: rule.map(str::to_owned),
            arguments_cut: arguments.as_ref().is_some_and(|(_, is_cut)| *is_cut),
            arguments: arguments.map(|(text, _)| text),
        }
    }
}

/// At most `most` bytes of `text`, and whether that is not all.
fn cut(text: &str, most: usize) -> (String, bool) {
    let end = text.floor_char_boundary(most);
    let start = text.get(..end).unwrap_or_default();
    (start.to_owned(), end < text.len())
}
