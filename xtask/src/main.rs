//! Sets up, builds, runs, tests and checks mcpgw: `cargo xtask --help`.
//!
//! A subcommand a file. Everything here runs on a developer's machine and may print, start programs and
//! install packages, but it says what it is about to do first, and nothing of it is linked into the agent.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a build tool talks to the person who runs it"
)]

mod bench;
mod build;
mod eval;
mod kernels;
mod peers;
mod run;
mod setup;
mod shell;
mod test;
mod tidy;
mod train;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use workspace::Workspace;

/// Sets up, builds, runs, tests and checks mcpgw.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Find or install the BPF toolchain; does nothing when all is there
    Setup(setup::Args),
    /// Build the probes and the agent into one binary, target/release/mcpgw-agent
    Build(build::Args),
    /// Set up if needed, build, and run the agent in the foreground
    Run(run::Args),
    /// Run everything: format, lints, invariants, unit, command-line, kernel and end-to-end tests
    Test(test::Args),
    /// Install the real servers and look-alikes the tests use, into target/peers
    Peers,
    /// Check the invariants a machine can hold (ARCHITECTURE.md)
    Tidy,
    /// Train the model of the `injection` detector and write its weights
    Train(train::Args),
    /// Measure what the agent costs
    Bench(bench::Args),
    /// Measure the detectors on labelled samples
    Eval(eval::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = Workspace::find().and_then(|workspace| match cli.command {
        Command::Setup(args) => setup::run(&workspace, &args),
        Command::Build(args) => build::run(&workspace, &args),
        Command::Run(args) => run::run(&workspace, &args),
        Command::Test(args) => test::run(&workspace, &args),
        Command::Peers => peers::run(&workspace),
        Command::Tidy => tidy::run(&workspace),
        Command::Train(args) => train::run(&workspace, &args),
        Command::Bench(args) => bench::run(&workspace, &args),
        Command::Eval(args) => eval::run(&workspace, &args),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
