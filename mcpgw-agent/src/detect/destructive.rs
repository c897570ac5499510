//! Commands that destroy: scripts of shells, statements of data stores, one-line programs, calls of file tools.
//!
//! What a client sends is read as what it would be run as: parsed, unwrapped of `sudo`, `bash -c`, `xargs`, `ssh` and
//! their like, variables and simple decoding worked out, and each command judged by what it would remove, overwrite
//! or stop. What a command only mentions (comments, quoted text, `echo`, `--dry-run`) is no act. What a server sends
//! is not run: there, and in texts that are documents, a command counts below the default threshold.
//!
//! ```text
//! text ─▶ shape (script? statements? document?) ─▶ shell ─▶ commands ─▶ act ─▶ hit
//!                                               └▶ sql, data ─────────▲
//! ```

mod act;
mod call;
mod commands;
mod data;
mod mention;
mod shape;
mod shell;
mod sql;

#[cfg(test)]
mod tests;

pub use call::judge_call;

use super::{Detector, Hit, Noticed, Place, Surface, TextDetector};
use shape::Shape;
use shell::{Flavour, Frame, Walk};

/// The detector of commands that destroy.
#[derive(Debug, Clone, Copy, Default)]
pub struct Destructive;

impl TextDetector for Destructive {
    fn detector(&self) -> Detector {
        Detector::Destructive
    }

    fn needles(&self) -> &'static [&'static str] {
        mention::NEEDLES
    }

    fn is_for(&self, surface: Surface) -> bool {
        surface != Surface::Definition
    }

    fn find(&self, text: &str, place: &Place<'_>, noticed: &Noticed<'_>, hits: &mut Vec<Hit>) {
        match place.surface {
            Surface::Arguments => match shape::of(text, place) {
                Shape::Run { script, statements } => run(text, script, statements, hits),
                Shape::Document => mention::find(text, noticed, hits),
                Shape::Nothing => {}
            },
            Surface::Content if noticed.needles.is_empty() => {}
            Surface::Content => mention::find(text, noticed, hits),
            Surface::Definition => {}
        }
    }
}

/// Judges a text that is run.
fn run(text: &str, script: bool, statements: bool, hits: &mut Vec<Hit>) {
    let mut walk = Walk::new(hits, text.len());
    if script {
        walk.script(&Frame::whole(text, Flavour::Posix));
        if shape::may_be_windows(text) {
            walk.script(&Frame::whole(text, Flavour::Windows));
            walk.methods(&Frame::whole(text, Flavour::Windows));
        }
    }
    if statements {
        walk.database(&Frame::whole(text, Flavour::Posix));
    }
}
