//! Measures what the agent costs a host, and what the gateway adds to a call.
//!
//! Arms take turns in a random order. Of the host, on one CPU, in many short batches, and the arm without an agent runs
//! twice: the difference of those two is what this machine cannot tell from nothing. Before and after every measurement
//! an arm has to prove that it is what it says, by the kernel's own account and not by the agent's.

mod arm;
mod audit;
mod effects;
mod gate;
mod gateway;
mod guard;
mod host;
mod inspect;
mod stats;
mod table;
mod tap;
mod tls;
mod workload;

use anyhow::Result;

use crate::workspace::Workspace;

/// Arguments of `cargo xtask bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Compare a host without the agent, with it, and with each thing it can do
    Host(host::Args),
    /// Compare a direct connection, a bare pass-through and the gateway, over stdio and HTTP
    Gateway(gateway::Args),
    /// Measure what the gate itself does with a small call: time and, by valgrind, instructions
    Gate(gate::Args),
    /// Measure how fast messages are inspected
    Inspect(inspect::Args),
    /// Measure the audit log
    Audit(audit::Args),
    /// Check that what servers do is told of the calls that did it, and what telling costs a call
    Effects(effects::Args),
    /// Send messages past any gateway, as many a second as asked for, and account for each
    Tap(tap::Args),
    /// Measure how long programs wait for the guard before they start, on an idle host and a busy one
    Guard(guard::Args),
    /// Measure what the probes on a TLS library add to each of its calls
    Tls(tls::Args),
    /// The server of `tap`
    #[command(hide = true)]
    Teller,
    /// The server of `effects`: does what it is told to
    #[command(hide = true)]
    Doer,
    /// The gateway bench's server
    #[command(hide = true)]
    Echo(gateway::EchoArgs),
    /// The gateway bench's pass-through
    #[command(hide = true)]
    Hop(gateway::HopArgs),
    /// One workload, in a process of its own; prints nanoseconds for each operation, a batch a line
    #[command(hide = true)]
    Workload(workload::Args),
}

/// Runs a measurement.
///
/// # Errors
/// When an arm cannot be set up, or is not what it says.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    match &args.what {
        What::Host(args) => host::run(workspace, args),
        What::Gateway(args) => gateway::run(workspace, args),
        What::Gate(args) => gate::run(workspace, args),
        What::Inspect(args) => inspect::run(workspace, args),
        What::Audit(args) => audit::run(workspace, args),
        What::Effects(args) => effects::run(workspace, args),
        What::Tap(args) => tap::run(workspace, args),
        What::Guard(args) => guard::run(workspace, args),
        What::Tls(args) => tls::run(workspace, args),
        What::Teller => tap::serve(),
        What::Doer => effects::serve(),
        What::Echo(args) => gateway::serve(args),
        What::Hop(args) => gateway::pass(args),
        What::Workload(args) => workload::run(args),
    }
}
