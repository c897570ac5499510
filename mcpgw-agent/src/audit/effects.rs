//! What a server did to the host, as members of a record.

use super::line::Line;
use crate::effects::{Access, Act, Collected, Kept, Killed, NOISES, Noise, Outcome, Protocol};
use crate::policy::Weighed;

/// Writes the list, and what is not in it.
pub(super) fn write(line: &mut Line, done: &Collected) {
    line.array("effects", done.all(), |line, kept| line.element(|line| one(line, kept)));
    if !done.with.is_empty() {
        line.array("effects_with", &done.with, |line, call| line.value(call));
    }
    if done.elsewhere > 0 {
        line.number("effects_elsewhere", done.elsewhere);
    }
    if done.more > 0 {
        line.number("effects_more", done.more);
    }
    if done.noise.iter().any(|count| *count > 0) {
        line.object("effects_noise", |line| {
            let counted = NOISES.iter().zip(&done.noise).filter(|(_, count)| **count > 0);
            counted.for_each(|(noise, count)| line.number(name(*noise), *count));
        });
    }
    if done.lost > 0 {
        line.number("effects_lost", done.lost);
    }
}

fn one(line: &mut Line, kept: &Kept) {
    match &kept.act {
        Act::Open { path, access } => {
            line.text("act", "open");
            line.text("path", path);
            line.maybe("access", access_of(*access));
        }
        Act::Delete { path } => place(line, "delete", path),
        Act::Truncate { path } => place(line, "truncate", path),
        Act::Rename { from, to } => places(line, "rename", from, to),
        Act::Link { from, to } => places(line, "link", from, to),
        Act::Exec { path, arguments } => {
            place(line, "exec", path);
            line.array("argv", arguments, |line, argument| line.value(argument));
        }
        Act::Connect { to, protocol } => address(line, "connect", to, *protocol),
        Act::Send { to, protocol } => address(line, "send", to, *protocol),
        Act::Bind { at, protocol } => address(line, "bind", at, *protocol),
    }
    line.text("outcome", outcome(kept.outcome));
    if kept.count > 1 {
        line.number("count", kept.count);
    }
    if kept.among > 1 {
        line.number("among", kept.among);
    }
    if kept.cut {
        line.json("cut", "true");
    }
    if !kept.odd.is_empty() {
        line.array("odd", &kept.odd, |line, what| line.value(what.as_str()));
    }
    line.maybe("rule", kept.rule.as_deref());
}

/// Why a server was ended, and what came of it.
pub(super) fn killed(line: &mut Line, killed: &Killed) {
    line.text("rule", &killed.rule);
    line.number("processes", killed.ended.processes);
    if killed.ended.is_incomplete {
        line.json("incomplete", "true");
    }
}

/// What is to be said of what was done outside of any answer.
pub(super) fn findings(line: &mut Line, done: &Collected, findings: &[Weighed]) {
    if findings.is_empty() {
        return;
    }
    line.array("findings", findings, |line, Weighed { finding, reaction }| {
        line.element(|line| {
            line.text("detector", finding.detector.as_str());
            line.text("type", finding.kind);
            line.text("severity", finding.severity.as_str());
            line.number("score_percent", 100);
            line.number("count", count(done, finding.kind));
            line.text("reaction", reaction.as_str());
        });
    });
}

/// How many things are odd in the way `kind` says; of violations how many rules say something against them.
pub(super) fn count(done: &Collected, kind: &str) -> u64 {
    let counted = done.odd.iter().find(|odd| odd.what.as_str() == kind).map(|odd| odd.count);
    counted.unwrap_or(1)
}

fn place(line: &mut Line, act: &str, path: &str) {
    line.text("act", act);
    line.text("path", path);
}

fn places(line: &mut Line, act: &str, from: &str, to: &str) {
    line.text("act", act);
    line.text("from", from);
    line.text("to", to);
}

fn address(line: &mut Line, act: &str, address: &std::net::SocketAddr, protocol: Protocol) {
    line.text("act", act);
    line.text("addr", &address.to_string());
    match protocol {
        Protocol::Tcp => line.text("protocol", "tcp"),
        Protocol::Udp => line.text("protocol", "udp"),
        Protocol::Other(number) => line.text("protocol", &number.to_string()),
    }
}

fn access_of(access: Access) -> Option<&'static str> {
    match access {
        Access::Unknown => None,
        Access::Read => Some("read"),
        Access::Write => Some("write"),
        Access::ReadWrite => Some("read-write"),
    }
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "done",
        Outcome::Refused => "refused",
        Outcome::Asked => "asked",
    }
}

fn name(noise: Noise) -> &'static str {
    match noise {
        Noise::Libraries => "libraries",
        Noise::Locale => "locale",
        Noise::System => "system",
        Noise::Devices => "devices",
    }
}
