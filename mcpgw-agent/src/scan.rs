//! Looks at an MCP server before anybody uses it: starts it where it can do little harm, has it list all it has in both
//! eras of the protocol, and judges what it says.
//!
//! ```text
//! command ─▶ sandbox ─▶ process ┐
//!                               ├─▶ wire ─▶ dialogue ─▶ Observation ─▶ judge ─▶ issues ─▶ score ─▶ report, sarif
//! URL ────────────▶ remote ─────┘                          pins, package, reputation ─▶┘
//! ```
//!
//! The server never sees a client's secrets, is asked only for lists, and no tool of it is called. What it does not
//! answer, answers too slowly or in too great a number is told, and never taken for nothing.

pub(crate) mod clients;
mod dialogue;
mod http;
mod judge;
mod observation;
mod package;
mod pinned;
mod process;
mod remote;
mod report;
mod reputation;
mod sandbox;
mod sarif;
mod wire;

pub use clients::{Configured, configured};
pub use package::{Ecosystem, Package, package};
pub use pinned::{PinState, PinSummary};
pub use report::report;
pub use reputation::{Facts, Registries, Standing};
pub use sandbox::{Inside, SandboxError, enter, run_inside};
pub use sarif::sarif;
pub use wire::Fault;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use url::Url;

use crate::detect::Neighbours;
use crate::mcp::Revision;
use crate::pins::PinsError;
use crate::proxy::http::tls::TlsError;
use crate::risk::{self, Issue, Score};
use observation::Observation;

/// How much longer a server may take to say that it does not know the newest revision.
const AGAIN: Duration = Duration::from_secs(5);

/// What to look at.
#[derive(Debug, Clone)]
pub enum Target {
    /// A command that speaks over its standard input and output.
    Command {
        /// The program and its arguments.
        words: Vec<OsString>,
        /// Variables it has beside those every server gets.
        environment: Vec<(OsString, OsString)>,
        /// Where it runs; here where there is none.
        directory: Option<PathBuf>,
    },
    /// An endpoint of Streamable HTTP.
    Url {
        /// Its address.
        url: Url,
        /// What the header `Authorization` says.
        authorization: Option<String>,
    },
}

impl Target {
    /// What it is called where nothing better is known, and nothing secret: never its arguments.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Command { words, .. } => {
                let words: Vec<_> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
                crate::inventory::program(&words).unwrap_or_default()
            }
            Self::Url { url, .. } => {
                let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
                format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
            }
        }
    }
}

/// How a server is to be looked at.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long all of it may take.
    pub timeout: Duration,
    /// The server may use the network.
    pub has_network: bool,
    /// It is kept from nothing: with neither namespaces nor without privileges.
    pub is_unconfined: bool,
    /// The directory of pins; nothing is compared where there is none.
    pub pins: Option<PathBuf>,
    /// What is not pinned yet is pinned, as a first session would.
    pub keeps_pins: bool,
    /// Where to ask about packages; nobody is asked where there is none.
    pub registries: Option<Registries>,
}

/// What came of looking at a server.
#[derive(Debug, Clone)]
pub struct Scan {
    /// What the user calls it, or what it is started by.
    pub label: String,
    /// The name and version it gives itself.
    pub name: Option<(String, String)>,
    /// The revisions it was spoken to in, oldest first.
    pub revisions: Vec<String>,
    /// How many tools, prompts, resources and templates it lists.
    pub counts: [usize; 4],
    /// The names of its tools.
    pub tools: Vec<String>,
    /// The package it is started from.
    pub package: Option<Package>,
    /// What registries say of that.
    pub standing: Standing,
    /// How it compares with what is pinned.
    pub pins: PinSummary,
    /// What is to be said, worst first.
    pub issues: Vec<Issue>,
    /// How it does altogether; nothing where it could not be looked at.
    pub score: Option<Score>,
    /// Why it could not be looked at.
    pub fault: Option<String>,
    /// The last it wrote to standard error, where it could not be looked at.
    pub stderr: String,
}

impl Scan {
    /// Of a server that was not even started.
    #[must_use]
    pub fn failed(label: &str, error: &ScanError) -> Self {
        Self {
            label: label.to_owned(),
            name: None,
            revisions: Vec::new(),
            counts: [0; 4],
            tools: Vec::new(),
            package: None,
            standing: Standing::Unknown,
            pins: PinSummary::default(),
            issues: Vec::new(),
            score: None,
            fault: Some(error.to_string()),
            stderr: String::new(),
        }
    }
}

/// Why a server was not even started.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// There is no such program.
    #[error("command {0:?} not found")]
    NotFound(OsString),
    /// It could not be started.
    #[error("the server cannot be started")]
    Start(#[source] std::io::Error),
    /// The kernel does not let it be kept from doing harm.
    #[error("the kernel refuses a sandbox: {0}")]
    Sandbox(String),
    /// TLS cannot be had.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Pins cannot be read or written.
    #[error(transparent)]
    Pins(#[from] PinsError),
    /// The address is none of a server.
    #[error("the address is not http:// or https:// with a host")]
    Url,
}

/// Looks at a server: starts it, listens to it, ends it and judges what it said. `label` is what people call it, `others`
/// are the tools of the servers beside it.
///
/// # Errors
/// [`ScanError`]: there was nothing to look at. A server that does not behave is no error: [`Scan::fault`] says so.
pub fn scan(
    target: &Target,
    label: Option<&str>,
    others: &Neighbours,
    options: &Options,
) -> Result<Scan, ScanError> {
    let deadline = Instant::now() + options.timeout;
    let label = label.map_or_else(|| target.label(), str::to_owned);
    let package = match target {
        Target::Command { words, .. } => package(words),
        Target::Url { .. } => None,
    };
    let mut seen = Observation::default();
    let (fault, stderr) = match target {
        Target::Command { words, environment, directory } => {
            let start = process::Start {
                words,
                environment,
                directory: directory.as_deref(),
                inside: Inside { has_network: options.has_network, is_unconfined: options.is_unconfined },
            };
            of_command(&start, deadline, &mut seen)?
        }
        Target::Url { url, authorization } => {
            let mut remote = remote::Remote::new(url, authorization.as_deref())?;
            (dialogue::listen(&mut remote, true, deadline, &mut seen).err(), String::new())
        }
    };
    let (pins, changed) = pinned::compare(target, &seen, options)?;
    let standing = match (&package, &options.registries) {
        (Some(package), Some(registries)) => reputation::ask(package, registries),
        (_, _) => Standing::Unknown,
    };
    let mut issues = judge::judge(&seen, &label, others);
    issues.extend(changed);
    issues.extend(package.as_ref().into_iter().flat_map(|package| judge::of_package(package, &standing)));
    issues.sort_by(|one, other| other.severity.cmp(&one.severity).then_with(|| one.rule.cmp(&other.rule)));
    let score = fault.is_none().then(|| risk::score(&issues));
    Ok(Scan {
        label,
        name: seen.name(),
        revisions: seen.revisions.clone(),
        counts: seen.counts(),
        tools: seen.tools(),
        package,
        standing,
        pins,
        issues,
        score,
        fault: fault.map(|fault| fault.to_string()),
        stderr,
    })
}

/// Starts a command and listens to it. Gives why it could not be heard to the end, and the last of its standard error.
fn of_command(
    start: &process::Start<'_>,
    deadline: Instant,
    seen: &mut Observation,
) -> Result<(Option<Fault>, String), ScanError> {
    let since = Instant::now();
    let mut process = process::Process::start(start, deadline)?;
    let fault = dialogue::listen(&mut process, false, deadline, seen).err();
    let took = since.elapsed();
    let stderr = process.end();
    let is_deaf = matches!(fault, Some(Fault::Ended(_))) && seen.ended_early();
    let is_modern = seen.revisions.iter().any(|revision| revision == Revision::R2026_07_28.as_str());
    if is_modern || fault.is_some() && !is_deaf {
        return Ok((fault, stderr));
    }
    // Some servers of the newest revision end where they are greeted as older ones are; those of both eras belong to the
    // one they are first greeted in. So it is started once more, and need not take longer than before.
    let until = if is_deaf { deadline } else { deadline.min(Instant::now() + took * 2 + AGAIN) };
    let mut process = process::Process::start(start, until)?;
    let mut again = Observation::default();
    let heard = dialogue::listen_modern(&mut process, until, &mut again);
    process.end();
    match heard {
        Ok(()) if is_deaf => *seen = again,
        Ok(()) => seen.compare(again),
        Err(_) => return Ok((fault, stderr)),
    }
    Ok((None, stderr))
}
