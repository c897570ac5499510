//! `audit show`: the whole story of one decision.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::record::{draw, style, time};
use super::selection::{log, search};
use crate::audit::index::Order;
use crate::audit::query::{Facet, Filter, Pattern, StoredRecord};
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::output::Output;
use crate::cli::text::{Line, Style};
use crate::json::{Kind, Value};

/// Most records of a story; a hostile log may tie any number together.
const RECORDS_MAX: usize = 256;
/// Most ids that are listed where a beginning is not of one.
const LISTED: usize = 10;

/// Shows the whole story of one decision: what was asked and answered, held and approved, found and decided, in which
/// session, what it comes from and what came of it.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The decision's id, or its beginning
    #[arg(value_name = "DECISION_ID")]
    id: String,
    /// The log [default: as `audit query` has it]
    #[arg(value_name = "FILE")]
    log: Option<PathBuf>,
    /// Print JSON (docs/audit-search.md)
    #[arg(long)]
    json: bool,
    /// Read the log itself, not its index
    #[arg(long)]
    scan: bool,
}

/// Everything there is to tell.
struct Story {
    id: String,
    /// The records of the message, its answer, and what was held, by number.
    records: BTreeMap<u64, StoredRecord>,
    /// Records of what it comes from.
    origins: Vec<StoredRecord>,
    /// Records of what comes from it.
    follows: Vec<StoredRecord>,
    session: Option<StoredRecord>,
}

pub(super) fn show(args: &Args) -> Result<u8, CliError> {
    if args.id.is_empty() {
        return Err(CliError::new(exit::USAGE, anyhow!("a decision's id is not empty")));
    }
    let log = log(args.log.as_deref())?;
    let story = Story::find(&log, &args.id, args.scan)?;
    let output = Output::new();
    match args.json {
        true => output.json(&story.json())?,
        false => output.lines(&story.lines())?,
    }
    Ok(exit::OK)
}

impl Story {
    fn find(log: &Path, beginning: &str, scans: bool) -> Result<Self, CliError> {
        let all = about(log, beginning, scans)?;
        let id = the_one(&all, beginning)?;
        let mut story =
            Self { id, records: BTreeMap::new(), origins: Vec::new(), follows: Vec::new(), session: None };
        // Its own message and answer, and what those name: a message that was held has two decisions.
        let (mut ids, mut looked_up, mut origins) = (vec![story.id.clone()], 0, Vec::new());
        while let Some(id) = ids.get(looked_up).cloned() {
            looked_up += 1;
            for record in about(log, &id, scans)? {
                let names = |key: &str| record.text(key).is_some_and(|text| text == id);
                if ["decision_id", "request_id", "answers", "held"].into_iter().any(names) {
                    let linked =
                        ["decision_id", "request_id", "held"].into_iter().filter_map(|key| record.text(key));
                    for linked in linked {
                        if ids.len() < RECORDS_MAX && !ids.iter().any(|id| *id == linked) {
                            ids.push(linked.into_owned());
                        }
                    }
                    if let Some(list) = record.root().get("origins") {
                        origins.extend(
                            list.elements().filter_map(Value::as_str).map(std::borrow::Cow::into_owned),
                        );
                    }
                    if story.records.len() < RECORDS_MAX {
                        story.records.insert(record.seq(), record);
                    }
                } else if id == story.id && story.follows.len() < RECORDS_MAX {
                    // Others that begin with the same text are not meant.
                    let mut is_origin = false;
                    record.decisions(|name| is_origin |= name == id);
                    if is_origin {
                        story.follows.push(record);
                    }
                }
            }
        }
        origins.sort();
        origins.dedup();
        for origin in origins.into_iter().take(RECORDS_MAX) {
            let is_it = |record: &StoredRecord| record.text("decision_id").is_some_and(|id| id == origin);
            story.origins.extend(about(log, &origin, scans)?.into_iter().find(is_it));
        }
        story.session = story.opening(log, scans)?;
        Ok(story)
    }

    /// The record of the session's beginning.
    fn opening(&self, log: &Path, scans: bool) -> Result<Option<StoredRecord>, CliError> {
        let Some(session) = self.records.values().find_map(|record| record.text("session")) else {
            return Ok(None);
        };
        let wanted = |facet, text: &str| (facet, vec![Pattern::Text(text.to_owned())]);
        let filter = Filter {
            facets: vec![wanted(Facet::Session, &session), wanted(Facet::Event, "session.opened")],
            ..Filter::default()
        };
        let mut found = None;
        search(log, &filter, Order::Oldest, scans, &mut |record| {
            found = Some(record);
            ControlFlow::Break(())
        })?;
        Ok(found)
    }

    /// One JSON object with the records as they stand in the log.
    fn json(&self) -> String {
        let list = |records: &mut dyn Iterator<Item = &StoredRecord>| {
            records.map(StoredRecord::line).collect::<Vec<_>>().join(",")
        };
        format!(
            "{{\"decision\":{},\"session\":{},\"records\":[{}],\"origins\":[{}],\"follows\":[{}]}}",
            crate::json::quote(&self.id),
            self.session.as_ref().map_or("null", StoredRecord::line),
            list(&mut self.records.values()),
            list(&mut self.origins.iter()),
            list(&mut self.follows.iter()),
        )
    }

    fn lines(&self) -> Vec<Line> {
        let mut lines = vec![Line::styled(Style::Bold, &format!("decision {}", self.id))];
        section(&mut lines, "session", &mut self.session.iter());
        section(&mut lines, "comes from", &mut self.origins.iter());
        for record in self.records.values() {
            lines.extend(whole(record));
        }
        section(&mut lines, "what came of it", &mut self.follows.iter());
        lines
    }
}

/// Adds a heading and `records`, a line each, where there are any.
fn section(lines: &mut Vec<Line>, name: &str, records: &mut dyn Iterator<Item = &StoredRecord>) {
    let drawn: Vec<Line> = records.map(draw).collect();
    if !drawn.is_empty() {
        lines.push(Line::styled(Style::Bold, name));
        lines.extend(drawn);
    }
}

/// The records that name a decision whose id begins so.
fn about(log: &Path, beginning: &str, scans: bool) -> Result<Vec<StoredRecord>, CliError> {
    let filter = Filter { decision: Some(beginning.to_owned()), ..Filter::default() };
    let mut records = Vec::new();
    search(log, &filter, Order::Oldest, scans, &mut |record| {
        records.push(record);
        if records.len() < RECORDS_MAX { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(records)
}

/// The one decision of `records` that is meant.
fn the_one(records: &[StoredRecord], beginning: &str) -> Result<String, CliError> {
    let mut ids = Vec::new();
    for record in records {
        if let Some(id) = record.text("decision_id").filter(|id| id.starts_with(beginning)) {
            ids.push(id.into_owned());
        }
    }
    ids.sort();
    ids.dedup();
    if let Some(id) = ids.iter().find(|id| *id == beginning) {
        return Ok(id.clone());
    }
    match ids.as_slice() {
        [] => {
            Err(CliError::failure(anyhow!("no decision of the log has an id that begins with `{beginning}`")))
        }
        [id] => Ok(id.clone()),
        several => {
            let listed = several.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
            let more = if several.len() > LISTED { ", …" } else { "" };
            Err(CliError::failure(anyhow!("several decisions begin with `{beginning}`: {listed}{more}")))
        }
    }
}

/// All a record has, a line for each member; what is the same in all records of a chain is left out.
fn whole(record: &StoredRecord) -> Vec<Line> {
    let text = |key| record.text(key).unwrap_or_default();
    let heading = format!("{} {} {}", text("kind"), text("direction"), text("method"));
    let mut lines = vec![
        Line::styled(Style::Bold, heading.trim())
            .and(Style::Dim, &format!("  {}  seq {}", time(record), record.seq())),
    ];
    for (key, value) in record.root().members() {
        let Some(key) = key.as_str() else { continue };
        if matches!(&*key, "timestamp" | "seq" | "prev" | "sig" | "direction" | "method" | "kind") {
            continue;
        }
        let of_many = value.kind() == Kind::Array;
        let values = if of_many { value.elements().collect() } else { vec![value] };
        for value in values {
            let style = if key == "action" { style(record) } else { Style::Plain };
            let text = value.as_str().unwrap_or_else(|| value.raw().into());
            lines.push(Line::styled(Style::Dim, &format!("  {key:<13} ")).and(style, &text));
        }
    }
    lines
}
