//! Goes through a script's pipelines, and through the scripts within them. What is read all in all is bounded.

use std::borrow::Cow;
use std::ops::Range;

use super::launch;
use super::lexer::Lexer;
use super::output;
use super::word::{End, Flavour, Simple, Variables, Word, assignment};
use crate::detect::Hit;
use crate::detect::destructive::act::Act;
use crate::detect::destructive::commands::{self, Arguments, base_name};
use crate::detect::destructive::{data, sql};

/// Scripts within scripts.
const MAX_DEPTH: u8 = 8;
/// Programs that start one another in one command.
const MAX_LEVEL: u8 = 16;
/// Commands of a pipeline that are looked at together.
const MAX_STAGES: usize = 32;
/// What judging a command costs, in bytes that are read.
const COMMAND: usize = 40;
/// Hits in one text: more say nothing more.
const MAX_HITS: usize = 64;

const NESTED: Act =
    Act::medium("nested_command", "commands within commands, deeper than anybody writes them");
const FORK_BOMB: Act = Act::critical("fork_bomb", "a function that starts itself without end");
const REMOTE: Act = Act::medium("remote_code", "what a server sends is run unread");
const HIDDEN: Act = Act::medium("hidden_command", "what is decoded is run unread");

/// What is being read.
#[derive(Debug, Clone)]
pub(in crate::detect::destructive) struct Frame<'f> {
    pub(in crate::detect::destructive) text: &'f str,
    pub(in crate::detect::destructive) flavour: Flavour,
    depth: u8,
    /// Where all of it stands in the whole text, if it is a piece of it or decoded.
    at: Option<Range<usize>>,
}

/// A command in its pipeline.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stage<'s, 'a> {
    pub(super) simple: &'s Simple<'a>,
    /// What stands before it in the pipeline.
    pub(super) before: &'s [Simple<'a>],
    pub(super) level: u8,
    pub(super) many: bool,
}

/// One text being gone through.
#[derive(Debug)]
pub(in crate::detect::destructive) struct Walk<'h> {
    hits: &'h mut Vec<Hit>,
    first_hit: usize,
    pub(super) variables: Variables,
    pub(super) functions: Vec<String>,
    /// Bytes that may still be read.
    left: usize,
    /// Whether they were not enough.
    spent: bool,
}

impl<'f> Frame<'f> {
    /// A whole text.
    pub(in crate::detect::destructive) fn whole(text: &'f str, flavour: Flavour) -> Self {
        Self { text, flavour, depth: 0, at: None }
    }

    /// A script found at `span` of this one.
    pub(super) fn inner<'i>(&self, text: &'i str, flavour: Flavour, span: Range<usize>) -> Frame<'i> {
        Frame { text, flavour, depth: self.depth + 1, at: Some(self.at.clone().unwrap_or(span)) }
    }
}

impl<'h> Walk<'h> {
    /// For a text of this many bytes.
    pub(in crate::detect::destructive) fn new(hits: &'h mut Vec<Hit>, length: usize) -> Self {
        let first_hit = hits.len();
        Self {
            hits,
            first_hit,
            variables: Variables::default(),
            functions: Vec::new(),
            left: length * 3 + (64 << 10),
            spent: false,
        }
    }

    /// Reads a script.
    pub(in crate::detect::destructive) fn script(&mut self, frame: &Frame<'_>) {
        if !self.enter(frame) {
            return;
        }
        let mut lexer = Lexer::new(frame.text, frame.flavour);
        let mut stages: Vec<Simple<'_>> = Vec::new();
        let mut spare: Vec<Simple<'_>> = Vec::new();
        let mut simple = Simple::new();
        while lexer.next(&mut simple, &self.variables) {
            let end = simple.end;
            if stages.is_empty() && end != End::Pipe {
                // Most commands stand alone: they need not be moved.
                self.pipeline(frame, std::slice::from_ref(&simple));
                if self.is_full() {
                    return;
                }
                continue;
            }
            stages.push(std::mem::replace(&mut simple, spare.pop().unwrap_or_else(Simple::new)));
            if end == End::Pipe && stages.len() < MAX_STAGES {
                continue;
            }
            self.pipeline(frame, &stages);
            if self.is_full() {
                return;
            }
            spare.append(&mut stages);
        }
        self.pipeline(frame, &stages);
    }

    /// Reads statements of a data store.
    pub(in crate::detect::destructive) fn database(&mut self, frame: &Frame<'_>) {
        if !self.enter(frame) {
            return;
        }
        let mut found = Vec::new();
        sql::judge(frame.text, &mut found);
        data::judge(frame.text, &mut found);
        for (span, found) in found {
            match found {
                sql::Found::Act(act) => self.report(frame, act, span),
                sql::Found::Shell(script) => self.script(&frame.inner(&script, Flavour::Posix, span)),
            }
        }
    }

    /// Looks for methods that no cmdlet stands for.
    pub(in crate::detect::destructive) fn methods(&mut self, frame: &Frame<'_>) {
        if self.enter(frame)
            && let Some(act) = commands::judge_methods(&frame.text.to_ascii_lowercase())
        {
            self.report(frame, act, 0..frame.text.len());
        }
    }

    /// Whether a frame may be read; that it may not is itself reported.
    fn enter(&mut self, frame: &Frame<'_>) -> bool {
        if frame.depth > MAX_DEPTH {
            self.report(frame, NESTED, 0..frame.text.len());
            return false;
        }
        !self.is_full() && self.spend(frame, frame.text.len())
    }

    /// Pays for work that is more than reading a byte; whether there is anything left. That there is not is reported: nobody
    /// writes a text that is nothing but commands within commands.
    pub(super) fn spend(&mut self, frame: &Frame<'_>, bytes: usize) -> bool {
        if self.left >= bytes {
            self.left -= bytes;
            return true;
        }
        self.left = 0;
        self.report(frame, NESTED, 0..frame.text.len());
        self.spent = true;
        false
    }

    fn is_full(&self) -> bool {
        self.spent || self.hits.len() >= self.first_hit + MAX_HITS
    }

    pub(super) fn report(&mut self, frame: &Frame<'_>, act: Act, span: Range<usize>) {
        let range = frame.at.clone().unwrap_or(span);
        let Act { kind, severity, score, why } = act;
        let known = |hit: &Hit| hit.kind == kind && hit.range == range;
        if !self.is_full() && !self.hits.iter().skip(self.first_hit).any(known) {
            self.hits.push(Hit { kind, severity, score, range, why });
        }
    }

    fn pipeline(&mut self, frame: &Frame<'_>, stages: &[Simple<'_>]) {
        for (index, simple) in stages.iter().enumerate() {
            for inner in &simple.substitutions {
                let script = frame.text.get(inner.clone()).unwrap_or_default();
                self.script(&frame.inner(script, frame.flavour, inner.clone()));
            }
            if !simple.redirects.is_empty()
                && let Some(act) = commands::judge_redirects(simple)
            {
                self.report(frame, act, simple.span());
            }
            let before = stages.get(..index).unwrap_or_default();
            let stage = Stage { simple, before, level: 0, many: false };
            let assigned = simple.words.iter().take_while(|word| assignment(&word.text).is_some()).count();
            if assigned == simple.words.len() {
                for word in &simple.words {
                    self.variables.assign(&word.text);
                    if let Some(act) = commands::judge_assignment(&word.text) {
                        self.report(frame, act, simple.span());
                    }
                }
                continue;
            }
            self.command(frame, stage, simple.words.get(assigned..).unwrap_or_default());
        }
        if stages.len() > 1 || stages.first().is_some_and(|stage| stage.end == End::Open) {
            self.functions(frame, stages);
        }
    }

    /// A function that starts itself, twice.
    fn functions(&mut self, frame: &Frame<'_>, stages: &[Simple<'_>]) {
        let Some(first) = stages.first() else { return };
        let Some(name) = first.words.iter().find(|word| !matches!(word.text.as_ref(), "{" | "function"))
        else {
            return;
        };
        if stages.len() == 1 && first.end == End::Open && self.functions.len() < 16 {
            self.functions.push(name.text.clone().into_owned());
        }
        let calls = |simple: &Simple<'_>| simple.words.iter().any(|word| word.text == name.text);
        if stages.len() > 1
            && self.functions.iter().any(|known| *known == name.text)
            && stages.iter().all(calls)
        {
            self.report(frame, FORK_BOMB, first.span());
        }
    }

    /// Judges a command, and what it starts.
    pub(super) fn command(&mut self, frame: &Frame<'_>, stage: Stage<'_, '_>, words: &[Word<'_>]) {
        let Some((first, rest)) = words.split_first() else { return };
        if stage.level > MAX_LEVEL {
            return self.report(frame, NESTED, stage.simple.span());
        }
        let mut name = base_name(&first.text);
        if name.len() < 16 && name.contains(['?', '*', '[']) {
            name = Cow::Borrowed(unglob(&name));
        }
        let Some(entry) = commands::entry(&name) else { return };
        if !self.spend(frame, COMMAND) {
            return;
        }
        if let Some(program) = entry.program {
            launch::start(self, frame, stage, program, &name, words);
        }
        let arguments = Arguments {
            name: &name,
            words: rest,
            simple: stage.simple,
            before: stage.before.last(),
            flavour: frame.flavour,
            many: stage.many,
        };
        if let Some(act) = commands::judge(entry, &arguments) {
            self.report(frame, act, stage.simple.span());
        }
    }

    /// A script that stands in a word of a command.
    pub(super) fn inner(&mut self, frame: &Frame<'_>, stage: Stage<'_, '_>, script: &str, flavour: Flavour) {
        if fetches(script) {
            self.report(frame, REMOTE, stage.simple.span());
        }
        self.script(&frame.inner(script, flavour, stage.simple.span()));
    }

    /// Statements that stand in a word of a command.
    pub(super) fn statements(&mut self, frame: &Frame<'_>, stage: Stage<'_, '_>, text: &str) {
        self.database(&frame.inner(text, Flavour::Posix, stage.simple.span()));
    }

    /// What a command reads, where that is known.
    pub(super) fn input<'s>(stage: Stage<'s, '_>) -> Option<Cow<'s, str>> {
        match &stage.simple.here {
            Some(here) => Some(Cow::Borrowed(here.as_ref())),
            None if stage.before.is_empty() => None,
            None => output::of_stages(stage.before).map(Cow::Owned),
        }
    }

    /// A shell that runs what it reads.
    pub(super) fn piped(&mut self, frame: &Frame<'_>, stage: Stage<'_, '_>, flavour: Flavour) {
        match Self::input(stage) {
            Some(script) => self.inner(frame, stage, &script, flavour),
            None if stage.before.iter().any(output::decodes) => {
                self.report(frame, HIDDEN, stage.simple.span())
            }
            None if stage.before.first().is_some_and(is_fetch) => {
                self.report(frame, REMOTE, stage.simple.span())
            }
            None => {}
        }
    }

    /// What is run was fetched.
    pub(super) fn remote(&mut self, frame: &Frame<'_>, stage: Stage<'_, '_>) {
        self.report(frame, REMOTE, stage.simple.span());
    }
}

/// Whether a command fetches from a server.
fn is_fetch(simple: &Simple<'_>) -> bool {
    simple.words.iter().take(3).any(|word| is_fetcher(&base_name(&word.text)))
}

fn is_fetcher(name: &str) -> bool {
    matches!(
        name,
        "curl" | "wget" | "fetch" | "aria2c" | "iwr" | "irm" | "invoke-webrequest" | "invoke-restmethod"
    )
}

/// Whether a script is nothing but what a substitution fetches.
pub(super) fn fetches(script: &str) -> bool {
    let inner = script.trim_start().strip_prefix("$(").and_then(|inner| inner.split_whitespace().next());
    inner.is_some_and(|first| is_fetcher(&base_name(first)))
}

/// The program a pattern most likely stands for.
fn unglob(pattern: &str) -> &'static str {
    let fits = |name: &&str| {
        name.len() == pattern.len()
            && name.bytes().zip(pattern.bytes()).all(|(letter, part)| part == b'?' || part == letter)
    };
    ["rm", "dd", "shred", "mkfs", "unlink", "find", "bash", "sh", "chmod"]
        .into_iter()
        .find(fits)
        .unwrap_or("")
}
