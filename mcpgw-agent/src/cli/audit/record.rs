//! One record as a line for people.

use crate::audit::query::StoredRecord;
use crate::cli::text::{Line, Style};

/// Longest arguments in a line, in characters.
const ARGUMENTS_MAX: usize = 120;
/// Effects that are named in a line, and kinds of those that are not.
const EFFECTS_NAMED: usize = 8;

/// The line of `record`: when, what happened, where, what about, why.
pub(in crate::cli) fn draw(record: &StoredRecord) -> Line {
    let line = Line::styled(Style::Dim, &format!("{}  ", time(record)));
    match record.text("event") {
        Some(event) => event_line(line, record, &event),
        None => message(line, record),
    }
}

/// Its time to the millisecond, which says enough to find it.
pub(in crate::cli) fn time(record: &StoredRecord) -> impl std::fmt::Display {
    jiff::tz::Offset::UTC.to_datetime(record.time()).strftime("%Y-%m-%d %H:%M:%S.%3fZ")
}

/// How an action looks.
pub(in crate::cli) fn style(record: &StoredRecord) -> Style {
    match record.text("action").as_deref() {
        Some("pass") if record.text("would").is_some() => Style::Warn,
        Some("pass") => Style::Good,
        Some("redact" | "hold") => Style::Warn,
        Some(_) => Style::Bad,
        None => Style::Plain,
    }
}

fn message(line: Line, record: &StoredRecord) -> Line {
    let text = |key| record.text(key).unwrap_or_default();
    let target = ["tool_name", "prompt", "resource", "task"].iter().find_map(|key| record.text(key));
    let kind = text("kind");
    // A request speaks for itself.
    let kind = if kind == "request" { String::new() } else { format!(" {kind}") };
    let mut line = line
        .and(style(record), &format!("{:<6}", text("action")))
        .and(Style::Plain, &format!("  {} {} ", text("direction"), text("server")))
        .and(Style::Bold, &text("method"));
    if let Some(target) = target {
        line = line.and(Style::Bold, &format!(" {target}"));
    }
    line = line.and(Style::Plain, &kind);
    let mut facts = Vec::new();
    for (key, before) in [
        ("reason", ""),
        ("would", "would "),
        ("hold", ""),
        ("outcome", ""),
        ("error_code", ""),
        ("subject", "by "),
        ("source", "seen by the "),
    ] {
        facts.extend(record.text(key).map(|value| format!("{before}{value}")));
    }
    if record.text("reason").is_none() {
        facts.extend(record.text("rule").map(|rule| format!("rule {rule}")));
    }
    if let Some(findings) = record.root().get("findings") {
        for finding in findings.elements() {
            let part = |key| finding.get(key).and_then(crate::json::Value::as_str);
            let (detector, kind) = (part("detector"), part("type"));
            facts.push(format!("{}/{}", detector.unwrap_or_default(), kind.unwrap_or_default()));
        }
    }
    facts.extend(record.root().get("effects").and_then(effects));
    if !facts.is_empty() {
        line = line.and(Style::Plain, &format!("  {}", facts.join(", ")));
    }
    if let Some(arguments) = record.root().get("tool_args") {
        line = line.and(Style::Dim, &format!("  {}", shortened(arguments.raw())));
    }
    line.and(Style::Dim, &format!("  {}", text("decision_id")))
}

/// What a call did, in short: programs and addresses by name, the rest by number.
fn effects(list: crate::json::Value<'_>) -> Option<String> {
    let mut named = Vec::new();
    let mut counted: Vec<(String, usize)> = Vec::new();
    for effect in list.elements() {
        let part = |key| effect.get(key).and_then(crate::json::Value::as_str);
        let Some(act) = part("act") else { continue };
        let place = if act == "exec" { part("path") } else { part("addr") };
        if let Some(place) = place.filter(|_| named.len() < EFFECTS_NAMED) {
            named.push(format!("{act} {}", shortened(&place)));
        } else if let Some((_, count)) = counted.iter_mut().find(|(known, _)| *known == act) {
            *count += 1;
        } else if counted.len() < EFFECTS_NAMED {
            counted.push((act.into_owned(), 1));
        }
    }
    named.extend(counted.into_iter().map(|(act, count)| format!("{act} {count}")));
    (!named.is_empty()).then(|| format!("did: {}", named.join(" · ")))
}

fn event_line(line: Line, record: &StoredRecord, event: &str) -> Line {
    let style = if event.contains("fail") || event.ends_with(".gap") { Style::Warn } else { Style::Plain };
    let mut line = line.and(style, event);
    for (key, value) in record.root().members() {
        let Some(key) = key.as_str() else { continue };
        if matches!(&*key, "timestamp" | "event" | "seq" | "prev" | "sig" | "key_id" | "boot_id") {
            continue;
        }
        let text = value.as_str().unwrap_or_else(|| value.raw().into());
        line = line.and(Style::Dim, &format!("  {key} ")).and(Style::Plain, &shortened(&text));
    }
    line
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(ARGUMENTS_MAX) {
        Some((at, _)) => format!("{}...", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
