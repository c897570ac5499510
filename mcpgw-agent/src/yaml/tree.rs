//! A document as a tree: for keys that take values of several shapes, and for finding everything that is wrong at once.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::{At, Fault, Place, fault, options, place};

/// A value of any shape and where it stands.
#[derive(Debug, Clone)]
pub struct Node {
    /// Where it is written.
    pub place: Option<Place>,
    /// What it is.
    pub content: Content,
    /// Bytes of the text it is defined by.
    bytes: Option<Range<usize>>,
}

/// What a [`Node`] is.
#[derive(Debug, Clone)]
pub enum Content {
    /// Nothing: `null`, `~` or no value.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it is spelled.
    Number(String),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping; keys are text and different.
    Map(Vec<(At<String>, Node)>),
}

/// Reads one document; `None` where it holds nothing but comments.
///
/// # Errors
/// The first [`Fault`].
pub fn tree(text: &str) -> Result<Option<Node>, Box<Fault>> {
    let parsed: Option<Node> =
        serde_saphyr::from_str_with_options(text, options()).map_err(|error| Box::new(fault(&error)))?;
    let node = parsed.map(|mut node| {
        respell(&mut node, text);
        node
    });
    Ok(node.filter(|node| !matches!(node.content, Content::Null)))
}

/// Gives numbers the spelling of the text: the crate hands out what it made of them.
fn respell(node: &mut Node, text: &str) {
    match &mut node.content {
        Content::Number(spelling) => {
            let written = node.bytes.clone().and_then(|bytes| text.get(bytes)).map(str::trim);
            if let Some(written) = written.filter(|written| !written.is_empty()) {
                written.clone_into(spelling);
            }
        }
        Content::List(elements) => elements.iter_mut().for_each(|element| respell(element, text)),
        Content::Map(members) => members.iter_mut().for_each(|(_, value)| respell(value, text)),
        Content::Null | Content::Bool(_) | Content::Text(_) => {}
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value, referenced, defined } = Spanned::<Content>::deserialize(deserializer)?;
        let number = |value: Option<u64>| value.and_then(|value| usize::try_from(value).ok());
        let bytes = number(defined.span().byte_offset())
            .zip(number(defined.span().byte_len()))
            .map(|(start, length)| start..start.saturating_add(length));
        Ok(Self { place: place(referenced), content: value, bytes })
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, a number, a list or a mapping")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Content, E> {
        Ok(Content::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Content, E> {
        Ok(Content::Number(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Content, E> {
        Ok(Content::Number(value.to_string()))
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<Content, E> {
        Ok(Content::Number(value.to_string()))
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<Content, E> {
        Ok(Content::Number(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Content, E> {
        Ok(Content::Number(value.to_string()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Content, E> {
        Ok(Content::Text(value.to_owned()))
    }

    fn visit_unit<E: Error>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Content, D::Error> {
        Content::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Content, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            list.push(element);
        }
        Ok(Content::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Content, A::Error> {
        let mut map = Vec::new();
        while let Some(member) = members.next_entry()? {
            map.push(member);
        }
        Ok(Content::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(node: &Node) -> String {
        let place = node.place.map_or("?".to_owned(), |place| format!("{}:{}", place.line, place.column));
        let content = match &node.content {
            Content::Null => "null".to_owned(),
            Content::Bool(value) => value.to_string(),
            Content::Number(spelling) => format!("#{spelling}"),
            Content::Text(text) => format!("{text:?}"),
            Content::List(list) => format!("[{}]", list.iter().map(show).collect::<Vec<_>>().join(" ")),
            Content::Map(map) => {
                let member = |(key, value): &(At<String>, Node)| format!("{}={}", key.value, show(value));
                format!("{{{}}}", map.iter().map(member).collect::<Vec<_>>().join(" "))
            }
        };
        format!("{place}{content}")
    }

    #[test]
    fn every_shape_keeps_its_place_and_numbers_their_spelling() {
        for (text, shown) in [
            (
                "a: [1, 0.10, '2', true, ~, yes]",
                "1:1{a=1:4[1:5#1 1:8#0.10 1:14\"2\" 1:19true 1:25null 1:28\"yes\"]}",
            ),
            ("n: 100000000000000000000000000001", "1:1{n=1:4#100000000000000000000000000001}"),
            ("ä: ö\nb:\n  c: x", "1:1{ä=1:4\"ö\" b=3:3{c=3:6\"x\"}}"),
            ("a: &x 1.50\nb: *x", "1:1{a=1:7#1.50 b=2:4#1.50}"),
        ] {
            assert_eq!(show(&tree(text).unwrap().unwrap()), shown, "{text}");
        }
        for text in ["", "# nothing", "---\n", "~"] {
            assert!(tree(text).unwrap().is_none(), "{text:?}");
        }
    }

    #[test]
    fn what_no_file_needs_is_refused() {
        for text in ["a: 1\na: 2", "a: &a {x: 1}\nb: {<<: *a}", "? [1]\n: 2", "a: [", &"[".repeat(5000)] {
            assert!(tree(text).is_err(), "{}", text.chars().take(40).collect::<String>());
        }
        let deep = format!("{}{}", "[".repeat(80), "]".repeat(80));
        assert!(tree(&deep).is_err());
    }
}
