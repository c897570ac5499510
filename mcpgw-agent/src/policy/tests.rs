//! Policies against messages.

mod answers;
mod beyond;
mod detectors;
mod effects;
mod hostile;
mod language;
mod loading;
mod noise;
mod redaction;
mod stands_for;
mod support;
mod tools;
