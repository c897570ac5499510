//! What nobody waits for: records, and second looks at what has started.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::Hall;
use crate::admin::metrics::Outcome;
use crate::daemon::guard::act::About;
use crate::daemon::guard::facts::Known;
use crate::daemon::readers::{Patience, Unread};
use crate::guard::untouchable::{Who, is_listed, untouchable};
use crate::guard::{Action, AtExec, Because, Decision, Program};
use crate::inventory::ProcessKey;
use crate::proc::{arguments_of, file_at, system_exe_of};

/// Nobody waits, but others do that are looked at after it.
const FOR_ARGUMENTS: Patience =
    Patience { asleep: Duration::from_millis(20), at_most: Duration::from_secs(1) };
/// A file may have to come from a disk.
const FOR_HASH: Patience = Patience::of(Duration::from_secs(5));

/// What nobody waits for.
#[derive(Debug)]
pub(super) enum Later {
    /// A program was refused, or would have been.
    Refused(Arc<Refused>, Outcome, Duration),
    /// A process has begun to run another program.
    Running(ProcessKey),
    /// Nobody decided about what this thread wanted to run, and why.
    Undecided(u32, &'static str),
}

/// A program that is not to run.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) pid: u32,
    pub(super) uid: u32,
    pub(super) path: String,
    pub(super) known: Known,
    pub(super) decision: Owned,
    pub(super) why: Option<&'static str>,
}

impl Hall {
    /// Does what nobody waits for, until `ending`.
    pub(super) fn look(&self, told: &Receiver<Later>, ending: &CancellationToken) {
        while !ending.is_cancelled() {
            match told.recv() {
                Ok(Later::Running(process)) => self.running(process),
                Ok(Later::Refused(refused, outcome, waited)) => self.record(&refused, outcome, waited),
                Ok(Later::Undecided(thread, why)) => {
                    let exe = crate::proc::exe_of(thread).unwrap_or_default();
                    self.undecided_about(thread, &exe, why);
                }
                Err(_nobody_asks_any_more) => return,
            }
        }
    }

    pub(super) fn record(&self, refused: &Refused, outcome: Outcome, waited: Duration) {
        let Refused { pid, uid, path, known, decision, why } = refused;
        let subject = known.subject();
        let program = Program::of(&subject).map(|program| program.id());
        let about = About {
            pid: *pid,
            uid: Some(*uid),
            exe: path,
            argv: subject.argv,
            program: program.as_deref(),
            held: Some(waited),
            ..About::default()
        };
        self.warden.tell(&decision.lend(), outcome, &about, *why);
    }

    fn undecided_about(&self, pid: u32, exe: &str, why: &'static str) {
        let about = About { pid, exe, ..About::default() };
        self.warden.told(Action::Hold, None, Outcome::Undecided, &about, Some(why));
    }

    /// Nobody had time to look at a program that runs.
    fn undecided_at_last(&self, process: ProcessKey, exe: &str) {
        self.undecided_about(process.pid, exe, "no time to look at it once more");
    }

    /// A process that runs what was not refused: now all of it is known.
    fn running(&self, process: ProcessKey) {
        let guard = self.warden.guard();
        let reader = &self.warden.0.reader;
        let path = crate::proc::exe_of(process.pid).unwrap_or_default();
        let path = self.warden.path_of(&guard, path, file_at(&format!("/proc/{}/exe", process.pid)));
        if !guard.may_hold(&path) || self.warden.own().is_process(process.pid) {
            return;
        }
        let Some(image) = reader.image(process.pid).filter(|image| image.process == process) else { return };
        let parent = crate::proc::lineage(process.pid, 2);
        let before = parent.get(1).and_then(|(pid, _)| system_exe_of(*pid, is_listed));
        let exe = system_exe_of(process.pid, is_listed);
        let parent_is_ours = parent.get(1).is_some_and(|(pid, _)| self.warden.own().is_process(*pid));
        let who = Who {
            pid: process.pid,
            exe: exe.as_deref(),
            before: before.as_deref(),
            has_terminal: image.has_terminal,
            is_ours: parent_is_ours,
        };
        if untouchable(&who).is_some() {
            return;
        }
        let readers = &self.warden.0.readers;
        let argv = match readers.read(image.uid, FOR_ARGUMENTS, move || arguments_of(process)) {
            Ok(argv) => Some(argv.unwrap_or_default()),
            Err(Unread::Stuck) => None,
            Err(Unread::Late) => return self.undecided_at_last(process, &path),
        };
        let is_read = argv.is_some();
        let mut known = Known::now(&image, &path, argv.unwrap_or_default());
        let at = |known: &Known| {
            let (subject, now) = (known.subject(), Timestamp::now());
            if is_read { guard.at_exec(&subject, now) } else { guard.at_unread_exec(&subject, now) }
        };
        if at(&known) == AtExec::NeedsHash {
            let reader = Arc::clone(reader);
            match self.warden.0.hashers.read(image.uid, FOR_HASH, move || reader.sha256(process)) {
                Ok(sha256) => known.sha256 = sha256,
                Err(_) => return self.undecided_at_last(process, &path),
            }
        }
        let AtExec::Refuse(decision) = at(&known) else { return };
        if !is_read {
            self.warden.counts().unread();
        }
        let subject = known.subject();
        let program = Program::of(&subject).map(|program| program.id());
        let about = About {
            pid: process.pid,
            uid: subject.uid,
            exe: &path,
            argv: subject.argv,
            program: program.as_deref(),
            ..About::default()
        };
        if decision.is_real {
            self.warden.kill(process, &decision, &about);
        }
    }
}

/// A decision to hold that lends nothing.
#[derive(Debug)]
pub(super) struct Owned {
    by_order: bool,
    /// Of the rule, or the order.
    name: String,
    pub(super) is_real: bool,
}

impl Owned {
    pub(super) fn of(decision: &Decision<'_>) -> Self {
        let (by_order, name) = match decision.because {
            Because::Rule(name) => (false, name),
            Because::Order(id) => (true, id),
        };
        Self { by_order, name: name.to_owned(), is_real: decision.is_real }
    }

    fn lend(&self) -> Decision<'_> {
        let because = if self.by_order { Because::Order(&self.name) } else { Because::Rule(&self.name) };
        Decision { action: Action::Hold, because, is_real: self.is_real }
    }
}
