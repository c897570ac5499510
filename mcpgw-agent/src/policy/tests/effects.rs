//! What `effects:` says of acts, and what is wrong with files.

use std::net::{IpAddr, SocketAddr};

use super::support::{policy, problems};
use crate::effects::{Access, Act, Outcome, Protocol, SideEffect};
use crate::inventory::{BootTime, ProcessKey};
use crate::policy::Mode;
use crate::policy::effects::{Confinement, Destination, EffectRules, Hosts, PathGlob, Surroundings};

fn policy_of(text: &str) -> crate::policy::Policy {
    policy(text)
}

fn text(effects: &str) -> String {
    format!(
        "version: v1\nmode: enforce\nrules: [{{name: a, action: allow, match: {{methods: ['*']}}}}]\neffects:\n{effects}"
    )
}

fn around() -> Surroundings {
    let around = Surroundings {
        homes: vec!["/home/ann".into()],
        directory: Some("/srv/project".into()),
        hosts: Hosts::default(),
    };
    around.hosts.learn("api.example.com", &["192.0.2.7".parse().unwrap(), "2001:db8::7".parse().unwrap()]);
    around.hosts.set_resolvers(vec!["127.0.0.53".parse().unwrap()]);
    around
}

fn rules(effects: &str) -> EffectRules {
    policy(&text(effects)).effects("files", &around()).unwrap()
}

#[test]
fn what_nobody_knows_of_is_refused_where_something_is() {
    let wrong = |effects: &str, tool: &str| rules(effects).untold(tool).map(|violation| violation.rule);
    for (effects, tool, expected) in [
        ("  open: {deny: ['/secret']}", "any", None),
        ("  action: deny\n  open: {deny: ['/secret']}", "any", Some("effects.lost")),
        ("  open: {deny: ['/secret'], action: kill}", "any", Some("effects.lost")),
        ("  action: deny\n  open: {deny: ['/secret'], action: observe}", "any", None),
        ("  action: deny\n  rules: [{name: r, tools: [t], exec: deny}]", "t", Some("r.lost")),
        ("  action: deny\n  rules: [{name: r, tools: [t], exec: deny}]", "other", None),
    ] {
        assert_eq!(wrong(effects, tool).as_deref(), expected, "{effects} {tool}");
    }
}

fn did(act: Act) -> SideEffect {
    SideEffect {
        group: 1,
        process: ProcessKey { pid: 7, start_ticks: 1 },
        at: BootTime::default(),
        act,
        outcome: Outcome::Done,
        cut: false,
    }
}

fn open(path: &str, access: Access) -> Act {
    Act::Open { path: path.into(), access }
}

fn read(path: &str) -> Act {
    open(path, Access::Read)
}

fn write(path: &str) -> Act {
    open(path, Access::Write)
}

fn exec(path: &str) -> Act {
    Act::Exec { path: path.into(), arguments: Vec::new() }
}

fn connect(to: &str) -> Act {
    Act::Connect { to: to.parse().unwrap(), protocol: Protocol::Tcp }
}

/// `RULE ACTION` of the violation; empty where there is none.
fn verdict(rules: &EffectRules, tool: &str, act: Act) -> String {
    rules
        .judge(tool, &did(act))
        .map_or_else(String::new, |found| format!("{} {}", found.rule, found.act.as_str()))
}

#[test]
fn what_is_denied_is_denied_and_the_rest_is_not() {
    let rules = rules(
        "  action: deny\n  open: {deny: ['~/.ssh/**', '**/.env']}\n  exec: deny\n  connect: {allow: ['api.example.com:443']}\n",
    );
    let open = "effects.open deny";
    for (act, expected) in [
        (read("/home/ann/.ssh/id_ed25519"), open),
        (write("/home/ann/.ssh/authorized_keys"), open),
        (read("/home/ann/.ssh"), open),
        (read("/home/ann/.sshx/id"), ""),
        (read("/home/bob/.ssh/id"), ""),
        (read("/srv/project/.env"), open),
        (read("/srv/project/x.env"), ""),
        (Act::Link { from: "/home/ann/.ssh/id".into(), to: "/tmp/x".into() }, open),
        (Act::Rename { from: "/home/ann/.ssh/id".into(), to: "/tmp/x".into() }, open),
        (Act::Rename { from: "/tmp/x".into(), to: "/home/ann/.ssh/config".into() }, open),
        (Act::Truncate { path: "/home/ann/.ssh/config".into() }, open),
        (Act::Delete { path: "/home/ann/.ssh/config".into() }, ""),
        (exec("/bin/sh"), "effects.exec deny"),
        (connect("192.0.2.7:443"), ""),
        (connect("[2001:db8::7]:443"), ""),
        (connect("[::ffff:192.0.2.7]:443"), ""),
        (connect("192.0.2.7:80"), "effects.connect deny"),
        (connect("192.0.2.8:443"), "effects.connect deny"),
        (connect("127.0.0.53:53"), ""),
        (connect("127.0.0.54:53"), "effects.connect deny"),
        (Act::Send { to: "192.0.2.7:9".parse().unwrap(), protocol: Protocol::Udp }, "effects.connect deny"),
        (Act::Bind { at: "0.0.0.0:80".parse().unwrap(), protocol: Protocol::Tcp }, ""),
    ] {
        assert_eq!(verdict(&rules, "t", act.clone()), expected, "{act:?}");
    }
    let cut = SideEffect { cut: true, ..did(read("id")) };
    assert_eq!(&*rules.judge("t", &cut).unwrap().rule, "effects.open");
    let found = rules.judge("t", &did(exec("/bin/sh"))).unwrap();
    assert_eq!((found.mode, &*found.why), (Mode::Enforce, "runs /bin/sh"));
    let policy = policy_of(&text("  connect: {allow: ['b.example:1', 'a.example'], deny: ['b.example']}\n"));
    assert_eq!(policy.names_of_hosts(), ["a.example".into(), "b.example".into()]);
}

#[test]
fn allowing_some_denies_the_rest_but_not_what_every_program_reads() {
    let rules = rules(
        "  read: {allow: ['./**', /etc/app.conf], deny: ['./secret/*'], action: kill}\n  listen: {allow: ['tcp:127.0.0.1:8000-8010']}\n",
    );
    for (act, expected) in [
        (read("/srv/project/a/b"), ""),
        (read("/srv/project"), ""),
        (read("/srv"), "effects.read kill"),
        (read("/srv/project/secret"), "effects.read kill"),
        (read("/srv/project/secret/x"), "effects.read kill"),
        (read("/etc/app.conf"), ""),
        (read("/etc/passwd"), "effects.read kill"),
        (read("/usr/lib/x86_64-linux-gnu/libc.so.6"), ""),
        (write("/etc/passwd"), ""),
        (open("/etc/passwd", Access::ReadWrite), "effects.read kill"),
        (open("/etc/passwd", Access::Unknown), "effects.read kill"),
        (Act::Bind { at: "127.0.0.1:8005".parse().unwrap(), protocol: Protocol::Tcp }, ""),
        (
            Act::Bind { at: "0.0.0.0:8005".parse().unwrap(), protocol: Protocol::Tcp },
            "effects.listen observe",
        ),
        (
            Act::Bind { at: "127.0.0.1:8005".parse().unwrap(), protocol: Protocol::Udp },
            "effects.listen observe",
        ),
        (Act::Bind { at: "0.0.0.0:0".parse().unwrap(), protocol: Protocol::Udp }, ""),
        (Act::Bind { at: "127.0.0.1:0".parse().unwrap(), protocol: Protocol::Tcp }, "effects.listen observe"),
    ] {
        assert_eq!(verdict(&rules, "t", act.clone()), expected, "{act:?}");
    }
}

#[test]
fn rules_of_servers_and_tools_come_first_and_denials_add_up() {
    let text = text(
        "  exec: deny\n  action: deny\n  open: {deny: ['~/.ssh/**']}\n  rules:\n\
         \x20 - {name: git, servers: [files, 'git*'], tools: ['git_*'], exec: {allow: [/usr/bin/git]}, open: {allow: ['/**']}}\n\
         \x20 - {name: other, servers: [other], exec: allow}\n\
         \x20 - {name: deadly, tools: [deadly], action: kill, open: {deny: [/etc/shadow]}}\n",
    );
    let policy = policy_of(&text);
    let files = policy.effects("files", &around()).unwrap();
    assert_eq!(verdict(&files, "git_log", exec("/usr/bin/git")), "");
    assert_eq!(verdict(&files, "git_log", exec("/bin/sh")), "git.exec deny");
    assert_eq!(verdict(&files, "cat", exec("/usr/bin/git")), "effects.exec deny");
    assert_eq!(verdict(&files, "", exec("/usr/bin/git")), "effects.exec deny");
    assert_eq!(verdict(&files, "git_log", read("/home/ann/.ssh/id")), "effects.open deny");
    assert_eq!(verdict(&files, "deadly", read("/etc/shadow")), "deadly.open kill");
    assert_eq!(verdict(&files, "cat", read("/etc/shadow")), "");
    let other = policy.effects("other", &around()).unwrap();
    assert_eq!(verdict(&other, "cat", exec("/bin/sh")), "");
    let text = "version: v1\nmode: observe\nrules: [{name: a, action: allow, match: {methods: ['*']}}]\n\
                effects: {rules: [{name: x, servers: [y], exec: deny}]}\n";
    let observed = policy_of(text);
    assert!(observed.effects("files", &around()).is_none());
    assert_eq!(observed.effects("y", &around()).unwrap().mode(), Mode::Observe);
}

#[test]
fn a_home_that_is_not_known_may_be_any_to_deny_and_is_none_to_allow() {
    let policy = policy_of(&text("  read: {deny: ['~/.ssh/*', './x']}\n  write: {allow: ['~/*']}\n"));
    let rules = policy.effects("files", &Surroundings::default()).unwrap();
    assert_eq!(verdict(&rules, "t", read("/home/bob/.ssh/id")), "effects.read observe");
    assert_eq!(verdict(&rules, "t", read("/a/b/x")), "effects.read observe");
    assert_eq!(verdict(&rules, "t", read("/a/b/y")), "");
    assert_eq!(verdict(&rules, "t", write("/home/bob/x")), "effects.write observe");
}

#[test]
fn destinations_are_read() {
    let hosts = around().hosts;
    let holds = |written: &str, to: &str, protocol| {
        let to: SocketAddr = to.parse().unwrap();
        Destination::new(written).unwrap_or_else(|why| panic!("{why}")).holds(to, protocol, &hosts)
    };
    let tcp = Protocol::Tcp;
    for (written, to, expected) in [
        ("*:443", "1.2.3.4:443", true),
        ("*:443", "[::1]:80", false),
        ("10.0.0.0/8", "10.255.0.1:1", true),
        ("10.1.2.3/8", "10.255.0.1:1", true),
        ("10.0.0.0/8:80", "11.0.0.1:80", false),
        ("0.0.0.0/0", "9.9.9.9:1", true),
        ("0.0.0.0/0", "[2001:db8::1]:1", false),
        ("[2001:db8::]/32:443", "[2001:db8:1::1]:443", true),
        ("2001:db8::/32", "[2001:db9::1]:443", false),
        ("::1", "[::1]:5", true),
        ("[::1]:5", "[::1]:6", false),
        ("::ffff:10.0.0.0/104", "10.9.9.9:1", true),
        ("API.Example.com.:443", "192.0.2.7:443", true),
        ("udp:api.example.com:443", "192.0.2.7:443", false),
        ("tcp:*:1-5", "192.0.2.7:5", true),
    ] {
        assert_eq!(holds(written, to, tcp), expected, "{written} {to}");
    }
    for wrong in [
        "",
        ":443",
        "a b:1",
        "*.example.com:443",
        "10.0.0.0/33",
        "1.2.3.4.5",
        "x:65536",
        "x:5-1",
        "[::1",
        "https://x",
        "999.1.1.1",
    ] {
        assert!(Destination::new(wrong).is_err(), "{wrong}");
    }
    let many: Vec<IpAddr> = (0..=300_u32).map(|n| IpAddr::from((0x0a00_0000 + n).to_be_bytes())).collect();
    assert!(hosts.learn("many", &many) && !hosts.learn("many", &many[200..]));
    assert_eq!(hosts.addresses("many").len(), 256);
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let text = text(
        "  opn: deny\n  exec: dny\n  connect: {alow: ['x:1'], deny: ['*.x:1']}\n  read: {}\n  open: {deny: [etc/x, '/a/../b', ~bob/x]}\n  action: stop\n  \
         listen: [80]\n  rules:\n  - {exec: deny}\n  - {name: r, exec: deny}\n  - {name: r, tools: [t]}\n  - {name: s, tools: [t], exec: {allow: [{path: '/x*', sha256: ff}]}}\n",
    );
    let problems = problems(&text);
    for part in [
        "5:3 unknown key `opn`, did you mean `open`?",
        "6:9 `dny` is no permission, did you mean `deny`?",
        "unknown key `alow`, did you mean `allow`?",
        "has a wildcard, and what it stands for cannot be looked up",
        "`read` says neither what to `allow` nor what to `deny`",
        "`open` is `read` and `write`",
        "`etc/x` is no path: it begins with",
        "has steps a path never has",
        "`~/` is the user's own home",
        "`stop` is no action, one of: observe, deny, kill",
        "a rule of `effects` has no `name`",
        "a rule of `effects` names `servers` or `tools`",
        "an earlier rule is called `r`",
        "rule `r` says nothing of what servers may do",
        "`sha256` has 64 hexadecimal digits",
        "its path has no wildcards",
    ] {
        assert!(problems.iter().any(|problem| problem.contains(part)), "{part}\n{problems:#?}");
    }
}

#[test]
fn a_process_may_do_what_any_of_its_tools_may() {
    let confined = rules(
        "  exec: deny\n  open: {deny: ['~/.ssh/**']}\n  connect: {allow: ['*:443']}\n  rules:\n\
         \x20 - {name: git, tools: ['git_*'], exec: {allow: [/usr/bin/git]}, open: {deny: [/etc/shadow]}}\n\
         \x20 - {name: talk, tools: [talk], connect: allow}\n",
    )
    .confinement()
    .unwrap();
    let exec = confined.exec.as_ref().unwrap();
    let programs: Vec<_> = exec.allow.iter().flatten().map(|program| program.path.as_str()).collect();
    assert_eq!(programs, ["/usr/bin/git"]);
    assert!(confined.connect.is_none());
    let read = confined.read.as_ref().unwrap();
    assert!(read.allow.is_none());
    assert_eq!(read.deny.iter().map(PathGlob::as_str).collect::<Vec<_>>(), ["~/.ssh/**"]);
    assert!(confined.left.iter().any(|left| left.contains("git.read")), "{:?}", confined.left);
    let text = serde_json::to_string(&confined).unwrap();
    let again: Confinement = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&again).unwrap(), text);
    assert!(serde_json::from_str::<Confinement>(r#"{"connect":{"allow":["*.x"],"deny":[]}}"#).is_err());
    assert!(rules("  prevent: false\n  exec: deny\n").confinement().is_none());
    assert!(rules("  mode: observe\n  exec: deny\n").confinement().is_none());
}
