//! `scan` on real servers, on servers that mean harm, and on servers that do not behave.

mod registry;
mod sandbox;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::install::install;
use crate::program::program;

pub(super) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The script that plays all servers here.
pub(super) fn script() -> String {
    workspace().join("tests/peers/scan_server.py").display().to_string()
}

/// `scan` with `flags` on `command`, with a home of its own.
pub(super) fn scan(dir: &Path, flags: &[&str], command: &[&str]) -> Command {
    let mut scan = program(dir, &["scan"]);
    scan.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", dir);
    scan.args(flags);
    if !command.is_empty() {
        scan.arg("--").args(command);
    }
    scan
}

/// The one server of a report.
pub(super) fn server(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let report: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    assert_eq!(report["version"], 1);
    report["servers"][0].clone()
}

fn played(what: &str) -> (Value, Option<i32>) {
    let dir = tempfile::tempdir().unwrap();
    let flags = ["--json", "--timeout", "20"];
    let output = scan(dir.path(), &flags, &["python3", &script(), what]).output().unwrap();
    (server(&output), output.status.code())
}

fn rules(server: &Value) -> Vec<&str> {
    server["issues"].as_array().unwrap().iter().filter_map(|issue| issue["rule"].as_str()).collect()
}

/// A peer `cargo xtask peers` puts there; nothing, said aloud, where it did not.
pub(super) fn peer(path: &str) -> Option<String> {
    let peers =
        std::env::var_os("MCPGW_PEERS").map_or_else(|| workspace().join("target/peers"), PathBuf::from);
    let found = peers.join(path);
    if !found.exists() {
        let required = std::env::var_os("CI").or_else(|| std::env::var_os("MCPGW_REQUIRE_PEERS"));
        assert!(required.is_none(), "`{path}` is missing: cargo xtask peers");
        return None;
    }
    Some(found.display().to_string())
}

#[test]
fn real_servers_are_not_called_dangerous_for_what_they_are_for() {
    let modules = "node_modules/@modelcontextprotocol";
    let script = |name: &str| workspace().join("tests/peers").join(name).display().to_string();
    let older = &["2025-11-25"][..];
    for (program, argument, revisions) in [
        (Some("node".to_owned()), peer(&format!("{modules}/server-filesystem/dist/index.js")), older),
        (Some("node".to_owned()), peer(&format!("{modules}/server-everything/dist/index.js")), older),
        (peer("py1/bin/python"), Some(script("mcp_server_v1.py")), older),
        (peer("py2/bin/python"), Some(script("mcp_server_v2.py")), &["2025-11-25", "2026-07-28"]),
    ] {
        let (Some(program), Some(argument)) = (program, argument) else { continue };
        let dir = tempfile::tempdir().unwrap();
        let last = if argument.ends_with(".py") { "stdio" } else { "." };
        let last = if argument.contains("everything") { "stdio" } else { last };
        let flags = ["--json", "--fail-on", "medium", "--timeout", "60"];
        let output = scan(dir.path(), &flags, &[&program, &argument, last]).output().unwrap();
        let server = server(&output);
        assert_eq!(output.status.code(), Some(0), "{server}");
        assert!(server["score"].as_u64() >= Some(90), "{server}");
        assert_eq!(server["risk"], "low");
        assert_eq!(server["revisions"], serde_json::json!(revisions), "{server}");
        assert!(server["tools"].as_u64() > Some(0), "{server}");
    }
}

#[test]
fn a_server_that_means_harm_is_caught() {
    let (server, code) = played("bad");
    assert_eq!((code, server["risk"].as_str()), (Some(0), Some("critical")), "{server}");
    assert!(server["score"].as_u64() <= Some(20), "{server}");
    let rules = rules(&server);
    for rule in [
        "poisoning/secret-access",
        "poisoning/concealment",
        "poisoning/lying-annotation",
        "free-form-command",
    ] {
        assert!(rules.contains(&rule), "{rule}: {rules:?}");
    }
    let dir = tempfile::tempdir().unwrap();
    let code = |least| {
        let flags = ["--fail-on", least];
        scan(dir.path(), &flags, &["python3", &script(), "bad"]).output().unwrap().status.code()
    };
    assert_eq!(code("critical"), Some(12));
    let good = scan(dir.path(), &["--fail-on", "low"], &["python3", &script(), "good"]).output().unwrap();
    assert_eq!(good.status.code(), Some(0), "{good:?}");
}

#[test]
fn what_a_server_does_while_it_is_asked_is_told() {
    for (what, tools, rule) in [
        ("good", 5, None),
        ("pages", 5, None),
        ("modern", 5, None),
        ("noisy", 5, Some("asks-model")),
        ("circle", 1, Some("incomplete")),
        ("unstable", 5, Some("unstable")),
    ] {
        let (server, code) = played(what);
        assert_eq!((code, server["tools"].as_u64()), (Some(0), Some(tools)), "{what}: {server}");
        assert_eq!(
            rules(&server).iter().find(|found| Some(**found) == rule).copied(),
            rule,
            "{what}: {server}"
        );
        assert_eq!(rule.is_none(), rules(&server).is_empty(), "{what}: {server}");
    }
}

#[test]
fn a_server_that_does_not_behave_is_no_harmless_one() {
    for (what, why) in [
        ("exit", "exit code 3"),
        ("rubbish", "no messages"),
        ("flood", "more than can be read"),
        ("line", "more than can be read"),
        ("twice", "duplicate-key"),
    ] {
        let (server, code) = played(what);
        assert_eq!(code, Some(1), "{what}: {server}");
        assert!(server["error"].as_str().unwrap().contains(why), "{what}: {server}");
        assert!(server["score"].is_null(), "{what}: {server}");
    }
    for what in ["hang", "silent"] {
        let dir = tempfile::tempdir().unwrap();
        let flags = ["--json", "--timeout", "5"];
        let output = scan(dir.path(), &flags, &["python3", &script(), what]).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert_eq!(server(&output)["error"], "it does not answer in time", "{what}");
    }
    let dir = tempfile::tempdir().unwrap();
    let output = scan(dir.path(), &[], &["no-such-program"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("not found"), "{output:?}");
}

#[test]
fn what_changed_since_it_was_pinned_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("what");
    let pins = dir.path().join("pins").display().to_string();
    let argument = format!("@{}", file.display());
    let look = |what: &str, flags: &[&str]| {
        fs::write(&file, what).unwrap();
        let flags = [&["--json", "--pins", &pins], flags].concat();
        let output = scan(dir.path(), &flags, &["python3", &script(), &argument]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        server(&output)
    };
    assert_eq!(look("good", &[])["pins"]["state"], "unpinned");
    assert!(!Path::new(&pins).exists(), "looking pins nothing");
    assert_eq!(look("good", &["--pin"])["pins"]["state"], "same");
    let changed = look("changed", &[]);
    assert_eq!(changed["pins"]["state"], "changed", "{changed}");
    assert!(rules(&changed).contains(&"changed"), "{changed}");
    assert!(changed["score"].as_u64() <= Some(60), "{changed}");
    // The server's own name is `what`, which is a change as well: told each time, until it is approved.
    assert_eq!(look("changed", &[])["pins"], changed["pins"]);
    assert_eq!(look("good", &[])["pins"]["state"], "same");
}

#[test]
fn sarif_has_what_the_standard_asks_for() {
    let dir = tempfile::tempdir().unwrap();
    let output = scan(dir.path(), &["--sarif"], &["python3", &script(), "bad"]).output().unwrap();
    let sarif: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    assert_eq!(run["tool"]["driver"]["name"], "mcpgw-agent");
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert!(results.len() > 3, "{sarif}");
    for result in results {
        let rule = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[rule]["id"], result["ruleId"]);
        assert!(["note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        assert!(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].is_string());
    }
    let output = scan(dir.path(), &["--sarif"], &["python3", &script(), "exit"]).output().unwrap();
    let sarif: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "not-scanned");
    assert_eq!(sarif["runs"][0]["invocations"][0]["executionSuccessful"], false);
}

#[test]
fn all_servers_of_all_clients_are_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let config = serde_json::json!({"mcpServers": {
        "a": {"command": "python3", "args": [script(), "good"]},
        "b": {"command": "no-such-program"},
        "c": {"command": "python3", "args": [script(), "good"]},
    }});
    fs::write(dir.path().join(".claude.json"), config.to_string()).unwrap();
    let output = scan(dir.path(), &["--all", "--json"], &[]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let servers = report["servers"].as_array().unwrap();
    let names: Vec<_> = servers.iter().filter_map(|server| server["server"].as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert!(servers[1]["error"].as_str().unwrap().contains("not found"));
    // Both have tools of one name, which only the second look can know.
    assert!(rules(&servers[0]).is_empty(), "{report}");
    assert!(rules(&servers[2]).contains(&"poisoning/shadowing"), "{report}");
}

/// A directory with a program `npx` that runs the script instead of fetching anything.
pub(super) fn fake_npx(dir: &Path) -> OsString {
    let bin = dir.join("bin");
    fs::create_dir_all(&bin).unwrap();
    let npx = bin.join("npx");
    install(&npx, format!("#!/bin/sh\nexec python3 {} good\n", script()));
    let mut path = bin.into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    path
}
