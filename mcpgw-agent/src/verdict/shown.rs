//! What of a message may be shown: in the audit log, and to whoever decides on it.

use super::Verdict;
use crate::json::{self, Edit, Limits};
use crate::mcp::{Decoded, Message, decode};

/// A message with changes may be as long as the parser reads at all.
const ANY_LENGTH: usize = 1 << 30;

/// A message without what is taken out of it before it is shown.
#[derive(Debug)]
pub enum Shown<'m> {
    /// As it came.
    AsItCame(&'m Message),
    /// Changed.
    Changed(Box<Message>),
    /// What became of it cannot be read: nothing is shown.
    Unreadable,
}

impl<'m> Shown<'m> {
    fn after(message: &'m Message, edits: Vec<Edit>) -> Self {
        if edits.is_empty() {
            return Self::AsItCame(message);
        }
        let limits = Limits { bytes: ANY_LENGTH, ..Limits::default() };
        match decode(json::apply(message.bytes(), edits), &limits) {
            Ok(Decoded::One(changed)) => Self::Changed(Box::new(changed)),
            Ok(Decoded::Batch(_)) | Err(_) => Self::Unreadable,
        }
    }

    /// What is shown of it, if anything is.
    #[must_use]
    pub fn message(&self) -> Option<&Message> {
        match self {
            Self::AsItCame(message) => Some(message),
            Self::Changed(message) => Some(message),
            Self::Unreadable => None,
        }
    }
}

impl Verdict {
    /// `message`, on which this is the verdict, without what policy takes out of it, or would, and without what detectors
    /// found of secrets and personal data.
    #[must_use]
    pub fn shown<'m>(&self, message: &'m Message) -> Shown<'m> {
        if self.concealed().is_empty() && self.edits().is_empty() && self.would_edit().is_empty() {
            return Shown::AsItCame(message);
        }
        // What is concealed comes first: of two edits of one place the first gives the text.
        Shown::after(message, [self.concealed(), self.edits(), self.would_edit()].concat())
    }

    /// `message` without secrets and personal data alone: its values stand where they stood in its index, but where
    /// arguments were not looked at.
    #[must_use]
    pub fn concealed_in<'m>(&self, message: &'m Message) -> Shown<'m> {
        Shown::after(message, self.concealed().to_vec())
    }
}
