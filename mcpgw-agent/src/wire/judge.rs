//! When a stream of lines is given up as no MCP.
//!
//! A wrong "no" hides a server; a late one costs a few kilobytes of looking. So a stream that showed MCP is never
//! given up, and one that showed JSON-RPC may have stray lines between: servers log to stdout though they must
//! not, and answers mid-session say little.

use super::NotMcp;
use super::lines::Junk;
use crate::mcp::Likeness;

/// Lines that are no JSON, without a message.
const JUNK_LINES: u32 = 8;
/// Their bytes.
const JUNK_BYTES: usize = 8 * 1024;
/// Messages of another protocol.
const FOREIGN: u32 = 4;
/// Messages MCP and others share. Many, as a server joined mid-session may say little else for a while.
const NEUTRAL: u32 = 256;
/// JSON that is no message.
const OTHER_JSON: u32 = 8;
/// Stray lines forgiven for each message.
const STRAY: u32 = 4;

/// What a stream showed so far.
#[derive(Debug, Default)]
pub(super) struct Judge {
    strong: bool,
    content_length: bool,
    binary: bool,
    neutral: u32,
    foreign: u32,
    other_json: u32,
    junk_lines: u32,
    junk_bytes: usize,
}

impl Judge {
    /// MCP was seen.
    pub(super) fn is_mcp(&self) -> bool {
        self.strong
    }

    pub(super) fn message(&mut self, likeness: Likeness) {
        let count = match likeness {
            Likeness::Strong => {
                self.strong = true;
                return;
            }
            Likeness::Neutral => &mut self.neutral,
            Likeness::Foreign => &mut self.foreign,
        };
        *count = count.saturating_add(1);
    }

    pub(super) fn other_json(&mut self) {
        self.other_json = self.other_json.saturating_add(1);
    }

    /// A complete line that is no JSON. The first of a stream (`first`) may be the tail of a message.
    pub(super) fn junk(&mut self, junk: Junk<'_>, first: bool) {
        self.look(junk);
        if !first {
            self.junk_lines = self.junk_lines.saturating_add(1);
            self.junk_bytes = self.junk_bytes.saturating_add(junk.len);
        }
    }

    /// What followed the JSON of a line.
    pub(super) fn trailing(&mut self, bytes: &[u8]) {
        self.content_length |= is_header(bytes.trim_ascii_start());
    }

    /// The verdict, with what is there of the next line.
    pub(super) fn verdict(&mut self, pending: Option<Junk<'_>>, first: bool) -> Option<NotMcp> {
        let mut bytes = self.junk_bytes;
        if let Some(junk) = pending {
            self.look(junk);
            if !first {
                bytes = bytes.saturating_add(junk.len);
            }
        }
        if self.strong {
            return None;
        }
        if self.content_length {
            return Some(NotMcp::ContentLength);
        }
        let messages = self.neutral.saturating_add(self.foreign);
        let forgiven = messages.saturating_mul(STRAY);
        let too_many_bytes = bytes
            >= JUNK_BYTES.saturating_mul(usize::try_from(messages).unwrap_or(usize::MAX).saturating_add(1));
        if self.binary || self.junk_lines >= JUNK_LINES.saturating_add(forgiven) || too_many_bytes {
            return Some(NotMcp::NotJson);
        }
        let foreign = self.foreign >= FOREIGN || self.neutral >= NEUTRAL;
        let other = self.other_json >= OTHER_JSON.saturating_add(forgiven);
        (foreign || other).then_some(NotMcp::OtherJson)
    }

    fn look(&mut self, junk: Junk<'_>) {
        self.content_length |= is_header(junk.head);
        self.binary |= junk.binary;
    }
}

/// The header part of the language server protocol's framing opens with one of two names.
fn is_header(bytes: &[u8]) -> bool {
    [&b"content-length:"[..], b"content-type: application/vscode"]
        .iter()
        .any(|name| bytes.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)))
}
