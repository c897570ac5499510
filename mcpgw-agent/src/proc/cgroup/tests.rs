use proptest::prelude::*;

use super::*;

const ID: &str = "3f4e6b0a9d8c7b6a5f4e3d2c1b0a99887766554433221100ffeeddccbbaa0011";
const INNER: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// Path, expected container, expected unit; `ID` and `INNER` stand for the ids above.
const PATHS: &[(&str, Option<&str>, Option<&str>)] = &[
    ("/", None, None),
    ("", None, None),
    ("/init.scope", None, Some("init.scope")),
    ("/system.slice/ssh.service", None, Some("ssh.service")),
    ("/system.slice/system-getty.slice/getty@tty1.service", None, Some("getty@tty1.service")),
    ("/user.slice/user-1000.slice/session-3.scope", None, Some("session-3.scope")),
    ("/user.slice/user-1000.slice/user@1000.service/init.scope", None, Some("user@1000.service/init.scope")),
    (
        "/user.slice/user-1000.slice/user@1000.service/app.slice/app-org.gnome.Terminal.slice/vte-spawn-1.scope",
        None,
        Some("user@1000.service/vte-spawn-1.scope"),
    ),
    ("/user.slice/user-1000.slice/user@1000.service", None, Some("user@1000.service")),
    (r"/system.slice/dev\x2ddisk.service", None, Some("dev-disk.service")),
    // docker, cgroupfs and systemd drivers
    ("/docker/ID", Some("ID"), None),
    ("/docker/ID/init", Some("ID"), None),
    ("/system.slice/docker-ID.scope", Some("ID"), Some("docker-ID.scope")),
    // podman, rootful, rootless and without systemd
    ("/machine.slice/libpod-ID.scope/container", Some("ID"), Some("libpod-ID.scope")),
    ("/machine.slice/libpod-conmon-ID.scope", None, Some("libpod-conmon-ID.scope")),
    (
        "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-ID.scope/container",
        Some("user@1000.service/ID"),
        Some("user@1000.service/libpod-ID.scope"),
    ),
    ("/libpod_parent/libpod-ID", Some("ID"), None),
    // kubernetes over containerd, cri-o, docker
    ("/kubepods/besteffort/pod2f1c/ID", Some("ID"), None),
    (
        "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod2f1c.slice/cri-containerd-ID.scope",
        Some("ID"),
        Some("cri-containerd-ID.scope"),
    ),
    ("/kubepods.slice/kubepods-pod2f1c.slice/crio-ID.scope/container", Some("ID"), Some("crio-ID.scope")),
    ("/kubepods.slice/crio-conmon-ID.scope", None, Some("crio-conmon-ID.scope")),
    (
        "/system.slice/containerd.service/kubepods-besteffort-pod2f1c.slice:cri-containerd:ID",
        Some("ID"),
        Some("containerd.service"),
    ),
    // lxc
    ("/lxc.payload.web/system.slice/ssh.service", Some("web"), None),
    ("/lxc/web", Some("web"), None),
    ("/lxc.payload/web", Some("web"), None),
    ("/lxc.monitor.web", None, None),
    // systemd-nspawn and others that register machines
    (
        r"/machine.slice/machine-deb\x2dian.scope/payload/system.slice/x.service",
        Some("deb-ian"),
        Some("machine-deb-ian.scope"),
    ),
    ("/machine.slice/systemd-nspawn@deb.service/payload", Some("deb"), Some("systemd-nspawn@deb.service")),
    // one in the other
    ("/docker/ID/kubelet.slice/cri-containerd-INNER.scope", Some("ID/INNER"), None),
    // what a delegate calls its groups changes neither unit nor whose container it is
    ("/system.slice/evil.service/ssh.service", None, Some("evil.service")),
    (
        "/user.slice/user-1000.slice/user@1000.service/app.slice/docker-ID.scope",
        Some("user@1000.service/ID"),
        Some("user@1000.service/docker-ID.scope"),
    ),
    (
        "/user.slice/user-1000.slice/user@1000.service/ssh.service",
        None,
        Some("user@1000.service/ssh.service"),
    ),
    ("/docker/ID/docker/INNER", Some("ID/INNER"), None),
    // no container
    ("/docker", None, None),
    ("/docker/not-an-id", None, None),
    ("/docker/3F4E6B0A9D8C7B6A5F4E3D2C1B0A99887766554433221100FFEEDDCCBBAA0011", None, None),
    ("/.service", None, None),
    ("/../../system.slice/x.service", None, Some("x.service")),
];

#[test]
fn paths_tell_unit_and_container() {
    let fill = |text: &str| text.replace("INNER", INNER).replace("ID", ID);
    for (path, container, unit) in PATHS {
        let cgroup = parse(format!("0::{}\n", fill(path)).as_bytes());
        assert_eq!(cgroup.container, container.map(fill), "container of {path}");
        assert_eq!(cgroup.unit, unit.map(fill), "unit of {path}");
        assert_eq!(cgroup.path, fill(path));
    }
}

#[test]
fn version_1_and_hybrid_files() {
    let v1 = format!("12:pids:/docker/{ID}\n2:cpu,cpuacct:/docker/{ID}\n1:name=systemd:/docker/{ID}\n");
    let cgroup = parse(v1.as_bytes());
    assert_eq!((cgroup.container.as_deref(), cgroup.unit, cgroup.unified), (Some(ID), None, None));

    let hybrid = "9:name=systemd:/system.slice/ssh.service\n4:memory:/system.slice/ssh.service\n\
                  3:cpuset:/\n0::/system.slice/ssh.service\n";
    let cgroup = parse(hybrid.as_bytes());
    assert_eq!(cgroup.unit.as_deref(), Some("ssh.service"));
    assert_eq!(cgroup.path, "/system.slice/ssh.service");
    assert_eq!(cgroup.unified.as_deref(), Some("/system.slice/ssh.service"));

    // The unified hierarchy mounted but not used: the controllers' paths speak.
    let cgroup = parse(format!("4:memory:/jobs/{ID}\n1:name=systemd:/\n0::/\n").as_bytes());
    assert_eq!(cgroup.path, format!("/jobs/{ID}"));
    assert_eq!(cgroup.unified.as_deref(), Some("/"));
    assert_eq!(cgroup.container.as_deref(), Some(ID));
}

#[test]
fn a_path_may_hold_colons_and_any_bytes() {
    let cgroup = parse(b"0::/a:b/c\x1b[31m\xff.service\n");
    assert_eq!(cgroup.path, "/a:b/c\u{1b}[31m\u{fffd}.service");
    assert_eq!(parse(b"nonsense\n\n::\n"), Cgroup::default());
}

#[test]
fn escapes_that_are_none_stay() {
    assert_eq!(unescape(r"a\x2db"), "a-b");
    assert_eq!(unescape(r"a\x"), r"a\x");
    assert_eq!(unescape(r"a\xzz\x2"), r"a\xzz\x2");
    assert_eq!(unescape(r"\xff"), r"\xff");
    assert_eq!(unescape(r"\x+1"), r"\x+1");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(text in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _cgroup = parse(&text);
    }

    #[test]
    fn no_path_below_a_user_manager_reaches_out(below in "(/[a-z0-9@.:\\\\-]{1,40}){0,4}") {
        let cgroup = parse(format!("0::/user.slice/user-7.slice/user@7.service{below}/docker-{ID}.scope\n").as_bytes());
        prop_assert!(cgroup.unit.unwrap().starts_with("user@7.service"));
        prop_assert!(cgroup.container.unwrap().starts_with("user@7.service/"));
    }
}
