//! `scan`: looks at servers before anybody uses them. `scan-child`: the sandbox it starts them in.

mod draw;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;
use url::Url;

use super::error::CliError;
use super::exit;
use super::output::Output;
use super::text::{Line, Style};
use crate::detect::{Neighbours, Severity};
use crate::pins::Directory;
use crate::scan::{
    self, Inside, Options, Registries, SandboxError, Scan, ScanError, Target, configured, enter, run_inside,
};

/// Starts a server in a sandbox, has it list all it has, and says what is wrong with it (docs/scan.md).
///
/// It has no network unless told, sees none of the environment's secrets, and no tool of it is called.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["url", "all", "command"]))]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct Args {
    /// The server's endpoint, where it is reached over HTTP
    #[arg(value_name = "URL")]
    url: Option<Url>,
    /// All servers in the configuration files of this user's MCP clients
    #[arg(long)]
    all: bool,
    /// With --all, those of the project in this directory, too
    #[arg(long, requires = "all")]
    project: bool,
    /// Print JSON (docs/scan.md)
    #[arg(long, conflicts_with = "sarif")]
    json: bool,
    /// Print SARIF 2.1.0
    #[arg(long)]
    sarif: bool,
    /// Exit with 12 where anything is of this severity or worse: low, medium, high, critical
    #[arg(long, value_enum, value_name = "SEVERITY", hide_possible_values = true)]
    fail_on: Option<Least>,
    /// Seconds a server has for all of it [default: 30]
    #[arg(long, value_name = "S", default_value_t = 30, hide_default_value = true, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// Let the server use the network
    #[arg(long)]
    network: bool,
    /// Start the server without a sandbox, where the kernel refuses one
    #[arg(long)]
    no_sandbox: bool,
    /// Give the server this variable of the environment
    #[arg(long, value_name = "NAME")]
    env: Vec<OsString>,
    /// Variable with the token for the header Authorization, where it is reached over HTTP
    #[arg(long, value_name = "NAME")]
    token_env: Option<OsString>,
    /// Ask the registry of npm, or the Python index, about the package
    #[arg(long)]
    reputation: bool,
    #[command(flatten)]
    registries: RegistryArgs,
    /// The directory of the pins [default: /var/lib/mcpgw/pins for root, else $XDG_STATE_HOME/mcpgw/pins]
    #[arg(long, value_name = "D")]
    pins: Option<PathBuf>,
    /// Pin what is listed, where nothing is pinned yet
    #[arg(long)]
    pin: bool,
    /// The server's command and its arguments
    #[arg(last = true, value_name = "CMD")]
    command: Vec<OsString>,
}

/// Where to ask about packages, where npm and pip are not told of it.
#[derive(Debug, clap::Args)]
struct RegistryArgs {
    /// The registry npm packages are in [default: npm's own setting]
    #[arg(long, value_name = "URL")]
    npm_registry: Option<Url>,
    /// The index Python packages are in [default: pip's own setting]
    #[arg(long, value_name = "URL")]
    pypi_index: Option<Url>,
    /// Where npm's downloads are counted
    #[arg(long, value_name = "URL", env = "MCPGW_NPM_DOWNLOADS_URL", hide = true)]
    npm_downloads: Option<Url>,
    /// Where downloads of Python packages are counted
    #[arg(long, value_name = "URL", env = "MCPGW_PYPI_DOWNLOADS_URL", hide = true)]
    pypi_downloads: Option<Url>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Least {
    Low,
    Medium,
    High,
    Critical,
}

impl Least {
    fn severity(self) -> Severity {
        match self {
            Self::Low => Severity::Low,
            Self::Medium => Severity::Medium,
            Self::High => Severity::High,
            Self::Critical => Severity::Critical,
        }
    }
}

pub(super) fn scan(args: &Args) -> Result<u8, CliError> {
    let options = Options {
        timeout: Duration::from_secs(args.timeout),
        has_network: args.network,
        is_unconfined: args.no_sandbox,
        pins: args.pins.clone().or_else(Directory::default_path),
        keeps_pins: args.pin,
        registries: args.reputation.then(|| registries(&args.registries)),
    };
    let output = Output::new();
    let (targets, notes) = targets(args)?;
    if !args.json && !args.sarif {
        output.lines(&notes)?;
    }
    let mut scans: Vec<Scan> = Vec::new();
    let mut others = Neighbours::default();
    for (name, target) in &targets {
        let scanned = match scan::scan(target, name.as_deref(), &others, &options) {
            // Of many, one that cannot be started is no reason not to look at the rest.
            Err(error) if args.all => Scan::failed(name.as_deref().unwrap_or_default(), &error),
            scanned => scanned?,
        };
        for tool in &scanned.tools {
            others.add(&scanned.label, tool);
        }
        if !args.json && !args.sarif {
            output.lines(&draw::scan(&scanned))?;
        }
        scans.push(scanned);
    }
    if args.json {
        let report = scan::report(&scans);
        output.pretty(&report)?;
    } else if args.sarif {
        let report = scan::sarif(&scans);
        output.pretty(&report)?;
    }
    let is_bad =
        |least: Severity| scans.iter().flat_map(|scan| &scan.issues).any(|issue| issue.severity >= least);
    if args.fail_on.is_some_and(|least| is_bad(least.severity())) {
        return Ok(exit::RISKY);
    }
    Ok(if scans.iter().all(|scan| scan.fault.is_none()) { exit::OK } else { exit::FAILURE })
}

/// What to look at, by the name a client gives it, and what is to be said of that.
type Targets = (Vec<(Option<String>, Target)>, Vec<Line>);

fn targets(args: &Args) -> Result<Targets, CliError> {
    if let Some(url) = &args.url {
        let token = args.token_env.as_ref().map(|name| {
            std::env::var(name).map_err(|error| {
                CliError::new(exit::USAGE, error).hinted("--token-env names a variable that holds a token")
            })
        });
        let authorization = token.transpose()?.map(|token| format!("Bearer {token}"));
        return Ok((vec![(None, Target::Url { url: url.clone(), authorization })], Vec::new()));
    }
    let environment: Vec<_> =
        args.env.iter().filter_map(|name| Some((name.clone(), std::env::var_os(name)?))).collect();
    if !args.all {
        let target = Target::Command { words: args.command.clone(), environment, directory: None };
        return Ok((vec![(None, target)], Vec::new()));
    }
    let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    let home = home.ok_or_else(|| CliError::new(exit::USAGE, anyhow::anyhow!("HOME names no directory")))?;
    let project = args.project.then(|| Path::new("."));
    let (servers, failed) = configured(&home, project);
    let mut notes: Vec<Line> = failed
        .iter()
        .map(|(path, why)| Line::styled(Style::Warn, &format!("{} is not read: {why}", path.display())))
        .collect();
    if servers.is_empty() {
        notes.push(Line::plain("No client has a server."));
    }
    let named = |server: scan::Configured| {
        let mut target = server.target;
        if let Target::Command { environment: own, .. } = &mut target {
            own.extend(environment.iter().cloned());
        }
        (Some(server.name), target)
    };
    Ok((servers.into_iter().map(named).collect(), notes))
}

fn registries(args: &RegistryArgs) -> Registries {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = absolute("HOME");
    let cache = absolute("XDG_CACHE_HOME").or_else(|| Some(home.as_ref()?.join(".cache")));
    let named = Registries {
        npm: args.npm_registry.clone(),
        npm_scopes: Vec::new(),
        npm_downloads: args.npm_downloads.clone(),
        pypi: args.pypi_index.clone(),
        pypi_downloads: args.pypi_downloads.clone(),
        cache: cache.map(|cache| cache.join("mcpgw/packages")),
    };
    named.or_found(home.as_deref(), &|name| std::env::var_os(name))
}

/// The sandbox of `scan`.
#[derive(Debug, clap::Args)]
pub(super) struct ChildArgs {
    #[arg(long, default_value_t = 0)]
    parent: i32,
    #[arg(long)]
    network: bool,
    #[arg(long)]
    unconfined: bool,
    #[arg(long)]
    inner: bool,
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

pub(super) fn scan_child(args: &ChildArgs) -> Result<u8, CliError> {
    if args.inner {
        return Ok(run_inside(&args.command)?);
    }
    let inside = Inside { has_network: args.network, is_unconfined: args.unconfined };
    Ok(enter(args.parent, inside, &args.command)?)
}

impl From<SandboxError> for CliError {
    fn from(error: SandboxError) -> Self {
        Self::new(exit::WRAP_FAILED, error)
    }
}

impl From<ScanError> for CliError {
    fn from(error: ScanError) -> Self {
        let hint = match &error {
            ScanError::Sandbox(_) => Some(
                "unprivileged user namespaces may be switched off here (sysctl user.max_user_namespaces, \
                 kernel.apparmor_restrict_unprivileged_userns); `--no-sandbox` starts the server as it is",
            ),
            ScanError::Url => Some("a command comes after `--`"),
            ScanError::NotFound(_) | ScanError::Start(_) | ScanError::Tls(_) | ScanError::Pins(_) => None,
        };
        let code = if matches!(error, ScanError::Url) { exit::USAGE } else { exit::FAILURE };
        let error = Self::new(code, error);
        hint.into_iter().fold(error, Self::hinted)
    }
}
