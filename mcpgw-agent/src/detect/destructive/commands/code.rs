//! One-line programs of other languages: calls that remove, and scripts they hand to a shell.

use super::target::{self, Weight, weigh};
use crate::detect::destructive::act::Act;

const TREE: Act = Act::high("recursive_delete", "a program that removes a directory with all that is in it");
const FILE: Act = Act { score: 0.55, ..Act::medium("file_delete", "a program that removes files") };
const DISK: Act = Act::critical("disk_write", "a program that writes to a disk past its file system");
const BOMB: Act = Act::critical("fork_bomb", "a program that starts itself without end");
const EMPTIES: Act = Act::medium("file_overwrite", "a program that overwrites a file others rest on");

/// Bytes of a program that are looked at.
const MAX_CODE: usize = 16 << 10;
/// Scripts of one program.
const MAX_SCRIPTS: usize = 8;

/// Calls that remove a directory and what is in it.
const TREES: &[&str] = &[
    "rmtree(",
    "rmtree ",
    "rm_rf",
    "rm_r(",
    "rmSync(",
    "rmdirSync(",
    "fs.rm(",
    "promises.rm(",
    "rimraf",
    "remove_dir_all",
    "remove_tree",
    "removeSync(",
    "remove_entry_secure",
    "fs.emptyDir",
    "emptyDirSync(",
    "Deno.remove(",
    "FileUtils.rm",
    "deleteDirectory(",
    "del_tree",
    "recursive_delete",
];
/// Calls that remove a file.
const FILES: &[&str] = &[
    "os.remove(",
    "os.unlink(",
    "unlinkSync(",
    "unlink(",
    "unlink ",
    "File.delete",
    "fs.unlink(",
    ".unlink()",
    "os.rmdir(",
    "os.truncate(",
    "array_map(\"unlink\"",
    "array_map('unlink'",
    "Path.unlink",
    "os.removedirs(",
    ".rmdir()",
];
/// Calls whose first string is a script of a shell.
const SHELLS: &[&str] = &[
    "system(",
    "system ",
    "popen(",
    "run(",
    "call(",
    "check_call(",
    "check_output(",
    "getoutput(",
    "exec(",
    "execSync(",
    "spawn(",
    "spawnSync(",
    "shell_exec(",
    "passthru(",
    "proc_open(",
    "Popen(",
    "execute(",
    "do shell script ",
    "exec ",
    "qx{",
    "qx(",
    "`",
    "%x(",
    "sh(",
    "execl(",
    "execvp(",
];

/// What a program does, and the scripts it has a shell run.
pub(in crate::detect::destructive) fn judge(code: &str) -> (Option<Act>, Vec<String>) {
    let end = (0..=MAX_CODE.min(code.len())).rev().find(|end| code.is_char_boundary(*end)).unwrap_or(0);
    let code = code.get(..end).unwrap_or(code);
    let mut scripts = Vec::new();
    for call in SHELLS {
        for (at, _) in code.match_indices(call).take(MAX_SCRIPTS) {
            let after = code.get(at + call.len()..).unwrap_or_default();
            // A backtick is a quote itself.
            let found = if *call == "`" {
                after.split_once('`').map(|(script, _)| script.to_owned())
            } else {
                strings(after)
            };
            if let Some(script) = found.filter(|_| scripts.len() < MAX_SCRIPTS) {
                scripts.push(script);
            }
        }
    }
    (act(code), scripts)
}

fn act(code: &str) -> Option<Act> {
    let target = |call: &&str| code.split_once(*call).and_then(|(_, after)| strings(after));
    if let Some(call) = TREES.iter().find(|call| code.contains(**call)) {
        let made =
            target(call).is_some_and(|path| weigh(path.split(' ').next().unwrap_or("")) == Weight::Nothing);
        return (!made).then_some(TREE);
    }
    if code.contains(".rm(") && code.contains("recursive") {
        return Some(TREE);
    }
    if code.contains("fork while fork")
        || code.contains("fork()") && (code.contains("while") || code.contains("loop"))
    {
        return Some(BOMB);
    }
    let opens_to_write = [
        "\"w\"",
        "'w'",
        "\"wb\"",
        "'wb'",
        "writeFile",
        "File.write",
        "file_put_contents",
        "\"r+b\"",
        "'r+b'",
    ];
    if opens_to_write.iter().any(|mode| code.contains(mode)) {
        let path = code
            .find(['"', '\''])
            .and_then(|at| strings(code.get(at..).unwrap_or_default()))
            .unwrap_or_default();
        let disk = code.split(['"', '\'']).any(target::is_disk);
        if disk {
            return Some(DISK);
        }
        if super::redirects::is_pillar(path.split(' ').next().unwrap_or("")) {
            return Some(EMPTIES);
        }
    }
    if let Some(call) = FILES.iter().find(|call| code.contains(**call)) {
        let loops = ["glob", "walk", "listdir", "readdir", "for ", "forEach", "array_map", "iterdir", "Dir["]
            .iter()
            .any(|part| code.contains(part));
        let path = target(call).unwrap_or_default();
        let path = path.split(' ').next().unwrap_or("");
        let heavy = weigh(path) >= Weight::Much || path.is_empty();
        return (loops || heavy && weigh(path) != Weight::Nothing).then_some(FILE);
    }
    if code.contains("dropDatabase")
        || code.contains("drop_database")
        || code.contains("DROP DATABASE") && code.contains("execute(")
    {
        return Some(Act::critical("database_drop", "a program that removes a database"));
    }
    None
}

/// The string that begins here, or the strings of the list that does, with blanks between them.
fn strings(text: &str) -> Option<String> {
    let text = text.trim_start();
    let list = text.strip_prefix(['[', '(']).map(str::trim_start);
    let mut rest = list.unwrap_or(text);
    let mut all = Vec::new();
    while all.len() < 16 {
        let body = rest.trim_start_matches(['r', 'b', 'f', 'u']);
        let quote = body.chars().next().filter(|letter| matches!(letter, '"' | '\'' | '`'))?;
        let (string, after) = body.get(1..)?.split_once(quote)?;
        all.push(string);
        rest = after.trim_start();
        match rest.strip_prefix(',') {
            Some(next) if list.is_some() || rest.contains('[') => {
                rest = next.trim_start().trim_start_matches('[').trim_start();
                if !rest.starts_with(['"', '\'', '`']) {
                    break;
                }
            }
            _ => break,
        }
    }
    Some(all.join(" "))
}
