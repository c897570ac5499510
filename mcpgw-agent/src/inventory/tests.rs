//! Semantics, line by line.
