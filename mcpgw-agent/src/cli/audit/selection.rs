//! Which records of which log: the arguments `query`, `export` and `tail` share.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::audit::files::LogFiles;
use crate::audit::index::{Index, IndexError, News, Order};
use crate::audit::query::{
    Facet, Filter, FilterError, Pattern, StoredRecord, TimeError, Wording, moment, scan,
};
use crate::audit::user_state_dir;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::output;
use crate::config::{Config, Dirs};
use crate::proxy::gateway::AUDIT_FILE;

/// Records added to an index between two words about it.
const NEWS_EVERY: u64 = 250_000;

/// What is asked for. An option that is given several times wants any of its values; all options must hold.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Which records (NAME, TOOL … may have * and ?)")]
pub(in crate::cli) struct Selection {
    /// Written then or later: RFC 3339, a day, or how long ago as 2h
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Written before
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Of this server
    #[arg(long, value_name = "NAME")]
    server: Vec<String>,
    /// About this tool
    #[arg(long, value_name = "TOOL")]
    tool: Vec<String>,
    /// Of this authenticated subject
    #[arg(long, value_name = "SUBJECT")]
    subject: Vec<String>,
    /// With this label
    #[arg(long, value_name = "NAME=VALUE")]
    label: Vec<String>,
    /// What happened to the message: pass, redact, hold, block
    #[arg(long, value_name = "ACTION")]
    action: Vec<String>,
    /// What enforce mode would have done, in observe mode
    #[arg(long, value_name = "ACTION")]
    would: Vec<String>,
    /// The policy's rule
    #[arg(long, value_name = "RULE")]
    rule: Vec<String>,
    /// The detector that found something, as secrets or secrets/github_token
    #[arg(long, value_name = "DETECTOR")]
    detector: Vec<String>,
    /// Of this session
    #[arg(long, value_name = "ID")]
    session: Vec<String>,
    /// About the decision whose id begins so
    #[arg(long, value_name = "ID")]
    decision: Option<String>,
    /// The kind of a record that is no message, as session.opened
    #[arg(long, value_name = "EVENT")]
    event: Vec<String>,
    /// Seen past any gateway: tap
    #[arg(long, value_name = "SOURCE")]
    source: Vec<String>,
    /// The message's method
    #[arg(long, value_name = "METHOD")]
    method: Vec<String>,
    /// Which way the message went: c2s, s2c
    #[arg(long, value_name = "WAY")]
    direction: Vec<String>,
    /// Words in names, arguments, reasons, errors and findings: all of them; "a phrase", begin*, -not, this OR that
    #[arg(long, value_name = "WORDS", allow_hyphen_values = true)]
    text: Option<String>,
}

impl Selection {
    /// Those of messages that were seen past any gateway.
    pub(in crate::cli) fn unproxied() -> (Facet, Vec<Pattern>) {
        (Facet::Source, Pattern::new("tap").into_iter().collect())
    }

    /// What it means now.
    pub(in crate::cli) fn filter(&self) -> Result<Filter, CliError> {
        let now = Timestamp::now();
        let time = |text: &Option<String>| text.as_deref().map(|text| moment(text, now)).transpose();
        let mut filter = Filter {
            since: time(&self.since)?,
            until: time(&self.until)?,
            decision: self.decision.clone(),
            words: self.text.as_deref().map(Wording::parse).transpose().map_err(FilterError::from)?,
            facets: Vec::new(),
        };
        for (facet, patterns) in [
            (Facet::Server, &self.server),
            (Facet::Tool, &self.tool),
            (Facet::Subject, &self.subject),
            (Facet::Action, &self.action),
            (Facet::Would, &self.would),
            (Facet::Rule, &self.rule),
            (Facet::Detector, &self.detector),
            (Facet::Session, &self.session),
            (Facet::Event, &self.event),
            (Facet::Method, &self.method),
            (Facet::Direction, &self.direction),
            (Facet::Source, &self.source),
        ] {
            if !patterns.is_empty() {
                let patterns =
                    patterns.iter().map(|pattern| Pattern::new(pattern)).collect::<Result<_, _>>()?;
                filter.facets.push((facet, patterns));
            }
        }
        if !self.label.is_empty() {
            let patterns = self.label.iter().map(|label| Pattern::label(label)).collect::<Result<_, _>>()?;
            filter.facets.push((Facet::Label, patterns));
        }
        Ok(filter)
    }
}

/// The log to read: the one named, else the agent's, else the user's newest; which one is said where nobody named it.
pub(in crate::cli) fn log(named: Option<&Path>) -> Result<PathBuf, CliError> {
    if let Some(path) = named {
        return Ok(path.to_owned());
    }
    let agents = Config::load(None).ok().and_then(|config| config.gateway.audit.path);
    let agents = agents.map_or_else(|| Dirs::from_env().map(|dirs| dirs.state.join(AUDIT_FILE)), Ok)?;
    let readable = std::fs::File::open(&agents).is_ok();
    let log = if readable { agents } else { newest_log().unwrap_or(agents) };
    output::note(&format!("log {}", log.display()));
    Ok(log)
}

/// The newest log of the user's own sessions.
fn newest_log() -> Option<PathBuf> {
    let dir = user_state_dir()?.join("mcpgw").join("audit");
    let logs = LogFiles::in_dir(&dir).ok()?;
    let written = |log: &LogFiles| log.files().last()?.path().metadata().ok()?.modified().ok();
    logs.iter().max_by_key(|log| written(log)).map(|log| log.log().to_owned())
}

/// There must be a log.
pub(in crate::cli) fn exists(log: &Path) -> Result<(), CliError> {
    LogFiles::of(log).map(drop).map_err(|error| unreadable(log, error))
}

pub(in crate::cli) fn unreadable(log: &Path, error: std::io::Error) -> CliError {
    CliError::failure(anyhow::Error::new(error).context(format!("cannot read the log `{}`", log.display())))
}

/// The index of `log`, up to date; what that takes is said.
pub(in crate::cli) fn index(log: &Path) -> Result<Index, IndexError> {
    Index::fresh(log, &mut teller())
}

/// Says what happens to an index.
pub(in crate::cli) fn teller() -> impl FnMut(News) {
    let mut said = 0;
    move |news| match news {
        News::Rebuilt(why) => output::note(&format!("the index is made anew: {why}")),
        News::Added(records) if records >= said + NEWS_EVERY => {
            said = records;
            output::note(&format!("indexing: {records} records"));
        }
        News::Added(_) => {}
    }
}

/// Calls `each` with the records of `log` that `filter` wants, from its index or, where there can be none or `scans`, from
/// the log itself, which is read from its beginning.
pub(in crate::cli) fn search(
    log: &Path,
    filter: &Filter,
    order: Order,
    scans: bool,
    each: &mut dyn FnMut(StoredRecord) -> ControlFlow<()>,
) -> Result<(), CliError> {
    exists(log)?;
    if scans {
        return read(log, filter, order, each);
    }
    let index = match index(log) {
        Ok(index) => index,
        Err(error) => {
            let why = anyhow::Error::new(error);
            output::note(&format!("the whole log is read: {why:#}"));
            return read(log, filter, order, each);
        }
    };
    let mut given = 0_u64;
    let searched = index.search(filter, order, &mut |record| {
        given += 1;
        each(record)
    });
    match searched {
        Err(error) if error.is_damage() => {
            drop(index);
            Index::discard(log)?;
            if given > 0 {
                return Err(CliError::from(error).hinted("it was removed; the next search makes it anew"));
            }
            output::note("the index is made anew: it was damaged");
            Ok(self::index(log)?.search(filter, order, each)?)
        }
        searched => Ok(searched?),
    }
}

fn read(
    log: &Path,
    filter: &Filter,
    order: Order,
    each: &mut dyn FnMut(StoredRecord) -> ControlFlow<()>,
) -> Result<(), CliError> {
    let unreadable = |error| unreadable(log, error);
    if order == Order::Oldest {
        return scan(log, filter, each).map(drop).map_err(unreadable);
    }
    // Backwards a log cannot be read: the numbers are kept, and what they stand for is read again.
    let mut all = Vec::new();
    let scanned = scan(log, filter, &mut |record| {
        all.push(record.line().to_owned().into_boxed_str());
        ControlFlow::Continue(())
    });
    scanned.map_err(unreadable)?;
    let records = all.iter().rev().filter_map(|line| StoredRecord::read(line.as_bytes()));
    for record in records {
        if each(record).is_break() {
            break;
        }
    }
    Ok(())
}

impl From<IndexError> for CliError {
    fn from(error: IndexError) -> Self {
        Self::failure(error).hinted("`--scan` reads the log itself")
    }
}

impl From<FilterError> for CliError {
    fn from(error: FilterError) -> Self {
        Self::new(exit::USAGE, error)
    }
}

impl From<TimeError> for CliError {
    fn from(error: TimeError) -> Self {
        Self::new(exit::USAGE, error)
    }
}
