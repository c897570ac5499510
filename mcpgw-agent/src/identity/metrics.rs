//! What authentication counts.

use prometheus::core::Collector;
use prometheus::{IntCounterVec, Opts};

/// Requests by what came of authenticating them. The outcomes are a closed list.
#[derive(Debug, Clone)]
pub(crate) struct AuthMetrics(IntCounterVec);

impl AuthMetrics {
    pub(crate) fn new() -> Self {
        let name = Opts::new("mcpgw_auth_total", "Requests of clients, by what came of authenticating them.");
        let counter = IntCounterVec::new(name, &["outcome"]).expect("the name and the label are valid");
        counter.with_label_values(&["ok"]);
        Self(counter)
    }

    pub(super) fn count(&self, outcome: &str) {
        self.0.with_label_values(&[outcome]).inc();
    }

    pub(crate) fn collectors(&self) -> Vec<Box<dyn Collector>> {
        vec![Box::new(self.0.clone())]
    }
}
