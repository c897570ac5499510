//! The inventory's semantics, line by line, and what must hold for any order of events.

mod bounds;
mod follow;
mod http;
mod lifecycle;
mod observation;
mod orders;
mod roles;
mod support;
mod verdicts;
mod wrappers;
