//! `/proc` and `sock_diag`: the start-up scan, enrichment, and the fallback without BPF.
//!
//! ```text
//! /proc/PID ─▶ process ─▶ text, cgroup (pure) ─┐
//! fds ─▶ diag (in each network namespace) ─────┴▶ scan ─▶ inventory::ScannedProcess, Listener
//!                                                 poller ─▶ inventory::HostEvent
//! ```
//!
//! All of it is what some process says of itself, and it may be gone before it is read. So there are no errors
//! here: what cannot be read is absent, and counted in [`Problems`]. Text is decoded lossily and handed on with
//! whatever control characters it holds; whoever shows it must escape it.
//!
//! Everything here blocks (for microseconds a process, a scan for up to some hundred milliseconds, a hash for
//! longer): call it off the async threads.

mod cgroup;
mod clock;
mod diag;
mod exec;
mod fds;
mod hash;
mod lookup;
mod mount;
mod netns;
mod poller;
mod process;
mod reader;
mod scan;
mod standing;
mod text;
mod users;

pub use clock::{boot_now, boot_timestamp};
pub use exec::{Called, Image, Next, arguments_of, called, exe_of, lineage};
pub use lookup::{holds, io_bytes, key_of, owner_of, variable_of};
pub use poller::Poller;
pub use reader::ProcReader;
pub use scan::{Problems, Scan, ScanOptions};
pub use standing::{file_at, file_of, is_roots_at, is_roots_for, system_exe_of};

#[cfg(test)]
mod tests;
