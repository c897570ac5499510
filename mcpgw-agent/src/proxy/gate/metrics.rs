//! What the gate counts. Every handle is resolved once; counting a message is a few atomic additions.
//!
//! Labels come from closed lists: a method no revision knows counts as `other`. Listed in docs/metrics.md.

use std::sync::OnceLock;
use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts};

use crate::audit::ship::ShipMetrics;
use crate::detect::Detector;
use crate::identity::AuthMetrics;
use crate::mcp::{Direction, MessageKind};
use crate::policy::{Reaction, ServerStatus, Weighed};
use crate::proxy::guardrail::GuardrailMetrics;
use crate::risk::Level;
use crate::verdict::{Action, Cause, Verdict};

/// Methods with a label of their own, sorted.
pub(crate) const METHODS: [&str; 34] = [
    "completion/complete",
    "elicitation/create",
    "initialize",
    "logging/setLevel",
    "notifications/cancelled",
    "notifications/elicitation/complete",
    "notifications/initialized",
    "notifications/message",
    "notifications/progress",
    "notifications/prompts/list_changed",
    "notifications/resources/list_changed",
    "notifications/resources/updated",
    "notifications/roots/list_changed",
    "notifications/subscriptions/acknowledged",
    "notifications/tasks",
    "notifications/tasks/status",
    "notifications/tools/list_changed",
    "ping",
    "prompts/get",
    "prompts/list",
    "resources/list",
    "resources/read",
    "resources/subscribe",
    "resources/templates/list",
    "resources/unsubscribe",
    "roots/list",
    "sampling/createMessage",
    "server/discover",
    "subscriptions/listen",
    "tasks/cancel",
    "tasks/get",
    "tasks/list",
    "tools/call",
    "tools/list",
];
/// The label of any other method.
pub(crate) const OTHER: &str = "other";

const DIRECTIONS: [Direction; 2] = [Direction::ToServer, Direction::ToClient];
const ACTIONS: [Action; 4] = [Action::Pass, Action::Redact, Action::Hold, Action::Block];
pub(crate) const CAUSES: [&str; 8] =
    ["none", "malformed", "protocol", "header-mismatch", "policy", "unrecorded", "detector", "server"];
/// What a finding does, if it does anything.
const REACTIONS: [Reaction; 4] = [Reaction::Observe, Reaction::Redact, Reaction::Hold, Reaction::Deny];
/// Upper bounds of added latency, in seconds: from 5 µs.
const ADDED: [f64; 14] = [5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 5e-2, 0.1, 1.0];
/// Upper bounds of a request's duration, in seconds.
const DURATION: [f64; 12] = [1e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 300.0];

/// Counters and histograms of one gate.
#[derive(Debug)]
pub struct GateMetrics {
    requests: IntCounterVec,
    /// By method, then by action.
    request: Vec<[IntCounter; 4]>,
    decisions: IntCounterVec,
    /// By direction, then by action, then by cause.
    decision: [[[IntCounter; 8]; 4]; 2],
    durations: HistogramVec,
    duration: Vec<Histogram>,
    added: HistogramVec,
    added_by: [Histogram; 2],
    findings: IntCounterVec,
    /// By detector, then by reaction.
    finding: [[IntCounter; 4]; Detector::ALL.len()],
    upstream_errors: IntCounter,
    evaluations: IntCounterVec,
    guardrails: Option<GuardrailMetrics>,
    auth: OnceLock<AuthMetrics>,
    ship: OnceLock<ShipMetrics>,
}

/// A decision, as it is counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted<'a> {
    pub(super) direction: Direction,
    pub(super) kind: Option<MessageKind>,
    /// Its method, or that of the request it answers.
    pub(super) method: Option<&'a str>,
    pub(super) verdict: &'a Verdict,
    /// It has not waited for a person, and been counted before that.
    pub(super) is_first: bool,
    /// Its record could be written.
    pub(super) recorded: bool,
    pub(super) added: Duration,
    /// Microseconds since the request it answers was let through.
    pub(super) answered_us: Option<u64>,
}

impl Default for GateMetrics {
    fn default() -> Self {
        Self::new()
    }
}

impl GateMetrics {
    /// All zero.
    ///
    /// # Panics
    /// Never: names and labels are constants that the tests try.
    #[must_use]
    pub fn new() -> Self {
        let requests = counters(
            "mcpgw_requests_total",
            "Requests and notifications of clients, by what became of them.",
            &["method", "action"],
        );
        let decisions = counters(
            "mcpgw_decisions_total",
            "Messages decided on, by direction, by what became of them and why.",
            &["direction", "action", "cause"],
        );
        let durations = histograms(
            "mcpgw_request_duration_seconds",
            "From letting a request through to its answer.",
            "method",
            &DURATION,
        );
        let added = histograms(
            "mcpgw_added_latency_seconds",
            "From a message's last byte to its decision being on record.",
            "direction",
            &ADDED,
        );
        let methods = || METHODS.iter().chain([&OTHER]);
        let request = methods()
            .map(|method| ACTIONS.map(|action| requests.with_label_values(&[*method, action.as_str()])))
            .collect();
        let decision = DIRECTIONS.map(|direction| {
            ACTIONS.map(|action| {
                CAUSES.map(|cause| decisions.with_label_values(&[direction.as_str(), action.as_str(), cause]))
            })
        });
        let duration = methods().map(|method| durations.with_label_values(&[*method])).collect();
        let added_by = DIRECTIONS.map(|direction| added.with_label_values(&[direction.as_str()]));
        let findings = counters(
            "mcpgw_findings_total",
            "What detectors found: of one kind in one text counts once.",
            &["detector", "reaction"],
        );
        let finding = Detector::ALL.map(|detector| {
            REACTIONS.map(|reaction| findings.with_label_values(&[detector.as_str(), reaction.as_str()]))
        });
        let evaluations = counters(
            "mcpgw_server_evaluations_total",
            "Servers judged as a whole: whenever one is judged otherwise than before, and when it is first used.",
            &["risk_level", "status"],
        );
        // All there can be are there from the start, at zero.
        for level in [None].into_iter().chain(Level::ALL.map(Some)) {
            for status in ServerStatus::ALL {
                evaluations.with_label_values(&[risk(level), status.as_str()]);
            }
        }
        let upstream_errors = counter(
            "mcpgw_upstream_errors_total",
            "Servers that ended or broke off while requests were open.",
        );
        Self {
            requests,
            request,
            decisions,
            decision,
            durations,
            duration,
            added,
            added_by,
            findings,
            finding,
            upstream_errors,
            evaluations,
            guardrails: None,
            auth: OnceLock::new(),
            ship: OnceLock::new(),
        }
    }

    /// Those of `guardrails` as well.
    pub(crate) fn with(self, guardrails: &GuardrailMetrics) -> Self {
        Self { guardrails: Some(guardrails.clone()), ..self }
    }

    /// Those of whoever authenticates clients as well, from now on.
    pub(crate) fn authenticating(&self, auth: &AuthMetrics) {
        // There is one to a gateway.
        self.auth.get_or_init(|| auth.clone());
    }

    /// Those of whoever sends records as well, from now on.
    pub(crate) fn shipping(&self, ship: &ShipMetrics) {
        self.ship.get_or_init(|| ship.clone());
    }

    /// A server was judged.
    pub(super) fn evaluated(&self, status: ServerStatus, level: Option<Level>) {
        self.evaluations.with_label_values(&[risk(level), status.as_str()]).inc();
    }

    /// A server ended or broke off while requests were open.
    pub fn upstream_failed(&self) {
        self.upstream_errors.inc();
    }

    pub(super) fn count(&self, counted: &Counted<'_>) {
        let Counted { direction, kind, method, verdict, is_first, recorded, added, answered_us } = *counted;
        let [to_server, to_client] = &self.decision;
        let [added_to_server, added_to_client] = &self.added_by;
        let (decision, added_by) = match direction {
            Direction::ToServer => (to_server, added_to_server),
            Direction::ToClient => (to_client, added_to_client),
        };
        let action = if recorded { verdict.action() } else { Action::Block };
        let cause = if recorded { cause(verdict) } else { 5 };
        if let Some(count) = by_action(decision, action).get(cause) {
            count.inc();
        }
        if is_first {
            self.found(verdict.findings());
        }
        added_by.observe(added.as_secs_f64());
        let asks = matches!(kind, Some(MessageKind::Request | MessageKind::Notification));
        if asks
            && direction == Direction::ToServer
            && let Some(actions) = self.request.get(index(method))
        {
            by_action(actions, action).inc();
        }
        if let (Direction::ToClient, Some(us)) = (direction, answered_us)
            && let Some(durations) = self.duration.get(index(method))
        {
            durations.observe(Duration::from_micros(us).as_secs_f64());
        }
    }

    /// Something was found, in a message or besides.
    pub(super) fn found(&self, findings: &[Weighed]) {
        for weighed in findings {
            let detector = Detector::ALL.iter().position(|detector| *detector == weighed.finding.detector);
            let reaction = REACTIONS.iter().position(|reaction| *reaction == weighed.reaction);
            if let (Some(detector), Some(reaction)) = (detector, reaction)
                && let Some(count) = self.finding.get(detector).and_then(|counts| counts.get(reaction))
            {
                count.inc();
            }
        }
    }

    /// What Prometheus may collect.
    pub(crate) fn collectors(&self) -> Vec<Box<dyn Collector>> {
        let gate: [Box<dyn Collector>; 7] = [
            Box::new(self.requests.clone()),
            Box::new(self.decisions.clone()),
            Box::new(self.durations.clone()),
            Box::new(self.added.clone()),
            Box::new(self.findings.clone()),
            Box::new(self.upstream_errors.clone()),
            Box::new(self.evaluations.clone()),
        ];
        let guardrails = self.guardrails.iter().flat_map(GuardrailMetrics::collectors);
        let auth = self.auth.get().into_iter().flat_map(AuthMetrics::collectors);
        let ship = self.ship.get().into_iter().flat_map(ShipMetrics::collectors);
        gate.into_iter().chain(guardrails).chain(auth).chain(ship).collect()
    }
}

/// The label of a level, which is not known where a server has listed nothing.
fn risk(level: Option<Level>) -> &'static str {
    level.map_or("unknown", Level::as_str)
}

/// The place of a method's label.
fn index(method: Option<&str>) -> usize {
    // Most names are another by their length alone, and most messages are calls of tools, which stand last.
    let place = |method| METHODS.iter().rposition(|known| *known == method);
    method.and_then(place).unwrap_or(METHODS.len())
}

fn by_action<T>([pass, redact, hold, block]: &[T; 4], action: Action) -> &T {
    match action {
        Action::Pass => pass,
        Action::Redact => redact,
        Action::Hold => hold,
        Action::Block => block,
    }
}

/// The place of a cause's label.
fn cause(verdict: &Verdict) -> usize {
    match verdict.cause() {
        None => 0,
        Some(Cause::Malformed(_)) => 1,
        Some(Cause::Violation(_) | Cause::UnknownRevision(_)) => 2,
        Some(Cause::HeaderMismatch(_)) => 3,
        Some(Cause::Policy(_)) => 4,
        Some(Cause::Detector(..)) => 6,
        Some(Cause::Server(..)) => 7,
    }
}

fn counters(name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    IntCounterVec::new(Opts::new(name, help), labels).expect("a constant that the tests try")
}

fn counter(name: &str, help: &str) -> IntCounter {
    IntCounter::new(name, help).expect("a constant that the tests try")
}

fn histograms(name: &str, help: &str, label: &str, bounds: &[f64]) -> HistogramVec {
    let options = HistogramOpts::new(name, help).buckets(bounds.to_vec());
    HistogramVec::new(options, &[label]).expect("a constant that the tests try")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::{Finding, Severity};
    use crate::mcp::Role;
    use crate::policy::{Effect, Evaluation, Mode, Weighed};
    use crate::verdict::decide;

    fn verdict(effect: Effect) -> Verdict {
        let evaluation = Evaluation { effect, ..Evaluation::passing("r".into(), Mode::Enforce) };
        decide(evaluation)
    }

    #[test]
    fn every_method_with_a_label_is_one_of_mcps_and_in_its_place() {
        assert!(METHODS.is_sorted());
        for (place, method) in METHODS.iter().enumerate() {
            assert!(crate::mcp::sender(method).is_some(), "{method}");
            assert_eq!(index(Some(method)), place);
        }
        assert_eq!((index(Some("x/y")), index(None)), (METHODS.len(), METHODS.len()));
    }

    #[test]
    fn a_message_counts_once_and_no_name_of_its_own_becomes_a_label() {
        let metrics = GateMetrics::new();
        let denied = verdict(Effect::Deny { as_result: false });
        for number in 0..50 {
            let method = format!("own/{number}");
            metrics.count(&Counted {
                direction: Direction::ToServer,
                kind: Some(MessageKind::Request),
                method: Some(&method),
                verdict: &denied,
                is_first: true,
                recorded: true,
                added: Duration::from_micros(7),
                answered_us: None,
            });
        }
        assert_eq!(metrics.requests.with_label_values(&["other", "block"]).get(), 50);
        assert_eq!(metrics.decisions.with_label_values(&["c2s", "block", "policy"]).get(), 50);
        let added = metrics.added.with_label_values(&["c2s"]);
        assert_eq!(added.get_sample_count(), 50);
    }

    #[test]
    fn what_could_not_be_recorded_counts_as_blocked() {
        let metrics = GateMetrics::new();
        let allowed = verdict(Effect::Allow);
        metrics.count(&Counted {
            direction: Direction::ToClient,
            kind: Some(MessageKind::Result),
            method: Some("tools/call"),
            verdict: &allowed,
            is_first: true,
            recorded: false,
            added: Duration::ZERO,
            answered_us: Some(1500),
        });
        assert_eq!(metrics.decisions.with_label_values(&["s2c", "block", "unrecorded"]).get(), 1);
        assert_eq!(metrics.durations.with_label_values(&["tools/call"]).get_sample_count(), 1);
    }

    #[test]
    fn findings_count_by_detector_and_reaction_once() {
        let metrics = GateMetrics::new();
        let weighed = |detector, reaction| Weighed {
            finding: Finding {
                detector,
                kind: "x",
                severity: Severity::Low,
                score: 1.0,
                why: "x",
                role: Role::Prose,
                node: 0,
                is_key: false,
                ranges: Vec::new(),
            },
            reaction,
        };
        let mut findings: Vec<Weighed> =
            Detector::ALL.map(|detector| weighed(detector, Reaction::Deny)).into();
        findings.extend(REACTIONS.map(|reaction| weighed(Detector::Pii, reaction)));
        let evaluation = Evaluation { findings, ..Evaluation::passing("r".into(), Mode::Enforce) };
        let verdict = decide(evaluation);
        for is_first in [true, false] {
            metrics.count(&Counted {
                direction: Direction::ToServer,
                kind: Some(MessageKind::Request),
                method: None,
                verdict: &verdict,
                is_first,
                recorded: true,
                added: Duration::ZERO,
                answered_us: None,
            });
        }
        let count = |detector: Detector, reaction: Reaction| {
            metrics.findings.with_label_values(&[detector.as_str(), reaction.as_str()]).get()
        };
        for detector in Detector::ALL {
            let again = u64::from(detector == Detector::Pii);
            assert_eq!(count(detector, Reaction::Deny), 1 + again, "{detector:?}");
            assert_eq!(count(detector, Reaction::Redact), again, "{detector:?}");
        }
    }
}
