//! Reading `arguments:`: for each name a list of globs, or a mapping of tests that must all hold.
//!
//! | key | holds where |
//! |---|---|
//! | `glob` | one of the globs matches; a plain list is the same |
//! | `regex` | one of the regexes is found somewhere |
//! | `equals` | the value is one of these texts, numbers or truth values |
//! | `under` | the path, resolved as text, lies in one of these directories |
//! | `not-under` | it lies in none of them |
//! | `gt` `ge` `lt` `le` `eq` | the number compares so, exactly as decimal |
//! | `exists` `missing` | `true`: there is such an argument; there is none |

use super::argument::{ArgumentCondition, Comparison, Scalar, Test};
use super::decimal::Decimal;
use super::path::Directory;
use super::pattern::Patterns;
use super::read::Reader;
use crate::yaml::{Content, Node};

const TESTS: [&str; 12] =
    ["glob", "regex", "equals", "under", "not_under", "gt", "ge", "lt", "le", "eq", "exists", "missing"];

pub(super) fn arguments(reader: &mut Reader, node: &Node) -> Vec<ArgumentCondition> {
    let mut conditions = Vec::new();
    for (name, node) in reader.entries(node, "arguments") {
        let tests = if let Content::Map(_) = node.content {
            tests(reader, node, &name.value)
        } else {
            vec![Test::Globs(reader.globs(node, &name.value))]
        };
        conditions.push(ArgumentCondition { name: name.value.as_str().into(), tests });
    }
    if conditions.is_empty() {
        reader.problem(node.place, "`arguments` names none");
    }
    conditions
}

fn tests(reader: &mut Reader, node: &Node, name: &str) -> Vec<Test> {
    let members = reader.map(node, name, &TESTS);
    let mut tests = Vec::new();
    for key in TESTS {
        let Some(node) = members.get(key) else { continue };
        let test = match key {
            "glob" => Some(Test::Globs(reader.globs(node, key))),
            "regex" => {
                let patterns = reader.patterns(node, key);
                Some(Test::Patterns(Patterns::new(patterns, &mut reader.words)))
            }
            "equals" => Some(Test::Equals(scalars(reader, node))),
            "under" => Some(Test::Under(directories(reader, node, key))),
            "not_under" => Some(Test::NotUnder(directories(reader, node, key))),
            "exists" => Some(Test::Exists(reader.flag(node, key))),
            "missing" => Some(Test::Exists(!reader.flag(node, key))),
            comparison => bound(reader, node, comparison),
        };
        tests.extend(test);
    }
    if tests.is_empty() {
        reader.problem(node.place, format!("`{name}` has no test, expected one of: {}", TESTS.join(", ")));
    }
    tests
}

fn bound(reader: &mut Reader, node: &Node, key: &str) -> Option<Test> {
    let comparison = match key {
        "gt" => Comparison::Greater,
        "ge" => Comparison::GreaterOrEqual,
        "lt" => Comparison::Less,
        "le" => Comparison::LessOrEqual,
        _ => Comparison::Equal,
    };
    let text = reader.text(node, key)?;
    match Decimal::parse(&text.value) {
        Ok(number) => Some(Test::Number(comparison, number)),
        Err(why) => {
            reader.problem(
                text.place,
                format!("`{key}` is a number, and `{}` is not compared: {why}", text.value),
            );
            None
        }
    }
}

fn directories(reader: &mut Reader, node: &Node, key: &str) -> Box<[Directory]> {
    let texts = reader.expanded(node, key);
    texts
        .iter()
        .filter_map(|text| {
            let wild = text.value.is_empty() || text.value.contains(['*', '?']);
            if wild {
                reader.problem(text.place, format!("`{key}`: `{}` is no directory", text.value));
            }
            (!wild).then(|| Directory::new(&text.value))
        })
        .collect()
}

/// One value or a list of them.
fn scalars(reader: &mut Reader, node: &Node) -> Box<[Scalar]> {
    let nodes = match &node.content {
        Content::List(_) => reader.list(node, "equals"),
        Content::Null | Content::Bool(_) | Content::Number(_) | Content::Text(_) | Content::Map(_) => {
            std::slice::from_ref(node)
        }
    };
    let mut scalars = Vec::new();
    for node in nodes {
        let Some(text) = reader.text(node, "equals") else { continue };
        scalars.push(match (&node.content, Decimal::parse(&text.value)) {
            (Content::Number(_), Ok(number)) => Scalar::Number(number),
            _ => Scalar::text(&text.value),
        });
    }
    scalars.into()
}
