//! Single commands: what each of them does, by its name and its words.

mod access;
mod arguments;
mod cloud;
mod code;
mod containers;
mod data;
mod disks;
mod files;
mod find;
mod git;
mod http;
mod index;
mod machines;
mod network;
mod packages;
mod powershell;
mod processes;
mod redirects;
mod registry;
mod rows;
mod services;
mod target;
mod traces;
mod vaults;
mod windows;

pub(super) use arguments::Arguments;
pub(super) use arguments::holds;
pub(super) use code::judge as judge_code;
pub(super) use files::{remove as remove_path, write_path};
pub(super) use find::list as find_list;
pub(super) use index::{Entry, entry};
pub(super) use powershell::methods as judge_methods;
pub(super) use redirects::judge as judge_redirects;
pub(super) use traces::judge_assignment;

use std::borrow::Cow;

use super::act::Act;

/// What a command does, if its program is known.
pub(super) fn judge(entry: &Entry, arguments: &Arguments<'_, '_>) -> Option<Act> {
    if arguments.asks_for_help() {
        return None;
    }
    let judged = entry.judges.iter().filter_map(|judge| judge(arguments));
    let rows = entry.rows.iter().filter(|row| row.holds(arguments)).map(|row| row.act);
    judged.chain(rows).max_by(|a, b| a.score.total_cmp(&b.score))
}

/// A program's name without its directory and ending, in lower case.
pub(super) fn base_name(word: &str) -> Cow<'_, str> {
    if word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Cow::Borrowed(word);
    }
    // What has none of these has no directory, ending or capitals.
    if !word.bytes().any(|byte| matches!(byte, b'/' | b'\\' | b'@' | b'.' | b'A'..=b'Z')) {
        return Cow::Borrowed(without_version(word));
    }
    let slash = memchr::memrchr2(b'/', b'\\', word.as_bytes());
    let name = slash.and_then(|slash| word.get(slash + 1..)).unwrap_or(word);
    // `/` and `C:\` are no programs.
    let name = name.trim_start_matches('@');
    let name = [".exe", ".com", ".bat", ".cmd"].iter().find_map(|end| strip_end(name, end)).unwrap_or(name);
    let name = without_version(name);
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// `python` of `python3.11`; `mkfs.ext4` keeps its dot.
fn without_version(name: &str) -> &str {
    let plain = name.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
    let is_known = matches!(plain, "python" | "pypy" | "perl" | "ruby" | "node" | "php" | "lua" | "pip");
    if is_known { plain } else { name }
}

fn strip_end<'a>(name: &'a str, end: &str) -> Option<&'a str> {
    let at = name.len().checked_sub(end.len()).filter(|at| *at > 0)?;
    name.get(at..).filter(|tail| tail.eq_ignore_ascii_case(end)).and(name.get(..at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_has_a_name_without_what_stands_around_it() {
        for (word, name) in [
            ("rm", "rm"),
            ("7z", "7z"),
            ("md5", "md5"),
            ("python3", "python"),
            ("/usr/bin/python3.11", "python"),
            ("mkfs.ext4", "mkfs.ext4"),
            ("@echo", "echo"),
            ("C:\\tools\\Del.EXE", "del"),
            ("Remove-Item", "remove-item"),
            ("", ""),
        ] {
            assert_eq!(base_name(word), name, "{word}");
        }
    }
}
