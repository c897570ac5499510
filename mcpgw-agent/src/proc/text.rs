//! The text forms of `/proc`, parsed. Pure: bytes in, facts or `None` out.
//!
//! Every byte of it may be chosen by the process that is looked at (its name, its arguments, its paths), so
//! nothing here panics, and text is decoded lossily but never cleaned: escaping is the business of whoever
//! shows it.

/// Argument strings taken from one command line at most.
const MAX_ARGS: usize = 4096;
/// Set in `flags` of `/proc/PID/stat` for kernel threads.
const PF_KTHREAD: u64 = 0x0020_0000;

/// The parts of `/proc/PID/stat` that matter here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stat {
    /// Name the process goes by; anything at all.
    pub(super) comm: String,
    /// One letter; `Z` is a zombie.
    pub(super) state: u8,
    /// Parent's process id; 0 for none in this pid namespace.
    pub(super) ppid: u32,
    /// It is a thread of the kernel.
    pub(super) kernel_thread: bool,
    /// Clock ticks since boot.
    pub(super) start_ticks: u64,
    /// Where the stack of its image begins: another place after every exec. 0 where that may not be known.
    pub(super) start_stack: u64,
}

impl Stat {
    /// Dead but for its exit status.
    pub(super) fn is_zombie(&self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x')
    }
}

/// Parses `/proc/PID/stat`. The name stands in parentheses and may hold parentheses, spaces and newlines: it
/// ends at the *last* `)`.
pub(super) fn stat(text: &[u8]) -> Option<Stat> {
    let open = text.iter().position(|&byte| byte == b'(')?;
    let close = text.iter().rposition(|&byte| byte == b')')?;
    let comm = lossy(text.get(open.checked_add(1)?..close)?);
    let rest = std::str::from_utf8(text.get(close.checked_add(1)?..)?).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    // Fields by number as in proc_pid_stat(5): state 3, ppid 4, flags 9, starttime 22, startstack 28.
    let state = *fields.next()?.as_bytes().first()?;
    let ppid = fields.next()?.parse().ok()?;
    let flags: u64 = fields.nth(4)?.parse().ok()?;
    let start_ticks = fields.nth(12)?.parse().ok()?;
    let start_stack = fields.nth(5).and_then(|field| field.parse().ok()).unwrap_or(0);
    Some(Stat { comm, state, ppid, kernel_thread: flags & PF_KTHREAD != 0, start_ticks, start_stack })
}

/// Real user id, from `/proc/PID/status`.
pub(super) fn real_uid(status: &[u8]) -> Option<u32> {
    // `Name:` comes first and is escaped by the kernel, so that no process can forge a line of its own.
    let line = status.split(|&byte| byte == b'\n').find_map(|line| line.strip_prefix(b"Uid:"))?;
    std::str::from_utf8(line).ok()?.split_ascii_whitespace().next()?.parse().ok()
}

/// Bytes read and written through system calls, from `/proc/PID/io`.
pub(super) fn io_bytes(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    let value =
        |name: &str| text.lines().find_map(|line| line.strip_prefix(name))?.trim().parse::<u64>().ok();
    Some(value("rchar:")?.saturating_add(value("wchar:")?))
}

/// A command line, and whether it was cut to fit `limit` bytes.
///
/// Trailing empty arguments go: processes that overwrite their own command line leave runs of NULs behind.
pub(super) fn argv(text: &[u8], limit: usize) -> (Vec<String>, bool) {
    let kept = text.get(..limit).unwrap_or(text);
    let end = kept.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    let kept_trimmed = kept.get(..end).unwrap_or(kept);
    if kept_trimmed.is_empty() {
        return (Vec::new(), false);
    }
    let mut parts = kept_trimmed.split(|&byte| byte == 0);
    let args: Vec<String> = parts.by_ref().take(MAX_ARGS).map(lossy).collect();
    (args, text.len() > limit || parts.next().is_some())
}

/// A variable in the first `limit` bytes of an environment; one that does not end there is none.
pub(super) fn variable<'a>(text: &'a [u8], name: &str, limit: usize) -> Option<&'a [u8]> {
    let is_cut = text.len() > limit;
    let mut all: Vec<&[u8]> = text.get(..limit).unwrap_or(text).split(|&byte| byte == 0).collect();
    if is_cut {
        all.pop();
    }
    let value = |variable: &&'a [u8]| variable.strip_prefix(name.as_bytes())?.strip_prefix(b"=");
    all.iter().find_map(value)
}

/// The inode in a link of the form `pipe:[123]`, `socket:[123]`, `net:[123]`.
pub(super) fn bracketed(link: &[u8], kind: &str) -> Option<u64> {
    let rest = link.strip_prefix(kind.as_bytes())?.strip_prefix(b":[")?.strip_suffix(b"]")?;
    std::str::from_utf8(rest).ok()?.parse().ok()
}

/// Where the unified cgroup hierarchy is mounted, from `/proc/self/mountinfo`.
pub(super) fn cgroup2_mount(mountinfo: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(mountinfo).ok()?;
    text.lines().find_map(|line| {
        let (mount, source) = line.split_once(" - ")?;
        let mut fields = mount.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        // A path with a space would be written with a backslash; no distribution mounts it there.
        (source.starts_with("cgroup2 ") && root == "/" && !point.contains('\\')).then(|| point.to_owned())
    })
}

/// Bytes as text, what is not UTF-8 replaced.
pub(super) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests;
