//! Scripts of sh, cmd and PowerShell: cut into commands, unwrapped of what only starts another, and judged one by one.
//!
//! ```text
//! script ─▶ lexer ─▶ simple commands ─▶ walk (prefixes, code in code, pipes to a shell) ─▶ commands (acts) ─▶ hits
//! ```

mod expand;
mod launch;
mod lexer;
mod output;
mod prefix;
mod program;
mod walk;
mod word;

pub(super) use program::{PROGRAMS, Program};
pub(super) use walk::{Frame, Walk};
pub(super) use word::{Direction, End, Flavour, Simple, Word, assignment};
