//! Sending records to others: syslog (RFC 5424) and OTLP logs. The log is the queue.
//!
//! ```text
//! writer ─▶ the log's files ─▶ Follower ─▶ batch ─▶ syslog | OTLP ─▶ cursor (a file beside the log)
//! ```
//!
//! A receiver that is slow or gone costs nobody anything: whoever writes records knows nothing of it, and what was not sent
//! yet is in the log. What is deleted there before it was sent, and what a receiver will not take, is lost to it: counted,
//! and on record as `ship.lost`.

mod cursor;
mod otlp;
mod receiver;
mod run;
mod state;
mod stored;
mod syslog;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use super::AuditLog;
use crate::config;
use crate::fetch::FetchError;
use crate::proxy::http::tls::TlsError;
use crate::secret::SecretError;
use crate::tasks::Tasks;

use cursor::Cursor;
use receiver::Receiver;
use run::Run;
pub(crate) use state::ShipMetrics;
pub use state::ShipState;

/// Why records cannot be sent anywhere.
#[derive(Debug, thiserror::Error)]
pub enum ShipError {
    /// What a receiver wants to be shown cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// TLS cannot be had.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A receiver's URL.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A host name nothing can be certified for.
    #[error("`{0}` is no host name")]
    Host(String),
}

/// Everybody who is sent the records of one log.
#[derive(Debug, Default)]
pub struct Shippers {
    runs: Vec<Arc<Run>>,
    metrics: Option<ShipMetrics>,
}

impl Shippers {
    /// Those of the configuration, for the log at `log`. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ShipError`]
    pub fn open(config: &[config::Shipper], log: &Path) -> Result<Self, ShipError> {
        if config.is_empty() {
            return Ok(Self::default());
        }
        let metrics = ShipMetrics::new();
        let run = |shipper: &config::Shipper| {
            let receiver = Receiver::open(shipper)?;
            let cursor = Cursor::beside(log, &shipper.name);
            Ok(Arc::new(Run::new(&shipper.name, log, receiver, cursor, &metrics)))
        };
        let runs = config.iter().map(run).collect::<Result<_, ShipError>>()?;
        Ok(Self { runs, metrics: Some(metrics) })
    }

    /// Sends what there is, and what comes, until `tasks` end; what was lost is noted in `audit`.
    pub fn start(&self, audit: &Arc<AuditLog>, tasks: &Tasks) {
        for run in &self.runs {
            let (run, audit, ending) = (Arc::clone(run), Arc::clone(audit), tasks.token().clone());
            tasks.spawn("shipping of records", async move { run.run(&audit, &ending).await });
        }
    }

    /// How each is doing.
    #[must_use]
    pub fn states(&self) -> Vec<ShipState> {
        self.runs.iter().map(|run| run.state()).collect()
    }

    /// What they count.
    pub(crate) fn metrics(&self) -> Option<&ShipMetrics> {
        self.metrics.as_ref()
    }
}
