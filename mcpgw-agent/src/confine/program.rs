//! The program a command names, and what the kernel has to run before it: interpreters of scripts, and the dynamic loader.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Interpreters of interpreters, at most: the kernel follows four.
const DEPTH: usize = 5;
/// The kernel reads as much of a script's first line.
const LINE: usize = 256;
/// Bytes of a program looked at for its loader.
const HEAD: usize = 64 << 10;

/// The file `command` names, as `execvp` finds it.
pub(super) fn find(command: &OsStr) -> Option<PathBuf> {
    if command.as_bytes().contains(&b'/') {
        return Path::new(command).exists().then(|| PathBuf::from(command));
    }
    let path = env::var_os("PATH").unwrap_or_else(|| OsString::from("/bin:/usr/bin"));
    let is_program = |path: &PathBuf| {
        fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    env::split_paths(&path).map(|directory| directory.join(command)).find(is_program)
}

/// The command with which the kernel would not need `env` to find the interpreter of a script: a second program to be run,
/// which could run any other. Other commands stay as they are.
pub(super) fn without_env(program: &Path, command: &[OsString]) -> Vec<OsString> {
    let script = || -> Option<Vec<OsString>> {
        let (interpreter, argument) = shebang(program)?;
        let (name, argument) = (interpreter.file_name()?, argument?);
        if name != "env" {
            return None;
        }
        let argument = argument.strip_prefix(b"-S").unwrap_or(&argument);
        let mut words: Vec<OsString> = argument
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty())
            .map(|word| OsString::from_vec(word.to_vec()))
            .collect();
        let first = words.first()?.as_bytes();
        if first.starts_with(b"-") || first.contains(&b'=') {
            return None;
        }
        words.push(program.into());
        words.extend(command.iter().skip(1).cloned());
        Some(words)
    };
    script().unwrap_or_else(|| command.to_vec())
}

/// `program` and everything the kernel runs to run it, links resolved.
pub(super) fn with_interpreters(program: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    let mut next = Some(program.to_owned());
    while let Some(path) = next.take().filter(|_| all.len() < DEPTH) {
        let Ok(path) = fs::canonicalize(path) else { break };
        next = shebang(&path).map(|(interpreter, _)| interpreter).or_else(|| loader(&path));
        all.push(path);
    }
    all
}

/// Interpreter and argument of a script.
fn shebang(path: &Path) -> Option<(PathBuf, Option<Vec<u8>>)> {
    let head = head(path, LINE)?;
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?.trim_ascii();
    let end = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
    let (interpreter, rest) = line.split_at_checked(end)?;
    let rest = rest.trim_ascii();
    let interpreter = PathBuf::from(OsStr::from_bytes(interpreter));
    Some((interpreter, (!rest.is_empty()).then(|| rest.to_vec())))
}

/// What a 64-bit ELF program asks to be loaded by (`PT_INTERP`).
fn loader(path: &Path) -> Option<PathBuf> {
    const PT_INTERP: u32 = 3;
    let head = head(path, HEAD)?;
    if !head.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let u16_at = |at: usize| Some(u16::from_le_bytes(*head.get(at..)?.first_chunk()?));
    let u32_at = |at: usize| Some(u32::from_le_bytes(*head.get(at..)?.first_chunk()?));
    let u64_at = |at: usize| usize::try_from(u64::from_le_bytes(*head.get(at..)?.first_chunk()?)).ok();
    let (start, size, count) = (u64_at(32)?, usize::from(u16_at(54)?), usize::from(u16_at(56)?));
    let headers = (0..count).filter_map(|index| start.checked_add(index.checked_mul(size)?));
    let header = headers.into_iter().find(|at| u32_at(*at) == Some(PT_INTERP))?;
    let (offset, length) = (u64_at(header.checked_add(8)?)?, u64_at(header.checked_add(32)?)?);
    let name = head.get(offset..offset.checked_add(length)?)?;
    Some(PathBuf::from(OsStr::from_bytes(name.split(|byte| *byte == 0).next()?)))
}

fn head(path: &Path, length: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(length).ok()?;
    File::open(path).ok()?.take(limit).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_a_program_is_found() {
        let shell = find("sh".as_ref()).unwrap();
        let all = with_interpreters(&shell);
        assert!(all.len() == 2 && all[1].to_string_lossy().contains("ld"), "{all:?}");
        let dir = tempfile::tempdir().unwrap();
        let script = dir.path().join("script");
        fs::write(&script, "#!/bin/sh -e\nexit\n").unwrap();
        let all = with_interpreters(&script);
        assert_eq!((all.len(), all[1].parent()), (3, shell.canonicalize().unwrap().parent()), "{all:?}");
        assert_eq!(find("no-such-program-at-all".as_ref()), None);
    }

    #[test]
    fn env_is_not_needed() {
        let dir = tempfile::tempdir().unwrap();
        let script = dir.path().join("script");
        let command = [script.clone().into_os_string(), "a".into()];
        let words = |line: &str| {
            fs::write(&script, line).unwrap();
            without_env(&script, &command)
                .iter()
                .map(|word| word.to_string_lossy().into_owned())
                .collect::<Vec<_>>()
        };
        let name = script.to_string_lossy().into_owned();
        assert_eq!(words("#!/usr/bin/env node\n"), ["node", &name, "a"]);
        assert_eq!(words("#!/usr/bin/env -S node --flag\n"), ["node", "--flag", &name, "a"]);
        assert_eq!(words("#!/usr/bin/env A=b node\n"), [&name, "a"]);
        assert_eq!(words("#!/bin/sh\n"), [&name, "a"]);
        assert_eq!(words("nothing"), [&name, "a"]);
    }
}
