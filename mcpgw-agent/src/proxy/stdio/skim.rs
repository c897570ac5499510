//! Whose answer a line is that is too long to be read: its id, found without keeping the line.

use bytes::Bytes;

use crate::json::{Document, Limits};
use crate::mcp::RequestId;

/// Bytes of one key or id that are kept; a longer one is none of those looked for.
const KEPT_BYTES: usize = 2048;

/// Looks through one JSON object as it passes by, for the members `id` and `method` of its top level. A hint and no more:
/// what is not JSON gives some answer or none.
#[derive(Debug, Default)]
pub(super) struct Skim {
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// A key of the top level has been read, and its value is next.
    in_value: bool,
    /// The key or value under way at the top level.
    text: Vec<u8>,
    key: Vec<u8>,
    id: Option<Bytes>,
    ids: usize,
    is_call: bool,
}

impl Skim {
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.byte(*byte));
    }

    /// The id of the line, if it has one and no second.
    pub(super) fn id(&self) -> Option<RequestId> {
        let id = self.id.clone().filter(|_| self.ids == 1)?;
        RequestId::of(Document::parse(id, &Limits::default()).ok()?.root())
    }

    /// The line has a method: it asks, and does not answer.
    pub(super) fn is_call(&self) -> bool {
        self.is_call
    }

    fn byte(&mut self, byte: u8) {
        if self.in_string {
            self.keep(byte);
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => {
                self.in_string = true;
                self.keep(byte);
            }
            b'{' | b'[' => self.depth = self.depth.saturating_add(1),
            b'}' | b']' => {
                if self.depth == 1 {
                    self.member();
                }
                self.depth = self.depth.saturating_sub(1);
            }
            b':' if self.depth == 1 && !self.in_value => {
                self.key = std::mem::take(&mut self.text);
                self.in_value = true;
                self.is_call |= self.key == b"\"method\"";
            }
            b',' if self.depth == 1 => self.member(),
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => self.keep(byte),
        }
    }

    fn keep(&mut self, byte: u8) {
        if self.depth == 1 && self.text.len() <= KEPT_BYTES {
            self.text.push(byte);
        }
    }

    fn member(&mut self) {
        let text = std::mem::take(&mut self.text);
        if std::mem::take(&mut self.in_value) && self.key == b"\"id\"" {
            self.ids += 1;
            self.id = Some(text.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skim(text: &str) -> (Option<RequestId>, bool) {
        let mut skim = Skim::default();
        skim.feed(text.as_bytes());
        (skim.id(), skim.is_call())
    }

    #[test]
    fn finds_the_id_wherever_it_stands() {
        let seven = Some(RequestId::Integer(7));
        let deep = r#""x":{"id":1,"method":"y","s":"\"id\":2}"},"l":[{"id":3},"id",":"]"#;
        assert_eq!(skim(&format!(r#"{{"jsonrpc":"2.0","id":7,{deep}}}"#)), (seven.clone(), false));
        assert_eq!(skim(&format!(r#"{{{deep} , "id" : 7 }}"#)), (seven.clone(), false));
        assert_eq!(skim(r#"{"method":"a","id":7}"#), (seven, true));
        let text = Some(RequestId::String("a,}\u{e9}".into()));
        assert_eq!(skim(r#"{"id":"a,}\u00e9","result":{}}"#), (text, false));
    }

    #[test]
    fn in_doubt_there_is_none() {
        for text in [
            r#"{"id":1,"id":2}"#,
            r#"{"id":null}"#,
            r#"{"id":{"id":1}}"#,
            r#"{"id":1"#,
            r#"[{"id":1}]"#,
            "}}}]]",
            "",
            r#"{"id":[1]}"#,
        ] {
            assert_eq!(skim(text).0, None, "{text}");
        }
        assert_eq!(skim(&format!("{{\"id\":\"{}\"}}", "x".repeat(5000))).0, None);
    }
}
