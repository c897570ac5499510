//! `effects` on files an agent wrote.

use std::fs;
use std::path::Path;

use mcpgw_agent::baselines::Baselines;
use mcpgw_agent::effects::{Access, Act, Ledger, Measure, NO_TOOL, Outcome, Protocol, SideEffect};
use mcpgw_agent::inventory::{BootTime, ProcessKey};
use mcpgw_agent::pins::ServerId;

use crate::program::{run, transcript};

/// What the server `label` did in a call of `tool` is usual.
fn learned(dir: &Path, label: &str, tool: &str, acts: &[Act]) {
    let baselines = Baselines::open(&dir.join("state/effects"), 3).unwrap();
    let known = baselines.server(&ServerId::new([label.as_bytes()], label)).unwrap();
    let mut ledger = Ledger::default();
    assert!(ledger.opened(1, "a", tool, BootTime(0)));
    for act in acts {
        let process = ProcessKey { pid: 7, start_ticks: 1 };
        let effect = SideEffect {
            group: 1,
            process,
            at: BootTime(1),
            act: act.clone(),
            outcome: Outcome::Done,
            cut: false,
        };
        known.with(|measure| ledger.happened(&effect, &Measure { ..measure }));
    }
    known.learn(tool, &ledger.closed(1, "a").unwrap().done, |_| false);
    baselines.flush(true).unwrap();
}

fn open(path: &str) -> Act {
    Act::Open { path: path.to_owned(), access: Access::Read }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one story, with all that is printed on the way")]
fn what_is_usual_is_listed_shown_and_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("state/effects");
    let place = place.to_str().unwrap();
    let said = |arguments: &[&str]| transcript(dir.path(), &[arguments, &["--dir", place]].concat());
    insta::assert_snapshot!(said(&["effects", "list"]), @r###"
    exit 0
    --- stdout
    Nothing is known of any server.
    "###);
    let connect = Act::Connect { to: "192.0.2.1:443".parse().unwrap(), protocol: Protocol::Tcp };
    let exec = Act::Exec { path: "/usr/bin/git".to_owned(), arguments: Vec::new() };
    learned(dir.path(), "files", "read", &[connect, exec, open("/home/ann/.env"), open("/srv/a\u{1b}[2J")]);
    learned(dir.path(), "files", NO_TOOL, &[open("/srv/start")]);
    insta::assert_snapshot!(said(&["effects", "list"]), @r###"
    exit 0
    --- stdout
    536d5665e8a7  files  1 call of 1 tool
    "###);
    insta::assert_snapshot!(said(&["effects", "show", "files"]), @r###"
    exit 0
    --- stdout
    536d5665e8a7  files  1 call of 1 tool
      while no tool is called, or nobody can say which
        read     /srv/start
      read  1 call
        connect  tcp:192.0.2.1:443
        exec     /usr/bin/git
        read     /home/ann/.env
        read     /srv/a\u{1b}[2J
    "###);
    insta::assert_snapshot!(said(&["effects", "show", "files", "--json"]), @r###"
    exit 0
    --- stdout
    {
      "calls": 1,
      "full": false,
      "generation": 0,
      "hash": "536d5665e8a7d195b6e0f6e5d4da9210be43abdafbdc90d3dfb52e408ec3e400",
      "server": "files",
      "tools": [
        {
          "calls": 0,
          "destinations": [],
          "paths": [
            {
              "path": "/srv/start",
              "read": true,
              "write": false
            }
          ],
          "programs": [],
          "sensitive": [],
          "tool": ""
        },
        {
          "calls": 1,
          "destinations": [
            "tcp:192.0.2.1:443"
          ],
          "paths": [
            {
              "path": "/srv/a\u001b[2J",
              "read": true,
              "write": false
            }
          ],
          "programs": [
            "/usr/bin/git"
          ],
          "sensitive": [
            {
              "path": "/home/ann/.env",
              "read": true,
              "write": false
            }
          ],
          "tool": "read"
        }
      ]
    }
    "###);
    insta::assert_snapshot!(said(&["effects", "reset", "files"]), @r###"
    exit 0
    --- stdout
    What files usually does is forgotten; it is learned anew.
    "###);
    insta::assert_snapshot!(said(&["effects", "show", "other"]), @r###"
    exit 1
    --- stderr
    Error: no server is called other, and no hash begins with it
    Hint: `mcpgw-agent effects list` shows them
    "###);
    let list = fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path());
    let file = list.into_iter().find(|path| path.extension().is_some_and(|end| end == "json")).unwrap();
    fs::write(file, "{").unwrap();
    let output = run(dir.path(), &["effects", "list", "--dir", place]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("does not hold what a server usually does: it is not JSON"), "{text}");
}
