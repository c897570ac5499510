//! A baseline as JSON: one line a tool, for people and for whoever compares two.

use std::fmt::Write;

use super::{Baseline, Tool, Use};
use crate::json::{Value, quote};

/// Bytes of a name at most, as the kernel has them.
const NAME_MAX: usize = 4096;

/// What is wrong with a text that should be a baseline.
pub type Malformed = &'static str;

impl Baseline {
    /// Appends `"calls":N,"tools":[…]`.
    pub fn write(&self, out: &mut String) {
        // Writing to a string cannot fail.
        let head = write!(out, "\"calls\":{},\"tools\":[", self.calls);
        debug_assert!(head.is_ok());
        for (index, (name, tool)) in self.tools.iter().enumerate() {
            out.push_str(if index == 0 { "\n" } else { ",\n" });
            out.push_str(&format!("{{\"tool\":{},\"calls\":{},", quote(name), tool.calls));
            list(out, "destinations", tool.destinations.iter().map(|to| quote(&to.to_string())));
            out.push(',');
            list(out, "programs", tool.programs().map(quote));
            out.push(',');
            list(out, "sensitive", tool.sensitive().map(used));
            out.push(',');
            list(out, "paths", tool.paths.iter().map(used));
            out.push('}');
        }
        out.push_str("\n]");
    }

    /// What [`write`](Self::write) wrote into the object `root`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(root: Value<'_>) -> Result<Self, Malformed> {
        let mut baseline = Self { calls: count(root, "calls")?, ..Self::default() };
        for value in root.get("tools").filter(|tools| tools.is_array()).ok_or("it has no tools")?.elements() {
            let name = value.get("tool").and_then(Value::as_str).ok_or("a tool has no name")?;
            if name.len() > NAME_MAX {
                return Err("a tool's name is too long");
            }
            let tool = Tool::read(value)?;
            baseline.bytes = baseline.bytes.saturating_add(tool.bytes());
            if baseline.tools.insert(name.as_ref().into(), tool).is_some() {
                return Err("a tool is there twice");
            }
        }
        if baseline.tools.len() > super::TOOLS_MAX {
            return Err("it has too many tools");
        }
        Ok(baseline)
    }
}

impl Tool {
    fn read(value: Value<'_>) -> Result<Self, Malformed> {
        let mut tool = Self { calls: count(value, "calls")?, ..Self::default() };
        for text in texts(value, "destinations")? {
            let destination = text.parse().map_err(|_none| "a destination is none")?;
            tool.destinations.put(destination);
        }
        for program in texts(value, "programs")? {
            tool.programs.insert(program.into());
        }
        for text in texts(value, "sensitive")? {
            let (path, what) = use_of(&text)?;
            tool.sensitive.insert(path.into(), what);
        }
        for text in texts(value, "paths")? {
            let (path, what) = use_of(&text)?;
            tool.paths.put(path, what);
        }
        let is_bounded = tool.destinations.len() <= super::destinations::DESTINATIONS_MAX
            && tool.programs.len() <= super::PROGRAMS_MAX
            && tool.sensitive.len() <= super::SENSITIVE_MAX
            && tool.paths.len() <= super::paths::PATTERNS_MAX;
        if is_bounded { Ok(tool) } else { Err("a tool has too many things") }
    }
}

fn list(out: &mut String, key: &str, elements: impl Iterator<Item = String>) {
    out.push_str(&format!("\"{key}\":[{}]", elements.collect::<Vec<_>>().join(",")));
}

/// `"r /path"`, `"w /path"`, `"rw /path"`.
fn used((path, what): (&str, Use)) -> String {
    quote(&format!("{}{} {path}", if what.read { "r" } else { "" }, if what.write { "w" } else { "" }))
}

fn use_of(text: &str) -> Result<(&str, Use), Malformed> {
    let (what, path) = text.split_once(' ').ok_or("a path does not say what is done to it")?;
    let what = match what {
        "r" => Use { read: true, write: false },
        "w" => Use { read: false, write: true },
        "rw" => Use { read: true, write: true },
        _ => return Err("a path does not say what is done to it"),
    };
    Ok((path, what))
}

fn count(value: Value<'_>, key: &str) -> Result<u64, Malformed> {
    value
        .get(key)
        .and_then(Value::as_number)
        .and_then(|count| count.parse().ok())
        .ok_or("a number is missing")
}

fn texts(value: Value<'_>, key: &str) -> Result<Vec<String>, Malformed> {
    let list = value.get(key).filter(|list| list.is_array()).ok_or("a list is missing")?;
    let text = |value: Value<'_>| {
        let text = value.as_str().ok_or("an element is no text")?;
        if text.len() <= NAME_MAX + 3 { Ok(text.into_owned()) } else { Err("a name is too long") }
    };
    list.elements().map(text).collect()
}
