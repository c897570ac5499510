//! Policies against messages.

mod language;
mod support;
