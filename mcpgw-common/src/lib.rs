//! The contract between mcpgw's kernel probes and its agent.
//!
//! Everything that crosses the kernel boundary is here and nowhere else: the records the probes write into
//! the ring buffers ([`event`]), the keys and values of the maps both sides share ([`map`]), and the limits
//! both sides rely on ([`limit`]). There is no logic. Layouts are `repr(C)` without padding, little endian
//! as the machine is, and pinned by size assertions; [`event::VERSION`] moves when one changes.
#![no_std]

pub mod event;
pub mod limit;
pub mod map;
