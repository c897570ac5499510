//! What detectors find in a message, in the session around it, and what guardrails said of it.

use super::Turn;
use super::inquiry::{Advised, Local};
use crate::detect::watch::{View, Watched};
use crate::detect::{Detector, DetectorSet};
use crate::effects::Done;
use crate::policy::{Evaluation, Request, oddities};

impl Turn<'_> {
    /// What policy makes of `request`, which the session sees as `view`, and of all that is found. `advised` is what is known
    /// already, `done` what the call did to the host that it answers.
    pub(super) fn inspect(
        &self,
        request: &Request<'_>,
        view: &View<'_>,
        advised: Option<Advised>,
        done: Option<&Done>,
    ) -> Evaluation {
        let policy = &self.loaded.policy;
        let (local, mut found) = match advised.filter(|advised| advised.fits(request)) {
            Some(Advised { local, outside }) => (local, outside),
            None => {
                let local = Local::of(request, view.wanted, policy.evaluate(request));
                let should_have =
                    self.gate.guardrails.as_ref().filter(|_| local.wanted().has(Detector::External));
                let unasked = should_have.map(|guardrails| guardrails.unasked(request.direction));
                (local, unasked.unwrap_or_default())
            }
        };
        let wanted = local.wanted();
        if wanted.has(Detector::Pins) || policy.server_eval().is_some() {
            let differs = self.party.pins().into_iter().flat_map(|pinned| pinned.look(request));
            found.extend(differs.filter(|_| wanted.has(Detector::Pins)));
        }
        if wanted.has(Detector::Scope) {
            let allowed = |realm, name: &str| policy.scope(realm, name);
            found.extend(self.party.scope().look(request.direction, request.message, allowed));
        }
        let Watched { list, origins } = self.watch(&View { wanted, ..*view });
        found.extend(list);
        let done = done.map(|done| &done.done);
        found.extend(done.filter(|_| wanted.has(Detector::Effects)).into_iter().flat_map(oddities));
        let evaluation = Evaluation { origins, ..local.weigh(policy, request, found) };
        policy.hold_to(evaluation, done.map_or(&[], |done| &done.violations))
    }

    /// What is found in a message that is refused whatever it says: what is not to be written down.
    pub(super) fn conceal(
        &self,
        request: &Request<'_>,
        wanted: DetectorSet,
        refused: Evaluation,
    ) -> Evaluation {
        Local::of(request, wanted, refused).weigh(&self.loaded.policy, request, Vec::new())
    }
}
