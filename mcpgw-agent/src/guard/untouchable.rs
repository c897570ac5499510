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

/// Sockets without which nobody logs in, and below which they are.
const SOCKETS: [&str; 4] = ["/run/systemd/", "/run/dbus/", "/run/udev/", "/dev/log"];
/// The same of a user, below `/run/user/ID/`.
const SOCKETS_OF_USERS: [&str; 3] = ["bus", "systemd/", "dbus-1/"];

/// A process that somebody wants to do something to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Who<'a> {
    /// Process id.
    pub pid: u32,
    /// Path of the program: of the one it is about to run, where it is. None where the agent finds another file there, or
    /// one that is not root's: in a mount namespace of their own anybody names their programs as they like.
    pub exe: Option<&'a str>,
    /// The same of the program it runs while it is about to run another.
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
    if who.exe.is_some_and(is_listed) {
        return Some("a program of the built-in list");
    }
    if who.before.is_some_and(is_login) {
        return Some("started by a login");
    }
    who.has_terminal.then_some("at a terminal")
}

/// Names of the programs of the list, where a kernel has nothing but a name to go by: wherever they are. Those that end in a
/// dash stand for all that begin so. With each: what it starts is not touched either.
pub fn spared() -> impl Iterator<Item = (&'static str, bool)> {
    const BEGINNINGS: [(&str, bool); 8] = [
        ("systemd-", false),
        ("sshd-", true),
        ("dpkg-", false),
        ("apt-", false),
        ("gdm-", true),
        ("rpm-", false),
        ("containerd-", false),
        ("getty-", false),
    ];
    BEGINNINGS.into_iter().chain(PROGRAMS.into_iter().map(|name| (name, LOGINS.contains(&name))))
}

/// Connections to this Unix socket are never refused: the host's own services are behind it.
#[must_use]
pub fn is_spared_socket(path: &str) -> bool {
    let of_user = path.strip_prefix("/run/user/").and_then(|rest| rest.split_once('/'));
    SOCKETS.iter().any(|place| path.starts_with(place))
        || of_user.is_some_and(|(_, rest)| SOCKETS_OF_USERS.iter().any(|place| rest.starts_with(place)))
}

/// A program of the list, if it is what its path says.
#[must_use]
pub fn is_listed(exe: &str) -> bool {
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
        let who = Who { pid: 500, exe: Some("/opt/server"), ..Who::default() };
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
            assert!(untouchable(&Who { exe: Some(exe), ..who }).is_some(), "{exe}");
            assert!(
                untouchable(&Who { exe: Some("/bin/bash"), before: Some(exe), ..who }).is_some()
                    == is_login(exe)
            );
        }
        assert_eq!(untouchable(&Who { exe: None, before: None, ..who }), None, "a path that is not believed");
        for pid in [0, 1, 2] {
            assert!(untouchable(&Who { pid, ..who }).is_some());
        }
        assert!(untouchable(&Who { has_terminal: true, ..who }).is_some());
        assert!(untouchable(&Who { is_ours: true, ..who }).is_some());
    }

    #[test]
    fn who_is_spared_by_name_is_all_that_is_listed() {
        let spared: Vec<_> = spared().collect();
        for family in FAMILIES {
            let name = format!("{family}-");
            let of_logins = is_login(&format!("/usr/bin/{name}x"));
            assert!(spared.contains(&(name.as_str(), of_logins)), "{name}");
        }
        for login in LOGINS {
            assert!(spared.contains(&(login, true)), "{login}");
        }
        assert_eq!(spared.len(), PROGRAMS.len() + FAMILIES.len());
        for socket in
            ["/run/dbus/system_bus_socket", "/run/user/1000/bus", "/run/user/0/systemd/private", "/dev/log"]
        {
            assert!(is_spared_socket(socket), "{socket}");
        }
        for socket in ["/run/mcp/s", "/run/user/1000/mcp.sock", "/run/user/bus", "/tmp/run/dbus/s"] {
            assert!(!is_spared_socket(socket), "{socket}");
        }
    }

    #[test]
    fn a_name_is_no_disguise() {
        for exe in
            ["/home/a/sshd", "/tmp/systemd", "/opt/login", "/usr/local/bin/sudo", "/usr/bin/node", "sshd"]
        {
            let who = Who { pid: 500, exe: Some(exe), ..Who::default() };
            assert_eq!(untouchable(&who), None, "{exe}");
        }
    }
}
