//! Where a value stands in its document.

use std::borrow::Cow;
use std::fmt;

use super::{Value, quote};

/// Characters of a key that are shown.
const SHOWN: usize = 64;

/// A step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment<'m> {
    /// To the member of this name.
    Key(Cow<'m, str>),
    /// To the element at this position, counted from 0.
    Index(usize),
}

/// Writes the path `segments` make: `params.arguments.files[2]`. Keys that are no plain words are quoted, long ones cut.
///
/// # Errors
/// Those of `out`.
pub fn write_path<'m>(
    out: &mut impl fmt::Write,
    segments: impl IntoIterator<Item = Segment<'m>>,
) -> fmt::Result {
    for (depth, segment) in segments.into_iter().enumerate() {
        match segment {
            Segment::Index(index) => write!(out, "[{index}]")?,
            Segment::Key(key) if is_plain(&key) => {
                write!(out, "{}{key}", if depth == 0 { "" } else { "." })?;
            }
            Segment::Key(key) => {
                let shown: String = key.chars().take(SHOWN).collect();
                let cut = if shown.len() < key.len() { "..." } else { "" };
                write!(out, "[{}{cut}]", quote(&shown))?;
            }
        }
    }
    Ok(())
}

/// The path from `root` to the value, or the value of the key, at `index` of the document; empty where it is `root` itself
/// or not within it.
#[must_use]
pub fn path_to(root: Value<'_>, index: usize) -> String {
    let mut segments = Vec::new();
    let mut here = root;
    while here.index() < index {
        let mut inside: Option<(Segment<'_>, Value<'_>)> = None;
        for (key, value) in here.members().take_while(|(key, _)| key.index() <= index) {
            inside = Some((Segment::Key(key.as_str().unwrap_or_default()), value));
        }
        for (position, value) in here.elements().enumerate().take_while(|(_, value)| value.index() <= index) {
            inside = Some((Segment::Index(position), value));
        }
        let Some((segment, value)) = inside else { break };
        segments.push(segment);
        if value.index() > index {
            // It is the key.
            break;
        }
        here = value;
    }
    let mut path = String::new();
    // A string takes everything.
    let _never = write_path(&mut path, segments);
    path
}

fn is_plain(key: &str) -> bool {
    !key.is_empty()
        && key.len() <= SHOWN
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'$' | b'/'))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::json::{Document, Limits};

    #[test]
    fn paths_lead_to_values_and_their_keys() {
        let text = br#"{"a":[1,{"b c":"x","d":["y"]}],"e":{}}"#;
        let document = Document::parse(Bytes::from_static(text), &Limits::default()).unwrap();
        let root = document.root();
        let inner = root.get("a").unwrap().elements().nth(1).unwrap();
        for (value, path) in [
            (root, ""),
            (root.get("a").unwrap(), "a"),
            (inner, "a[1]"),
            (inner.get("b c").unwrap(), r#"a[1]["b c"]"#),
            (inner.get("d").unwrap().elements().next().unwrap(), "a[1].d[0]"),
            (inner.members().nth(1).unwrap().0, "a[1].d"),
            (root.get("e").unwrap(), "e"),
        ] {
            assert_eq!(path_to(root, value.index()), path);
        }
        assert_eq!(path_to(inner, inner.get("d").unwrap().index()), "d");
    }
}
