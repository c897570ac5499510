//! A scan as people read it.

use crate::cli::text::{Line, Style};
use crate::detect::Severity;
use crate::risk::{Issue, Level};
use crate::scan::{PinState, Scan, Standing};

/// Issues of one rule that are shown one by one.
const SHOWN: usize = 5;

/// All that was found of one server.
pub(super) fn scan(scan: &Scan) -> Vec<Line> {
    let mut lines = vec![head(scan)];
    if let Some(fault) = &scan.fault {
        lines.push(Line::styled(Style::Bad, "  not looked at: ").and(Style::Plain, fault));
        let errors = scan.stderr.lines().rev().take(5).collect::<Vec<_>>();
        lines.extend(
            errors.iter().rev().map(|line| Line::styled(Style::Dim, "  stderr: ").and(Style::Dim, line)),
        );
    }
    lines.push(Line::styled(Style::Dim, &format!("  {}", summary(scan))));
    for issues in scan.issues.chunk_by(|one, other| one.rule == other.rule && one.severity == other.severity)
    {
        lines.extend(rule(issues));
    }
    if scan.issues.is_empty() && scan.fault.is_none() {
        lines.push(Line::styled(Style::Good, "  nothing to say"));
    }
    lines
}

fn head(scan: &Scan) -> Line {
    let named = match &scan.name {
        Some((name, version)) if !name.is_empty() => format!(" ({name} {version})"),
        Some(_) | None => String::new(),
    };
    let line = Line::styled(Style::Bold, &scan.label).and(Style::Plain, &named);
    match scan.score {
        None => line,
        Some(score) => {
            let style = match score.level {
                Level::Low => Style::Good,
                Level::Medium => Style::Warn,
                Level::High | Level::Critical => Style::Bad,
            };
            line.and(style, &format!("  {}/100, {} risk", score.points, score.level.as_str()))
        }
    }
}

fn summary(scan: &Scan) -> String {
    let [tools, prompts, resources, templates] = scan.counts;
    let mut parts = vec![
        format!("tools {tools}, prompts {prompts}, resources {resources}, templates {templates}"),
        format!(
            "revisions {}",
            if scan.revisions.is_empty() { "none".to_owned() } else { scan.revisions.join(" ") }
        ),
        match scan.pins.state {
            PinState::Unpinned => "not pinned".to_owned(),
            PinState::Same => format!("{} definitions as pinned", scan.pins.same),
            PinState::Changed => format!(
                "pins: {} same, {} changed, {} new, {} gone",
                scan.pins.same, scan.pins.changed, scan.pins.added, scan.pins.removed
            ),
        },
    ];
    if let Some(package) = &scan.package {
        let standing = match &scan.standing {
            Standing::Known(facts) => {
                let say = |count: Option<u64>| {
                    count.map_or_else(|| "unknown".to_owned(), |count| count.to_string())
                };
                format!("{} days old, {} downloads a month", say(facts.age_days), say(facts.downloads))
            }
            Standing::Unnamed(why) => format!("reputation unknown: {why}"),
            Standing::Unreachable(why) => format!("reputation unknown: {why}"),
            other @ (Standing::Unknown | Standing::Missing) => format!("reputation {}", other.as_str()),
        };
        parts.push(format!("{} package {}: {standing}", package.ecosystem.as_str(), package.name));
    }
    parts.join("; ")
}

/// Issues of one rule and severity.
fn rule(issues: &[Issue]) -> Vec<Line> {
    let Some(first) = issues.first() else { return Vec::new() };
    let style = match first.severity {
        Severity::Low => Style::Dim,
        Severity::Medium => Style::Warn,
        Severity::High | Severity::Critical => Style::Bad,
    };
    let mut lines = Vec::new();
    for issue in issues.iter().take(SHOWN) {
        lines.push(
            Line::styled(style, &format!("  {} {}", issue.severity.as_str(), issue.rule))
                .and(Style::Bold, &format!("  {}", issue.subject.describe()))
                .and(Style::Plain, &format!(": {}", issue.why)),
        );
    }
    if issues.len() > SHOWN {
        lines.push(Line::styled(Style::Dim, &format!("    and {} more", issues.len() - SHOWN)));
    }
    lines.push(Line::styled(Style::Dim, &format!("    {}", first.remedy)));
    lines
}
