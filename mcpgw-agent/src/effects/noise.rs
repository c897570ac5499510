//! What every program does before it does anything: counted, not listed. Only reading can be noise; what is written, removed
//! or run never is.

use super::{Access, Act, Outcome, SideEffect};

/// A kind of noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Noise {
    /// Programs' own code and data: shared libraries, modules of an interpreter.
    Libraries,
    /// Languages, time zones, name services.
    Locale,
    /// What a process reads about itself and the machine.
    System,
    /// Devices that are nowhere: `/dev/null`, random numbers, terminals.
    Devices,
}

/// Every kind, in the order they are shown.
pub const NOISES: [Noise; 4] = [Noise::Libraries, Noise::Locale, Noise::System, Noise::Devices];

const LOCALE: &[&str] = &[
    "/usr/share/locale/",
    "/usr/lib/locale/",
    "/usr/share/zoneinfo/",
    "/usr/share/i18n/",
    "/usr/share/icu/",
    "/etc/localtime",
    "/etc/locale.alias",
    "/etc/timezone",
    "/etc/nsswitch.conf",
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/protocols",
];
const LIBRARIES: &[&str] = &[
    "/lib/",
    "/lib64/",
    "/usr/lib/",
    "/usr/lib64/",
    "/usr/libexec/",
    "/usr/local/lib/",
    "/usr/share/node",
    "/usr/share/python",
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
];
/// Directories modules are in, wherever those are.
pub const MODULES: &[&str] = &["/node_modules/", "/site-packages/", "/dist-packages/", "/__pycache__/"];
const SYSTEM: &[&str] = &["/sys/devices/system/cpu", "/sys/fs/cgroup/", "/sys/kernel/mm/", "/proc/sys/"];
/// Of a process' own directory in `/proc`: what runtimes look at. `environ`, `mem` and descriptors are not among them.
const SELF: &[&str] = &["maps", "smaps", "status", "stat", "statm", "cgroup", "limits", "mountinfo", "auxv"];
/// Of `/proc` itself.
const MACHINE: &[&str] =
    &["/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/loadavg", "/proc/filesystems", "/proc/version"];
const DEVICES: &[&str] = &["/dev/null", "/dev/zero", "/dev/urandom", "/dev/random", "/dev/tty", "/dev/full"];

/// What every program may read: prefixes of paths; a directory where it ends in a slash. `/proc` is read by each of itself.
pub fn everybody_reads() -> impl Iterator<Item = &'static str> {
    LOCALE.iter().chain(LIBRARIES).chain(SYSTEM).chain(&["/proc/"]).copied()
}

/// Where whatever is written is nowhere.
pub const NOWHERE: &[&str] = DEVICES;

/// Which noise it is, if it is.
#[must_use]
pub(super) fn noise(effect: &SideEffect) -> Option<Noise> {
    let Act::Open { path, access } = &effect.act else { return None };
    if effect.outcome != Outcome::Done || effect.cut {
        return None;
    }
    // Whatever is written there is nowhere.
    if DEVICES.contains(&path.as_str()) || path.starts_with("/dev/pts/") {
        return Some(Noise::Devices);
    }
    if !matches!(access, Access::Read | Access::Unknown) {
        return None;
    }
    let within = |list: &[&str]| list.iter().any(|prefix| path.starts_with(prefix));
    if within(LOCALE) {
        Some(Noise::Locale)
    } else if within(LIBRARIES) || MODULES.iter().any(|part| path.contains(part)) {
        Some(Noise::Libraries)
    } else if within(SYSTEM) || MACHINE.contains(&path.as_str()) || is_own(path, effect.process.pid) {
        Some(Noise::System)
    } else {
        None
    }
}

/// It is noise, of whatever kind.
#[must_use]
pub fn is_noise(effect: &SideEffect) -> bool {
    noise(effect).is_some()
}

/// `/proc/PID/…` of the process itself or one of its threads.
fn is_own(path: &str, pid: u32) -> bool {
    let Some((process, rest)) = path.strip_prefix("/proc/").and_then(|rest| rest.split_once('/')) else {
        return false;
    };
    let rest =
        rest.strip_prefix("task/").and_then(|rest| rest.split_once('/')).map_or(rest, |(_, rest)| rest);
    process == pid.to_string() && SELF.contains(&rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::tests::opened;

    #[test]
    fn only_what_every_program_reads_is_noise() {
        let read = |path: &str| noise(&opened(path, Access::Read));
        assert_eq!(read("/usr/lib/x86_64-linux-gnu/libc.so.6"), Some(Noise::Libraries));
        assert_eq!(read("/srv/app/node_modules/a/index.js"), Some(Noise::Libraries));
        assert_eq!(read("/usr/share/zoneinfo/UTC"), Some(Noise::Locale));
        assert_eq!(read("/proc/7/maps"), Some(Noise::System));
        assert_eq!(read("/proc/7/task/9/stat"), Some(Noise::System));
        assert_eq!(noise(&opened("/dev/null", Access::Write)), Some(Noise::Devices));
        for path in
            ["/proc/8/maps", "/proc/7/environ", "/home/a/.ssh/id", "/etc/shadow", "/lib", "/home/lib/x"]
        {
            assert_eq!(read(path), None, "{path}");
        }
        assert_eq!(noise(&opened("/usr/lib/x.so", Access::Write)), None);
        let refused = SideEffect { outcome: Outcome::Refused, ..opened("/usr/lib/x.so", Access::Read) };
        assert_eq!(noise(&refused), None);
    }
}
