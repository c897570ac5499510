//! What detectors find in a message, and in the session around it.

use super::Turn;
use crate::detect::watch::Watched;
use crate::detect::{Detector, Inspector, Subject};
use crate::policy::{Evaluation, Request};

impl Turn<'_> {
    /// `evaluation`, and what is found. `task_tool` is the tool whose call became the task the message is about.
    pub(super) fn inspect(
        &self,
        request: &Request<'_>,
        task_tool: Option<&str>,
        evaluation: Evaluation,
    ) -> Evaluation {
        let policy = &self.loaded.policy;
        let wanted = policy.inspects(request, &evaluation);
        let tool = request.tool();
        let subject = Subject {
            direction: request.direction,
            server: &request.context.server,
            answers: request.answers.map(|open| &*open.method),
            tool: tool.as_deref(),
        };
        let mut findings = Inspector::shipped().message(request.message, &subject, wanted);
        if wanted.has(Detector::Pins) {
            findings.list.extend(self.party.pins().into_iter().flat_map(|pinned| pinned.look(request)));
        }
        if wanted.has(Detector::Scope) {
            let allowed = |realm, name: &str| policy.scope(realm, name);
            findings.list.extend(self.party.scope().look(request.direction, request.message, allowed));
        }
        let Watched { list, origins } = self.watch(request, task_tool, wanted);
        findings.list.extend(list);
        Evaluation { origins, ..policy.weigh(request, evaluation, wanted, findings) }
    }
}
