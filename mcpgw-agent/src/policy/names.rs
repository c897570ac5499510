//! Names for members that are renamed, because theirs held what is taken out.

use std::collections::HashSet;

use crate::json::Value;
use crate::mcp::Message;

/// Names that differ from each other, and from every name that the message has.
pub(super) struct Names<'m> {
    message: &'m Message,
    /// What every name that is asked for has in it.
    mark: &'static str,
    /// Names with the mark, of the message and those given; collected when the first is asked for.
    taken: Option<HashSet<String>>,
    /// The last number given.
    last: usize,
}

impl<'m> Names<'m> {
    /// For members of `message`, by names that have `mark` in them.
    pub(super) fn new(message: &'m Message, mark: &'static str) -> Self {
        Self { message, mark, taken: None, last: 1 }
    }

    /// `wanted` where nothing is called that yet; else with a number behind it.
    pub(super) fn fresh(&mut self, wanted: &str) -> String {
        let (document, mark) = (self.message.document(), self.mark);
        let taken = self.taken.get_or_insert_with(|| {
            let texts = (0..document.root().end()).filter_map(|index| Value::at(document, index).as_str());
            texts.filter(|text| text.contains(mark)).map(|text| text.into_owned()).collect()
        });
        let mut name = wanted.to_owned();
        // Counted on for all together: as many steps as there are texts.
        while taken.contains(&name) {
            self.last += 1;
            name = format!("{wanted} {}", self.last);
        }
        taken.insert(name.clone());
        name
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::json::Limits;
    use crate::mcp::{Decoded, decode};

    #[test]
    fn a_name_is_numbered_from_the_second_on() {
        let text = r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"<B>":"<A> 3","a":1}}"#;
        let decoded = decode(Bytes::from(text), &Limits::default());
        let Ok(Decoded::One(message)) = decoded else { panic!("{decoded:?}") };
        let mut names = Names::new(&message, "<");
        for (wanted, expected) in
            [("<A>", "<A>"), ("<A>", "<A> 2"), ("<A>", "<A> 4"), ("<B>", "<B> 5"), ("<C>", "<C>")]
        {
            assert_eq!(names.fresh(wanted), expected);
        }
    }
}
