//! All detectors over one message.

mod whole;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use super::clean::Clean;
use super::member::is_known;
use super::split::Split;
use super::{
    ArgumentInjection, DefinitionKind, Destructive, Detector, DetectorSet, Exfiltration, Finding, Hit,
    Injection, Nominations, Nominator, Pii, Place, Secrets, Ssrf, Surface, TextDetector, Traversal,
};
use crate::json::Value;
use crate::mcp::{Direction, Message, Method, Role, fields};
use crate::text::{Budget, Reading, readings};
use whole::{call, definitions};

/// Findings of one message that are kept, each of one kind in one text. Behind them nothing is known.
const MAX_FINDINGS: usize = 100_000;

/// Bytes of a member's name, and of a tool's, that say what a text is. They are looked at with each text.
const MAX_NAME: usize = 256;

/// The score from which a finding counts, where policy names no other.
pub const THRESHOLD: f32 = 0.5;

/// Members of results that are lists of definitions.
pub const LISTS: [(&str, DefinitionKind); 4] = [
    ("tools", DefinitionKind::Tool),
    ("prompts", DefinitionKind::Prompt),
    ("resources", DefinitionKind::Resource),
    ("resourceTemplates", DefinitionKind::ResourceTemplate),
];

/// What a message is, as far as detectors care.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Which way it goes.
    pub direction: Direction,
    /// The server's name.
    pub server: &'a str,
    /// The method it answers.
    pub answers: Option<&'a str>,
    /// The tool it calls, or whose call it answers.
    pub tool: Option<&'a str>,
}

/// What was found in a message.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Findings {
    /// In the order of its texts.
    pub list: Vec<Finding>,
    /// All of it was looked at. Otherwise there was more than there is time or room for.
    pub is_complete: bool,
}

/// What an inspection did: in proportion to the message, whatever the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Work {
    /// Readings that were looked at.
    pub readings: usize,
    /// Their bytes.
    pub bytes: usize,
    /// Places in them at which detectors looked closer.
    pub places: usize,
    /// What detectors said.
    pub hits: usize,
}

/// Every detector of texts, and the pass that tells them where to look.
pub struct Inspector {
    detectors: Vec<Box<dyn TextDetector>>,
    nominator: Nominator,
    /// By surface: the detectors that look there, and their places in the list.
    by_surface: [Vec<(Detector, usize)>; 3],
}

static SHIPPED: LazyLock<Inspector> = LazyLock::new(|| {
    Inspector::new(vec![
        Box::new(ArgumentInjection),
        Box::new(Destructive),
        Box::new(Exfiltration),
        Box::new(Injection),
        Box::new(Pii),
        Box::new(Secrets),
        Box::new(Ssrf),
        Box::new(Traversal),
    ])
});

impl Inspector {
    /// With these detectors.
    #[must_use]
    pub fn new(detectors: Vec<Box<dyn TextDetector>>) -> Self {
        let nominator = Nominator::new(&detectors.iter().map(|detector| &**detector).collect::<Vec<_>>());
        let by_surface = [Surface::Arguments, Surface::Content, Surface::Definition].map(|surface| {
            let numbered = detectors.iter().enumerate().filter(|(_, detector)| detector.is_for(surface));
            numbered.map(|(index, detector)| (detector.detector(), index)).collect()
        });
        Self { detectors, nominator, by_surface }
    }

    /// The detectors that look at texts of `surface`.
    fn on(&self, surface: Surface) -> &[(Detector, usize)] {
        let [arguments, content, definition] = &self.by_surface;
        match surface {
            Surface::Arguments => arguments,
            Surface::Content => content,
            Surface::Definition => definition,
        }
    }

    /// With all detectors there are; made at first use.
    #[must_use]
    pub fn shipped() -> &'static Self {
        &SHIPPED
    }

    /// Looks at all texts of a message.
    #[must_use]
    pub fn message(&self, message: &Message, subject: &Subject<'_>, wanted: DetectorSet) -> Findings {
        self.measured(message, subject, wanted).0
    }

    /// As [`message`](Self::message), and what it took.
    #[must_use]
    pub fn measured(
        &self,
        message: &Message,
        subject: &Subject<'_>,
        wanted: DetectorSet,
    ) -> (Findings, Work) {
        let bytes = message.bytes().len();
        self.remembering(message, subject, wanted, Clean::new(bytes))
    }

    fn remembering<'m>(
        &self,
        message: &'m Message,
        subject: &Subject<'_>,
        wanted: DetectorSet,
        clean: Clean<'m>,
    ) -> (Findings, Work) {
        let mut pass = Pass { clean, ..Pass::new(self, wanted, message.bytes().len()) };
        if wanted.is_empty() {
            return (pass.findings(), Work::default());
        }
        let tool =
            subject.tool.map(|tool| tool.get(..tool.floor_char_boundary(MAX_NAME)).unwrap_or_default());
        let surface = |role| match (subject.direction, role) {
            (Direction::ToServer, _) => Surface::Arguments,
            (Direction::ToClient, Role::Definition) => Surface::Definition,
            (Direction::ToClient, _) => Surface::Content,
        };
        fields(message, subject.direction, subject.answers, |field| {
            if field.role == Role::Name && is_of_protocol(field.value) {
                return;
            }
            let place = Place { surface: surface(field.role), role: field.role, key: "", tool };
            pass.value(field.value, &place, field.is_key, field.path.key_value());
        });
        if let Some(from) = pass.first_together() {
            fields(message, subject.direction, subject.answers, |field| {
                if !field.is_key {
                    pass.further(field.value, surface(field.role), field.role, from);
                }
            });
            pass.together();
        }
        if wanted.has(Detector::Destructive) {
            call(message, subject, &mut pass.findings.list);
        }
        if wanted.has(Detector::Poisoning) {
            definitions(message, subject, &mut pass.findings.list);
        }
        let work = pass.work;
        (pass.findings(), work)
    }

    /// Looks at all texts of `value`, each in its place but for the key.
    #[must_use]
    pub fn value<'m>(&self, value: Value<'m>, place: &Place<'_>, wanted: DetectorSet) -> Findings {
        let mut pass = Pass::new(self, wanted, value.raw().len());
        pass.beneath(value, place, None);
        if let Some(from) = pass.first_together() {
            pass.beneath(value, place, Some(from));
            pass.together();
        }
        pass.findings()
    }
}

/// A word of MCP's own, where the protocol has names: it says what every message of its kind says, and no detector finds
/// anything in one, as the tests see to.
fn is_of_protocol(name: Value<'_>) -> bool {
    let is_known = |name: Cow<'_, str>| WORDS.contains(&&*name) || Method::named(&name).is_some();
    name.as_str().is_some_and(is_known)
}

/// Kinds of content, and who speaks.
const WORDS: [&str; 7] = ["text", "image", "audio", "resource", "resource_link", "user", "assistant"];

/// A member's name, if it is one: what is longer than that says nothing about a value, and each value has it.
fn name(key: Value<'_>) -> Cow<'_, str> {
    // Its text is not even looked at: that would be done for each value.
    let is_short = key.span().len() <= MAX_NAME;
    if is_short { key.as_str().unwrap_or_default() } else { Cow::Borrowed("") }
}

impl std::fmt::Debug for Inspector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.detectors.iter().map(|detector| detector.detector())).finish()
    }
}

/// Says where a range of a reading comes from.
type Origin<'o> = dyn FnMut(&Reading<'_>, Range<usize>) -> Vec<(Source, Range<usize>)> + 'o;

/// One message's inspection.
struct Pass<'i, 'm> {
    inspector: &'i Inspector,
    wanted: DetectorSet,
    nominations: Nominations,
    hits: Vec<Hit>,
    budget: Budget,
    /// Texts that are read one after the other.
    split: Split<'m>,
    findings: Findings,
    /// Findings that were made in one text alone, in order: those made in several together come behind them.
    alone: usize,
    work: Work,
    clean: Clean<'m>,
}

impl<'i, 'm> Pass<'i, 'm> {
    /// Of a message of `bytes` bytes.
    fn new(inspector: &'i Inspector, wanted: DetectorSet, bytes: usize) -> Self {
        Self {
            inspector,
            wanted,
            nominations: Nominations::default(),
            hits: Vec::new(),
            budget: Budget::of_message(bytes),
            split: Split::default(),
            findings: Findings { list: Vec::new(), is_complete: true },
            alone: 0,
            work: Work::default(),
            clean: Clean::new(0),
        }
    }

    fn findings(mut self) -> Findings {
        self.findings.list.iter_mut().for_each(Finding::settle);
        self.findings.is_complete &= !self.budget.exhausted();
        self.findings
    }

    /// The document's depth is bounded, and with it the recursion. `from` is where [`further`](Self::further) begins.
    fn beneath(&mut self, value: Value<'m>, place: &Place<'_>, from: Option<usize>) {
        match from {
            None => self.value(value, place, false, None),
            Some(from) => self.further(value, place.surface, place.role, from),
        }
        for (key, value) in value.members() {
            if from.is_none() {
                self.value(key, place, true, None);
            }
            let name = name(key);
            self.beneath(value, &Place { key: &name, ..*place }, from);
        }
        for element in value.elements() {
            self.beneath(element, place, from);
        }
    }

    /// `key` is the name of the place as it came, where the place is one of a message and has no name yet.
    fn value(&mut self, value: Value<'m>, place: &Place<'_>, is_key: bool, key: Option<Value<'m>>) {
        let source = Source { node: value.index(), surface: place.surface, role: place.role, is_key };
        if place.role == Role::Opaque {
            return self.opaque(value, place, source, key);
        }
        let text = value.as_str();
        let seen = key.and_then(|key| self.clean.seen(value.raw(), key.raw(), place));
        if !seen.is_some_and(|seen| self.clean.has(&seen)) {
            let name = key.map(name);
            let place = Place { key: name.as_deref().unwrap_or(place.key), ..*place };
            let is_clean = match (&text, value.as_number()) {
                // Where a name stands in the place it names.
                (Some(text), _) if is_key && key.is_some() && is_known(text) => true,
                (Some(text), _) => self.is_clean(text, &place, source),
                (None, Some(number)) => self.is_clean_number(number, &place, source),
                (None, None) => false,
            };
            seen.filter(|_| is_clean).into_iter().for_each(|seen| self.clean.add(seen));
        }
        if let Some(text) = text.filter(|_| !is_key) {
            self.split.add(text, source);
        }
    }

    /// Looks at all readings of a text, and says whether nothing came of it: nothing would if it were there again.
    fn is_clean(&mut self, text: &str, place: &Place<'_>, source: Source) -> bool {
        let before = (self.work.hits, self.work.readings + 1, self.budget.made(), self.budget.exhausted());
        self.text(text, place, source);
        // What takes of the budget takes of it each time.
        before == (self.work.hits, self.work.readings, self.budget.made(), self.budget.exhausted())
    }

    /// The same for a number, which has one reading.
    fn is_clean_number(&mut self, number: &str, place: &Place<'_>, source: Source) -> bool {
        let before = self.work.hits;
        self.read(&Reading::as_it_came(number), place, &[], &mut |_, range| vec![(source, range)]);
        before == self.work.hits
    }

    /// What is only handed back is nobody's text, but may carry what is not to leave or to be written down. Numbers there
    /// are counted, not said.
    fn opaque(&mut self, value: Value<'m>, place: &Place<'_>, source: Source, key: Option<Value<'m>>) {
        let private = self.wanted.and(DetectorSet::private());
        if let (Some(text), false) = (value.as_str(), private.is_empty()) {
            let name = key.map(name);
            let place = &Place { key: name.as_deref().unwrap_or(place.key), ..*place };
            let wanted = std::mem::replace(&mut self.wanted, private);
            self.text(&text, place, source);
            self.wanted = wanted;
        }
    }

    /// Looks at all readings of a text.
    fn text(&mut self, text: &str, place: &Place<'_>, source: Source) {
        let mut budget = std::mem::replace(&mut self.budget, Budget::of_message(0));
        readings(text, &mut budget, &mut |reading| {
            self.read(reading, place, &[], &mut |reading, range| vec![(source, reading.origin(range))]);
        });
        self.budget = budget;
    }

    /// Ends what is found in one text alone, and looks at the first texts together; gives the text from which on there may
    /// be more.
    fn first_together(&mut self) -> Option<usize> {
        self.findings.list.iter_mut().for_each(Finding::settle);
        self.alone = self.findings.list.len();
        let more = self.split.filled_by();
        self.together();
        more
    }

    /// Reads a value together with those beside it, if it is no text before the one at `from`.
    fn further(&mut self, value: Value<'m>, surface: Surface, role: Role, from: usize) {
        let source = Source { node: value.index(), surface, role, is_key: false };
        let Some(text) = value.as_str().filter(|_| source.node >= from) else { return };
        self.split.add(text.clone(), source);
        if self.split.filled_by().is_some() {
            self.together();
            // What ends in it may go on in the next.
            self.split.add(text, source);
        }
    }

    /// Looks at what is found only where texts are read one after the other.
    fn together(&mut self) {
        let split = std::mem::take(&mut self.split);
        let mut budget = std::mem::replace(&mut self.budget, Budget::of_message(0));
        let alone = self.findings.list.get(..self.alone).unwrap_or_default();
        let is_known = if alone.iter().any(|finding| finding.detector == Detector::Pii) {
            split.pieces(|piece| self.covers(Detector::Pii, piece))
        } else {
            Vec::new()
        };
        for joined in split.joined() {
            let place = Place { surface: joined.surface, role: joined.role, key: "", tool: None };
            let known = joined.places(&is_known);
            readings(joined.text(), &mut budget, &mut |reading| {
                let known = if reading.is_as_it_came() { &known[..] } else { &[] };
                self.read(reading, &place, known, &mut |reading, range| {
                    joined.origin(&reading.origin(range))
                });
            });
        }
        self.budget = budget;
    }

    /// Looks at one reading, but not for numbers in the places that are `known`; `origin` says where a range of it comes
    /// from.
    fn read(
        &mut self,
        reading: &Reading<'_>,
        place: &Place<'_>,
        known: &[Range<usize>],
        origin: &mut Origin<'_>,
    ) {
        let inspector = self.inspector;
        inspector.nominator.scan(reading.text(), &mut self.nominations);
        self.nominations.leave_out(known);
        self.nominations.respaced = reading.is_respaced();
        self.work.readings += 1;
        self.work.bytes += reading.text().len();
        self.work.places += self.nominations.places();
        for (detector, index) in inspector.on(place.surface) {
            let Some(finder) = inspector.detectors.get(*index).filter(|_| self.wanted.has(*detector)) else {
                continue;
            };
            finder.find(reading.text(), place, &self.nominations.of(*index), &mut self.hits);
            if !self.hits.is_empty() {
                self.found(*detector, reading, origin);
            }
        }
    }

    /// Takes what `detector` said of a reading.
    fn found(&mut self, detector: Detector, reading: &Reading<'_>, origin: &mut Origin<'_>) {
        let mut hits = std::mem::take(&mut self.hits);
        self.work.hits += hits.len();
        for hit in hits.drain(..) {
            let parts = origin(reading, hit.range.clone());
            if !parts.iter().any(|part| self.is_known(detector, hit.score, part)) {
                parts.into_iter().for_each(|(source, range)| self.add(detector, &hit, source, range));
            }
        }
        self.hits = hits;
    }

    /// The part was found in its text alone: what else a finding in several texts covers only happens to stand beside it.
    fn is_known(&self, detector: Detector, score: f32, part: &(Source, Range<usize>)) -> bool {
        self.alone(detector, part)
            .any(|(finding, known)| (finding >= THRESHOLD || score < THRESHOLD) && known.start < part.1.end)
    }

    /// The part is in a finding that is sure and was made in its text alone: nothing in several texts comes of it.
    fn covers(&self, detector: Detector, part: &(Source, Range<usize>)) -> bool {
        self.alone(detector, part).any(|(finding, known)| {
            finding >= THRESHOLD && known.start <= part.1.start && known.end >= part.1.end
        })
    }

    /// Of each finding in the part's text alone, its score and the first of its ranges that ends behind the part's start.
    fn alone(
        &self,
        detector: Detector,
        (source, range): &(Source, Range<usize>),
    ) -> impl Iterator<Item = (f32, &Range<usize>)> {
        let (node, start) = (source.node, range.start);
        let alone = self.findings.list.get(..self.alone).unwrap_or_default();
        let first = alone.partition_point(|finding| finding.node < node);
        let here = alone.iter().skip(first).take_while(move |finding| finding.node == node);
        here.filter(move |finding| finding.detector == detector).filter_map(move |finding| {
            let next = finding.ranges.partition_point(|known| known.end <= start);
            Some((finding.score, finding.ranges.get(next)?))
        })
    }

    fn add(&mut self, detector: Detector, hit: &Hit, source: Source, range: Range<usize>) {
        let Hit { kind, severity, score, why, .. } = *hit;
        debug_assert!(detector.gives(kind), "{detector:?} lists no `{kind}`");
        let list = &mut self.findings.list;
        let here = list.iter_mut().rev().take_while(|finding| finding.node == source.node);
        for finding in here {
            // What is sure must not make sure what is not.
            let is_alike = (finding.score >= THRESHOLD) == (score >= THRESHOLD);
            if (finding.detector, finding.kind) == (detector, kind) && is_alike {
                finding.add(severity, score, why, range);
                return;
            }
        }
        if list.len() >= MAX_FINDINGS {
            self.findings.is_complete = false;
            return;
        }
        let Source { node, role, is_key, .. } = source;
        let ranges = vec![range];
        list.push(Finding { detector, kind, severity, score, why, role, node, is_key, ranges });
    }
}

/// The text that is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    /// Its place in the document's index.
    pub(super) node: usize,
    pub(super) surface: Surface,
    pub(super) role: Role,
    pub(super) is_key: bool,
}

#[cfg(test)]
mod tests;
