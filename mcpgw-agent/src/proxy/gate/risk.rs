//! Whether the server may be used at all, by what it says of itself and does.

use super::Turn;
use crate::mcp::{Direction, MessageKind};
use crate::policy::{Evaluation, Request};
use crate::risk::Behaviour;

/// Reasons that are recorded of one server.
const REASONS_MAX: usize = 16;

impl Turn<'_> {
    /// `evaluation`, and what policy makes of the server as a whole. It is judged anew where it lists or says what it is,
    /// and looked up where a tool of it is called.
    pub(super) fn admitted(&self, request: &Request<'_>, evaluation: Evaluation) -> Evaluation {
        let Some((server_eval, pinned)) = self.loaded.policy.server_eval().zip(self.party.pins()) else {
            return self.unknown(request, evaluation);
        };
        let method = request.message.method();
        let is_call = request.direction == Direction::ToServer && method == Some("tools/call");
        if let Some(method) = method
            && (is_call || request.direction == Direction::ToClient)
            && request.message.kind() == MessageKind::Request
        {
            pinned.asked(method, is_call);
        }
        if request.direction == Direction::ToClient {
            let asked = request.message.asked_within().filter_map(|asked| asked.method);
            asked.for_each(|method| pinned.asked(&method, false));
        }
        let is_told = request.direction == Direction::ToClient && pinned.has_looked();
        if !is_call && !is_told {
            return evaluation;
        }
        let judged = pinned.known();
        let status = server_eval.status(request.context, judged.known);
        if pinned.is_news(&judged, status) {
            let issues = judged.assessment.iter().flat_map(|assessment| &assessment.issues);
            let mut reasons: Vec<&str> = Vec::new();
            for issue in issues {
                if reasons.len() < REASONS_MAX && !reasons.contains(&&*issue.rule) {
                    reasons.push(&issue.rule);
                }
            }
            self.gate.metrics.evaluated(status, judged.known.level);
            if let Err(error) = self.gate.audit.note(&pinned.event(&judged, status, &reasons)) {
                tracing::error!(%error, "what a server is judged to be is not on record");
            }
        }
        self.loaded.policy.admit(request, evaluation, status, judged.known.level)
    }

    /// Of a session without pins nothing is known.
    fn unknown(&self, request: &Request<'_>, evaluation: Evaluation) -> Evaluation {
        let policy = &self.loaded.policy;
        match policy.server_eval() {
            None => evaluation,
            Some(server_eval) => {
                let status = server_eval.status(request.context, Default::default());
                policy.admit(request, evaluation, status, None)
            }
        }
    }

    /// The server sent what is no message.
    pub(super) fn babbled(&self, bytes: &[u8]) {
        if self.loaded.policy.server_eval().is_none() {
            return;
        }
        let is_message = crate::mcp::peek(bytes).is_some();
        let behaviour = if is_message { Behaviour::Malformed } else { Behaviour::Rubbish };
        if let Some(pinned) = self.party.pins() {
            pinned.behaved(behaviour);
            pinned.keep(&self.gate.audit);
        }
    }
}
