//! Texts that come with a message and not in it, such as a label: no detector is shown them on the message's way. Before
//! one is written down it is looked at here.

use crate::detect::{Detector, Inspector, Place, Surface, THRESHOLD};
use crate::json::{Document, Limits, quote};
use crate::mcp::Role;

/// What stands in a record instead of a text with something to hide. Not its hash: few digits would be guessed by it.
pub(crate) const HIDDEN: &str = "<REDACTED>";
/// Longest text that is looked at, in bytes; what is longer is none of these.
const LONGEST: usize = 4096;

/// Secrets or personal data are found in `text`, called `name`, or it cannot be looked at to its end.
pub(crate) fn hides(name: &str, text: &str) -> bool {
    if text.len() > LONGEST {
        return true;
    }
    let json = quote(text);
    let Ok(document) = Document::parse(json.into_bytes().into(), &Limits::default()) else { return true };
    let place = Place { surface: Surface::Arguments, role: Role::Argument, key: name, tool: None };
    let wanted = [Detector::Secrets, Detector::Pii].into_iter().collect();
    let findings = Inspector::shipped().value(document.root(), &place, wanted);
    !findings.is_complete || findings.list.iter().any(|finding| finding.score >= THRESHOLD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_hides_nothing_and_a_secret_does() {
        for id in ["7", "task-42", "0192f0c4-7e3a-7c31-a8a1-5f0c2d9b6e10", "P-42", "production", ""] {
            assert!(!hides("", id), "{id}");
        }
        let token = ["gh", "p_", "aB3dE5fG7hJ9kL1m", "N2pQ4rS6tU8vW0xY1z3A"].concat();
        let percent: String = token.bytes().map(|byte| format!("%{byte:02x}")).collect();
        for hidden in [&*token, &percent, "4111111111111111", &"a".repeat(LONGEST + 1)] {
            assert!(hides("", hidden), "{hidden}");
        }
    }
}
