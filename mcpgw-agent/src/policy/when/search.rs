//! `matches()` in expressions: as CEL has it, but a regex is compiled once and not for every message, and is as bounded as
//! the regexes of other conditions.
//!
//! The regex may come from the message, and a loop may make many. What has been compiled is kept for the thread, and
//! what an evaluation may compile is limited; more is an error, as everything that cannot be evaluated.

use std::cell::{Cell, RefCell};

use cel::common::types::{CelBool, CelString};
use cel::{Env, ExecutionError};
use regex::{Regex, RegexBuilder};

/// Bytes a regex may compile to, and its cache.
const SIZE: usize = 1 << 20;
/// Bytes of a regex at most.
const MAX_LENGTH: usize = 4096;
/// Regexes kept for a thread at most; the oldest go.
const MAX_KEPT: usize = 64;
/// Regexes an evaluation may compile at most.
const MAX_COMPILED: usize = 64;

thread_local! {
    static KEPT: RefCell<Vec<Regex>> = const { RefCell::new(Vec::new()) };
    static LEFT: Cell<usize> = const { Cell::new(MAX_COMPILED) };
}

/// The standard library, with this `matches`.
pub(super) fn env() -> Result<Env, String> {
    let mut env = Env::stdlib();
    cel::add_member_overload!(env, fn matches: (CelString<'_>, CelString<'_>) -> Result<CelBool>)
        .and_then(
            |()| cel::add_overload!(env, fn matches: (CelString<'_>, CelString<'_>) -> Result<CelBool>, id = "matches"),
        )
        .map_err(|why| why.to_string())?;
    Ok(env)
}

/// An evaluation begins: it may compile what it may.
pub(super) fn begin() {
    LEFT.set(MAX_COMPILED);
}

fn matches(text: &CelString<'_>, written: &CelString<'_>) -> Result<CelBool, ExecutionError> {
    KEPT.with_borrow_mut(|kept| {
        if let Some(regex) = kept.iter().find(|regex| regex.as_str() == written.inner()) {
            return Ok(CelBool::from(regex.is_match(text.inner())));
        }
        let regex = compile(written.inner()).ok_or_else(|| ExecutionError::FunctionError {
            function: "matches".to_owned(),
            message: "no regex, or more than may be compiled".to_owned(),
        })?;
        let found = regex.is_match(text.inner());
        if kept.len() >= MAX_KEPT {
            kept.remove(0);
        }
        kept.push(regex);
        Ok(CelBool::from(found))
    })
}

fn compile(written: &str) -> Option<Regex> {
    let left = LEFT.get().checked_sub(1).filter(|_| written.len() <= MAX_LENGTH)?;
    LEFT.set(left);
    RegexBuilder::new(written).size_limit(SIZE).dfa_size_limit(SIZE).build().ok()
}
