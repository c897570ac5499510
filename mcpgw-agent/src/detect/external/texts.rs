//! The texts of a message as they would go on, and where each of their bytes comes from.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use bytes::Bytes;

use super::{Flag, Garbage, whole};
use crate::detect::{Detector, Finding, Subject, Surface};
use crate::json::{Document, Edit, Limits, Value};
use crate::mcp::{Direction, Message, Role, fields};

/// Places in texts that the flags of one answer may speak of.
const MAX_PLACES: usize = 100_000;
/// What stands between two texts.
const BETWEEN: &str = "\n\n";

/// All texts of a message that are shown to a guardrail.
#[derive(Clone, PartialEq, Eq)]
pub struct Texts {
    text: String,
    pieces: Vec<Piece>,
}

/// Why texts are not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotShown {
    /// There is more of it than the guardrail is to be sent.
    #[error("the message has more text than the guardrail is sent")]
    TooLong,
    /// What a change leaves of a string is none.
    #[error("a changed text cannot be read")]
    Unreadable,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    /// Bytes of all the text.
    range: Range<usize>,
    node: usize,
    is_key: bool,
    role: Role,
    /// What it is made of, where it is not the text as it came.
    runs: Vec<Run>,
}

/// A part of a text, as it came or put in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Run {
    /// Bytes of all the text.
    shown: Range<usize>,
    /// Bytes of the decoded text as it came.
    origin: Range<usize>,
    is_kept: bool,
}

impl Texts {
    /// The texts of `message` on `surfaces`, but for what `edits` will take out of it: at most `max_bytes` bytes.
    ///
    /// # Errors
    /// [`NotShown`]
    pub fn collect(
        message: &Message,
        subject: &Subject<'_>,
        edits: &[Edit],
        surfaces: &[Surface],
        max_bytes: usize,
    ) -> Result<Self, NotShown> {
        let edits = apart(edits);
        let mut texts = Self { text: String::new(), pieces: Vec::new() };
        let mut result = Ok(());
        fields(message, subject.direction, subject.answers, |field| {
            let surface = match (subject.direction, field.role) {
                (Direction::ToServer, _) => Surface::Arguments,
                (Direction::ToClient, Role::Definition) => Surface::Definition,
                (Direction::ToClient, _) => Surface::Content,
            };
            if result.is_ok() && surfaces.contains(&surface) && is_shown(field.role) {
                result = texts.add(field.value, field.role, field.is_key, &edits, max_bytes);
            }
        });
        result.map(|()| texts)
    }

    /// All of them.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// There is nothing to be shown.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// What `flags` are in the message; `why` says who says so.
    ///
    /// # Errors
    /// They speak of more places than there is room for.
    pub fn findings(&self, flags: Vec<Flag>, why: &'static str) -> Result<Vec<Finding>, Garbage> {
        let mut places = 0;
        let mut findings: Vec<Finding> = Vec::new();
        let mut known: HashMap<(usize, bool, &str), usize> = HashMap::new();
        for Flag { kind, severity, score, range } in flags {
            let Some(range) = range else {
                findings.push(whole(kind, severity, score, why));
                continue;
            };
            for (piece, range) in self.origin(&range) {
                places += 1;
                if places > MAX_PLACES {
                    return Err(Garbage("it speaks of more places than there is room for"));
                }
                let Piece { node, is_key, role, .. } = *piece;
                // What is sure must not make sure what is not: each score stays with its own place.
                let index = known.get(&(node, is_key, kind)).copied();
                match index
                    .and_then(|index| findings.get_mut(index))
                    .filter(|f| f.score.total_cmp(&score).is_eq())
                {
                    Some(finding) => finding.add(severity, score, why, range),
                    None => {
                        known.insert((node, is_key, kind), findings.len());
                        let (detector, ranges) = (Detector::External, vec![range]);
                        findings.push(Finding {
                            detector,
                            kind,
                            severity,
                            score,
                            why,
                            role,
                            node,
                            is_key,
                            ranges,
                        });
                    }
                }
            }
        }
        findings.iter_mut().for_each(Finding::settle);
        Ok(findings)
    }

    fn add(
        &mut self,
        value: Value<'_>,
        role: Role,
        is_key: bool,
        edits: &[Edit],
        max_bytes: usize,
    ) -> Result<(), NotShown> {
        let text = match value.as_number() {
            Some(number) if matches!(role, Role::Argument | Role::Structured) => number.into(),
            Some(_) => return Ok(()),
            None => value.as_str().unwrap_or_default(),
        };
        let span = value.span();
        let first = edits.partition_point(|edit| edit.span.end <= span.start);
        let within = edits.get(first..).unwrap_or_default();
        let within =
            within.get(..within.partition_point(|edit| edit.span.start < span.end)).unwrap_or_default();
        // It does not go on.
        if within.iter().any(|edit| edit.span.start <= span.start && edit.span.end >= span.end) {
            return Ok(());
        }
        if text.trim().is_empty() {
            return Ok(());
        }
        let before = if self.pieces.is_empty() { "" } else { BETWEEN };
        let start = self.text.len() + before.len();
        if start.saturating_add(text.len()) > max_bytes {
            return Err(NotShown::TooLong);
        }
        self.text.push_str(before);
        let runs = if within.is_empty() {
            self.text.push_str(&text);
            Vec::new()
        } else {
            self.changed(value, within)?
        };
        if self.text.len() > max_bytes {
            return Err(NotShown::TooLong);
        }
        self.pieces.push(Piece { range: start..self.text.len(), node: value.index(), is_key, role, runs });
        Ok(())
    }

    /// Adds a string as it is once `edits` are made.
    fn changed(&mut self, value: Value<'_>, edits: &[Edit]) -> Result<Vec<Run>, NotShown> {
        let span = value.span();
        let (mut at, end) = (span.start + 1, span.end.saturating_sub(1));
        let raw = |range: Range<usize>| value.raw().get(range.start - span.start..range.end - span.start);
        let mut runs = Vec::new();
        let mut decoded = 0;
        let mut add = |texts: &mut Self, from: Range<usize>, with: Option<&str>| {
            let origin = unquoted(raw(from.clone()).ok_or(NotShown::Unreadable)?)?;
            let shown = texts.text.len();
            texts.text.push_str(&with.map_or(Ok(origin.clone()), unquoted)?);
            let origin = decoded..decoded + origin.len();
            decoded = origin.end;
            runs.push(Run { shown: shown..texts.text.len(), origin, is_kept: with.is_none() });
            Ok(())
        };
        for edit in edits {
            let (from, to) = (edit.span.start.max(at), edit.span.end.min(end));
            add(self, at..from, None)?;
            add(self, from..to, Some(&edit.with))?;
            at = to;
        }
        add(self, at..end.max(at), None)?;
        Ok(runs)
    }

    /// Where the bytes `range` of the text come from: a part of each text it touches.
    fn origin(&self, range: &Range<usize>) -> impl Iterator<Item = (&Piece, Range<usize>)> {
        let first = self.pieces.partition_point(|piece| piece.range.end <= range.start);
        let touched = self.pieces.iter().skip(first).take_while({
            let end = range.end;
            move |piece| piece.range.start < end
        });
        let range = range.clone();
        touched.filter_map(move |piece| {
            let part = range.start.max(piece.range.start)..range.end.min(piece.range.end);
            piece.origin(&part).map(|origin| (piece, origin))
        })
    }
}

impl Piece {
    /// Where a part of it comes from. What stands in the place of something comes from all of that.
    fn origin(&self, part: &Range<usize>) -> Option<Range<usize>> {
        if self.runs.is_empty() {
            return Some(part.start - self.range.start..part.end - self.range.start);
        }
        let touched = self.runs.iter().filter(|run| run.shown.start < part.end && run.shown.end > part.start);
        let origins = touched.map(|run| {
            if !run.is_kept {
                return run.origin.clone();
            }
            let (from, to) = (part.start.max(run.shown.start), part.end.min(run.shown.end));
            run.origin.start + (from - run.shown.start)..run.origin.start + (to - run.shown.start)
        });
        origins.reduce(|one, next| one.start.min(next.start)..one.end.max(next.end))
    }
}

/// What it holds is nobody's business but the peers'.
impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Texts").field("bytes", &self.text.len()).field("pieces", &self.pieces.len()).finish()
    }
}

/// A guardrail has something to say of texts, not of names, bytes, and what is only handed back.
fn is_shown(role: Role) -> bool {
    match role {
        Role::Prose
        | Role::Definition
        | Role::Argument
        | Role::Uri
        | Role::Structured
        | Role::Meta
        | Role::Error => true,
        Role::Name | Role::Blob | Role::Opaque => false,
    }
}

/// `edits` as [`apply`](crate::json::apply) does them: in order, apart from each other.
fn apart(edits: &[Edit]) -> Vec<Edit> {
    let mut sorted = edits.to_vec();
    sorted.sort_by_key(|edit| (edit.span.start, std::cmp::Reverse(edit.span.end)));
    let mut apart: Vec<Edit> = Vec::new();
    for edit in sorted {
        match apart.last_mut().filter(|last| edit.span.start < last.span.end) {
            Some(last) => last.span.end = last.span.end.max(edit.span.end),
            None => apart.push(edit),
        }
    }
    apart
}

/// The text a part of a string's inside stands for.
fn unquoted(inside: &str) -> Result<String, NotShown> {
    if !inside.contains('\\') {
        return Ok(inside.to_owned());
    }
    let quoted = Bytes::from(format!("\"{inside}\""));
    let document = Document::parse(quoted, &Limits::default()).map_err(|_error| NotShown::Unreadable)?;
    document.root().as_str().map(std::borrow::Cow::into_owned).ok_or(NotShown::Unreadable)
}
