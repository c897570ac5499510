//! What is known of a process when it is decided on.

use std::collections::BTreeSet;

use crate::guard::{Evidence, Facts, Subject, level};
use crate::inventory::{FileId, names_a_server};
use crate::proc::{Image, file_at, lineage};

/// Ancestors looked at.
const LINE: usize = 8;

/// Everything a subject lends.
#[derive(Debug, Clone)]
pub(super) struct Known {
    exe: String,
    argv: Vec<String>,
    command: String,
    user: Option<String>,
    uid: u32,
    container: Option<String>,
    unit: Option<String>,
    cgroup: String,
    clients: Vec<String>,
    evidence: Evidence,
    pub(super) sha256: Option<String>,
}

impl Known {
    /// The process and its ancestors, to be asked for once.
    pub(super) fn line(image: &Image) -> Vec<(u32, String)> {
        lineage(image.process.pid, LINE)
    }

    /// Of a process of this `line` that is about to run the program at `exe` with `argv`.
    pub(super) fn next(image: &Image, exe: &str, argv: Vec<String>, line: &[(u32, String)]) -> Self {
        Self::new(image, exe.to_owned(), argv, line.to_vec())
    }

    /// Of a process that runs the program at `exe` with `argv`.
    pub(super) fn now(image: &Image, exe: &str, argv: Vec<String>) -> Self {
        let line = lineage(image.process.pid, LINE).into_iter().skip(1).collect();
        Self::new(image, exe.to_owned(), argv, line)
    }

    fn new(image: &Image, exe: String, argv: Vec<String>, line: Vec<(u32, String)>) -> Self {
        let evidence = if names_a_server(&argv) {
            Evidence::Command
        } else if image.has_shape {
            Evidence::Shape
        } else {
            Evidence::Nothing
        };
        let now = &image.now;
        Self {
            command: argv.join(" "),
            exe,
            argv,
            user: now.user.clone(),
            uid: image.uid,
            container: now.container.clone(),
            unit: now.unit.clone(),
            cgroup: now.cgroup.clone(),
            clients: line.into_iter().map(|(_, exe)| exe).collect(),
            evidence,
            sha256: None,
        }
    }

    pub(super) fn subject(&self) -> Subject<'_> {
        let facts = Facts { exe: &self.exe, argv: &self.argv, uid: Some(self.uid), is_exposed: false };
        Subject {
            exe: Some(&self.exe),
            sha256: self.sha256.as_deref(),
            argv: &self.argv,
            command: Some(&self.command),
            user: self.user.as_deref(),
            uid: Some(self.uid),
            container: self.container.as_deref(),
            unit: self.unit.as_deref(),
            cgroup: Some(&self.cgroup),
            clients: &self.clients,
            evidence: self.evidence,
            risk: Some(level(&facts)),
        }
    }
}

/// What is the agent's own: its program, itself, and whom it descends from.
#[derive(Debug)]
pub(super) struct Own {
    file: Option<FileId>,
    processes: BTreeSet<u32>,
}

impl Own {
    pub(super) fn find() -> Self {
        Self {
            file: file_at("/proc/self/exe"),
            processes: lineage(std::process::id(), 64).into_iter().map(|(pid, _)| pid).collect(),
        }
    }

    /// We, and whom we descend from.
    pub(super) fn processes(&self) -> impl Iterator<Item = u32> {
        self.processes.iter().copied()
    }

    /// This is our program.
    pub(super) fn is_file(&self, file: FileId) -> bool {
        self.file == Some(file)
    }

    /// This process is us, above us, or runs our program.
    pub(super) fn is_process(&self, pid: u32) -> bool {
        let file = || file_at(&format!("/proc/{pid}/exe"));
        self.processes.contains(&pid) || file().is_some_and(|file| self.is_file(file))
    }
}
