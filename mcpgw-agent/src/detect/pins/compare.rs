//! What changed between two definitions, and how much that matters.

use std::borrow::Cow;

use super::canonical::{INFO_KEY, Within, inner, is_set, number};
use crate::detect::Severity;
use crate::json::{Kind, Segment, Value, write_path};

/// Changes that are told of one definition; more are one more.
const CHANGES_MAX: usize = 256;

/// One member or element that is not what it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Where it stands in the definition: `inputSchema.properties.path.description`.
    pub path: Box<str>,
    /// The place of what it is in the index of its document; that of the whole definition where it is gone.
    pub node: usize,
    /// What it is.
    pub what: Changed,
    /// How bad that may be.
    pub severity: Severity,
    /// What it was, as JSON; nothing where it was not there.
    pub before: Option<Box<str>>,
    /// What it is, as JSON; nothing where it is gone.
    pub after: Option<Box<str>>,
}

/// Which part of a definition changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Changed {
    /// What the model is told: a description, instructions.
    Description,
    /// What may be, has to be or is proposed as an argument.
    Schema,
    /// A name.
    Name,
    /// What a result is to look like.
    Output,
    /// Whether it says that it only reads, destroys, reaches out.
    Annotation,
    /// A title.
    Title,
    /// Icons.
    Icon,
    /// `_meta`, and what else clients do not show the model.
    Meta,
    /// A member the protocol does not name.
    Other,
}

impl Changed {
    /// What it means, for a person.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            Self::Description => "what the model is told has changed",
            Self::Schema => "what the arguments are or may be has changed",
            Self::Name => "a name has changed",
            Self::Output => "what the result is to look like has changed",
            Self::Annotation => "what it says of its effects has changed",
            Self::Title => "a title has changed",
            Self::Icon => "an icon has changed",
            Self::Meta => "its metadata has changed",
            Self::Other => "a part that the protocol does not name has changed",
        }
    }

    /// Its word in records and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Description => "description",
            Self::Schema => "schema",
            Self::Name => "name",
            Self::Output => "output",
            Self::Annotation => "annotation",
            Self::Title => "title",
            Self::Icon => "icon",
            Self::Meta => "meta",
            Self::Other => "other",
        }
    }
}

/// What is different in `after`, in the order of the paths of `before`, what is new last. Nothing where both have one
/// canonical form.
#[must_use]
pub fn compare(before: Value<'_>, after: Value<'_>) -> Vec<Change> {
    let mut differ = Differ { path: Vec::new(), after: after.index(), changes: Vec::new() };
    differ.values(Some(before), Some(after), Within::Definition);
    differ.changes
}

struct Differ<'v> {
    path: Vec<Segment<'v>>,
    /// The place of the later definition in its document's index.
    after: usize,
    changes: Vec<Change>,
}

impl<'v> Differ<'v> {
    /// As deep as the shallower of two documents, which are bounded.
    fn values(&mut self, before: Option<Value<'v>>, after: Option<Value<'v>>, within: Within) {
        if self.changes.len() >= CHANGES_MAX {
            return;
        }
        match (before, after) {
            (Some(before), Some(after)) if before.is_object() && after.is_object() => {
                self.objects(before, after, within)
            }
            (Some(before), Some(after)) if before.is_array() && after.is_array() => {
                self.arrays(before, after, within)
            }
            (Some(before), Some(after)) if is_same(before, after) => {}
            (None, None) => {}
            (before, after) => self.changed(before, after),
        }
    }

    fn objects(&mut self, before: Value<'v>, after: Value<'v>, within: Within) {
        for (key, value) in before.members() {
            let key = key.as_str().unwrap_or_default();
            let other = after.get(&key);
            self.member(key, Some(value), other, within);
        }
        for (key, value) in after.members() {
            let key = key.as_str().unwrap_or_default();
            if before.get(&key).is_none() {
                self.member(key, None, Some(value), within);
            }
        }
    }

    fn member(
        &mut self,
        key: Cow<'v, str>,
        before: Option<Value<'v>>,
        after: Option<Value<'v>>,
        within: Within,
    ) {
        let sets = before
            .zip(after)
            .filter(|(before, after)| is_set(within, &key, *before) && is_set(within, &key, *after));
        let inner = inner(within, &key);
        self.path.push(Segment::Key(key));
        match sets {
            Some((before, after)) if strings(before) == strings(after) => {}
            Some((before, after)) => self.changed(Some(before), Some(after)),
            None => self.values(before, after, inner),
        }
        self.path.pop();
    }

    fn arrays(&mut self, before: Value<'v>, after: Value<'v>, within: Within) {
        let (mut before, mut after) = (before.elements(), after.elements());
        for index in 0.. {
            let (one, other) = (before.next(), after.next());
            if one.is_none() && other.is_none() {
                return;
            }
            self.path.push(Segment::Index(index));
            self.values(one, other, within);
            self.path.pop();
        }
    }

    fn changed(&mut self, before: Option<Value<'v>>, after: Option<Value<'v>>) {
        let (what, severity) = self.weigh(before, after);
        let mut path = String::new();
        // A string takes everything.
        let _never = write_path(&mut path, self.path.iter().cloned());
        let text = |value: Option<Value<'_>>| value.map(|value| value.raw().into());
        self.changes.push(Change {
            path: path.into(),
            node: after.map_or(self.after, Value::index),
            what,
            severity,
            before: text(before),
            after: text(after),
        });
    }

    fn weigh(&self, before: Option<Value<'_>>, after: Option<Value<'_>>) -> (Changed, Severity) {
        let key = |index: usize| match self.path.get(index) {
            Some(Segment::Key(key)) => &**key,
            Some(Segment::Index(_)) | None => "",
        };
        let last = self.path.iter().rev().find_map(|step| match step {
            Segment::Key(key) => Some(&**key),
            Segment::Index(_) => None,
        });
        match key(0) {
            "" | "description" | "instructions" => (Changed::Description, Severity::High),
            "name" | "uri" | "uriTemplate" => (Changed::Name, Severity::High),
            "serverInfo" | INFO_KEY => match key(1) {
                "version" => (Changed::Meta, Severity::Low),
                "title" => (Changed::Title, Severity::Medium),
                _ => (Changed::Name, Severity::High),
            },
            "inputSchema" | "arguments" => match last {
                Some("title") => (Changed::Title, Severity::Medium),
                Some("$schema" | "$id") => (Changed::Schema, Severity::Low),
                _ => (Changed::Schema, Severity::High),
            },
            "outputSchema" => (Changed::Output, Severity::Medium),
            "annotations" => (Changed::Annotation, annotation(key(1), before, after)),
            "title" => (Changed::Title, Severity::Medium),
            "icons" => (Changed::Icon, Severity::Low),
            "_meta" | "mimeType" | "size" => (Changed::Meta, Severity::Low),
            _ => (Changed::Other, Severity::Medium),
        }
    }
}

fn strings(array: Value<'_>) -> Vec<Cow<'_, str>> {
    let mut strings: Vec<_> = array.elements().filter_map(Value::as_str).collect();
    strings.sort();
    strings
}

/// A hint that is left out has its default, which says the same.
fn annotation(hint: &str, before: Option<Value<'_>>, after: Option<Value<'_>>) -> Severity {
    let default = match hint {
        "readOnlyHint" | "idempotentHint" => false,
        "destructiveHint" | "openWorldHint" => true,
        _ => return Severity::Medium,
    };
    let says = |value: Option<Value<'_>>| {
        value.map_or(Some(default), |value| if value.is_null() { Some(default) } else { value.as_bool() })
    };
    match (hint, says(before), says(after)) {
        (_, before, after) if before == after && after.is_some() => Severity::Low,
        // It claims to be more harmless than it did.
        ("readOnlyHint", _, Some(true)) | ("destructiveHint", _, Some(false)) => Severity::High,
        _ => Severity::Medium,
    }
}

fn is_same(before: Value<'_>, after: Value<'_>) -> bool {
    if before.kind() != after.kind() {
        return false;
    }
    match before.kind() {
        Kind::Null | Kind::True | Kind::False => true,
        Kind::Number => number(before.raw()) == number(after.raw()),
        Kind::String => before.as_str() == after.as_str(),
        Kind::Array | Kind::Object => false,
    }
}
