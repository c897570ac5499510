//! `run`: the agent itself, in the foreground or under systemd.

use std::path::PathBuf;

use super::error::CliError;
use super::live::Live;
use super::output::Output;
use super::{exit, log};
use crate::config::{Config, Dirs};
use crate::daemon::{self, News, Observer, RunOptions};
use crate::proxy::gateway::outlive_long_files;
use crate::systemd;

/// One thread for the main loop, one for whoever asks it.
const WORKERS: usize = 2;

/// Runs the agent: watches the host, answers `status`, serves metrics.
///
/// Prints what it attached and a line whenever a server appears, is confirmed or ends; under systemd, log lines.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Configuration file [default: /etc/mcpgw/agent.yaml, which may be missing]
    #[arg(long, value_name = "F")]
    config: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<u8, CliError> {
    outlive_long_files();
    let config = Config::load(args.config.as_deref())?;
    let dirs = Dirs::from_env()?;
    // Before a person the live list is the news; in the journal the log is.
    let service = systemd::logs_to_journal();
    log::start(if service { "info" } else { "warn" }, config.log.format);
    let observer = if service { None } else { Some(observer(Live::start(Output::new())?)) };
    let options = RunOptions { config, config_path: args.config.clone(), dirs, observer };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .map_err(CliError::failure)?;
    let ran = runtime.block_on(daemon::run(options));
    // Dropped, it would wait for work that cannot be interrupted, however long that takes.
    runtime.shutdown_background();
    ran?;
    Ok(exit::OK)
}

fn observer(live: Live) -> Observer {
    Box::new(move |news| match news {
        News::Ready(agent) => live.ready(agent),
        News::Server(change, server) => live.change(server, change),
    })
}
