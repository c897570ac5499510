//! The whole detector: commands and their look-alikes, places, bounds.

use proptest::prelude::*;

use super::*;
use crate::detect::{Nominations, Nominator};
use crate::json::{Document, Limits};
use crate::mcp::Role;

/// One a line, `\n` for a line's end within it.
const ACTS: &str = include_str!("tests/acts.txt");
const LOOKALIKES: &str = include_str!("tests/lookalikes.txt");

fn find(text: &str, place: &Place<'_>) -> Vec<Hit> {
    let mut noticed = Nominations::default();
    Nominator::new(&[&Destructive]).scan(text, &mut noticed);
    let mut hits = Vec::new();
    Destructive.find(text, place, &noticed.of(0), &mut hits);
    for hit in &hits {
        assert!(text.get(hit.range.clone()).is_some(), "{text:?}: {hit:?} is not on characters' bounds");
        assert!((0.0..=1.0).contains(&hit.score), "{hit:?}");
    }
    hits
}

fn argument<'a>(key: &'a str, tool: Option<&'a str>) -> Place<'a> {
    Place { surface: Surface::Arguments, role: Role::Argument, key, tool }
}

/// The kinds of what is reported by default.
fn kinds(text: &str, place: &Place<'_>) -> Vec<&'static str> {
    find(text, place).iter().filter(|hit| hit.score >= 0.5).map(|hit| hit.kind).collect()
}

fn lines(table: &str) -> impl Iterator<Item = String> + '_ {
    table.lines().map(|line| line.replace("\\n", "\n"))
}

#[test]
fn acts_are_reported_and_lookalikes_are_not() {
    let missed: Vec<_> = lines(ACTS).filter(|line| kinds(line, &argument("", None)).is_empty()).collect();
    assert!(missed.is_empty(), "missed: {missed:#?}");
    let wrong: Vec<_> =
        lines(LOOKALIKES).filter(|line| !kinds(line, &argument("", None)).is_empty()).collect();
    assert!(wrong.is_empty(), "reported: {wrong:#?}");
}

#[test]
fn a_command_is_what_it_does_however_it_is_started() {
    for (text, kind) in [
        ("ssh db 'sudo -n bash -lc \"rm -rf /srv\"'", "recursive_delete"),
        ("a=rm; b=-rf; $a $b ~/work", "recursive_delete"),
        ("find /srv -type d -print0 | xargs -0 -n1 sudo rm -rf", "recursive_delete"),
        (
            "echo L3J1biByYW5kb20= | base64 -d | bash; echo c2hyZWQgLXUgL2V0Yy9wYXNzd2Q= | base64 -d | sh",
            "file_shred",
        ),
        ("kubectl -n web exec pod/app -- sh -c 'mkfs.xfs /dev/vdb'", "disk_format"),
        ("cat <<'X' | psql shop\nbegin;\ndelete from orders;\ncommit;\nX", "sql_delete_all"),
        ("COPY (SELECT 1) TO PROGRAM 'shutdown -h now'", "shutdown"),
        ("Get-ChildItem D:\\data | % { Remove-Item $_ -Recurse -Force }", "recursive_delete"),
        ("python3 - <<X\nimport os\nos.system('git push --mirror')\nX", "git_force_push"),
    ] {
        assert!(
            kinds(text, &argument("command", None)).contains(&kind),
            "{text}: {:?}",
            find(text, &argument("command", None))
        );
    }
}

#[test]
fn where_a_text_stands_says_what_it_is() {
    let command = "rm -rf /srv/data";
    assert_eq!(kinds(command, &argument("command", None)), ["recursive_delete"]);
    assert_eq!(kinds("DROP TABLE orders", &argument("query", Some("execute_sql"))), ["sql_drop"]);
    // What is written to a file, said, or searched for is not run: it counts, but for little.
    for place in [
        argument("content", Some("write_file")),
        argument("commit_message", None),
        argument("query", Some("search_docs")),
        Place { surface: Surface::Content, ..argument("text", None) },
    ] {
        let hits = find(command, &place);
        assert!(!hits.is_empty() && hits.iter().all(|hit| hit.score < 0.5), "{place:?}: {hits:?}");
    }
    assert!(
        find(command, &Place { surface: Surface::Definition, ..argument("description", None) }).is_empty()
    );
}

#[test]
fn a_mention_in_a_long_text_is_found_where_it_stands() {
    let text = format!("{}\n    $ rm -rf /srv\n{}", "Über alles. ".repeat(300), "Ende. ".repeat(300));
    let hits = find(&text, &Place { surface: Surface::Content, ..argument("", None) });
    assert_eq!(
        hits.iter().map(|hit| text.get(hit.range.clone()).unwrap()).collect::<Vec<_>>(),
        ["rm -rf /srv"]
    );
}

#[test]
fn calls_of_file_tools_are_judged_by_name_and_arguments() {
    let judge = |tool: &str, arguments: &str| {
        let document = Document::parse(arguments.as_bytes().to_vec().into(), &Limits::default()).unwrap();
        let hits = judge_call(tool, document.root());
        hits.into_iter().filter(|hit| hit.score >= 0.5).map(|hit| hit.kind).collect::<Vec<_>>()
    };
    assert_eq!(judge("delete_directory", r#"{"path": "/home/ann"}"#), ["recursive_delete"]);
    assert_eq!(judge("fs.deleteFile", r#"{"path": "/etc/passwd"}"#), ["file_delete"]);
    assert_eq!(judge("write_file", r#"{"path": "/etc/shadow", "content": ""}"#), ["file_overwrite"]);
    assert_eq!(judge("delete_repository", r#"{"owner": "a", "repo": "b"}"#), ["tool_destroy"]);
    assert_eq!(judge("delete_item", r#"{"id": "a"}"#), ["tool_delete"]);
    assert_eq!(
        judge("run_process", r#"{"command": "rm", "args": ["-rf", "/srv/my data"]}"#),
        ["recursive_delete"]
    );
    assert_eq!(judge("run_process", r#"{"argv": ["git", "status"]}"#), [""; 0]);
    assert_eq!(judge("delete_file", r#"{"path": "notes.txt"}"#), [""; 0]);
    assert_eq!(judge("write_file", r#"{"path": "src/main.rs", "content": "rm -rf /"}"#), [""; 0]);
    assert_eq!(judge("delete_bucket", r#"{"name": "b", "dry_run": true}"#), [""; 0]);
}

#[test]
fn what_nobody_writes_is_reported_instead_of_read_to_the_end() {
    for unit in ["rm a;", "$(echo ", "bash -c \"", "sudo ", "eval ", "iex(", "x=$x$x;"] {
        let text = unit.repeat(200_000 / unit.len());
        let hits = find(&text, &argument("command", None));
        assert!(hits.len() <= 192, "{unit}: {}", hits.len());
        if unit != "bash -c \"" && unit != "x=$x$x;" {
            assert!(hits.iter().any(|hit| hit.kind == "nested_command"), "{unit}: {hits:?}");
        }
    }
}

/// Pieces that mean something to one of the parsers.
const PIECES: &[&str] = &[
    "rm -rf ",
    "/",
    "~",
    "'",
    "\"",
    "`",
    "$(",
    ")",
    "${",
    "}",
    "$x",
    "x=",
    "\\",
    "|",
    "||",
    "&&",
    ";",
    "\n",
    "<<A\n",
    "A\n",
    "<<<",
    "<(",
    ">",
    ">>",
    "2>",
    "{",
    "sudo ",
    "bash -c ",
    "echo ",
    "base64 -d",
    "xargs ",
    "find / -exec ",
    "-delete",
    "é",
    "\u{1F4A3}",
    "\u{FEFF}",
    "drop table ",
    "delete from ",
    "where ",
    "1=1",
    " or ",
    "(",
    "/*",
    "*/",
    "--",
    "$$",
    "exec ",
    "db.",
    ".drop()",
    "git push ",
    "--force ",
    "for x in ",
    "do ",
    "cmd /c ",
    "powershell -enc ",
    "Remove-Item ",
    "^",
    "%",
    "python -c ",
    "system(",
    "$'\\x",
    "psql -c ",
    "[",
    "]",
    "alias a=",
    "trap ",
    "ssh h ",
    "kubectl exec p -- ",
    "iex ",
    "#",
    "=",
    ",",
    "-c ",
    "env -S ",
    "history -c",
    "`",
    "0",
    "a",
];

proptest! {
    #[test]
    fn no_text_is_too_much(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60), key in prop::sample::select(&["", "command", "sql", "content"][..])) {
        let text: String = pieces.concat();
        find(&text, &argument(key, None));
        find(&text, &Place { surface: Surface::Content, ..argument(key, None) });
    }

    #[test]
    fn any_characters_are_read(text in "\\PC{0,200}") {
        find(&text, &argument("", None));
    }
}
