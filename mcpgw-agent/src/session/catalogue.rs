//! The tools a server has offered to the client, as the client has seen them.

use std::collections::HashSet;

use crate::json::{Edit, Value};

/// Names that are kept.
pub(super) const MAX_TOOLS: usize = 10_000;
/// Bytes of them.
const MAX_BYTES: usize = 1 << 20;

/// Names of the list as last read. A list that is read from its start anew replaces what was known.
///
/// Beyond its bounds it forgets nothing but learns no more, and then says of a name it does not have that it does not
/// know.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    names: HashSet<Box<str>>,
    bytes: usize,
    /// The list was read to its end, and nothing of it was left out.
    whole: bool,
    full: bool,
}

impl Catalogue {
    /// A page of the list, forwarded with `edits`. What they cut out or rename the client has not been offered.
    pub(super) fn page(&mut self, from_start: bool, result: Value<'_>, edits: &[Edit]) {
        if from_start {
            *self = Self::default();
        }
        let gone = Gone::new(edits);
        let tools = result.get("tools").into_iter().flat_map(Value::elements);
        for name in tools.filter_map(|tool| tool.get("name")) {
            let Some(text) = name.as_str().filter(|_| !gone.touches(&name.span())) else { continue };
            if self.names.contains(&*text) {
                continue;
            }
            if self.names.len() >= MAX_TOOLS || self.bytes + text.len() > MAX_BYTES {
                self.full = true;
                break;
            }
            self.bytes += text.len();
            self.names.insert(text.into());
        }
        let last = result.get("nextCursor").and_then(Value::as_str).is_none();
        self.whole = last && !self.full;
    }

    /// Whether the client was offered `name`; `None` where that is not known.
    pub(super) fn offered(&self, name: &str) -> Option<bool> {
        let known = self.names.contains(name);
        (known || self.whole).then_some(known)
    }
}

/// Bytes that do not reach the client.
struct Gone {
    /// Where an edit starts, and how far it and those before it reach.
    reach: Vec<(usize, usize)>,
}

impl Gone {
    fn new(edits: &[Edit]) -> Self {
        let mut reach: Vec<_> = edits.iter().map(|edit| (edit.span.start, edit.span.end)).collect();
        reach.sort_unstable();
        let mut furthest = 0;
        for (_, end) in &mut reach {
            furthest = furthest.max(*end);
            *end = furthest;
        }
        Self { reach }
    }

    fn touches(&self, span: &std::ops::Range<usize>) -> bool {
        let before = self.reach.partition_point(|(start, _)| *start < span.end);
        let last = before.checked_sub(1).and_then(|last| self.reach.get(last));
        last.is_some_and(|(_, reach)| *reach > span.start)
    }
}
