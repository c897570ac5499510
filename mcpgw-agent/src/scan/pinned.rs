//! How what a server lists compares with what is pinned of it.

use nix::unistd::geteuid;

use super::observation::Observation;
use super::{Options, ScanError, Target};
use crate::detect::{DefinitionKind, Severity};
use crate::inventory::program;
use crate::json::{Document, Limits, Value};
use crate::pins::{Pass, Pins, Report, ServerId, Standing, Trust};
use crate::risk::{Issue, Subject};

const READ_DIFF: &str =
    "Read `mcpgw-agent pins diff`; approve it with `mcpgw-agent pins approve` if it is what you expect.";

/// Whether there is anything to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PinState {
    /// Nothing is pinned of it.
    #[default]
    Unpinned,
    /// All is as it was approved.
    Same,
    /// Something is not.
    Changed,
}

impl PinState {
    /// Its word in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unpinned => "unpinned",
            Self::Same => "same",
            Self::Changed => "changed",
        }
    }
}

/// How a server compares with what is pinned of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PinSummary {
    /// All of it together.
    pub state: PinState,
    /// Definitions that are as approved.
    pub same: usize,
    /// Definitions that are not.
    pub changed: usize,
    /// Definitions nobody approved.
    pub added: usize,
    /// Definitions that are gone.
    pub removed: usize,
}

/// Which server it is: the one `wrap` and `proxy` would take it for.
fn identity(target: &Target) -> ServerId {
    match target {
        Target::Command { words, .. } => {
            let words: Vec<_> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
            ServerId::of_command(geteuid().as_raw(), &program(&words).unwrap_or_default())
        }
        Target::Url { url, .. } => {
            let mut url = url.clone();
            url.set_query(None);
            url.set_fragment(None);
            ServerId::of_url(url.as_str())
        }
    }
}

/// Holds what was heard against the pins. Writes them only where they are to be kept.
pub(super) fn compare(
    target: &Target,
    seen: &Observation,
    options: &Options,
) -> Result<(PinSummary, Vec<Issue>), ScanError> {
    let mut summary = PinSummary::default();
    let Some(directory) = options.pins.as_deref().filter(|path| options.keeps_pins || path.exists()) else {
        return Ok((summary, Vec::new()));
    };
    if seen.identity.is_none() {
        return Ok((summary, Vec::new()));
    }
    let server = identity(target);
    let trust = if options.keeps_pins { Trust::FirstUse } else { Trust::Approved };
    let pins = Pins::open(directory, trust)?;
    let is_known = pins.list()?.into_iter().flatten().any(|book| book.server.hash() == server.hash());
    if !is_known && !options.keeps_pins {
        return Ok((summary, Vec::new()));
    }
    let book = pins.server(&server)?;
    let mut issues = Vec::new();
    for kind in DefinitionKind::ALL {
        let texts = seen.definitions.iter().filter(|listed| listed.kind == kind).map(|listed| &listed.text);
        let texts: Vec<_> =
            if kind == DefinitionKind::Server { seen.identity.iter().collect() } else { texts.collect() };
        let documents: Vec<_> = texts
            .into_iter()
            .filter_map(|text| Document::parse(text.clone(), &Limits::default()).ok())
            .collect();
        // What could not be heard to its end says nothing of what is gone.
        let is_whole = !seen.incomplete.iter().any(|(of, _)| *of == kind);
        let roots: Vec<Value<'_>> = documents.iter().map(Document::root).collect();
        let report = book.check(&mut Pass::new(kind), roots, true, is_whole);
        tell(kind, &report, &mut summary, &mut issues);
    }
    if options.keeps_pins {
        pins.flush()?;
    }
    let is_same = summary.changed + summary.added + summary.removed == 0;
    summary.state = if is_same { PinState::Same } else { PinState::Changed };
    Ok((summary, issues))
}

fn tell(kind: DefinitionKind, report: &Report, summary: &mut PinSummary, issues: &mut Vec<Issue>) {
    let mut say = |rule: &'static str, severity, name: &str, path: &str, why: &'static str| {
        let subject = Subject::Definition(kind, name.to_owned(), path.to_owned());
        issues.push(Issue { rule: rule.into(), severity, subject, why: why.into(), remedy: READ_DIFF });
    };
    for entry in &report.entries {
        match &entry.standing {
            Standing::Same | Standing::Trusted => summary.same += 1,
            Standing::Added => {
                summary.added += 1;
                say("added", Severity::Medium, &entry.name, "", "nobody has approved it");
            }
            Standing::Changed(changes) => {
                summary.changed += 1;
                for change in changes {
                    say("changed", change.severity, &entry.name, &change.path, change.what.why());
                }
            }
            Standing::Unpinned => {
                summary.added += 1;
                say(
                    "unpinnable",
                    Severity::Medium,
                    &entry.name,
                    "",
                    "it has no name, or is too large to be pinned",
                );
            }
        }
    }
    for name in &report.removed {
        summary.removed += 1;
        say("removed", Severity::Low, name, "", "it was approved, and is gone");
    }
}
