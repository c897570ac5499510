//! mcpgw's probes: they report what processes, channels and sockets do, and decide nothing. Some obey: `confine`, `guard`,
//! `lsm` and `restrain`.
//!
//! One hook group a file. Every probe claims a [`lane`](emit), fills the record in that lane's buffer and sends it to
//! its ring; a record that does not fit is counted, never waited for. No offset of a kernel structure is compiled in:
//! [`globals::OFFSETS`] comes from the running kernel's BTF. Maps that grow with what the host does are LRU, so that
//! nobody can fill them.
//!
//! ```text
//! exec, fork, exit   raw tracepoints sched_process_*      ─▶ LIFECYCLE
//! sock               raw tracepoint inet_sock_set_state   ─▶ LIFECYCLE
//! tap                raw tracepoint sys_exit              ─▶ STREAMS
//! tcp                cgroup_skb ingress and egress        ─▶ TCP
//! tls                uprobes on SSL_read, SSL_write …     ─▶ STREAMS
//! tls::hello         cgroup_skb egress                    ─▶ TCP
//! effects            raw tracepoints sys_exit, io_uring   ─▶ EFFECTS
//! address            cgroup connect, sendmsg and bind     ─▶ EFFECTS
//! confine            the same, on cgroups of servers      ─▶ refused where no rule in DESTINATIONS lets it
//! guard              cgroup connect                       ◀─ GUARDED
//! restrain           file_open, inode_*, path_truncate    ◀─ RESTRAINED, PLACES
//!                    bprm_check_security, socket_*        ◀─ RESTRAINED, PLACES, DESTINATIONS
//! lsm                bprm_check_security                  ◀─ REFUSED_FILES
//!                    unix_stream_connect                  ◀─ REFUSED_SOCKETS
//! ```
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]
#![expect(
    clippy::cast_possible_truncation,
    reason = "ids and registers are the low half of what the kernel hands out, and lengths are bounded for the verifier \
              first; a fallible conversion would be one more branch for it to follow"
)]
#![expect(
    clippy::let_underscore_must_use,
    reason = "an LRU map finds room, and one that does not, like an entry gone before it is removed, costs a detail that \
              a probe has nobody to tell about"
)]

mod address;
mod confine;
mod count;
mod effects;
mod emit;
mod exec;
mod exit;
mod family;
mod file;
mod fork;
mod globals;
mod guard;
mod kread;
mod lsm;
mod maps;
mod path;
mod restrain;
mod sock;
mod syscall;
mod tap;
mod task;
mod tcp;
mod tls;

/// The kernel offers GPL-only helpers (`bpf_probe_read_kernel`) to programs under this licence.
#[unsafe(no_mangle)]
#[unsafe(link_section = "license")]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

#[cfg(not(test))]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
