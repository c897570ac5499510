//! `pins` on files a session wrote.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use mcpgw_agent::detect::DefinitionKind;
use mcpgw_agent::json::{Document, Limits};
use mcpgw_agent::pins::{Pass, Pins, ServerId, Trust};

use crate::program::{run, transcript};

/// Pins of what `tools` lists, in sessions one after another.
fn listed(dir: &Path, label: &str, listings: &[&str]) {
    let pins = Pins::open(&dir.join("pins"), Trust::FirstUse).unwrap();
    let server = pins.server(&ServerId::new([label.as_bytes()], label)).unwrap();
    for listing in listings {
        let document =
            Document::parse(Bytes::copy_from_slice(listing.as_bytes()), &Limits::default()).unwrap();
        server.check(&mut Pass::new(DefinitionKind::Tool), document.root().elements(), true, true);
    }
    pins.flush().unwrap();
}

const BEFORE: &str = r#"[{"name":"add","description":"Adds two numbers.","annotations":{"readOnlyHint":false}},{"name":"old"}]"#;
const AFTER: &str = r#"[{"name":"add","description":"Adds two or more numbers.","annotations":{"readOnlyHint":true}},{"name":"new","x":"\u001b[2J"}]"#;

#[test]
#[expect(clippy::too_many_lines, reason = "one story, with all that is printed on the way")]
fn what_waits_is_shown_and_approved() {
    let dir = tempfile::tempdir().unwrap();
    let said = |arguments: &[&str]| transcript(dir.path(), arguments);
    insta::assert_snapshot!(said(&["pins", "list"]), @r###"
    exit 0
    --- stdout
    No server is pinned.
    "###);
    insta::assert_snapshot!(said(&["pins", "diff"]), @r###"
    exit 0
    --- stdout
    Nothing waits for approval.
    "###);
    listed(dir.path(), "calculator", &[BEFORE, AFTER]);
    listed(dir.path(), "other", &[BEFORE]);
    insta::assert_snapshot!(said(&["pins", "list"]), @r###"
    exit 0
    --- stdout
    34c5ad621e43  other  2 approved, 0 waiting, 0 gone
    c7a58404e49f  calculator  2 approved, 2 waiting, 1 gone
    "###);
    insta::assert_snapshot!(said(&["pins", "diff", "calculator"]), @r###"
    exit 0
    --- stdout
    calculator  c7a58404e49f
      tool add: changed
        annotations.readOnlyHint high
          - false
          + true
        description high
          Adds two {+or more +}numbers.
      tool new: new
        + {"name":"new","x":"\u001b[2J"}
      tool old: gone
    "###);
    insta::assert_snapshot!(said(&["pins", "diff", "--json", "calculator"]), @r###"
    exit 0
    --- stdout
    {
      "servers": [
        {
          "definitions": [
            {
              "changes": [
                {
                  "after": true,
                  "before": false,
                  "part": "annotation",
                  "path": "annotations.readOnlyHint",
                  "severity": "high"
                },
                {
                  "after": "Adds two or more numbers.",
                  "before": "Adds two numbers.",
                  "part": "description",
                  "path": "description",
                  "severity": "high"
                }
              ],
              "definition": null,
              "kind": "tool",
              "name": "add",
              "what": "changed"
            },
            {
              "changes": [],
              "definition": {
                "name": "new",
                "x": "\u001b[2J"
              },
              "kind": "tool",
              "name": "new",
              "what": "new"
            },
            {
              "changes": [],
              "definition": null,
              "kind": "tool",
              "name": "old",
              "what": "gone"
            }
          ],
          "hash": "c7a58404e49f6ae59c376b6821dc46f8489cd5e47e1ce279b2e87c75d473ab14",
          "server": "calculator"
        }
      ]
    }
    "###);
    insta::assert_snapshot!(said(&["pins", "approve", "calculator", "add"]), @r###"
    exit 0
    --- stdout
    1 definition is approved of calculator.
    "###);
    insta::assert_snapshot!(said(&["pins", "approve", "calculator", "add"]), @r###"
    exit 1
    --- stderr
    Error: it has no definition add that waits for approval
    Hint: `mcpgw-agent pins diff` shows what waits
    "###);
    insta::assert_snapshot!(said(&["pins", "approve", "calculator", "--all"]), @r###"
    exit 0
    --- stdout
    2 definitions are approved of calculator.
    "###);
    insta::assert_snapshot!(said(&["pins", "diff"]), @r###"
    exit 0
    --- stdout
    Nothing waits for approval.
    "###);
    insta::assert_snapshot!(said(&["pins", "reset", "other"]), @r###"
    exit 0
    --- stdout
    other is forgotten.
    "###);
    insta::assert_snapshot!(said(&["pins", "list", "--json"]), @r###"
    exit 0
    --- stdout
    {
      "servers": [
        {
          "approved": 0,
          "generation": 1,
          "gone": 0,
          "hash": "34c5ad621e43527e0923ae557440248d7f5220f24f64fd89ee85b36783415f1b",
          "listed": [],
          "server": "other",
          "waiting": 0
        },
        {
          "approved": 2,
          "generation": 2,
          "gone": 0,
          "hash": "c7a58404e49f6ae59c376b6821dc46f8489cd5e47e1ce279b2e87c75d473ab14",
          "listed": [
            "tool"
          ],
          "server": "calculator",
          "waiting": 0
        }
      ]
    }
    "###);
}

#[test]
fn what_is_wrong_is_said() {
    let dir = tempfile::tempdir().unwrap();
    listed(dir.path(), "one", &[BEFORE]);
    insta::assert_snapshot!(transcript(dir.path(), &["pins", "reset", "two"]), @r###"
    exit 1
    --- stderr
    Error: no server is called two, and no hash begins with it
    Hint: `mcpgw-agent pins list` shows them
    "###);
    insta::assert_snapshot!(transcript(dir.path(), &["pins", "approve", "one"]), @r###"
    exit 2
    --- stderr
    error: the following required arguments were not provided:
      <NAME>

    Usage: mcpgw-agent pins approve <SERVER> <NAME>

    For more information, try '--help'.
    "###);
    let file = fs::read_dir(dir.path().join("pins")).unwrap().map(|entry| entry.unwrap().path());
    let file =
        file.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "json")).unwrap();
    fs::write(&file, "{\"version\":2}").unwrap();
    let list = run(dir.path(), &["pins", "list"]);
    assert_eq!(list.status.code(), Some(1));
    assert!(String::from_utf8(list.stdout).unwrap().contains("does not hold pins: it is of another version"));
    assert!(!run(dir.path(), &["pins", "reset", "one"]).status.success());
    let elsewhere = run(dir.path(), &["pins", "list", "--dir", "elsewhere"]);
    assert_eq!(String::from_utf8(elsewhere.stdout).unwrap(), "No server is pinned.\n");
}
