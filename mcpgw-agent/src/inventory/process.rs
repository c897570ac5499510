//! One process: its lineage, the images it ran, what is known of the current one, and its end.
//!
//! Facts arrive in any order; each carries its own time and the order of arrival must never show.

use std::sync::Arc;

use super::text;
use super::{BootTime, ChannelEnd, Enriched, Exec, FileId, ProcessKey};

/// Ancestors kept of a process at least; the chain is cut back to this when it reaches twice as many.
pub(super) const ANCESTORS: usize = 16;
/// Channel ends kept of a process.
pub(super) const ENDS: usize = 256;

/// What one `exec` made of a process. Shared with the children it forks.
#[derive(Debug, Clone)]
pub(super) struct Image {
    /// When it started; of two images of one process the later is current.
    pub(super) at: BootTime,
    pub(super) exe: FileId,
    /// The path given to `execve`.
    pub(super) filename: Arc<str>,
    pub(super) argv: Vec<String>,
    pub(super) argv_truncated: bool,
    pub(super) uid: u32,
    pub(super) cgroup_id: u64,
    pub(super) memfd: bool,
    pub(super) deleted: bool,
}

impl Image {
    pub(super) fn new(exec: &Exec) -> Self {
        Self {
            at: exec.at,
            exe: exec.exe,
            filename: Arc::from(text::cut(&exec.filename, text::COMMAND)),
            argv: text::cut_command(&exec.argv),
            argv_truncated: exec.argv_truncated,
            uid: exec.uid,
            cgroup_id: exec.cgroup_id,
            memfd: exec.memfd,
            deleted: exec.deleted,
        }
    }
}

/// `facts`, every string bounded.
pub(super) fn bounded(facts: &Enriched) -> Enriched {
    let cut = |value: &str| text::cut(value, text::COMMAND).to_owned();
    let name = |value: &Option<String>| value.as_deref().map(|value| text::cut(value, text::NAME).to_owned());
    Enriched {
        exe: cut(&facts.exe),
        exe_sha256: name(&facts.exe_sha256),
        argv: text::cut_command(&facts.argv),
        cwd: cut(&facts.cwd),
        user: name(&facts.user),
        container: name(&facts.container),
        unit: name(&facts.unit),
        cgroup: cut(&facts.cgroup),
    }
}

/// An ancestor, brief enough to outlive its process; the next is `up`.
#[derive(Debug)]
pub(super) struct Lineage {
    pub(super) key: ProcessKey,
    pub(super) exe: Arc<str>,
    pub(super) up: Option<Arc<Lineage>>,
    depth: usize,
}

impl Lineage {
    /// `key` above whatever `up` holds, which is cut back where it has grown long.
    pub(super) fn new(key: ProcessKey, exe: Arc<str>, up: Option<Arc<Self>>) -> Arc<Self> {
        let up = up.map(|up| if up.depth >= 2 * ANCESTORS { up.cut(ANCESTORS) } else { up });
        let depth = up.as_ref().map_or(0, |up| up.depth) + 1;
        Arc::new(Self { key, exe, up, depth })
    }

    fn cut(&self, levels: usize) -> Arc<Self> {
        let mut kept = vec![(self.key, Arc::clone(&self.exe))];
        let mut next = self.up.as_ref();
        while let Some(line) = next
            && kept.len() < levels
        {
            kept.push((line.key, Arc::clone(&line.exe)));
            next = line.up.as_ref();
        }
        let mut chain = None;
        for (depth, (key, exe)) in (1..).zip(kept.into_iter().rev()) {
            chain = Some(Arc::new(Self { key, exe, up: chain, depth }));
        }
        chain.unwrap_or_else(|| {
            Arc::new(Self { key: self.key, exe: Arc::clone(&self.exe), up: None, depth: 1 })
        })
    }
}

/// A process of the table.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) key: ProcessKey,
    /// Its parent, and what the parent's ancestors were when that was learned.
    pub(super) parent: Option<Arc<Lineage>>,
    /// When the parent was the parent: the earliest tells who really started it.
    pub(super) parent_at: BootTime,
    /// Absent where only a fork, an exit or a sighting told of it.
    pub(super) image: Option<Arc<Image>>,
    /// It started `image` itself; otherwise it inherited it at its fork.
    pub(super) execed: bool,
    pub(super) facts: Option<Arc<Enriched>>,
    /// `facts` have been asked for since the current image started.
    pub(super) asked: bool,
    /// Its channel ends as far as known: descriptors 0 to 2 of an exec, all of a scan.
    pub(super) ends: Vec<ChannelEnd>,
    pub(super) exited: Option<BootTime>,
    /// A server refers to it: it must not be evicted.
    pub(super) pinned: bool,
}

impl Process {
    pub(super) fn new(key: ProcessKey) -> Self {
        Self {
            key,
            parent: None,
            parent_at: BootTime(u64::MAX),
            image: None,
            execed: false,
            facts: None,
            asked: false,
            ends: Vec::new(),
            exited: None,
            pinned: false,
        }
    }

    /// Best known path of its executable; empty where nothing is known.
    pub(super) fn exe(&self) -> Arc<str> {
        match (&self.facts, &self.image) {
            (Some(facts), _) if !facts.exe.is_empty() => Arc::from(facts.exe.as_str()),
            (_, Some(image)) => Arc::clone(&image.filename),
            (_, None) => Arc::from(""),
        }
    }

    /// Best known arguments.
    pub(super) fn argv(&self) -> &[String] {
        match (&self.facts, &self.image) {
            (Some(facts), _) if !facts.argv.is_empty() => &facts.argv,
            (_, Some(image)) => &image.argv,
            (_, None) => &[],
        }
    }

    /// Lets go of what only a server's row would show.
    pub(super) fn shrink(&mut self) {
        self.ends = Vec::new();
        self.facts = None;
        if let Some(image) = self.image.as_mut().and_then(Arc::get_mut) {
            image.argv = Vec::new();
        }
    }

    /// Notes that `parent` was its parent at `at`; the earliest word wins, as later ones may tell of whoever
    /// adopted it.
    pub(super) fn born_of(&mut self, parent: Arc<Lineage>, at: BootTime) {
        let poorer = self.parent.as_ref().is_some_and(|known| known.key == parent.key && known.up.is_none());
        if at < self.parent_at || poorer {
            self.parent = Some(parent);
            self.parent_at = self.parent_at.min(at);
        }
    }
}
