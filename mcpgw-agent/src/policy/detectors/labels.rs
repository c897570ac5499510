//! `labels:` of `flow`: what policy says a tool is to a session.
//!
//! | key | tools, as `server/tool` |
//! |---|---|
//! | `untrusted` | what they say was written by whoever likes |
//! | `private` | what they say is not for everybody |
//! | `sink` | what they are told reaches others |
//! | `none` | they have no label but those of the lists above, whatever their definition says |

use super::super::glob::Glob;
use super::super::read::Reader;
use super::super::text::{Readings, Side};
use crate::detect::watch::{Granted, Labels};
use crate::yaml::Node;

/// `labels:`, whole.
#[derive(Debug, Clone, Default)]
pub(super) struct LabelGlobs {
    untrusted: Box<[Glob]>,
    private: Box<[Glob]>,
    sink: Box<[Glob]>,
    none: Box<[Glob]>,
}

impl LabelGlobs {
    /// Reads the mapping.
    pub(super) fn read(reader: &mut Reader, node: &Node) -> Self {
        let members = reader.map(node, "labels", &["untrusted", "private", "sink", "none"]);
        let mut globs = |key: &str| members.get(key).map(|node| reader.globs(node, key)).unwrap_or_default();
        Self {
            untrusted: globs("untrusted"),
            private: globs("private"),
            sink: globs("sink"),
            none: globs("none"),
        }
    }

    /// What is said of `tool` of `server`.
    pub(super) fn granted(&self, server: &str, tool: &str) -> Granted {
        if [&self.untrusted, &self.private, &self.sink, &self.none].iter().all(|globs| globs.is_empty()) {
            return Granted::default();
        }
        let name = Readings::new(format!("{server}/{tool}"));
        // A label restricts, so any reading is enough; what cannot be read has it. To have none permits.
        let has = |globs: &[Glob]| !globs.is_empty() && name.match_globs(globs, Side::Wide).unwrap_or(true);
        let only = !self.none.is_empty() && name.match_globs(&self.none, Side::Strict).unwrap_or(false);
        let labels =
            Labels { untrusted: has(&self.untrusted), private: has(&self.private), out: has(&self.sink) };
        Granted { labels, only }
    }
}
