//! What is not written down of what was done: secrets and personal data in names and arguments.
//!
//! Addresses stay: that something was connected to, and what, is the point of telling it.

use std::ops::Range;

use bytes::Bytes;

use super::Collected;
use crate::detect::{DetectorSet, Finding, Inspector, Place, Surface};
use crate::json::{Document, Limits, Value, quote};
use crate::mcp::Role;

/// In the place of what was not looked at to its end.
const NOT_INSPECTED: &str = "<NOT_INSPECTED>";

impl Collected {
    /// Puts the name of what was found in the place of every secret and all personal data, as in everything that is written
    /// down. What cannot be looked at to its end goes whole.
    pub fn conceal(&mut self) {
        let mut texts: Vec<&mut String> =
            self.kept.iter_mut().chain(&mut self.beside).flat_map(|kept| kept.act.texts_mut()).collect();
        if texts.is_empty() {
            return;
        }
        let list: Vec<String> = texts.iter().map(|text| quote(text)).collect();
        let list = Bytes::from(format!("[{}]", list.join(",")));
        let Ok(document) = Document::parse(list, &Limits::default()) else { return hide(texts) };
        let place = Place { surface: Surface::Arguments, role: Role::Argument, key: "", tool: None };
        let found = Inspector::shipped().value(document.root(), &place, DetectorSet::private());
        if !found.is_complete {
            return hide(texts);
        }
        let places: Vec<usize> = document.root().elements().map(Value::index).collect();
        let mut parts: Vec<(usize, &Range<usize>, &Finding)> = Vec::new();
        for finding in &found.list {
            let Ok(which) = places.binary_search(&finding.node) else { continue };
            parts.extend(finding.ranges.iter().map(|range| (which, range, finding)));
        }
        parts.sort_by_key(|(which, range, _)| (*which, range.start));
        for of_text in parts.chunk_by(|(a, ..), (b, ..)| a == b) {
            let Some(text) = of_text.first().and_then(|(which, ..)| texts.get_mut(*which)) else { continue };
            **text = replaced(text, of_text);
        }
    }
}

fn hide(texts: Vec<&mut String>) {
    texts.into_iter().for_each(|text| NOT_INSPECTED.clone_into(text));
}

/// `text` with the kinds of what was found in the places of `parts`, which are in order. Where two overlap, the first names
/// both.
fn replaced(text: &str, parts: &[(usize, &Range<usize>, &Finding)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut kept_from = 0;
    for (_, range, finding) in parts {
        if range.start >= kept_from {
            out.push_str(text.get(kept_from..range.start).unwrap_or_default());
            out.push('<');
            out.push_str(&finding.kind.to_ascii_uppercase());
            out.push('>');
        }
        kept_from = kept_from.max(text.ceil_char_boundary(range.end));
    }
    out.push_str(text.get(kept_from..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use crate::effects::tests::opened;
    use crate::effects::{Access, Act, Ledger, Measure, SideEffect};
    use crate::inventory::BootTime;

    #[test]
    fn secrets_in_names_and_arguments_are_not_there_any_more() {
        let token = ["ghp_", "Zk3vQ9xLm2Tn8RbY5wHc", "7JdFs4GpAe6UiKo1"].concat();
        let mut ledger = Ledger::default();
        assert!(ledger.opened(1, "a", "t", BootTime(0)));
        ledger.happened(&opened(&format!("/tmp/{token}/{token}.txt"), Access::Write), &Measure::default());
        let arguments = ["curl", "-H", &format!("Authorization: Bearer {token}"), "ok"];
        let act =
            Act::Exec { path: "/usr/bin/curl".to_owned(), arguments: arguments.map(str::to_owned).to_vec() };
        ledger.happened(&SideEffect { act, ..opened("/", Access::Read) }, &Measure::default());
        ledger.happened(&opened("/home/ann/notes \"x\"\n.txt", Access::Read), &Measure::default());
        let mut done = ledger.closed(1, "a").unwrap().done;
        done.conceal();
        let shown = format!("{done:?}");
        assert!(!shown.contains(&token), "{shown}");
        assert!(shown.contains("/tmp/<GITHUB_TOKEN>/<GITHUB_TOKEN>.txt"), "{shown}");
        assert!(shown.contains("/usr/bin/curl") && shown.contains("\"ok\""), "{shown}");
        let plain = Act::Open { path: "/home/ann/notes \"x\"\n.txt".to_owned(), access: Access::Read };
        assert!(done.kept.iter().any(|kept| kept.act == plain), "{shown}");
    }
}
