//! Readiness: named latches, ready when all are released.
