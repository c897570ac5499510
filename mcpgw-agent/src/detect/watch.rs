//! What a session's messages amount to together: `flow`, `sequence` and `schema`. Pure.
//!
//! One [`Watch`] for one session. It is asked before a message is decided on ([`Watch::look`]) and told what was let
//! through ([`Watch::passed`]) or not ([`Watch::refused`]). What it remembers is bounded. Taint is never taken back; where
//! prints have no room they become coarser; of further tools no schema is known, and the name alone gives the labels.
//!
//! ```text
//! definitions ─▶ labels, schemas ┐
//! answers ─▶ taint, prints ──────┼─▶ look at a call ─▶ findings
//! calls, refusals, approvals ────┘
//! ```

mod call;
mod catalogue;
mod circle;
mod kind;
mod labels;
mod look;
mod order;
mod prints;
mod schema;
mod secret_path;
mod taint;
mod tasks;
#[cfg(test)]
mod tests;
mod words;

pub use catalogue::Tools;
pub use circle::Circle;
pub use labels::Labels;
pub use taint::{Origin, Taint};

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::{Detector, DetectorSet, Finding};
use crate::json::Value;
use crate::mcp::{Direction, Message, MessageKind, Method, Names, RequestId, Revision, Role, fields};
use call::{Call, Home};
use catalogue::Nature;
use order::Order;
use prints::{Copied, Prints};
use tasks::Tasks;

/// Calls that wait for their answer.
const MAX_CALLS: usize = 10_000;
/// Bytes of a source's name that are kept.
const MAX_SOURCE: usize = 256;

/// What policy says of a tool's labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Granted {
    /// It has these, whatever else.
    pub labels: Labels,
    /// It has no others.
    pub only: bool,
}

/// A message, as far as it matters to the session.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Which way it goes.
    pub direction: Direction,
    /// The message.
    pub message: &'a Message,
    /// The server's name.
    pub server: &'a str,
    /// The method it answers.
    pub answers: Option<&'a str>,
    /// The revision it is read by, where that is known.
    pub revision: Option<Revision>,
    /// The tool it calls, or whose call it answers.
    pub tool: Option<&'a str>,
    /// What policy says of that tool.
    pub granted: Granted,
    /// Arguments nobody declared are wrong.
    pub strict: bool,
    /// What other sessions of the client have read counts, too.
    pub shared: bool,
    /// What is looked for.
    pub wanted: DetectorSet,
    /// Microseconds of the caller's clock.
    pub now_us: u64,
}

/// What a look at a message came to.
#[derive(Debug, Default)]
pub struct Watched {
    /// What is wrong with it.
    pub list: Vec<Finding>,
    /// The decisions that let through what makes it so: where the session's taint comes from.
    pub origins: Vec<Box<str>>,
}

/// One session, watched.
#[derive(Debug, Default)]
pub struct Watch {
    tools: Tools,
    /// The server's tools know what it is called.
    is_named: bool,
    taint: Taint,
    prints: Prints,
    order: Order,
    /// By the hashes of the client's requests' ids, which may be long.
    calls: HashMap<u64, Call>,
    /// Calls that became tasks: what they read comes later.
    tasks: Tasks,
    /// The last message of the client was found too much because of those refused before it: it counts as none of them.
    is_slowed: bool,
    /// The call or read that was looked at last, until it is known what became of it.
    looked_at: Option<LookedAt>,
    /// What the client's sessions have read between them; `None` where it has no other that is known.
    circle: Option<Arc<Circle>>,
}

/// What is known of a call or a read whose message was looked at.
#[derive(Debug)]
struct LookedAt {
    /// Where the message is.
    message: usize,
    call: Call,
    paths: Vec<u64>,
    hash: u64,
}

/// A call or a read, before it is decided on.
struct Asked<'a> {
    call: Call,
    /// The same for the same call with the same arguments.
    hash: u64,
    /// The tool, or the URI.
    source: &'a str,
    arguments: Option<Value<'a>>,
    /// The secret paths it names, a bounded number.
    paths: Vec<u64>,
    /// Where it names one that only the server has.
    told: Option<usize>,
}

impl Watch {
    /// A session of the client whose sessions are `circle`.
    #[must_use]
    pub fn within(circle: Arc<Circle>) -> Self {
        Self { circle: Some(circle), ..Self::default() }
    }

    /// What is known of the server's tools is `tools`, before its first message.
    #[must_use]
    pub fn knowing(self, tools: Tools) -> Self {
        Self { tools, ..self }
    }

    /// The client's sessions, where they count.
    fn circle(&self, view: &View<'_>) -> Option<&Circle> {
        self.circle.as_deref().filter(|_| view.shared)
    }

    /// What the session has read so far.
    #[must_use]
    pub fn taint(&self) -> &Taint {
        &self.taint
    }

    /// What the server's tool is to this session, by its definition.
    #[must_use]
    pub fn labels(&self, tool: &str) -> Labels {
        self.tools.lock().nature(tool).labels
    }

    fn labels_of(view: &View<'_>, nature: Nature, arguments: Option<Value<'_>>) -> Labels {
        let Granted { labels, only } = view.granted;
        if only {
            return labels;
        }
        labels.and(nature.labels).and(labels::of_call(nature.kind, arguments))
    }

    /// What is on the web is everybody's, and to ask for it tells somebody.
    fn labels_of_resource(view: &View<'_>) -> Labels {
        let uri = view.message.params().and_then(|params| params.get("uri")).and_then(Value::as_str);
        let is_remote = uri
            .is_some_and(|uri| uri.trim_start().get(..4).is_some_and(|at| at.eq_ignore_ascii_case("http")));
        Labels { untrusted: is_remote, private: !is_remote, out: is_remote }
    }

    /// The server is called so where nothing else is known of it.
    fn name(&mut self, server: &str) {
        if !std::mem::replace(&mut self.is_named, true) {
            self.tools.lock().name_if_none(server);
        }
    }

    /// What `view` asks for, where it calls a tool, of this `nature`, or reads a resource.
    fn asked<'a>(&self, view: &View<'a>, nature: Option<Nature>) -> Option<Asked<'a>> {
        if (view.direction, view.message.kind()) != (Direction::ToServer, MessageKind::Request) {
            return None;
        }
        let (labels, home, source, arguments) = match (view.message.method()?, view.tool.zip(nature)) {
            ("tools/call", Some((tool, nature))) => {
                let arguments = view.message.params().and_then(|params| params.get("arguments"));
                let home = Home::of_call(nature.kind, arguments);
                (Self::labels_of(view, nature, arguments), home, tool, arguments)
            }
            ("resources/read", _) => (Self::labels_of_resource(view), Home::UNKNOWN, "resources/read", None),
            _ => return None,
        };
        let (mut paths, mut told) = (Vec::new(), None);
        // Every message has some of the letters where the protocol wants them.
        let root = view.message.document().root();
        let known = ["jsonrpc", "method"].map(|key| root.get(key).map_or(0..0, Value::span));
        if secret_path::may_be_in(view.message.bytes(), &known) {
            each_text(view, |said| {
                if self.order.secrets(said.text, &mut paths) {
                    told.get_or_insert(said.node);
                }
            });
        }
        let is_secret = !paths.is_empty();
        let hash = order::hash_of(source, arguments);
        let task = view.message.params().and_then(|params| params.get("task"));
        let as_task = task.is_some_and(Value::is_object);
        Some(Asked { call: Call { labels, home, is_secret, as_task }, hash, source, arguments, paths, told })
    }

    /// [`asked`](Self::asked), once what it came to when the message was looked at.
    fn asked_again<'a>(&mut self, view: &View<'a>) -> Option<Asked<'a>> {
        let looked_at = self.looked_at.take().filter(|looked_at| looked_at.message == address(view.message));
        let Some(LookedAt { call, paths, hash, .. }) = looked_at else {
            let nature = view.tool.map(|tool| self.tools.lock().nature(tool));
            return self.asked(view, nature);
        };
        let (source, arguments) = match (view.message.method()?, view.tool) {
            ("tools/call", Some(tool)) => {
                (tool, view.message.params().and_then(|params| params.get("arguments")))
            }
            _ => ("resources/read", None),
        };
        Some(Asked { call, hash, source, arguments, paths, told: None })
    }

    /// What was looked at last waits for a person: it is told of again when that is over.
    pub fn held(&mut self) {
        self.looked_at = None;
    }

    /// What of a call's texts is a copy of private data.
    fn copied(&self, view: &View<'_>, asked: &Asked<'_>) -> Copied {
        let mut copied = Copied::default();
        if asked.call.labels.out && !self.prints.is_empty() {
            look::copied(&self.prints, view, asked, &mut copied);
        }
        copied
    }

    /// The message was let through under `decision`; `by_person` where somebody was asked.
    pub fn passed(&mut self, view: &View<'_>, decision: &str, by_person: bool) {
        if by_person && view.direction == Direction::ToServer {
            self.order.approved(view.now_us);
        }
        self.is_slowed = false;
        self.name(view.server);
        match view.direction {
            Direction::ToServer => self.passed_call(view),
            Direction::ToClient => self.passed_answer(view, decision),
        }
    }

    fn passed_call(&mut self, view: &View<'_>) {
        let Some(asked) = self.asked_again(view) else {
            return self.passed_question(view);
        };
        let copied = self.copied(view, &asked);
        self.prints.left(copied);
        if let Some(circle) = self.circle(view).filter(|_| asked.call.labels.out) {
            circle.at(view.now_us, |halves| {
                for half in halves.iter_mut().filter(|half| !half.prints.is_empty()) {
                    let mut copied = Copied::default();
                    look::copied(&half.prints, view, &asked, &mut copied);
                    half.prints.left(copied);
                }
            });
        }
        self.order.called(asked.hash);
        self.order.named(&asked.paths);
        self.waits(view.message, asked.call);
    }

    /// What asks about a task is answered as the call would have been.
    fn passed_question(&mut self, view: &View<'_>) {
        if view.message.kind() == MessageKind::Request
            && let Some(call) = task_named(view.message).and_then(|task| self.tasks.call(&task))
        {
            self.waits(view.message, call);
        }
    }

    /// The answer to `request` will be that to `call`.
    fn waits(&mut self, request: &Message, call: Call) {
        if self.calls.len() >= MAX_CALLS {
            // Their answers are then labelled by the tool alone, and belong nowhere.
            self.calls.clear();
        }
        if let Some(id) = request.id() {
            self.calls.insert(hash(id), call);
        }
    }

    fn passed_answer(&mut self, view: &View<'_>, decision: &str) {
        let message = view.message;
        let known = match (message.kind().is_response(), message.id()) {
            (true, Some(id)) => self.calls.remove(&hash(id)),
            (true, None) => None,
            (false, _) => task_named(message).and_then(|task| self.tasks.call(&task)),
        };
        if let (Some("tools/call"), Some(call), Some(result)) = (view.answers, known, message.result()) {
            self.tasks.became(call, result);
        }
        if let Some(result) = message.result() {
            if matches!(view.answers, Some("initialize" | "server/discover"))
                && let Some(name) =
                    result.get("serverInfo").and_then(|info| info.get("name")).and_then(Value::as_str)
            {
                self.tools.lock().name(&name);
            }
            if let (Some("tools/list"), Some(list)) = (view.answers, result.get("tools")) {
                self.tools.lock().page(list, view.wanted.has(Detector::Schema));
            }
        }
        let is_error = is_error(view);
        let call = known.or_else(|| {
            let tool = view.tool.filter(|_| view.answers == Some("tools/call") || tells_of_task(view))?;
            let labels = Self::labels_of(view, self.tools.lock().nature(tool), None);
            Some(Call { labels, home: Home::UNKNOWN, is_secret: false, as_task: false })
        });
        let labels = call.map_or(Labels::NONE, |call| call.labels);
        let is_private = labels.private && !is_error;
        let home = call.map_or(Home::UNKNOWN, |call| call.home);
        let wants_flow = view.wanted.has(Detector::Flow);
        let (is_told, is_learnt) = (is_error || labels.untrusted, is_private && wants_flow);
        // An address has an `@`, and where nothing is escaped that stands in the bytes.
        let may_have_address = || memchr::memchr2(b'@', b'\\', message.bytes()).is_some();
        if is_told || is_learnt || may_have_address() {
            each_text(view, |&Said { text, .. }| {
                self.order.said(text);
                if is_told {
                    self.order.told(text);
                }
                if is_learnt {
                    self.prints.learn(text, home);
                }
            });
        }
        let source = view.tool.or(view.answers).unwrap_or_default();
        let source = source.get(..source.floor_char_boundary(MAX_SOURCE)).unwrap_or_default();
        let origin = || Origin { source: source.into(), decision: decision.into() };
        let is_secret = call.is_some_and(|call| call.is_secret) && !is_error;
        let add = |taint: &mut Taint| {
            if labels.untrusted {
                taint.add_untrusted(origin);
            }
            if is_private {
                taint.add_private(home, origin);
            }
            if is_secret {
                taint.add_secret(origin);
            }
        };
        add(&mut self.taint);
        if let Some(circle) = self.circle(view).filter(|_| labels.untrusted || is_private || is_secret) {
            circle.read(view.now_us, |half| {
                add(&mut half.taint);
                if is_private && wants_flow {
                    each_text(view, |&Said { text, .. }| half.prints.learn(text, home));
                }
            });
        }
    }

    /// The message was not let through.
    pub fn refused(&mut self, view: &View<'_>) {
        self.looked_at = None;
        let is_request = view.message.kind() == MessageKind::Request;
        if view.direction == Direction::ToServer && is_request && !std::mem::take(&mut self.is_slowed) {
            self.order.refused(view.now_us);
        }
    }
}

/// It answers a question about a task, or tells of one.
fn tells_of_task(view: &View<'_>) -> bool {
    let method = view.answers.or_else(|| view.message.method());
    method.and_then(Method::named).and_then(Method::names) == Some(Names::Task)
}

/// The task that a request or a notification names.
fn task_named(message: &Message) -> Option<Cow<'_, str>> {
    let method = Method::named(message.method()?)?;
    let task = message.params()?.get("taskId")?.as_str();
    task.filter(|_| method.names() == Some(Names::Task))
}

/// What is answered failed: of a task that is told of, what became of that.
fn is_error(view: &View<'_>) -> bool {
    let message = view.message;
    let failed = |result: Value<'_>| result.get("isError").and_then(Value::as_bool) == Some(true);
    if !tells_of_task(view) || view.answers == Some("tasks/result") {
        return message.error().is_some() || message.result().is_some_and(failed);
    }
    let body = message.result().or_else(|| message.params());
    message.error().is_some()
        || body.is_some_and(|body| match body.get("result") {
            Some(result) => failed(result),
            None => body.get("error").is_some(),
        })
}

/// Tells a message from every other that is there at the same time.
fn address(message: &Message) -> usize {
    std::ptr::from_ref(message).addr()
}

fn hash(id: &RequestId) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

/// A text that a model or a person may read or have written.
struct Said<'t> {
    text: &'t str,
    /// The nearest member's name, which few ask for.
    key: Option<Value<'t>>,
    /// It is that name.
    is_key: bool,
    /// Its place in the document's index.
    node: usize,
}

/// Shows `visit` every such text of a message.
fn each_text(view: &View<'_>, mut visit: impl FnMut(&Said<'_>)) {
    fields(view.message, view.direction, view.answers, |field| {
        if matches!(field.role, Role::Opaque | Role::Name) {
            return;
        }
        if let Some(text) = field.value.as_str() {
            let key = field.path.key_value();
            visit(&Said { text: &text, key, is_key: field.is_key, node: field.value.index() });
        }
    });
}

impl<'t> Said<'t> {
    fn key(&self) -> Cow<'t, str> {
        self.key.and_then(Value::as_str).unwrap_or_default()
    }
}
