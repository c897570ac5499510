//! Log lines of the long-running command, on standard error. `RUST_LOG` says which; the journal stamps its own.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::config::LogFormat;

/// Starts logging. `default` is the filter used where `RUST_LOG` is not set or cannot be understood.
pub(super) fn start(default: &str, format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let builder = fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .with_target(false);
    let started = match format {
        LogFormat::Json => builder.json().try_init(),
        LogFormat::Text if crate::systemd::logs_to_journal() => builder.without_time().try_init(),
        LogFormat::Text => builder.try_init(),
    };
    if let Err(error) = started {
        tracing::debug!(%error, "logging was started already");
    }
}
