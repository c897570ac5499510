//! The command line: a file a subcommand, each with its arguments and what they mean.
//!
//! Commands gather data and hand lines to [`output`], which alone prints; what goes wrong comes back as a
//! [`CliError`](error::CliError) with an exit code ([`exit`]) and a hint. Nothing here decides what is a server
//! or what is proxied: the agent does, and says so in its status.

pub mod error;
pub mod exit;
pub mod live;

mod audit;
mod config;
mod doctor;
mod effects;
mod guard;
mod hold;
mod inspect;
mod launch;
mod log;
mod output;
mod pins;
mod policy;
mod proxy;
mod reload;
mod run;
mod scan;
mod servers;
mod status;
mod stored;
mod tail;
mod text;
mod wrap;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use error::CliError;

pub use doctor::{Examination, HookReport};

/// Finds every MCP server on this host and shows which run outside the gateway.
#[derive(Debug, Parser)]
#[command(name = "mcpgw-agent", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    Reload(reload::Args),
    Status(status::Args),
    Doctor(doctor::Args),
    #[command(subcommand)]
    Config(config::Command),
    #[command(subcommand)]
    Policy(policy::Command),
    Wrap(wrap::Args),
    Proxy(Box<proxy::Args>),
    #[command(subcommand)]
    Hold(hold::Command),
    #[command(subcommand)]
    Guard(guard::Command),
    Allow(guard::Allow),
    Block(guard::Block),
    #[command(subcommand)]
    Audit(audit::Command),
    Tail(Box<tail::Args>),
    Inspect(inspect::Args),
    #[command(subcommand)]
    Pins(pins::Command),
    #[command(subcommand)]
    Servers(servers::Command),
    #[command(subcommand)]
    Effects(effects::Command),
    Scan(Box<scan::Args>),
    #[command(hide = true)]
    ScanChild(scan::ChildArgs),
    #[command(hide = true)]
    Launch(launch::Args),
    #[command(hide = true)]
    GuardKeeper,
}

/// Runs the program with the command line `arguments`, the program's name included, and prints what there is to
/// say.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let outcome = match Cli::try_parse_from(arguments) {
        Ok(cli) => dispatch(cli.command),
        Err(usage) => return ExitCode::from(output::usage(&usage)),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            output::error(&error);
            ExitCode::from(error.code())
        }
    }
}

fn dispatch(command: Command) -> Result<u8, CliError> {
    match command {
        Command::Run(args) => run::run(&args),
        Command::Reload(args) => reload::reload(&args),
        Command::Status(args) => status::status(&args),
        Command::Doctor(args) => doctor::doctor(&args),
        Command::Config(command) => config::config(&command),
        Command::Policy(command) => policy::policy(&command),
        Command::Wrap(args) => wrap::wrap(args),
        Command::Proxy(args) => proxy::proxy(&args),
        Command::Hold(command) => hold::hold(&command),
        Command::Guard(command) => guard::guard(&command),
        Command::Allow(args) => guard::allow(&args),
        Command::Block(args) => guard::block(&args),
        Command::Audit(command) => audit::audit(&command),
        Command::Tail(args) => tail::tail(&args),
        Command::Inspect(args) => inspect::inspect(&args),
        Command::Pins(command) => pins::pins(&command),
        Command::Servers(command) => servers::servers(&command),
        Command::Effects(command) => effects::effects(&command),
        Command::Scan(args) => scan::scan(&args),
        Command::ScanChild(args) => scan::scan_child(&args),
        Command::Launch(args) => Err(launch::launch(&args)),
        Command::GuardKeeper => guard::keeper(),
    }
}
