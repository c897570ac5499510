//! Where a text stands, as far as detectors care.

use crate::mcp::Role;

/// A text's place in the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// What kind of message it is in.
    pub surface: Surface,
    /// What it is for.
    pub role: Role,
    /// The nearest member's name it is the value of, or beneath; empty where there is none.
    pub key: &'a str,
    /// The tool that is called, answers, or is defined.
    pub tool: Option<&'a str>,
}

/// Which part of the conversation a text belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Surface {
    /// What a client sends: arguments of calls, answers to a server's questions.
    Arguments,
    /// What a server sends for the model or a person to read: results, resources, prompts, errors, notifications,
    /// questions.
    Content,
    /// What a server says about itself: tools, prompts, resources, instructions.
    Definition,
}
