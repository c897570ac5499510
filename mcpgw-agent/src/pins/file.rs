//! A server's pins as a file holds them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use bytes::Bytes;

use super::book::{FORM_MAX, Form, Listed, Pin, PinsByName};
use super::decision::Decision;
use super::directory::Stored;
use super::{PinsError, ServerId};
use crate::detect::DefinitionKind;
use crate::detect::pins::canonical;
use crate::hex;
use crate::json::{Document, Limits, Value, quote};
use crate::risk::Behaviour;

/// Bytes of a file.
const FILE_MAX: usize = 64 << 20;
/// What this program writes and reads.
const VERSION: &str = "1";

/// Everything pinned of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Book {
    /// Whose it is.
    pub server: ServerId,
    /// By kind and name.
    pub pins: PinsByName,
    /// Kinds a complete listing was seen of: what is new among them is no longer trusted at first sight.
    pub listed: Listed,
    /// Grows whenever somebody approves or resets: what a session learned before is then forgotten.
    pub generation: u64,
    /// What the server did.
    pub behaviour: BTreeSet<Behaviour>,
    /// Whether it may be used, where somebody has decided.
    pub decision: Option<Decision>,
}

/// Which definitions of a server are meant.
#[derive(Debug, Clone, Copy)]
pub enum Selection<'a> {
    /// All of them.
    All,
    /// The one with this name.
    Named(&'a str),
}

impl Book {
    /// Nothing is pinned.
    #[must_use]
    pub fn new(server: ServerId) -> Self {
        Self {
            server,
            pins: PinsByName::new(),
            listed: Listed::new(),
            generation: 0,
            behaviour: BTreeSet::new(),
            decision: None,
        }
    }

    /// Bytes of all forms.
    pub(super) fn size(&self) -> usize {
        let of = |form: &Option<Form>| form.as_ref().map_or(0, |form| form.text().len());
        self.pins.values().map(|pin| of(&pin.approved) + of(&pin.waiting)).sum()
    }

    /// Approves what waits, and forgets what is gone. Gives how many definitions that changed.
    ///
    /// # Errors
    /// [`PinsError::NoDefinition`] where the one that is named does not wait and is not gone.
    pub fn approve(&mut self, selection: Selection<'_>) -> Result<usize, PinsError> {
        let mut changed = 0;
        self.pins.retain(|(_, name), pin| {
            let is_meant = match selection {
                Selection::All => true,
                Selection::Named(wanted) => name == wanted,
            };
            if !is_meant || !pin.missing && pin.waiting.is_none() {
                return true;
            }
            changed += 1;
            if let Some(waiting) = pin.waiting.take() {
                pin.approved = Some(waiting);
            }
            !pin.missing
        });
        match selection {
            Selection::Named(name) if changed == 0 => Err(PinsError::NoDefinition(name.to_owned())),
            Selection::All | Selection::Named(_) => {
                self.generation += 1;
                Ok(changed)
            }
        }
    }

    /// Forgets all pins and what the server did: the next complete listing is a first one. What was decided about the server
    /// stays: that it is blocked counts, and that it is approved once it says the same again.
    pub fn reset(&mut self) {
        self.pins.clear();
        self.listed.clear();
        self.behaviour.clear();
        self.generation += 1;
    }

    /// Takes over what `learned` has seen since it was read. Where somebody approved or reset meanwhile, nothing.
    pub(super) fn merge(&mut self, learned: &Self) {
        if learned.generation != self.generation {
            return;
        }
        for (key, pin) in &learned.pins {
            let Some(known) = self.pins.get_mut(key) else {
                self.pins.insert(key.clone(), pin.clone());
                continue;
            };
            // Of two that were seen for the first time at once one was first, and the other waits.
            known.waiting = match (&known.approved, &pin.approved, &pin.waiting) {
                (_, _, Some(waiting)) => Some(waiting.clone()),
                (known, Some(other), None) if known.as_ref() != Some(other) => Some(other.clone()),
                (_, _, None) => None,
            };
            known.missing = pin.missing;
        }
        self.listed.extend(&learned.listed);
        self.behaviour.extend(&learned.behaviour);
    }

    /// As a file has it: one line a pin, for people and version control.
    fn text(&self) -> String {
        let mut text = String::new();
        let listed: Vec<_> = self.listed.iter().map(|kind| quote(kind.as_str())).collect();
        // Writing to a string cannot fail.
        let head = write!(
            text,
            "{{\"version\":{VERSION},\"generation\":{},\"server\":{},\"label\":{},\"listed\":[{}],{}\"pins\":[",
            self.generation,
            quote(self.server.hash()),
            quote(self.server.label()),
            listed.join(","),
            self.risk()
        );
        debug_assert!(head.is_ok());
        for (index, ((kind, name), pin)) in self.pins.iter().enumerate() {
            text.push_str(if index == 0 { "\n" } else { ",\n" });
            text.push_str(&format!("{{\"kind\":{},\"name\":{}", quote(kind.as_str()), quote(name)));
            for (member, form) in [("approved", &pin.approved), ("waiting", &pin.waiting)] {
                if let Some(form) = form {
                    text.push_str(&format!(
                        ",\"{member}\":{{\"sha256\":\"{}\",\"definition\":{}}}",
                        form.hash(),
                        form.text()
                    ));
                }
            }
            text.push_str(if pin.missing { ",\"missing\":true}" } else { "}" });
        }
        text.push_str("\n]}\n");
        text
    }

    /// What the server did and what was decided about it, as members of the file, each with a comma behind it; nothing where
    /// there is nothing to say.
    fn risk(&self) -> String {
        let mut text = String::new();
        if !self.behaviour.is_empty() {
            let words: Vec<_> = self.behaviour.iter().map(|behaviour| quote(behaviour.as_str())).collect();
            text.push_str(&format!("\"behaviour\":[{}],", words.join(",")));
        }
        if let Some(Decision { is_approved, basis, by, at }) = &self.decision {
            let basis = hex::encode(basis);
            text.push_str(&format!(
                "\"decision\":{{\"approved\":{is_approved},\"basis\":\"{basis}\",\"by\":{by},\"at\":\"{at}\"}},"
            ));
        }
        text
    }

    /// What a file holds.
    ///
    /// # Errors
    /// What is wrong with it: it is not what [`text`](Self::text) writes.
    fn parse(bytes: Vec<u8>) -> Result<Self, &'static str> {
        // A definition stands deeper here than in the message it came in.
        let limits = Limits { bytes: FILE_MAX, depth: Limits::default().depth + 8, values: 8 << 20 };
        let document =
            Document::parse(Bytes::from(bytes), &limits).or(Err("it is not JSON, or too large"))?;
        let root = document.root();
        let string = |value: Value<'_>, key: &str| value.get(key).and_then(Value::as_str).map(String::from);
        if root.get("version").and_then(Value::as_number) != Some(VERSION) {
            return Err("it is of another version");
        }
        let hash = string(root, "server").ok_or("it names no server")?;
        let label = string(root, "label").unwrap_or_default();
        let server = ServerId::stored(&hash, &label).ok_or("it names no server")?;
        let mut book = Self::new(server);
        let generation =
            root.get("generation").and_then(Value::as_number).and_then(|number| number.parse().ok());
        book.generation = generation.ok_or("it has no generation")?;
        for value in root.get("listed").ok_or("it says not what was listed")?.elements() {
            book.listed.insert(kind(value)?);
        }
        for value in root.get("behaviour").into_iter().flat_map(Value::elements) {
            let word = value.as_str().ok_or("a behaviour is no text")?;
            let known = Behaviour::ALL.into_iter().find(|known| known.as_str() == word);
            book.behaviour.insert(known.ok_or("a behaviour is not known")?);
        }
        book.decision = root.get("decision").map(decision).transpose()?;
        for value in root.get("pins").ok_or("it has no pins")?.elements() {
            let kind = kind(value.get("kind").ok_or("a pin has no kind")?)?;
            let name = string(value, "name").ok_or("a pin has no name")?;
            let missing = value.get("missing").and_then(Value::as_bool).unwrap_or(false);
            let (approved, waiting) = (form(value.get("approved"))?, form(value.get("waiting"))?);
            if book.pins.insert((kind, name), Pin { approved, waiting, missing }).is_some() {
                return Err("a definition is pinned twice");
            }
        }
        Ok(book)
    }
}

impl Stored for Book {
    const WHAT: &'static str = "pins";
    const BYTES_MAX: usize = FILE_MAX;

    fn server(&self) -> &ServerId {
        &self.server
    }

    fn write(&self) -> String {
        self.text()
    }

    fn read(bytes: Vec<u8>) -> Result<Self, &'static str> {
        Self::parse(bytes)
    }
}

fn kind(value: Value<'_>) -> Result<DefinitionKind, &'static str> {
    let word = value.as_str().ok_or("a kind is no text")?;
    DefinitionKind::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or("a kind is not known")
}

/// What somebody decided.
fn decision(value: Value<'_>) -> Result<Decision, &'static str> {
    let is_approved = value.get("approved").and_then(Value::as_bool);
    let basis = value.get("basis").and_then(Value::as_str).and_then(|basis| hex::decode(basis.as_bytes()));
    let by = value.get("by").and_then(Value::as_number).and_then(|by| by.parse().ok());
    let at = value.get("at").and_then(Value::as_str).and_then(|at| at.parse().ok());
    match (is_approved, basis, by, at) {
        (Some(is_approved), Some(basis), Some(by), Some(at)) => Ok(Decision { is_approved, basis, by, at }),
        (..) => Err("a decision is not whole"),
    }
}

/// A definition and its hash, which have to agree.
fn form(value: Option<Value<'_>>) -> Result<Option<Form>, &'static str> {
    let Some(value) = value else { return Ok(None) };
    let definition = value.get("definition").ok_or("a pin has no definition")?;
    let form = Form::new(canonical(definition));
    if form.text().len() > FORM_MAX {
        return Err("a definition is too long");
    }
    let hash = value.get("sha256").and_then(Value::as_str).ok_or("a pin has no hash")?;
    if form.hash() != hash {
        return Err("a definition is not what its hash says");
    }
    Ok(Some(form))
}
