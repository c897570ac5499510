use super::*;

const PREVENTION: Abilities = Abilities { landlock: 3, seccomp: true };

fn hook(name: &str, state: HookState) -> HookReport {
    let attached = state == HookState::Attached;
    let unless = |text: &str| if attached { String::new() } else { text.to_owned() };
    HookReport {
        name: name.to_owned(),
        state,
        reason: unless("no cgroup v2 hierarchy is mounted"),
        without: "HTTP servers are listed but not confirmed".to_owned(),
        advice: unless("mount -t cgroup2 none /sys/fs/cgroup"),
        is_wanted: true,
    }
}

fn text(examination: &Examination, width: Option<u16>) -> String {
    let lines: Vec<_> = draw(examination, width).iter().map(|line| line.render(false)).collect();
    lines.join("\n")
}

#[test]
fn the_table_says_what_is_missing_what_it_costs_and_what_to_do() {
    let examination = Examination {
        mode: Mode::Ebpf,
        hooks: vec![hook("exec", HookState::Attached), hook("http-in", HookState::Failed)],
        prevention: PREVENTION,
        notes: vec!["Lockdown is set to integrity.".to_owned()],
    };
    insta::assert_snapshot!(text(&examination, Some(80)), @r###"
    HOOK     STATE     WITHOUT IT                       WHAT TO DO
    exec     attached  HTTP servers are listed but not  -
                       confirmed
    http-in  failed    HTTP servers are listed but not  mount -t cgroup2 none
                       confirmed                        /sys/fs/cgroup

    http-in: no cgroup v2 hierarchy is mounted

    prevented where policy says so, for servers that `wrap` starts: files and programs (Landlock, version 3 or newer), ways around them (seccomp)
    not prevented: TCP ports are not prevented without the agent; Linux 6.7 does
    Lockdown is set to integrity.
    1 of 2 hooks are missing.
    "###);
    assert_eq!(missing(&examination), 1);
}

#[test]
fn all_well_is_one_sentence_and_no_advice() {
    let hooks = vec![hook("exec", HookState::Attached)];
    let examination = Examination { mode: Mode::Ebpf, hooks, prevention: PREVENTION, notes: vec![] };
    assert!(text(&examination, None).ends_with("\nAll 1 hooks can be attached."));
    let without = Examination { mode: Mode::Procfs, ..examination };
    assert!(text(&without, None).contains("No kernel probes"));
}

#[test]
fn what_nobody_asks_for_is_not_missed() {
    let unwanted = HookReport { is_wanted: false, ..hook("file-effects", HookState::Failed) };
    let hooks = vec![hook("exec", HookState::Attached), unwanted];
    let examination = Examination { mode: Mode::Ebpf, hooks, prevention: PREVENTION, notes: vec![] };
    assert_eq!(missing(&examination), 0);
    assert!(text(&examination, None).ends_with("All hooks the configuration asks for can be attached."));
}
