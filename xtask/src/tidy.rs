//! Holds the invariants a machine can hold. Each check is a function from the tree to findings.
//!
//! A finding names a file, a line and what to do about it. What needs a compiler is clippy's (function length,
//! panics, documentation of public items); what is here needs only the text.

mod code;
mod docs;
mod layout;
mod pure;
mod tree;

use std::fmt;

use anyhow::{Result, bail};

use crate::workspace::Workspace;
use tree::Tree;

/// Something that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    message: String,
}

impl Finding {
    /// A finding at a line, counted from 1.
    fn at(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// A check: the tree in, findings out.
type Check = fn(&Tree) -> Vec<Finding>;

const CHECKS: [(&str, Check); 14] = [
    ("module documentation", layout::module_documentation),
    ("file length", layout::file_length),
    ("module layout", layout::no_mod_rs),
    ("unsafe", layout::unsafe_code),
    ("pure core", pure::imports),
    ("spawning", layout::spawning),
    ("printing", layout::printing),
    ("markers", layout::markers),
    ("white space", layout::white_space),
    ("module map", docs::module_map),
    ("metrics", docs::metrics),
    ("exit codes", docs::exit_codes),
    ("links", docs::links),
    ("files that must be there", docs::required_files),
];

/// Runs every check and prints what it finds.
///
/// # Errors
/// When there is a finding, or the tree cannot be read.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let tree = Tree::read(workspace.root())?;
    let mut count = 0;
    for (name, check) in CHECKS {
        for finding in check(&tree) {
            println!("{finding}  [{name}]");
            count += 1;
        }
    }
    if count > 0 {
        bail!("tidy: {count} findings");
    }
    println!("tidy: {} checks held over {} files", CHECKS.len(), tree.len());
    Ok(())
}
