//! A server that can do no more than policy lets it: set up by a process of this program that confines itself and then becomes
//! the server, so that there is no moment in which the server is free.
//!
//! ```text
//! policy's effects ─▶ Confinement ─▶ wrap starts `launch` ─▶ no_new_privs, Landlock, seccomp ─▶ the server
//!                                 └▶ Abilities of this kernel ─▶ what is left to detection, said
//! ```
//!
//! Everything here is for one process and its descendants, needs no privilege and cannot be undone by them. What it cannot
//! express is left to detection, and said; it never lets through more than [`Confinement`] says of what it does express.

mod ability;
mod around;
mod files;
mod grants;
mod kept;
mod launch;
mod names;
mod network;
mod program;
mod seccomp;

use std::io;

pub use ability::Abilities;
pub use around::{resolvers, surroundings};
pub use launch::launch;
pub use names::{LOOK, Names, look_up};

use crate::policy::Policy;
use crate::policy::effects::{Confinement, Surroundings};

/// Why a server is not started.
#[derive(Debug, thiserror::Error)]
pub enum ConfineError {
    /// What it may do did not arrive.
    #[error("cannot read what the server may do")]
    Plan(#[source] io::Error),
    /// No such program.
    #[error("command {0:?} not found")]
    NotFound(std::ffi::OsString),
    /// It is there and cannot be run, perhaps because policy does not let it.
    #[error("cannot run command {command:?}")]
    NotExecutable {
        /// As given.
        command: std::ffi::OsString,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// A file that is allowed by its hash has another one.
    #[error("program `{path}` is not the one policy allows: its SHA-256 is {found}")]
    Hash {
        /// The program.
        path: String,
        /// Of its file.
        found: String,
    },
    /// There are more files beside those that are denied than can be told apart.
    #[error("there are too many files beside those that are denied: more than {0}")]
    TooMany(usize),
    /// The kernel refuses.
    #[error("cannot confine the server: {step}")]
    Kernel {
        /// What was tried.
        step: &'static str,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl ConfineError {
    fn kernel<E>(step: &'static str) -> impl FnOnce(E) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        move |source| Self::Kernel { step, source: source.into() }
    }
}

/// What of `confinement` a kernel with these `abilities` cannot prevent for servers that `wrap` starts, a sentence each.
/// `by_address` says that connections are limited address by address elsewhere.
#[must_use]
pub fn unprevented(confinement: &Confinement, abilities: &Abilities, by_address: bool) -> Vec<String> {
    let mut left = confinement.left.clone();
    files::unprevented(confinement, abilities, &mut left);
    network::unprevented(confinement, abilities, by_address, &mut left);
    if !abilities.seccomp {
        left.push("this kernel has no seccomp: ways around the rest are open".to_owned());
    }
    left
}

/// The same of all that `policy` says, each sentence once.
#[must_use]
pub fn unprevented_of(policy: &Policy, abilities: &Abilities, by_address: bool) -> Vec<String> {
    let mut all = Vec::new();
    for confinement in policy.confinements(&Surroundings::default()) {
        for left in unprevented(&confinement, abilities, by_address) {
            if !all.contains(&left) {
                all.push(left);
            }
        }
    }
    all
}
