//! The guard: which programs are not to run as servers on this host, and which servers are not to be reached. Pure.
//!
//! ```text
//! what a program is about to be ─▶ Guard::at_exec ──▶ it runs, it does not, or its hash has to be known first
//! what a server has shown to be ─▶ Guard::on_server ─▶ flag, kill, deny, steer
//! orders of people (allow, block) ─┘ before every rule
//! ```
//!
//! Decides and does nothing; the shell holds, kills and records. What may never be touched is no rule's business:
//! [`untouchable`] comes before all of them, and whoever acts asks it once more.

mod decide;
mod file;
mod limit;
mod order;
mod risk;
mod rule;
mod subject;
pub mod untouchable;

#[cfg(test)]
mod tests;

pub use decide::{AtExec, Because, Decision, Guard, Mode};
pub use limit::KillLimit;
pub use order::{Kind, Order, OrderError, Orders, Program};
pub use risk::{Facts, level};
pub use rule::{Action, Evidence, RuleError, RuleSpec, Rules};
pub use subject::Subject;
