//! Logs somebody made up, and questions that make no sense.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use super::records;
use crate::program::{run, transcript};

fn line(seq: u64, members: &str) -> String {
    let (prev, sig) = ("0".repeat(64), "f".repeat(64));
    format!(
        "{{\"timestamp\":\"2026-01-31T12:00:00Z\",{members},\"seq\":{seq},\"prev\":\"{prev}\",\"sig\":\"{sig}\"}}\n"
    )
}

/// A log with every kind of line nobody should write, and two records between.
fn hostile(dir: &Path) {
    let escapes = r#""action":"block","server":"\u001b[2Jx","tool_name":"a\u202eb","reason":"policy: \u0007"#;
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&(0..=255).cycle().take(5000).collect::<Vec<u8>>());
    bytes.extend_from_slice(b"\n{\"timestamp\":\"2026\"}\n[]\nnull\n\n");
    bytes.extend_from_slice(&vec![b'x'; 3 << 20]);
    bytes.push(b'\n');
    bytes.extend_from_slice(line(1, &format!("{escapes}\"")).as_bytes());
    // Sealed, and still none: bytes that are no UTF-8, raw control characters, a key twice, too deep.
    let mut broken = line(2, r#""server":"XX""#).into_bytes();
    let at = broken.windows(2).position(|pair| pair == b"XX").unwrap();
    broken[at] = 0xff;
    bytes.extend_from_slice(&broken);
    bytes.extend_from_slice(line(3, "\"server\":\"\u{1b}[2J\"").as_bytes());
    bytes.extend_from_slice(line(4, r#""server":"a","server":"b""#).as_bytes());
    bytes.extend_from_slice(line(5, &format!("\"a\":{}1{}", "[".repeat(5000), "]".repeat(5000))).as_bytes());
    bytes.extend_from_slice(line(6, "\"server\":\"\u{9b}31m\u{202e}\",\"event\":\"forged\"").as_bytes());
    bytes.extend_from_slice(b"{\"timestamp\":\"2026-01-31T12:00:00Z\",\"torn\":");
    fs::write(dir.join("a.jsonl"), bytes).unwrap();
}

#[test]
fn what_is_no_record_is_passed_over_and_nothing_reaches_the_terminal() {
    let dir = tempfile::tempdir().unwrap();
    hostile(dir.path());
    for command in [&["audit", "query"][..], &["audit", "query", "--scan"], &["tail"], &["audit", "export"]] {
        for json in [&[][..], &["--json"]] {
            if command.contains(&"export") && !json.is_empty() {
                continue;
            }
            let output = run(dir.path(), &[command, json, &["a.jsonl"]].concat());
            assert!(output.status.success(), "{command:?}: {output:?}");
            let text = String::from_utf8(output.stdout).expect("it is UTF-8");
            let records = text.lines().count() - usize::from(command.contains(&"export"));
            assert_eq!(records, 2, "{command:?}: {text}");
            let controls = |c: char| c.is_control() && !matches!(c, '\n' | '\r') || c == '\u{202e}';
            assert!(!text.contains(controls), "{command:?}: {text:?}");
        }
    }
    let found: Vec<u64> = records(dir.path(), &["audit", "query", "--json", "a.jsonl", "--server", "*"])
        .iter()
        .filter_map(|record| record["seq"].as_u64())
        .collect();
    assert_eq!(found, [1, 6]);
    let said = transcript(dir.path(), &["audit", "index", "a.jsonl"]);
    assert!(said.contains("a.index.sqlite: 2 records") && said.contains("that are no records: "), "{said}");
}

#[test]
fn no_cell_is_a_formula() {
    let dir = tempfile::tempdir().unwrap();
    let values = [
        "=1+1",
        "+1",
        "-1",
        "@a",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "\u{a0}=1",
        "\u{ff1d}1",
        "\u{200b}=1",
        "a\",\"=1",
    ];
    let lines = values.iter().zip(1..).map(|(value, seq)| {
        let value = Value::from(*value).to_string();
        line(seq, &format!("\"server\":{value},\"error_code\":-32602,\"tool_args\":[{value}]"))
    });
    fs::write(dir.path().join("a.jsonl"), lines.collect::<String>()).unwrap();
    let output = run(dir.path(), &["audit", "export", "a.jsonl", "--format", "csv", "-o", "out.csv"]);
    assert!(output.status.success(), "{output:?}");
    let script = "import csv, json\nprint(json.dumps(list(csv.DictReader(open('out.csv', newline='')))))";
    let python =
        std::process::Command::new("python3").args(["-c", script]).current_dir(dir.path()).output().unwrap();
    let rows: Vec<Value> = serde_json::from_slice(&python.stdout).unwrap();
    assert_eq!(rows.len(), values.len());
    for row in rows {
        for (name, cell) in row.as_object().unwrap() {
            let cell = cell.as_str().unwrap();
            if name == "error_code" {
                assert_eq!(cell, "-32602", "a number stays one");
                continue;
            }
            let begins = cell.trim_start().chars().next();
            let formula = begins.is_some_and(|c| "=+-@\u{ff1d}".contains(c));
            assert!(!formula && !cell.contains(['\t', '\r', '\n']), "{name}: {cell:?}");
        }
    }
}

#[test]
fn a_question_that_makes_no_sense_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.jsonl"), line(1, "\"server\":\"a\"")).unwrap();
    for (options, why) in [
        (&["--since", "yesterday"][..], "`yesterday` is no time"),
        (&["--server", "[a"], "`[a` is no pattern"),
        (&["--label", "=x"], "`=x` is no label"),
        (&["--text", "\"open"], "a quotation mark is missing"),
        (&["--text", "-only"], "excludes something"),
        (&["--text", "***"], "has no letter and no digit"),
    ] {
        for command in [&["audit", "query"][..], &["tail"], &["audit", "export"]] {
            let output = run(dir.path(), &[command, options, &["a.jsonl"]].concat());
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.code() == Some(2) && said.contains(why), "{command:?} {options:?}: {said}");
        }
    }
    // What looks like SQL or a query's operators is text.
    for text in ["x' OR 1=1 --", "server:a", "NEAR(a b)", "a AND", "*)"] {
        let found = run(dir.path(), &["audit", "query", "--server", text, "a.jsonl"]);
        assert!(found.status.success() && found.stdout.is_empty(), "{found:?}");
    }
}

#[test]
fn where_there_can_be_no_index_the_log_is_read() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.jsonl"), line(1, "\"server\":\"a\"")).unwrap();
    let index = dir.path().join("a.index.sqlite");
    fs::write(&index, "").unwrap();
    fs::set_permissions(&index, fs::Permissions::from_mode(0o666)).unwrap();
    let said = transcript(dir.path(), &["audit", "query", "a.jsonl"]);
    assert!(said.contains("exit 0") && said.contains("the whole log is read: the index"), "{said}");
    assert_eq!(fs::read(&index).unwrap(), b"", "it is left alone");
    fs::write(&index, vec![b'?'; 9000]).unwrap();
    fs::set_permissions(&index, fs::Permissions::from_mode(0o600)).unwrap();
    let said = transcript(dir.path(), &["audit", "query", "a.jsonl"]);
    assert!(said.contains("exit 0") && said.contains("the index is made anew: it was damaged"), "{said}");
}
