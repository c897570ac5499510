//! What crafted messages cost: time in proportion to their length, and findings within bounds.

use std::time::Duration;

use bytes::Bytes;
use mcpgw_agent::detect::{DetectorSet, Inspector, Subject};
use mcpgw_agent::json::{self, Limits};
use mcpgw_agent::mcp::{Decoded, Direction, Message, decode};
use mcpgw_agent::policy::{Context, Effect, Evaluation, Policy, Principal, Request, Transport};
use mcpgw_agent::session::{OpenRequest, Session};
use nix::time::{ClockId, clock_gettime};

use crate::crafted::{Crafted, crafted, ordinary};

const SHORT: usize = 64 << 10;
const LONG: usize = 4 * SHORT;
/// Four times the length may take this many times the time, on a busy machine.
const RATIO: u32 = 8;
/// Attempts before a message is called too slow: what else the machine does takes caches away, too. Only one that is
/// about to fail takes more than the first few.
const ATTEMPTS: usize = 25;

fn cpu() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap().into()
}

fn one(text: String) -> Message {
    match decode(Bytes::from(text), &Limits::default()) {
        Ok(Decoded::One(message)) => message,
        other => panic!("{other:?}"),
    }
}

/// The open request of a call, as the session has it.
fn asked() -> OpenRequest {
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"run","arguments":{}}}"#;
    let mut session = Session::new();
    session.passed(Direction::ToServer, &one(call.to_owned()), &[], "d", 0);
    session.unanswered(Direction::ToServer).next().unwrap().1.clone()
}

struct Trial {
    policy: Policy,
    context: Context,
    asked: OpenRequest,
}

impl Trial {
    fn new() -> Self {
        let policy = Policy::parse(include_str!("../../policies/default.yaml")).unwrap();
        let context = Context {
            server: "s".into(),
            upstream: None,
            transport: Transport::Stdio,
            principal: Principal::default(),
            client: None,
            tapped: None,
        };
        Self { policy, context, asked: asked() }
    }

    /// CPU time of the whole inspection: finding, weighing, changing.
    fn inspect(&self, name: &str, direction: Direction, message: &Message) -> Duration {
        let since = cpu();
        let answers = (direction == Direction::ToClient).then_some(&self.asked);
        let subject =
            Subject { direction, server: "s", answers: answers.map(|open| &*open.method), tool: Some("run") };
        let findings = Inspector::shipped().message(message, &subject, DetectorSet::all());
        let (list, is_complete) = (findings.list.clone(), findings.is_complete);
        let request =
            Request { direction, message, answers, revision: None, task_tool: None, context: &self.context };
        let passing = Evaluation::passing("r".into(), self.policy.mode());
        let evaluation = self.policy.weigh(&request, passing, DetectorSet::all(), findings);
        let effect = evaluation.effect.clone();
        if let Effect::Redact(edits) = &effect {
            let edited = json::apply(message.bytes(), edits.clone());
            assert!(decode(edited, &Limits::default()).is_ok(), "{name}: what is left is no message");
        }
        let took = cpu() - since;
        // All of it was seen, or none of it passes.
        assert!(is_complete || matches!(effect, Effect::Deny { .. }), "{name}: {effect:?}");
        let bytes = message.bytes().len();
        let places: usize = list.iter().map(|finding| finding.ranges.len()).sum();
        assert!(list.len() + places <= bytes, "{name}: {} findings in {bytes} bytes", list.len() + places);
        for finding in &list {
            assert!(
                finding.ranges.windows(2).all(|pair| pair[0].end <= pair[1].start),
                "{name}: {finding:?}"
            );
        }
        took
    }

    /// Why it is not linear, if it is not.
    fn try_one(&self, crafted: &Crafted) -> Option<String> {
        let (short, long) = (one(crafted.message(SHORT)), one(crafted.message(LONG)));
        let sizes = (short.bytes().len(), long.bytes().len());
        assert!((SHORT / 2..2 * SHORT).contains(&sizes.0), "{}: {} bytes", crafted.name, sizes.0);
        assert!((LONG / 2..2 * LONG).contains(&sizes.1), "{}: {} bytes", crafted.name, sizes.1);
        let mut best: Option<(Duration, Duration)> = None;
        for _ in 0..ATTEMPTS {
            let (a, b) = (
                self.inspect(&crafted.name, crafted.direction, &short),
                self.inspect(&crafted.name, crafted.direction, &long),
            );
            let (a, b) = best.map_or((a, b), |(before, behind)| (a.min(before), b.min(behind)));
            if b < a * RATIO {
                return None;
            }
            best = Some((a, b));
        }
        let (a, b) = best?;
        Some(format!("{}: {a:?} for {} bytes, {b:?} for {}", crafted.name, sizes.0, sizes.1))
    }
}

/// A part of all, so that tests run beside each other.
fn try_part(part: usize) {
    let trial = Trial::new();
    // What is made at first use is nobody's time.
    trial.inspect("warm", Direction::ToClient, &one(crafted()[0].message(64)));
    let slow: Vec<String> =
        crafted().iter().skip(part).step_by(4).filter_map(|crafted| trial.try_one(crafted)).collect();
    assert!(slow.is_empty(), "not linear:\n{}", slow.join("\n"));
}

#[test]
fn time_is_linear_whatever_the_text_1() {
    try_part(0);
}

#[test]
fn time_is_linear_whatever_the_text_2() {
    try_part(1);
}

#[test]
fn time_is_linear_whatever_the_text_3() {
    try_part(2);
}

#[test]
fn time_is_linear_whatever_the_text_4() {
    try_part(3);
}

#[test]
fn there_are_enough_of_them_and_each_has_a_name_of_its_own() {
    let mut names: Vec<String> = crafted().into_iter().map(|crafted| crafted.name).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert!(names.len() == count && count > 150, "{count}");
}

#[test]
fn what_nobody_crafted_passes_as_it_is() {
    let trial = Trial::new();
    for crafted in ordinary() {
        let message = one(crafted.message(SHORT));
        let subject = Subject {
            direction: crafted.direction,
            server: "s",
            answers: crafted.answers,
            tool: Some("run"),
        };
        let findings = Inspector::shipped().message(&message, &subject, DetectorSet::all());
        let request = Request {
            direction: crafted.direction,
            message: &message,
            answers: crafted.answers.map(|_| &trial.asked),
            revision: None,
            task_tool: None,
            context: &trial.context,
        };
        let passing = Evaluation::passing("r".into(), trial.policy.mode());
        let evaluation = trial.policy.weigh(&request, passing, DetectorSet::all(), findings);
        assert_eq!(evaluation.effect, Effect::Allow, "{}: {:?}", crafted.name, evaluation.findings);
    }
}
