//! What the probes say about themselves while they are debugged, passed on to the log.

use std::io;

use aya::Ebpf;
use aya_log::EbpfLogger;
use log::{Level, Log, Metadata, Record};

use super::reader;

/// Log target of the probes' lines: `RUST_LOG=mcpgw_ebpf=debug` shows them.
pub(super) const TARGET: &str = "mcpgw_ebpf";

/// Carries the probes' debug lines to `tracing`. Exists only if [`super::KernelOptions::probe_log`] is set.
pub struct ProbeLog {
    logger: Option<EbpfLogger<ToTracing>>,
}

impl std::fmt::Debug for ProbeLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProbeLog").finish_non_exhaustive()
    }
}

impl ProbeLog {
    pub(super) fn new(ebpf: &mut Ebpf) -> Result<Self, aya_log::Error> {
        EbpfLogger::init_with_logger(ebpf, ToTracing).map(|logger| Self { logger: Some(logger) })
    }

    /// Passes lines on until it is dropped.
    ///
    /// # Errors
    /// The ring could not be registered with or polled by the runtime.
    pub async fn run(mut self) -> io::Result<()> {
        let gone = || io::Error::other("the probes' log is taken");
        let mut polled = reader::polled(self.logger.take().ok_or_else(gone)?)?;
        loop {
            let mut guard = polled.readable_mut().await?;
            guard.get_inner_mut().flush();
            guard.clear_ready();
        }
    }
}

/// The `log` crate's side of it.
struct ToTracing;

impl Log for ToTracing {
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let (probe, text) = (record.target(), record.args());
        match record.level() {
            Level::Error => tracing::error!(target: TARGET, probe, "{text}"),
            Level::Warn => tracing::warn!(target: TARGET, probe, "{text}"),
            Level::Info => tracing::info!(target: TARGET, probe, "{text}"),
            Level::Debug => tracing::debug!(target: TARGET, probe, "{text}"),
            Level::Trace => tracing::trace!(target: TARGET, probe, "{text}"),
        }
    }

    fn flush(&self) {}
}
