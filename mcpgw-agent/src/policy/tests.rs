//! Policies against messages.

mod answers;
mod beyond;
mod detectors;
mod hostile;
mod language;
mod loading;
mod noise;
mod redaction;
mod support;
mod tools;
