//! What guardrails count. Their names are the configuration's, so the list of labels is closed.

use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
};

use super::breaker::State;

/// Upper bounds of an answer's time, in seconds.
const BOUNDS: [f64; 11] = [1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.25, 0.5, 1.0, 5.0];

/// What came of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It has nothing to say against it.
    Clean,
    /// It has.
    Flagged,
    /// No answer in time.
    Timeout,
    /// No connection, or it broke.
    Unreachable,
    /// Another status than 200.
    Status,
    /// An answer without sense.
    Garbage,
    /// As many ask as may.
    Busy,
    /// Its breaker is open.
    Open,
    /// The message cannot be shown: it is too long.
    NotShown,
    /// The message became one to be shown only after guardrails were asked.
    Unasked,
}

impl Outcome {
    const ALL: [Self; 10] = [
        Self::Clean,
        Self::Flagged,
        Self::Timeout,
        Self::Unreachable,
        Self::Status,
        Self::Garbage,
        Self::Busy,
        Self::Open,
        Self::NotShown,
        Self::Unasked,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Flagged => "flagged",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::Status => "status",
            Self::Garbage => "garbage",
            Self::Busy => "busy",
            Self::Open => "open",
            Self::NotShown => "not-shown",
            Self::Unasked => "unasked",
        }
    }
}

/// Counters of all guardrails.
#[derive(Debug, Clone)]
pub struct GuardrailMetrics {
    requests: IntCounterVec,
    durations: HistogramVec,
    states: IntGaugeVec,
}

/// One guardrail's.
#[derive(Debug)]
pub(super) struct Meters {
    outcomes: [IntCounter; 10],
    duration: Histogram,
    states: [IntGauge; 3],
}

impl GuardrailMetrics {
    /// All zero.
    pub(super) fn new() -> Self {
        let constant = "a constant that the tests try";
        let name = "mcpgw_guardrail_requests_total";
        let options = Opts::new(name, "Messages a guardrail was to be asked about, by what came of it.");
        let requests = IntCounterVec::new(options, &["guardrail", "outcome"]).expect(constant);
        let name = "mcpgw_guardrail_duration_seconds";
        let options = HistogramOpts::new(name, "From asking a guardrail to its answer, or to giving up.");
        let durations = HistogramVec::new(options.buckets(BOUNDS.to_vec()), &["guardrail"]).expect(constant);
        let name = "mcpgw_guardrail_breaker_state";
        let options = Opts::new(name, "1 for the state a guardrail's circuit breaker is in.");
        let states = IntGaugeVec::new(options, &["guardrail", "state"]).expect(constant);
        Self { requests, durations, states }
    }

    /// Those of the guardrail `name`.
    pub(super) fn of(&self, name: &str) -> Meters {
        let meters = Meters {
            outcomes: Outcome::ALL.map(|outcome| self.requests.with_label_values(&[name, outcome.as_str()])),
            duration: self.durations.with_label_values(&[name]),
            states: State::ALL.map(|state| self.states.with_label_values(&[name, state.as_str()])),
        };
        meters.state(State::Closed);
        meters
    }

    /// With a guardrail of this name.
    #[cfg(test)]
    pub(crate) fn of_one(name: &str) -> Self {
        let metrics = Self::new();
        metrics.of(name);
        metrics
    }

    /// What Prometheus may collect.
    pub(crate) fn collectors(&self) -> Vec<Box<dyn Collector>> {
        vec![Box::new(self.requests.clone()), Box::new(self.durations.clone()), Box::new(self.states.clone())]
    }
}

impl Meters {
    pub(super) fn count(&self, outcome: Outcome) {
        let mut all = Outcome::ALL.iter().zip(&self.outcomes);
        if let Some((_, counter)) = all.find(|(known, _)| **known == outcome) {
            counter.inc();
        }
    }

    #[cfg(test)]
    pub(super) fn outcomes_of(&self, outcome: Outcome) -> u64 {
        let mut all = Outcome::ALL.iter().zip(&self.outcomes);
        all.find(|(known, _)| **known == outcome).map_or(0, |(_, counter)| counter.get())
    }

    pub(super) fn took(&self, duration: Duration) {
        self.duration.observe(duration.as_secs_f64());
    }

    pub(super) fn state(&self, state: State) {
        for (known, gauge) in State::ALL.iter().zip(&self.states) {
            gauge.set(i64::from(*known == state));
        }
    }
}
