//! What the detectors of whole sessions are told of a message.

use super::Turn;
use crate::detect::DetectorSet;
use crate::detect::watch::{View, Watched};
use crate::mcp::Message;
use crate::policy::Request;
use crate::session::Standing;

impl Turn<'_> {
    /// What is wrong with the message in its session, before it is decided on.
    pub(super) fn watch(
        &self,
        request: &Request<'_>,
        task_tool: Option<&str>,
        wanted: DetectorSet,
    ) -> Watched {
        if wanted.is_empty() {
            return Watched::default();
        }
        self.view(request, task_tool, wanted, |view| self.party.watch().look(view))
    }

    /// The message was let through under `decision`, or was not; `by_person` where somebody was asked.
    pub(super) fn watched(
        &self,
        message: &Message,
        standing: &Standing,
        decision: &str,
        passes: bool,
        by_person: bool,
    ) {
        let request = self.request(message, standing);
        let wanted = self.loaded.policy.wants(&request);
        self.view(&request, standing.task_tool.as_deref(), wanted, |view| {
            let mut watch = self.party.watch();
            if passes { watch.passed(view, decision, by_person) } else { watch.refused(view) }
        });
    }

    /// `message` as policies see it.
    pub(super) fn request<'r>(&'r self, message: &'r Message, standing: &'r Standing) -> Request<'r> {
        Request {
            direction: self.direction,
            message,
            answers: standing.answers.as_ref(),
            revision: standing.revision,
            context: self.party.context(),
        }
    }

    fn view<T>(
        &self,
        request: &Request<'_>,
        task_tool: Option<&str>,
        wanted: DetectorSet,
        tell: impl FnOnce(&View<'_>) -> T,
    ) -> T {
        let tool = request.tool();
        let tool = tool.as_deref().or(task_tool);
        let policy = &self.loaded.policy;
        tell(&View {
            direction: request.direction,
            message: request.message,
            server: &request.context.server,
            answers: request.answers.map(|open| &*open.method),
            tool,
            granted: policy.granted(request, tool),
            strict: policy.has_strict_schemas(),
            shared: policy.shares_flow(),
            wanted,
            now_us: self.gate.now_us(),
        })
    }
}
