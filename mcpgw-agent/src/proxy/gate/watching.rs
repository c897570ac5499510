//! What the detectors of whole sessions are told of a message.

use super::Turn;
use crate::detect::watch::{View, Watched};
use crate::mcp::Message;
use crate::policy::Request;
use crate::session::Standing;

impl Turn<'_> {
    /// What is wrong with the message in its session, before it is decided on.
    pub(super) fn watch(&self, view: &View<'_>) -> Watched {
        if view.wanted.is_empty() { Watched::default() } else { self.party.watch().look(view) }
    }

    /// The message was let through under `decision`, or was not; `by_person` where somebody was asked.
    pub(super) fn watched(&self, view: &View<'_>, decision: &str, passes: bool, by_person: bool) {
        let mut watch = self.party.watch();
        if passes { watch.passed(view, decision, by_person) } else { watch.refused(view) }
    }

    /// `message` as policies see it.
    pub(super) fn request<'r>(&'r self, message: &'r Message, standing: &'r Standing) -> Request<'r> {
        Request {
            direction: self.direction,
            message,
            answers: standing.answers.as_ref(),
            revision: standing.revision,
            task_tool: standing.task_tool.as_deref(),
            context: self.party.context(),
        }
    }

    /// `request` as its session sees it. `tool` is the one that it is about: of a task the one whose call became it.
    pub(super) fn view<'r>(&self, request: &Request<'r>, tool: Option<&'r str>) -> View<'r> {
        let policy = &self.loaded.policy;
        View {
            direction: request.direction,
            message: request.message,
            server: &request.context.server,
            answers: request.answers.map(|open| &*open.method),
            revision: request.revision,
            tool,
            granted: policy.granted(request, tool),
            strict: policy.has_strict_schemas(),
            shared: policy.shares_flow(),
            wanted: policy.wants(request),
            now_us: self.gate.us_at(self.since),
        }
    }
}
