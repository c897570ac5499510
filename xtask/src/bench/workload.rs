//! What a host does all day, in small: system calls, pipes, sockets, compiling, starting programs, a database, a server.
//!
//! A workload runs in a process of its own, which the caller has bound to one CPU, and prints how long one
//! operation took in each batch. It must not look like an MCP server, but for the one that is: nothing here has pipes for
//! both its input and its output.

mod echo;
mod store;

use std::fs;
use std::hint::black_box;
use std::io::{Read, Write, pipe};
use std::os::unix::net::UnixStream;
use std::os::unix::process::parent_id;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use clap::ValueEnum;

/// Bytes of one message between the two ends.
const MESSAGE: usize = 100;
const SOURCES: usize = 8;
const FUNCTIONS: usize = 20;

/// Arguments of the hidden subcommand.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    workload: Workload,
    /// A directory to write to
    scratch: PathBuf,
}

/// A workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Workload {
    /// The cheapest system call, in a loop
    Syscall,
    /// A message to and fro between two threads over two pipes
    Pipe,
    /// The same over a Unix socket pair
    Unix,
    /// A C compiler on small generated files
    Compile,
    /// Starting and reaping a program that does nothing
    Exec,
    /// Asking a key-value store over TCP
    Store,
    /// Calling a tool of an MCP server of node
    Echo,
}

impl Workload {
    /// All of them, in the table's order.
    pub(crate) const ALL: [Self; 7] =
        [Self::Syscall, Self::Pipe, Self::Unix, Self::Compile, Self::Exec, Self::Store, Self::Echo];

    /// The agent takes it for what it looks for.
    pub(crate) fn is_server(self) -> bool {
        self == Self::Echo
    }

    /// Its name on the command line.
    pub(crate) fn argument(self) -> &'static str {
        match self {
            Self::Syscall => "syscall",
            Self::Pipe => "pipe",
            Self::Unix => "unix",
            Self::Compile => "compile",
            Self::Exec => "exec",
            Self::Store => "store",
            Self::Echo => "echo",
        }
    }

    /// What one operation is, for the table.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Syscall => "`getppid` in a loop",
            Self::Pipe => "pipe ping-pong, 100 B",
            Self::Unix => "Unix socket ping-pong, 100 B",
            Self::Compile => "compile 8 C files",
            Self::Exec => "fork, exec, wait `true`",
            Self::Store if store::is_redis() => "redis: `GET` of 100 B over TCP",
            Self::Store => "`GET` of 100 B over TCP, of a stand-in for redis",
            Self::Echo => "call of a node MCP server, stdio",
        }
    }

    /// Batches in one run, and operations in a batch: a batch takes some tens of milliseconds, a compile more.
    fn sizes(self) -> (usize, u32) {
        match self {
            Self::Syscall => (12, 300_000),
            Self::Pipe | Self::Unix => (12, 10_000),
            Self::Store => (8, 2000),
            Self::Echo => (8, 200),
            Self::Compile => (2, 1),
            Self::Exec => (6, 60),
        }
    }
}

/// Does so many operations.
type Batch = Box<dyn FnMut(u32) -> Result<()>>;

/// Runs one workload and prints a line for each batch.
///
/// # Errors
/// When it cannot run here.
pub(crate) fn run(args: &Args) -> Result<()> {
    let (batches, operations) = args.workload.sizes();
    let mut batch: Batch = match args.workload {
        Workload::Syscall => Box::new(syscalls),
        Workload::Pipe => Box::new(pipes),
        Workload::Unix => Box::new(sockets),
        Workload::Compile => compile(&args.scratch)?,
        Workload::Exec => Box::new(execs),
        Workload::Store => store::start()?,
        Workload::Echo => echo::start(&args.scratch)?,
    };
    // The first pass warms caches and is not told.
    batch(operations.div_ceil(4))?;
    for _ in 0..batches {
        let started = Instant::now();
        batch(operations)?;
        println!("{}", started.elapsed().as_secs_f64() * 1e9 / f64::from(operations));
    }
    Ok(())
}

fn syscalls(count: u32) -> Result<()> {
    // Eight at a time: this program is not optimised, and its own loop should not dilute the system call.
    for _ in 0..count / 8 {
        let calls = || (parent_id(), parent_id(), parent_id(), parent_id());
        black_box((calls(), calls()));
    }
    Ok(())
}

fn pipes(count: u32) -> Result<()> {
    let (there_read, there_write) = pipe()?;
    let (back_read, back_write) = pipe()?;
    ping_pong(count, (back_read, there_write), (there_read, back_write))
}

fn sockets(count: u32) -> Result<()> {
    let (near, far) = UnixStream::pair()?;
    let (near_write, far_write) = (near.try_clone()?, far.try_clone()?);
    ping_pong(count, (near, near_write), (far, far_write))
}

fn ping_pong(
    count: u32,
    mut near: (impl Read, impl Write),
    mut far: (impl Read + Send, impl Write + Send),
) -> Result<()> {
    thread::scope(|scope| {
        let echo = scope.spawn(move || -> Result<()> {
            let mut message = [0; MESSAGE];
            for _ in 0..count {
                far.0.read_exact(&mut message)?;
                far.1.write_all(&message)?;
            }
            Ok(())
        });
        let mut message = [b'x'; MESSAGE];
        for _ in 0..count {
            near.1.write_all(&message)?;
            near.0.read_exact(&mut message)?;
        }
        match echo.join() {
            Ok(result) => result,
            Err(_) => bail!("the echoing thread panicked"),
        }
    })
}

fn execs(count: u32) -> Result<()> {
    for _ in 0..count {
        let status =
            Command::new("/bin/true").stdin(Stdio::null()).status().context("cannot start /bin/true")?;
        ensure!(status.success(), "/bin/true failed");
    }
    Ok(())
}

/// Writes the sources once; a batch compiles them all, one after the other.
fn compile(scratch: &Path) -> Result<Batch> {
    let files: Vec<PathBuf> = (0..SOURCES).map(|number| scratch.join(format!("unit{number}.c"))).collect();
    for (number, file) in files.iter().enumerate() {
        fs::write(file, c_source(number))?;
    }
    Ok(Box::new(move |count| {
        for _ in 0..count {
            for file in &files {
                let mut cc = Command::new("cc");
                cc.args(["-O1", "-c", "-o"]).arg(file.with_extension("o")).arg(file);
                let status = cc.stdin(Stdio::null()).status().context("cannot start cc")?;
                ensure!(status.success(), "cc failed on `{}`", file.display());
            }
        }
        Ok(())
    }))
}

fn c_source(number: usize) -> String {
    let mut text = String::from("#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n");
    for function in 0..FUNCTIONS {
        text.push_str(&format!(
            "int f{number}_{function}(const char *s, int n) {{\n  char b[64]; int i, t = {function};\n  \
             for (i = 0; i < n; i++) t = t * 31 + (unsigned char)s[i % (strlen(s) + 1)];\n  \
             snprintf(b, sizeof b, \"%d\", t);\n  return atoi(b) ^ n;\n}}\n"
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::{Workload, pipes, sockets};

    #[test]
    fn the_name_of_a_workload_starts_it() {
        for workload in Workload::ALL {
            assert_eq!(Workload::from_str(workload.argument(), false), Ok(workload));
        }
    }

    #[test]
    fn both_ends_of_a_ping_pong_finish() {
        pipes(10).unwrap();
        sockets(10).unwrap();
    }
}
