//! `cargo xtask bench gateway`: what the gateway adds to a call, next to a bare pass-through and to no hop at all.
//!
//! One client, one server that echoes, the same messages; between them nothing, a pass-through that moves bytes and
//! knows nothing, or mcpgw with a policy enforced and its audit log on. The arms take turns in a random order, so that
//! what the machine does meanwhile hits all alike. Every answer is checked: an arm that loses or changes a byte fails.

mod echo;
mod hop;
mod http;
mod load;
mod message;
mod report;
mod stdio;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};

use super::stats::Shuffle;
use super::table::Conditions;
use crate::shell;
use crate::workspace::Workspace;

pub(crate) use echo::{Args as EchoArgs, run as serve};
pub(crate) use hop::{Args as HopArgs, run as pass};

/// Arguments of `cargo xtask bench gateway`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Rounds; each takes every arm once with every size, about a minute
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// The policy enforced
    #[arg(long, default_value = "policies/default.yaml")]
    policy: PathBuf,
    /// Put the table into docs/performance.md
    #[arg(long)]
    write: bool,
}

/// What is between client and server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Arm {
    /// Nothing.
    Direct,
    /// A pass-through of bytes.
    Hop,
    /// mcpgw.
    Gateway,
}

impl Arm {
    const ALL: [Self; 3] = [Self::Direct, Self::Hop, Self::Gateway];
}

/// How client and server talk, how much at once, how many clients at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Case {
    /// One client, one call at a time.
    Stdio {
        /// Bytes of a request, about.
        size: usize,
    },
    /// Connections that are kept.
    Http {
        /// Bytes of a request, about.
        size: usize,
        /// Clients at a time.
        clients: usize,
    },
}

/// Request sizes, in bytes.
const SIZES: [usize; 3] = [200, 10_000, 1_000_000];
/// Clients at a time over HTTP.
const CLIENTS: [usize; 3] = [1, 16, 64];

impl Case {
    fn all() -> Vec<Self> {
        let stdio = SIZES.into_iter().map(|size| Self::Stdio { size });
        let http = SIZES.into_iter().flat_map(|size| CLIENTS.map(|clients| Self::Http { size, clients }));
        stdio.chain(http).collect()
    }
}

/// What one arm did in one case: all rounds together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Measured {
    /// Nanoseconds of each call.
    pub(crate) calls: Vec<f64>,
    /// Calls a second, a number for each round.
    pub(crate) rates: Vec<f64>,
    /// CPU time of the hop or gateway for each call, in nanoseconds, a number for each round.
    pub(crate) cpu: Vec<f64>,
}

/// All measurements.
pub(crate) type Results = BTreeMap<(Case, Arm), Measured>;

/// What an arm needs to be set up.
#[derive(Debug)]
pub(crate) struct Site {
    /// The agent's program.
    pub(crate) agent: PathBuf,
    /// This program, for the echo server and the pass-through.
    pub(crate) xtask: PathBuf,
    /// The policy file.
    pub(crate) policy: PathBuf,
    /// A directory to write to, on the disk.
    pub(crate) scratch: PathBuf,
}

/// Measures, prints a table and perhaps keeps it.
///
/// # Errors
/// When the agent is not built, or an arm loses or changes an answer.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    ensure!(args.rounds >= 1, "at least one round");
    let agent = workspace.agent();
    ensure!(shell::is_executable(&agent), "`{}` is not there: `cargo xtask build` first", agent.display());
    let scratch = workspace.target().join("bench/gateway");
    if scratch.exists() {
        fs::remove_dir_all(&scratch)?;
    }
    fs::create_dir_all(&scratch)?;
    let policy = workspace.root().join(&args.policy);
    ensure!(policy.is_file(), "there is no policy `{}`", policy.display());
    let site = Site { agent, xtask: std::env::current_exe()?, policy, scratch };

    let seed = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let mut shuffle = Shuffle::new(seed);
    let mut results = Results::new();
    let conditions = Conditions::look(None, args.rounds, seed);
    for round in 1..=args.rounds {
        for case in Case::all() {
            eprintln!("bench: round {round} of {}: {case:?}", args.rounds);
            for arm in shuffle.of(&Arm::ALL) {
                let measured = results.entry((case, arm)).or_default();
                let outcome = match case {
                    Case::Stdio { size } => stdio::measure(&site, arm, size, measured),
                    Case::Http { size, clients } => http::measure(&site, arm, size, clients, measured),
                };
                outcome.with_context(|| format!("{case:?}, {arm:?}"))?;
            }
        }
    }
    let report = report::render(&results, &conditions);
    println!("{report}");
    if args.write {
        let page = workspace.path("docs/performance.md");
        let text = fs::read_to_string(&page).with_context(|| format!("cannot read `{}`", page.display()))?;
        fs::write(&page, super::table::put_into(&text, "bench gateway", &report)?)?;
    }
    Ok(())
}
