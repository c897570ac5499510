//! What verifying found, as lines.

use super::Missing;
use crate::audit::{Outcome, Report};
use crate::cli::text::{Line, Style};

/// A file's findings, notices, and what they come to.
pub(super) fn report(report: &Report) -> Vec<Line> {
    let file = report.file.display();
    let mut lines: Vec<Line> = report
        .findings
        .iter()
        .map(|finding| Line::styled(Style::Bad, &format!("{file}:{}: {}", finding.line, finding.explain())))
        .collect();
    lines.extend(more(report, report.findings_total, report.findings.len(), Style::Bad));
    lines.extend(report.notices.iter().map(|notice| {
        let at = notice.line.map(|line| format!(":{line}")).unwrap_or_default();
        Line::styled(Style::Warn, &format!("{file}{at}: {}", notice.explain()))
    }));
    lines.extend(more(report, report.notices_total, report.notices.len(), Style::Warn));
    if report.interrupted > 0 {
        let text = format!("{file}: begun anew without having been closed: {}", report.interrupted);
        lines.push(Line::styled(Style::Warn, &text));
    }
    if report.lost > 0 {
        let text = format!("{file}: records its writer could not write: {}", report.lost);
        lines.push(Line::styled(Style::Warn, &text));
    }
    lines.push(conclusion(report));
    if let Some(head) = &report.head {
        lines.push(Line::styled(Style::Dim, &format!("{file}: head {head}")));
    }
    lines
}

/// What is counted and not listed.
fn more(report: &Report, total: u64, listed: usize, style: Style) -> Option<Line> {
    let unlisted = total.saturating_sub(u64::try_from(listed).unwrap_or(u64::MAX));
    let text = format!("{}: and {unlisted} more", report.file.display());
    (unlisted > 0).then(|| Line::styled(style, &text))
}

fn conclusion(report: &Report) -> Line {
    let Report { records, first_seq, valid_seq, .. } = report;
    let file = report.file.display();
    let (first, valid) = (first_seq.unwrap_or_default(), valid_seq.unwrap_or_default());
    let last = report.last_seq.unwrap_or_default();
    match report.outcome {
        Outcome::Valid => {
            Line::styled(Style::Good, &format!("{file}: valid: sequence {first} to {last}, closed"))
        }
        Outcome::NotClosed => Line::styled(Style::Warn, &format!("{file}: {}", unsealed(report, valid))),
        Outcome::Beheaded => {
            let text = format!("{file}: beheaded: valid from sequence {first} to {valid}, and not before");
            Line::styled(Style::Warn, &text)
        }
        Outcome::OtherKey => Line::styled(Style::Bad, &format!("{file}: cannot be verified with this key")),
        Outcome::Tampered => Line::styled(
            Style::Bad,
            &format!("{file}: tampered with: findings {}, signed records {records}", report.findings_total),
        ),
    }
}

fn unsealed(report: &Report, valid: u64) -> String {
    let after = match report.sealed_seq {
        Some(seal) if report.valid_seq.is_some() => format!("unsealed after {seal}"),
        Some(_) | None => "unsealed".to_owned(),
    };
    let why = if report.live { "being written" } else { "its writer was killed, or its end was cut off" };
    format!("valid to sequence {valid}, {after}: {why}")
}

/// Logs that are not there.
pub(super) fn missing(missing: &Missing) -> Vec<Line> {
    let dir = missing.directory.display();
    let numbers: Vec<_> = missing.logs.iter().map(u64::to_string).collect();
    let mut lines = Vec::new();
    if missing.logs_total > 0 {
        let text = format!(
            "{dir}: logs that were begun here are missing: {} (numbers {}): removed, or their writers ended before the first \
             record",
            missing.logs_total,
            numbers.join(", ")
        );
        lines.push(Line::styled(Style::Bad, &text));
    }
    if !missing.end_known {
        let text =
            format!("{dir}: the root key's file is not here: whether later logs were begun cannot be told");
        lines.push(Line::styled(Style::Warn, &text));
    }
    lines
}
