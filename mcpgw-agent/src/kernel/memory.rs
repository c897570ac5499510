//! What loading needs to know of memory, and asks for.

use nix::sys::resource::{RLIM_INFINITY, Resource, setrlimit};

/// Before Linux 5.11, BPF memory counts as locked memory. Where the limit cannot be raised, loading will tell.
pub(super) fn raise_memlock() {
    if let Err(error) = setrlimit(Resource::RLIMIT_MEMLOCK, RLIM_INFINITY, RLIM_INFINITY) {
        tracing::debug!(%error, "the limit of locked memory was not raised");
    }
}

/// Bytes in a page.
pub(super) fn page_size() -> u32 {
    nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE)
        .ok()
        .flatten()
        .and_then(|bytes| u32::try_from(bytes).ok())
        .unwrap_or(4096)
}
