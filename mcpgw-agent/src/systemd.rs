//! Talking to systemd: readiness, watchdog, stopping.
