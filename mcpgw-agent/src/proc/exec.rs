//! A process that is about to run another program, or has just begun to: what it is told to do, by whom, and over what.

use std::io::IoSliceMut;
use std::time::Duration;

use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;

use super::process::{ProcessDir, SMALL};
use super::reader::{ARGV_BYTES, ProcReader};
use super::text;
use crate::inventory::{Enriched, ProcessKey};

/// Arguments taken of one call at most.
const ARGUMENTS: usize = 512;
/// Bytes of one argument.
const ARGUMENT: usize = 4096;
/// System calls of x86-64, and which argument of theirs is the path; the list of arguments comes after it.
const CALLS: [(u64, usize); 2] = [(59, 0), (322, 1)];

/// What `/proc/PID/syscall` says of a thread that does not wait.
const RUNS: &[u8] = b"running\n";
/// How often a thread is looked at that is about to wait.
const LOOKS: usize = 20;
/// Between two looks.
const BETWEEN: Duration = Duration::from_micros(200);

/// What was given to `execve`. Whoever called may change it until the kernel has copied it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    /// The path as given, which may be relative, or a link.
    pub path: String,
    /// The arguments.
    pub argv: Vec<String>,
}

/// A process and what it runs, but for its arguments: they are in its memory, which may be a file that nobody answers for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The process.
    pub process: ProcessKey,
    /// What `/proc` tells of it: of the program it runs now.
    pub now: Enriched,
    /// Real user id.
    pub uid: u32,
    /// Standard input and output are pipes or sockets.
    pub has_shape: bool,
    /// Standard input is a terminal.
    pub has_terminal: bool,
}

impl ProcReader {
    /// A process, by the id of one of its threads; `None` where it is gone.
    #[must_use]
    pub fn image(&self, thread: u32) -> Option<Image> {
        let dir = ProcessDir::open(thread)?;
        let facts = self.facts(&dir, 0)?;
        let status = dir.read("status", SMALL)?;
        let leader = group_of(&status).unwrap_or(thread);
        let process = if leader == thread { dir.key() } else { ProcessDir::open(leader)?.key() };
        let stdio = ["fd/0", "fd/1"].map(|name| dir.link(name).unwrap_or_default());
        let is_channel = |link: &Vec<u8>| link.starts_with(b"pipe:[") || link.starts_with(b"socket:[");
        let [input, _] = &stdio;
        let has_terminal = input.starts_with(b"/dev/pts/") || input.starts_with(b"/dev/tty");
        Some(Image {
            process,
            now: facts.enriched,
            uid: facts.uid,
            has_shape: stdio.iter().all(is_channel),
            has_terminal,
        })
    }
}

/// Path of the program process `pid` runs.
#[must_use]
pub fn exe_of(pid: u32) -> Option<String> {
    ProcessDir::open(pid)?.exe().map(|(path, _)| path)
}

/// Programs of process `pid` and those above it, nearest first, at most `most`.
#[must_use]
pub fn lineage(pid: u32, most: usize) -> Vec<(u32, String)> {
    let mut line = Vec::new();
    let mut next = pid;
    while next > 0
        && line.len() < most
        && let Some(dir) = ProcessDir::open(next)
    {
        line.push((next, dir.exe().map(|(path, _)| path).unwrap_or_default()));
        next = dir.stat().ppid;
    }
    line
}

/// Arguments of the program a process runs. Reads its memory, and so may never come back.
#[must_use]
pub fn arguments_of(process: ProcessKey) -> Option<Vec<String>> {
    let text = ProcessDir::open_key(process)?.read("cmdline", ARGV_BYTES + 1)?;
    Some(text::argv(&text, ARGV_BYTES).0)
}

/// What a thread that waits in `execve` has asked to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Called {
    /// This.
    Next(Next),
    /// Something, but its memory cannot be read there, or it is in no call we know.
    Unreadable,
    /// Nothing: it is gone.
    Nothing,
}

/// What a thread has asked to run. Reads its memory, and so may never come back.
#[must_use]
pub fn called(thread: u32) -> Called {
    let Some(dir) = ProcessDir::open(thread) else { return Called::Nothing };
    let mut looks = 0;
    let call = loop {
        let Some(call) = dir.read("syscall", SMALL) else { return Called::Nothing };
        looks += 1;
        // The kernel asks about it a moment before it waits: until then it runs.
        if call != RUNS || looks == LOOKS {
            break call;
        }
        std::thread::sleep(BETWEEN);
    };
    pointers(&call)
        .and_then(|(path, list)| arguments(&dir, path, list))
        .map_or(Called::Unreadable, Called::Next)
}

fn group_of(status: &[u8]) -> Option<u32> {
    let line = status.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"Tgid:"))?;
    std::str::from_utf8(line).ok()?.trim().parse().ok()
}

/// Where the thread's path and its arguments are, which waits in `execve`: of what `/proc/PID/syscall` says.
fn pointers(call: &[u8]) -> Option<(u64, u64)> {
    let call = std::str::from_utf8(call).ok()?;
    let mut words = call.split_whitespace();
    let number: u64 = words.next()?.parse().ok()?;
    let (_, place) = CALLS.iter().find(|(known, _)| *known == number)?;
    let mut pointer = || u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok();
    for _ in 0..*place {
        pointer()?;
    }
    Some((pointer()?, pointer()?))
}

/// The arguments a thread that waits in `execve` has given. It may change them until the kernel has copied them: what
/// runs then is looked at again.
fn arguments(dir: &ProcessDir, path: u64, list: u64) -> Option<Next> {
    let memory = Memory(Pid::from_raw(i32::try_from(dir.key().pid).ok()?));
    let path = text::lossy(&string(&memory, path, ARGUMENT)?);
    let mut left = ARGV_BYTES;
    let mut arguments = Vec::new();
    for index in 0..ARGUMENTS {
        let mut pointer = [0; 8];
        let place = list.checked_add(8 * u64::try_from(index).ok()?)?;
        memory.read(&mut pointer, place).filter(|read| *read == pointer.len())?;
        let pointer = u64::from_ne_bytes(pointer);
        if pointer == 0 {
            return Some(Next { path, argv: arguments });
        }
        let argument = string(&memory, pointer, left.min(ARGUMENT))?;
        left = left.saturating_sub(argument.len() + 1);
        arguments.push(text::lossy(&argument));
        if left == 0 {
            break;
        }
    }
    Some(Next { path, argv: arguments })
}

fn string(memory: &Memory, at: u64, most: usize) -> Option<Vec<u8>> {
    // A page at a time: the next one may not be there.
    let mut out = Vec::new();
    while out.len() < most {
        let place = at.checked_add(u64::try_from(out.len()).ok()?)?;
        let to_page = 4096 - usize::try_from(place % 4096).ok()?;
        let mut piece = vec![0; to_page.min(256)];
        let read = memory.read(&mut piece, place).filter(|read| *read > 0)?;
        let piece = piece.get(..read)?;
        if let Some(end) = memchr::memchr(0, piece) {
            out.extend_from_slice(piece.get(..end)?);
            return Some(out);
        }
        out.extend_from_slice(piece);
    }
    out.truncate(most);
    Some(out)
}

/// Memory of a thread's process. Whoever waits for a page of it can be ended and keeps nobody else from that memory, which
/// is not so of `/proc/PID/mem`.
struct Memory(Pid);

impl Memory {
    fn read(&self, into: &mut [u8], at: u64) -> Option<usize> {
        let from = RemoteIoVec { base: usize::try_from(at).ok()?, len: into.len() };
        process_vm_readv(self.0, &mut [IoSliceMut::new(into)], &[from]).ok()
    }
}
