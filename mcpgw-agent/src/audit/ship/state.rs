//! How shipping is doing, for the status and for metrics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use prometheus::core::Collector;
use prometheus::{IntCounterVec, IntGaugeVec, Opts};
use serde::{Deserialize, Serialize};

/// How one receiver is served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShipState {
    /// Its name.
    pub name: String,
    /// It has the records up to this number.
    pub delivered: u64,
    /// Records it will never have.
    pub lost: u64,
    /// Why it cannot be reached; `None` while it can.
    pub error: Option<String>,
}

/// What shipping counts. Receivers' names are the configuration's, so the list of labels is closed.
#[derive(Debug, Clone)]
pub(crate) struct ShipMetrics {
    records: IntCounterVec,
    lost: IntCounterVec,
    failures: IntCounterVec,
    sequence: IntGaugeVec,
    failing: IntGaugeVec,
}

impl ShipMetrics {
    pub(super) fn new() -> Self {
        let constant = "names and labels are constant";
        let counter = |name: &str, help: &str| {
            IntCounterVec::new(Opts::new(name, help), &["receiver"]).expect(constant)
        };
        let gauge =
            |name: &str, help: &str| IntGaugeVec::new(Opts::new(name, help), &["receiver"]).expect(constant);
        Self {
            records: counter("mcpgw_ship_records_total", "Audit records sent to a receiver."),
            lost: counter("mcpgw_ship_lost_total", "Audit records a receiver will never have."),
            failures: counter("mcpgw_ship_failures_total", "Attempts to send records that failed."),
            sequence: gauge("mcpgw_ship_sequence", "Number of the last audit record a receiver has."),
            failing: gauge("mcpgw_ship_failing", "1 while a receiver cannot be sent records."),
        }
    }

    /// With a receiver of this name.
    #[cfg(test)]
    pub(crate) fn of_one(name: &str) -> Self {
        let metrics = Self::new();
        drop(Counts::new(name, &metrics));
        metrics
    }

    pub(crate) fn collectors(&self) -> Vec<Box<dyn Collector>> {
        vec![
            Box::new(self.records.clone()),
            Box::new(self.lost.clone()),
            Box::new(self.failures.clone()),
            Box::new(self.sequence.clone()),
            Box::new(self.failing.clone()),
        ]
    }
}

/// One receiver's counts.
#[derive(Debug)]
pub(super) struct Counts {
    name: Box<str>,
    metrics: ShipMetrics,
    delivered: AtomicU64,
    error: Mutex<Option<String>>,
}

impl Counts {
    pub(super) fn new(name: &str, metrics: &ShipMetrics) -> Self {
        let (metrics, labels) = (metrics.clone(), [name]);
        for counter in [&metrics.records, &metrics.lost, &metrics.failures] {
            counter.with_label_values(&labels);
        }
        for gauge in [&metrics.sequence, &metrics.failing] {
            gauge.with_label_values(&labels);
        }
        Self { name: name.into(), metrics, delivered: AtomicU64::new(0), error: Mutex::default() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The receiver has the records up to `number`, of which `count` were sent now.
    pub(super) fn delivered(&self, number: u64, count: u64) {
        let labels = [&*self.name];
        self.delivered.store(number, Ordering::Relaxed);
        self.metrics.records.with_label_values(&labels).inc_by(count);
        self.metrics.sequence.with_label_values(&labels).set(i64::try_from(number).unwrap_or(i64::MAX));
        self.metrics.failing.with_label_values(&labels).set(0);
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(super) fn lost(&self, count: u64) {
        self.metrics.lost.with_label_values(&[&*self.name]).inc_by(count);
    }

    pub(super) fn failed(&self, error: &impl std::fmt::Display) {
        let labels = [&*self.name];
        self.metrics.failures.with_label_values(&labels).inc();
        self.metrics.failing.with_label_values(&labels).set(1);
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
    }

    pub(super) fn state(&self) -> ShipState {
        ShipState {
            name: self.name.to_string(),
            delivered: self.delivered.load(Ordering::Relaxed),
            lost: self.metrics.lost.with_label_values(&[&*self.name]).get(),
            error: self.error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}
