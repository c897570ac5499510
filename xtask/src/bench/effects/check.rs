//! What the log says each call did, held against what it did.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::{Job, WARM, doer};

/// What came of the comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) took: Duration,
    /// Answers of calls that were alone, and of those that were among others.
    answers: [u64; 2],
    /// Things that were done.
    done: u64,
    /// Of those: not listed in the record of their call, but in that of another that was open and is named there.
    named: u64,
    /// In that of another that was open and is counted there.
    elsewhere: u64,
    /// In no record, and counted where they should be: the lists of all that were open were full.
    counted: u64,
    /// In no record, and not counted either.
    lost: u64,
    /// Of calls that were alone: things in their record that they did not do.
    wrong: u64,
    /// Things in a record of one server that the other did.
    foreign: u64,
    /// Things of calls that were told as nobody's.
    stray: u64,
    /// Things of calls among others that were told of one call only.
    sure: u64,
    /// Records that say the kernel had no room.
    gaps: u64,
    /// Calls whose answer has no effects at all.
    silent: u64,
    /// The first that is not right.
    example: Option<String>,
}

impl Outcome {
    /// All is where it should be.
    pub(super) fn is_right(&self) -> bool {
        [self.counted, self.lost, self.wrong, self.foreign, self.stray, self.gaps, self.silent]
            .iter()
            .all(|count| *count == 0)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [alone, among] = self.answers;
        writeln!(
            f,
            "{alone} calls one after the other and {among} among others, of two servers at once, in {:.1} s",
            self.took.as_secs_f64()
        )?;
        writeln!(
            f,
            "{} things done: {} lost, {} told of a call alone that did not do it, {} of another server, {} of nobody; \
             {} records with gaps, {} calls without effects",
            self.done,
            self.lost + self.counted,
            self.wrong,
            self.foreign,
            self.stray,
            self.gaps,
            self.silent
        )?;
        let Self { named, elsewhere, counted, .. } = self;
        writeln!(
            f,
            "of those, {named} with a call that the record names, {elsewhere} with one it counts; of the lost {counted} \
             are counted in `effects_more`"
        )?;
        writeln!(f, "of calls among others {} things were told of one call only", self.sure)?;
        match &self.example {
            Some(example) => writeln!(f, "the first that is not right: {example}"),
            None => Ok(()),
        }
    }
}

/// A thing, as the log has it: act, and name or address.
type Thing = (String, String);

/// An answer's record.
#[derive(Debug)]
struct Answer {
    /// Whose server's, and which.
    call: (usize, u32),
    /// Which record it is, from the first, and that of the call.
    at: usize,
    asked_at: usize,
    record: Value,
    things: BTreeSet<Thing>,
}

/// Reads `log`, of servers that did `jobs`, `each` calls alone and `each` among others.
///
/// # Errors
/// When the log cannot be read.
pub(super) fn check(log: &Path, jobs: &[Job], each: u32) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    // By the decision that let a call through: which server's it is, its number, and where in the log.
    let mut calls: BTreeMap<String, ((usize, u32), usize)> = BTreeMap::new();
    let mut answers: BTreeMap<String, Answer> = BTreeMap::new();
    let file = File::open(log).with_context(|| format!("cannot read `{}`", log.display()))?;
    for (at, line) in BufReader::new(file).lines().enumerate() {
        let record: Value = serde_json::from_str(&line?)?;
        let text = |key: &str| record.get(key).and_then(Value::as_str).unwrap_or_default();
        if record.get("effects_lost").is_some() {
            outcome.gaps += 1;
        }
        let things = things(&record);
        if text("event") == "server.effects" {
            let named =
                |(_, name): &&Thing| jobs.iter().any(|job| name.starts_with(&*job.dir.to_string_lossy()));
            outcome.stray += u64::try_from(things.iter().filter(named).count())?;
        }
        if text("method") != "tools/call" {
            continue;
        }
        if text("direction") == "c2s" {
            let number = record.pointer("/tool_args/number").and_then(Value::as_u64).context("no number")?;
            let dir = record.pointer("/tool_args/dir").and_then(Value::as_str).context("no directory")?;
            let which = jobs.iter().position(|job| *job.dir == *Path::new(dir)).context("nobody's")?;
            calls.insert(text("decision_id").to_owned(), ((which, u32::try_from(number)?), at));
        } else if let Some((call, asked_at)) = calls.get(text("answers")).copied() {
            let id = text("answers").to_owned();
            answers.insert(id, Answer { call, at, asked_at, record, things });
        }
    }
    for answer in answers.values().filter(|answer| answer.call.1 >= WARM) {
        outcome.answer(answer, &answers, jobs, answer.call.1 >= WARM + each)?;
    }
    Ok(outcome)
}

impl Outcome {
    fn answer(
        &mut self,
        answer: &Answer,
        all: &BTreeMap<String, Answer>,
        jobs: &[Job],
        is_among: bool,
    ) -> Result<()> {
        let Answer { call: (which, number), record, things: told, .. } = answer;
        let job = jobs.get(*which).context("nobody's")?;
        if let Some(count) = self.answers.get_mut(usize::from(is_among)) {
            *count += 1;
        }
        if record.get("effects").is_none() {
            self.silent += 1;
        }
        let own: BTreeSet<Thing> =
            doer::expected(job, *number).into_iter().map(|(act, name)| (act.to_owned(), name)).collect();
        self.done += u64::try_from(own.len())?;
        let missing = self.missing(answer, all, own.difference(told));
        let dir = job.dir.display().to_string();
        let address = format!("127.0.0.1:{}", job.port);
        let foreign = told.iter().filter(|(_, name)| !name.starts_with(&dir) && *name != address).count();
        self.foreign += u64::try_from(foreign)?;
        let wrong = if is_among { 0 } else { told.difference(&own).count() };
        self.wrong += u64::try_from(wrong)?;
        if is_among {
            let all = record.get("effects").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            let sure = all.iter().filter(|effect| effect.get("among").is_none()).count();
            self.sure += u64::try_from(sure)?;
        }
        if missing || foreign + wrong > 0 {
            self.example.get_or_insert_with(|| format!("call {number}: {record}"));
        }
        Ok(())
    }

    /// Looks for what a call did and its own record does not list. Says whether something is in no record.
    fn missing<'a>(
        &mut self,
        answer: &Answer,
        all: &BTreeMap<String, Answer>,
        things: impl Iterator<Item = &'a Thing>,
    ) -> bool {
        let number = |key: &str| answer.record.get(key).and_then(Value::as_u64).unwrap_or(0);
        let (mut elsewhere, mut more) = (number("effects_elsewhere"), number("effects_more"));
        let with = answer.record.get("effects_with").and_then(Value::as_array);
        let named: Vec<&str> = with.into_iter().flatten().filter_map(Value::as_str).collect();
        let is_beside = |other: &&Answer| {
            other.call.0 == answer.call.0 && other.at > answer.asked_at && other.asked_at < answer.at
        };
        let mut is_lost = false;
        for thing in things {
            let has = |other: &Answer| other.things.contains(thing);
            if named.iter().filter_map(|id| all.get(*id)).filter(is_beside).any(has) {
                self.named += 1;
            } else if elsewhere > 0 && all.values().filter(is_beside).any(has) {
                elsewhere -= 1;
                self.elsewhere += 1;
            } else {
                is_lost = true;
                let is_counted = more > 0;
                more = more.saturating_sub(1);
                *(if is_counted { &mut self.counted } else { &mut self.lost }) += 1;
            }
        }
        is_lost
    }
}

/// What a record says was done. Of a program its last argument, which says whose it was.
fn things(record: &Value) -> BTreeSet<Thing> {
    let all = record.get("effects").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let thing = |effect: &Value| {
        let text = |key: &str| effect.get(key).and_then(Value::as_str).map(str::to_owned);
        let argument = || Some(effect.get("argv")?.as_array()?.last()?.as_str()?.to_owned());
        let name = argument().or_else(|| text("path")).or_else(|| text("from")).or_else(|| text("addr"));
        (text("act").unwrap_or_default(), name.unwrap_or_default())
    };
    all.iter().map(thing).collect()
}
