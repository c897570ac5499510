//! What the guard never touches, whatever its rules say: the host must stay usable, and whoever wrote a wrong rule must be
//! able to log in and mend it.

/// Programs, by the name of their file.
const PROGRAMS: [&str; 46] = [
    "init",
    "systemd",
    "(sd-pam)",
    "systemctl",
    "journalctl",
    "loginctl",
    "sshd",
    "login",
    "agetty",
    "getty",
    "mingetty",
    "su",
    "sudo",
    "doas",
    "pkexec",
    "polkitd",
    "dbus-daemon",
    "dbus-broker",
    "dbus-broker-launch",
    "unix_chkpwd",
    "gdm3",
    "gdm",
    "sddm",
    "lightdm",
    "Xorg",
    "Xwayland",
    "gnome-shell",
    "cron",
    "crond",
    "NetworkManager",
    "dhclient",
    "dhcpcd",
    "runc",
    "crun",
    "containerd",
    "dockerd",
    "conmon",
    "dpkg",
    "apt",
    "rpm",
    "dnf",
    "dnf5",
    "yum",
    "zypper",
    "pacman",
    "apk",
];
/// The same with a dash and anything after it: `systemd-logind`, `sshd-session`, `dpkg-deb`, `apt-get`.
const FAMILIES: [&str; 8] = ["systemd", "sshd", "dpkg", "apt", "gdm", "rpm", "containerd", "getty"];
/// Whoever logs people in: what they start is not touched either, or nobody would have a shell.
const LOGINS: [&str; 9] = ["sshd", "login", "agetty", "getty", "mingetty", "su", "sudo", "doas", "pkexec"];
/// Where these programs are; a file of that name elsewhere is nobody's but its owner's.
const PLACES: [&str; 7] =
    ["/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/usr/lib/", "/lib/", "/usr/libexec/"];

/// A process that somebody wants to do something to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Who<'a> {
    /// Process id.
    pub pid: u32,
    /// Path of the program: of the one it is about to run, where it is.
    pub exe: &'a str,
    /// Path of the program it runs while it is about to run another.
    pub before: Option<&'a str>,
    /// Its standard input is a terminal.
    pub has_terminal: bool,
    /// It is the agent, runs the agent's program, or the agent descends from it.
    pub is_ours: bool,
}

/// Why nothing may be done to it; `None` where something may.
#[must_use]
pub fn untouchable(who: &Who<'_>) -> Option<&'static str> {
    if who.pid <= 2 {
        return Some("the first processes of the host");
    }
    if who.is_ours {
        return Some("the agent's own");
    }
    if is_listed(who.exe) {
        return Some("a program of the built-in list");
    }
    if who.before.is_some_and(is_login) {
        return Some("started by a login");
    }
    who.has_terminal.then_some("at a terminal")
}

/// A program of the list.
fn is_listed(exe: &str) -> bool {
    let Some(name) = system_name(exe) else { return false };
    let family = name.split_once('-').map(|(family, _)| family);
    PROGRAMS.contains(&name) || family.is_some_and(|family| FAMILIES.contains(&family))
}

fn is_login(exe: &str) -> bool {
    let Some(name) = system_name(exe) else { return false };
    LOGINS.contains(&name) || name.starts_with("sshd-") || name.starts_with("gdm-")
}

/// The name of a program where the system's programs are.
fn system_name(exe: &str) -> Option<&str> {
    // The file a running program came from is gone after an update.
    let exe = exe.strip_suffix(" (deleted)").unwrap_or(exe);
    let is_of_system = PLACES.iter().any(|place| exe.starts_with(place));
    exe.rsplit('/').next().filter(|_| is_of_system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_and_its_logins_are_not_touched() {
        let who = Who { pid: 500, exe: "/opt/server", ..Who::default() };
        assert_eq!(untouchable(&who), None);
        for exe in [
            "/usr/lib/systemd/systemd",
            "/usr/lib/systemd/systemd-logind",
            "/lib/systemd/systemd-executor",
            "/usr/sbin/sshd",
            "/usr/lib/openssh/sshd-session",
            "/bin/login",
            "/sbin/agetty",
            "/usr/bin/sudo",
            "/usr/bin/dpkg-deb",
            "/usr/bin/apt-get",
            "/usr/bin/rpm",
            "/usr/bin/dnf",
            "/usr/bin/pacman",
            "/usr/sbin/sshd (deleted)",
        ] {
            assert!(untouchable(&Who { exe, ..who }).is_some(), "{exe}");
            assert!(
                untouchable(&Who { exe: "/bin/bash", before: Some(exe), ..who }).is_some() == is_login(exe)
            );
        }
        for pid in [0, 1, 2] {
            assert!(untouchable(&Who { pid, ..who }).is_some());
        }
        assert!(untouchable(&Who { has_terminal: true, ..who }).is_some());
        assert!(untouchable(&Who { is_ours: true, ..who }).is_some());
    }

    #[test]
    fn a_name_is_no_disguise() {
        for exe in
            ["/home/a/sshd", "/tmp/systemd", "/opt/login", "/usr/local/bin/sudo", "/usr/bin/node", "sshd"]
        {
            let who = Who { pid: 500, exe, ..Who::default() };
            assert_eq!(untouchable(&who), None, "{exe}");
        }
    }
}
