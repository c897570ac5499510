//! `detectors:`: what findings mean.
//!
//! | key | |
//! |---|---|
//! | a detector's name | a reaction, or `action`, `threshold`, `kinds`, `except` |
//! | `action` | `off`, `observe`, `redact`, `hold`, `deny` |
//! | `threshold` | 0 to 1: findings with a lower score do not count |
//! | `kinds` | reactions by kind of finding |
//! | `allow` | of `scope` only: names by kind, `{repository: [acme/*]}`: sessions belong there, whatever they touch first |
//! | `except` | `servers`, `tools`, `directions`, `action`: the first that matches says otherwise |
//! | `labels` | of `flow`: [`labels`] |
//! | `shared` | of `flow`: what the other sessions of a client have read counts, too |
//! | `strict` | of `schema`: arguments nobody declared are wrong |

mod labels;

use super::glob::Glob;
use super::read::{Members, Reader};
use super::rules;
use super::text::{Readings, Side};
use crate::detect::watch::Granted;
use crate::detect::{Allowed, Detector, DetectorSet, Finding, Pii, Realm, THRESHOLD};
use crate::mcp::Direction;
use crate::yaml::{At, Content, Node, nearest};
use labels::LabelGlobs;

/// Most kinds that are listed for whoever named another.
const MAX_SHOWN: usize = 12;

/// What a finding does to its message, in rising order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reaction {
    /// It is not looked for.
    Off,
    /// It is recorded.
    Observe,
    /// What was found is replaced.
    Redact,
    /// The message waits for a person.
    Hold,
    /// The message does not pass.
    Deny,
}

/// Their words, in order.
const REACTIONS: [&str; 5] = ["off", "observe", "redact", "hold", "deny"];

impl Reaction {
    /// Its word in policies and records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Observe => "observe",
            Self::Redact => "redact",
            Self::Hold => "hold",
            Self::Deny => "deny",
        }
    }
}

/// Where a message goes, as far as `except` asks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whereabouts<'a> {
    /// The server's name.
    pub(super) server: &'a str,
    /// The tool that is called, or answers.
    pub(super) tool: Option<&'a str>,
    /// Which way the message goes.
    pub(super) direction: Direction,
}

/// `detectors:`, whole.
#[derive(Debug, Clone)]
pub(super) struct Detectors {
    settings: Vec<(Detector, Setting)>,
    /// Those that look at messages wherever they go; `None` where an exception may say otherwise.
    everywhere: Option<DetectorSet>,
    /// What is said of tools' labels, where that is anything.
    labels: Option<Box<LabelGlobs>>,
    /// Sessions' flow is their own.
    alone: bool,
    /// Arguments nobody declared are wrong.
    strict: bool,
}

/// What one detector's findings mean.
#[derive(Debug, Clone)]
struct Setting {
    action: Reaction,
    threshold: f32,
    kinds: Vec<(Box<str>, Reaction)>,
    except: Vec<Exception>,
    /// What sessions may be about.
    allow: Vec<(Realm, Box<[Glob]>)>,
    /// Of `flow`.
    labels: Option<Box<LabelGlobs>>,
    /// Of `flow`: of this session alone.
    alone: bool,
    /// Of `schema`.
    strict: bool,
}

/// Where they mean something else.
#[derive(Debug, Clone)]
struct Exception {
    servers: Option<Box<[Glob]>>,
    tools: Option<Box<[Glob]>>,
    directions: Option<Box<[Direction]>>,
    action: Reaction,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            action: Reaction::Observe,
            threshold: THRESHOLD,
            kinds: Vec::new(),
            except: Vec::new(),
            allow: Vec::new(),
            labels: None,
            alone: false,
            strict: false,
        }
    }
}

/// Everything is looked for and recorded.
impl Default for Detectors {
    fn default() -> Self {
        Self::new(Detector::ALL.into_iter().map(|detector| (detector, Setting::default())).collect())
    }
}

impl Detectors {
    fn new(mut settings: Vec<(Detector, Setting)>) -> Self {
        let has_exceptions = settings.iter().any(|(_, setting)| !setting.except.is_empty());
        let looks = settings.iter().filter(|(_, setting)| setting.looks());
        let everywhere = (!has_exceptions).then(|| looks.map(|(detector, _)| *detector).collect());
        // Asked of every message.
        let labels = settings.iter_mut().find_map(|(_, setting)| setting.labels.take());
        let alone = settings.iter().any(|(_, setting)| setting.alone);
        let strict = settings.iter().any(|(_, setting)| setting.strict);
        Self { settings, everywhere, labels, alone, strict }
    }

    /// Those that look at every message, whatever it is about; `None` where that makes a difference.
    pub(super) fn everywhere(&self) -> Option<DetectorSet> {
        self.everywhere
    }

    /// Those that look at a message there.
    pub(super) fn wanted(&self, at: &Whereabouts<'_>) -> DetectorSet {
        let wanted = self.settings.iter().filter(|(_, setting)| match setting.exception(at) {
            Some(action) => action > Reaction::Off,
            None => setting.looks(),
        });
        wanted.map(|(detector, _)| *detector).collect()
    }

    /// What `finding` does to a message there: off also where its score is too low.
    pub(super) fn reaction(&self, finding: &Finding, at: &Whereabouts<'_>) -> Reaction {
        let setting = self.settings.iter().find(|(detector, _)| *detector == finding.detector);
        let Some((_, setting)) = setting else { return Reaction::Off };
        if finding.score < setting.threshold {
            return Reaction::Off;
        }
        let kind = setting.kinds.iter().find(|(kind, _)| **kind == *finding.kind);
        setting.exception(at).or(kind.map(|(_, reaction)| *reaction)).unwrap_or(setting.action)
    }

    /// Whether a session may be about `name`.
    pub(super) fn scope(&self, realm: Realm, name: &str) -> Allowed {
        let setting = self.settings.iter().find(|(detector, _)| *detector == Detector::Scope);
        let globs = setting.and_then(|(_, setting)| setting.allow.iter().find(|(other, _)| *other == realm));
        match globs {
            None => Allowed::Unsaid,
            Some((_, globs)) if Readings::new(name).match_globs(globs, Side::Strict).unwrap_or(false) => {
                Allowed::Yes
            }
            Some(_) => Allowed::No,
        }
    }

    /// What is said of the labels of `tool` of `server`.
    pub(super) fn granted(&self, server: &str, tool: &str) -> Granted {
        self.labels.as_ref().map(|labels| labels.granted(server, tool)).unwrap_or_default()
    }

    /// What other sessions of a client have read counts in each.
    pub(super) fn shares_flow(&self) -> bool {
        !self.alone
    }

    /// Arguments nobody declared are wrong.
    pub(super) fn is_strict(&self) -> bool {
        self.strict
    }

    /// The strictest that any finding of `wanted` could be met with there.
    pub(super) fn strictest(&self, wanted: DetectorSet, at: &Whereabouts<'_>) -> Reaction {
        let of = |setting: &Setting| {
            let kinds = setting.kinds.iter().map(|(_, reaction)| *reaction);
            setting.exception(at).unwrap_or_else(|| kinds.fold(setting.action, Reaction::max))
        };
        let settings = self.settings.iter().filter(|(detector, _)| wanted.has(*detector));
        settings.map(|(_, setting)| of(setting)).max().unwrap_or(Reaction::Off)
    }
}

impl Setting {
    /// It says of some finding that it is looked for, where no exception says otherwise.
    fn looks(&self) -> bool {
        self.action > Reaction::Off || self.kinds.iter().any(|(_, reaction)| *reaction > Reaction::Off)
    }

    fn exception(&self, at: &Whereabouts<'_>) -> Option<Reaction> {
        self.except.iter().find(|exception| exception.holds(at)).map(|exception| exception.action)
    }
}

impl Exception {
    fn holds(&self, at: &Whereabouts<'_>) -> bool {
        // An exception takes away, so it must hold in every reading; a detector is not turned off by a look-alike.
        let side = Side::Strict;
        let names = |globs: &Option<Box<[Glob]>>, name: Option<&str>| match (globs, name) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(globs), Some(name)) => Readings::new(name).match_globs(globs, side).unwrap_or(false),
        };
        names(&self.servers, Some(at.server))
            && names(&self.tools, at.tool)
            && self.directions.as_ref().is_none_or(|directions| directions.contains(&at.direction))
    }
}

/// Reads the section.
pub(super) fn detectors(reader: &mut Reader, node: &Node) -> Detectors {
    let names = Detector::ALL.map(|detector| detector.as_str().replace('-', "_"));
    let keys: Vec<&str> = names.iter().map(String::as_str).collect();
    let members = reader.map(node, "detectors", &keys);
    let setting = |(detector, name): (Detector, &String)| {
        let setting = members.get(name).map(|node| setting(reader, node, detector)).unwrap_or_default();
        (detector, setting)
    };
    Detectors::new(Detector::ALL.into_iter().zip(&names).map(setting).collect())
}

fn setting(reader: &mut Reader, node: &Node, detector: Detector) -> Setting {
    if !matches!(node.content, Content::Map(_)) {
        let action = reaction(reader, node);
        return Setting { action, ..Setting::default() };
    }
    let mut keys = vec!["action", "threshold", "kinds", "except"];
    keys.extend(own_keys(detector));
    let members = reader.map(node, detector.as_str(), &keys);
    let mut setting = Setting::default();
    if let Some(node) = members.get("labels") {
        setting.labels = Some(Box::new(LabelGlobs::read(reader, node)));
    }
    if let Some(node) = members.get("shared") {
        setting.alone = !reader.flag(node, "shared");
    }
    if let Some(node) = members.get("strict") {
        setting.strict = reader.flag(node, "strict");
    }
    if let Some(node) = members.get("action") {
        setting.action = reaction(reader, node);
    }
    if let Some(node) = members.get("threshold") {
        setting.threshold = threshold(reader, node);
    }
    if let Some(node) = members.get("kinds") {
        for (kind, node) in reader.entries(node, "kinds") {
            let reaction = reaction(reader, node);
            setting.kinds.extend(kinds(reader, detector, kind).into_iter().map(|kind| (kind, reaction)));
        }
    }
    if let Some(node) = members.get("allow") {
        for (key, node) in reader.entries(node, "allow") {
            match Realm::ALL.into_iter().find(|realm| realm.as_str() == key.value) {
                Some(realm) => setting.allow.push((realm, reader.globs(node, "allow"))),
                None => {
                    let all = Realm::ALL.map(Realm::as_str).join(", ");
                    reader.problem(
                        key.place,
                        format!("`{}` is no kind of `scope`, expected one of: {all}", key.value),
                    );
                }
            }
        }
    }
    if let Some(node) = members.get("except") {
        for node in reader.list(node, "except") {
            setting.except.extend(exception(reader, node));
        }
    }
    setting
}

/// The kinds of finding that a name stands for. Personal data has more names than one for most of its kinds; a guardrail
/// has kinds of its operator's choice, which the policy does not know.
fn kinds(reader: &mut Reader, detector: Detector, name: &At<String>) -> Vec<Box<str>> {
    let kind = name.value.to_ascii_lowercase();
    let known = detector.kinds();
    if known.contains(&&*kind) {
        return vec![kind.into()];
    }
    if let (Detector::Pii | Detector::External, Some(kinds)) = (detector, Pii::kinds(&name.value)) {
        // A guardrail's own kind may have the name of several.
        let own = (!detector.is_listed()).then(|| kind.into());
        return kinds.into_iter().map(Box::from).chain(own).collect();
    }
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let meant = nearest(&kind, &known);
    if !detector.is_listed() && meant.is_none() && !kind.is_empty() && kind.bytes().all(is_word) {
        return vec![kind.into()];
    }
    let meant = match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if known.len() <= MAX_SHOWN => format!("expected one of: {}", known.join(", ")),
        None => "its kinds are listed in docs/detection".to_owned(),
    };
    reader.problem(name.place, format!("`{}` is no kind of `{}`, {meant}", name.value, detector.as_str()));
    Vec::new()
}

/// What only this detector can be told.
fn own_keys(detector: Detector) -> impl Iterator<Item = &'static str> {
    let own = [
        (Detector::Scope, "allow"),
        (Detector::Flow, "labels"),
        (Detector::Flow, "shared"),
        (Detector::Schema, "strict"),
    ];
    own.into_iter().filter_map(move |(own, key)| (own == detector).then_some(key))
}

fn exception(reader: &mut Reader, node: &Node) -> Option<Exception> {
    let members: Members<'_> =
        reader.map(node, "an exception", &["servers", "tools", "directions", "action"]);
    let servers = members.get("servers").map(|node| reader.globs(node, "servers"));
    let tools = members.get("tools").map(|node| reader.globs(node, "tools"));
    let directions = members.get("directions").map(|node| rules::directions(reader, node));
    if servers.is_none() && tools.is_none() && directions.is_none() {
        reader.problem(node.place, "an exception names `servers`, `tools` or `directions`");
    }
    let Some(action) = members.get("action") else {
        reader.problem(node.place, "an exception has no `action`");
        return None;
    };
    Some(Exception { servers, tools, directions, action: reaction(reader, action) })
}

fn reaction(reader: &mut Reader, node: &Node) -> Reaction {
    // YAML 1.1 readers take a bare `off` for `false`: both are meant alike.
    if matches!(node.content, Content::Bool(false)) {
        return Reaction::Off;
    }
    match reader.word(node, "reaction", &REACTIONS) {
        Some(0) => Reaction::Off,
        Some(1) => Reaction::Observe,
        Some(2) => Reaction::Redact,
        Some(3) => Reaction::Hold,
        Some(_) | None => Reaction::Deny,
    }
}

fn threshold(reader: &mut Reader, node: &Node) -> f32 {
    let value = reader.text(node, "threshold").and_then(|text| text.value.parse::<f32>().ok());
    match value {
        Some(value) if (0.0..=1.0).contains(&value) => value,
        Some(_) | None => {
            reader.problem(node.place, "`threshold` is a number from 0 to 1");
            THRESHOLD
        }
    }
}
