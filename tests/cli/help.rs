//! The whole command line: no flag changes unseen.

use crate::program::run;

/// The help of each of `commands`, as it has to be in `snapshots/`.
fn helps(name: &str, commands: &[&[&str]]) {
    let dir = tempfile::tempdir().unwrap();
    let mut text = String::new();
    for words in commands {
        let arguments = [words, &["--help"][..]].concat();
        let output = run(dir.path(), &arguments);
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        text.push_str(&format!("$ mcpgw-agent {}\n", arguments.join(" ")));
        text.push_str(&String::from_utf8(output.stdout).unwrap());
        text.push('\n');
    }
    insta::assert_snapshot!(name, text);
}

#[test]
fn of_the_agent() {
    helps(
        "help-agent",
        &[&[], &["run"], &["reload"], &["status"], &["doctor"], &["config"], &["config", "check"]],
    );
}

#[test]
fn of_policies() {
    helps(
        "help-policy",
        &[
            &["policy"],
            &["policy", "validate"],
            &["policy", "test"],
            &["policy", "diff"],
            &["policy", "explain"],
        ],
    );
}

#[test]
fn of_the_gateway() {
    let holds: [&[&str]; 4] = [&["hold"], &["hold", "list"], &["hold", "approve"], &["hold", "deny"]];
    helps("help-gateway", &[&[&["wrap"][..]], &holds[..], &[&["proxy"]]].concat());
}

#[test]
fn of_records_and_pins() {
    helps(
        "help-records",
        &[
            &["audit"],
            &["audit", "init"],
            &["audit", "verify"],
            &["audit", "export-key"],
            &["audit", "query"],
            &["audit", "show"],
            &["audit", "export"],
            &["audit", "index"],
            &["tail"],
            &["pins"],
            &["pins", "list"],
            &["pins", "diff"],
            &["pins", "approve"],
            &["pins", "reset"],
            &["effects"],
            &["effects", "list"],
            &["effects", "show"],
            &["effects", "reset"],
            &["servers"],
            &["servers", "list"],
            &["servers", "show"],
            &["servers", "approve"],
            &["servers", "block"],
        ],
    );
}

#[test]
fn of_the_guard() {
    helps(
        "help-guard",
        &[
            &["guard"],
            &["guard", "status"],
            &["guard", "off"],
            &["guard", "on"],
            &["guard", "forget"],
            &["allow"],
            &["block"],
        ],
    );
}

#[test]
fn of_scans() {
    helps("help-scan", &[&["scan"]]);
}

#[test]
fn the_version() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &["--version"]);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        concat!("mcpgw-agent ", env!("CARGO_PKG_VERSION"), "\n")
    );
}
