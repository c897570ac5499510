//! The guard's acts: programs held at their start, servers killed, connections denied and steered; and the orders people
//! give. What is done is decided in [`crate::guard`].
//!
//! ```text
//! hold     a thread and four more ── programs about to run: asked, decided within 50 ms, run or refused
//! servers  the main loop ────────── servers that run: flagged, killed, denied, steered
//! files    a thread ─────────────── programs and Unix sockets the kernel refuses by itself
//! fronts   a task ───────────────── gateways in front of steered servers
//! ```
//!
//! [`Warden`] is what they share. Switching the guard off takes no more than one store to memory: everybody asks it before
//! they act, and the gate before programs is dropped, which lets all go on that wait.

mod act;
mod facts;
mod files;
mod fronts;
mod hold;
mod marks;
mod servers;
mod store;

use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};

use crate::admin::guard::{GuardOrderWord, GuardRequest, GuardStatus, OrderView};
use crate::admin::metrics::GuardCounts;
use crate::audit::{AuditLog, Event, GuardOrder, Operator};
use crate::config;
use crate::daemon::readers::Readers;
use crate::guard::{Guard, KillLimit, Kind, Order, Program, RuleError, Rules};
use crate::inventory::FileId;
use crate::proc::{ProcReader, file_at};
use act::Told;
use facts::Own;
use store::{Kept, Store};

pub(super) use files::start as start_files;
pub(super) use fronts::{Fronts, Raised};
pub(crate) use hold::keep;
pub(super) use hold::{Hold, prefer, spawn};
pub(super) use servers::{Servers, local_addresses};

/// Programs held by their whole path that another name is held against, at most.
const NAMED: usize = 256;

/// What all parts of the guard share. A clone is the same guard.
#[derive(Debug, Clone)]
pub(super) struct Warden(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    guard: ArcSwap<Guard>,
    /// One change at a time.
    changing: Mutex<()>,
    /// Moves with every change; [`Hold`] waits for it.
    generation: AtomicU64,
    changed: (Mutex<()>, Condvar),
    store: Store,
    limit: Mutex<KillLimit>,
    told: Mutex<Told>,
    counts: Arc<GuardCounts>,
    audit: Arc<AuditLog>,
    reader: Arc<ProcReader>,
    readers: Readers,
    /// Others: who has used up those that read memory gets no program past its hash.
    hashers: Readers,
    own: Own,
    decide_within: Duration,
    held_places: AtomicUsize,
    /// Paths of programs that were refused, for [`files`].
    refused: OnceLock<SyncSender<String>>,
    problems: Mutex<Vec<String>>,
}

/// What a [`Warden`] works with.
#[derive(Debug)]
pub(super) struct Tools {
    pub(super) counts: Arc<GuardCounts>,
    pub(super) audit: Arc<AuditLog>,
    pub(super) reader: Arc<ProcReader>,
}

impl Warden {
    /// The guard of the configuration, with the orders kept in the directory `state`.
    ///
    /// # Errors
    /// A rule that cannot be used; the configuration's own check should have found it.
    pub(super) fn new(config: &config::Guard, state: &Path, tools: Tools) -> Result<Self, RuleError> {
        let store = store::within(state);
        let mut problems = Vec::new();
        let kept = store.load().map(Option::unwrap_or_default).unwrap_or_else(|error| {
            tracing::error!(%error, "what people told the guard cannot be read: it stays off");
            problems.push("what people told the guard cannot be read: it stays off (`guard on`)".to_owned());
            Kept { is_off: true, ..Kept::default() }
        });
        let guard = Guard {
            mode: config.mode,
            dry_run: config.dry_run,
            is_off: kept.is_off,
            rules: Rules::compile(&config.rules)?,
            orders: kept.orders,
        };
        let Tools { counts, audit, reader } = tools;
        Ok(Self(Arc::new(Shared {
            guard: ArcSwap::from_pointee(guard),
            changing: Mutex::default(),
            generation: AtomicU64::new(0),
            changed: (Mutex::default(), Condvar::new()),
            store,
            limit: Mutex::new(KillLimit::new(config.kills_per_minute)),
            told: Mutex::default(),
            counts,
            audit,
            reader,
            readers: Readers::preferred(),
            hashers: Readers::preferred(),
            own: Own::find(),
            decide_within: config.decide_within,
            held_places: AtomicUsize::new(0),
            refused: OnceLock::new(),
            problems: Mutex::new(problems),
        })))
    }

    /// What is in force.
    pub(super) fn guard(&self) -> Arc<Guard> {
        self.0.guard.load_full()
    }

    /// Takes the rules of another configuration.
    ///
    /// # Errors
    /// A rule that cannot be used; then nothing changes.
    pub(super) fn reconfigure(&self, config: &config::Guard) -> Result<(), RuleError> {
        let rules = Rules::compile(&config.rules)?;
        self.limit().set(config.kills_per_minute);
        self.change(|guard| {
            guard.mode = config.mode;
            guard.dry_run = config.dry_run;
            guard.rules = rules;
        });
        Ok(())
    }

    /// Does what somebody says. `known` is the program of a server's id.
    ///
    /// # Errors
    /// What is wrong with it, a sentence.
    pub(super) fn obey(
        &self,
        request: &GuardRequest,
        known: Option<Program>,
        by: &Operator,
    ) -> Result<Option<String>, String> {
        let now = Timestamp::now();
        let until = request.seconds.map(|seconds| {
            let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
            now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
        });
        let program = known.or_else(|| {
            let guard = self.guard();
            request.id.as_deref().and_then(|id| guard.orders.get(id)).map(|order| order.program.clone())
        });
        let outcome = self.carry_out(request, program.as_ref(), by, now, until);
        let id = program.as_ref().map(Program::id);
        let event = Event::AdminGuard(GuardOrder {
            by: Some(by),
            act: request.act.as_str(),
            program: id.as_deref(),
            exe: program.as_ref().map(|program| program.exe.as_str()),
            until,
            error: outcome.as_ref().err().map(String::as_str),
        });
        self.0.audit.note(&event).ok();
        tracing::warn!(
            act = request.act.as_str(),
            program = id,
            uid = by.uid,
            ?outcome,
            "the guard was told something"
        );
        outcome.map(|()| id)
    }

    fn carry_out(
        &self,
        request: &GuardRequest,
        program: Option<&Program>,
        by: &Operator,
        at: Timestamp,
        until: Option<Timestamp>,
    ) -> Result<(), String> {
        let kind = match request.act {
            GuardOrderWord::Off => return self.switch(true),
            GuardOrderWord::On => return self.switch(false),
            GuardOrderWord::Allow => Some(Kind::Allow),
            GuardOrderWord::Block => Some(Kind::Block),
            GuardOrderWord::Forget => None,
        };
        let program = program.ok_or_else(|| {
            "there is no server and no order of that id; `status --all` and `guard status` show them"
                .to_owned()
        })?;
        let id = program.id();
        self.keep(|guard| match kind {
            Some(kind) => {
                let order = Order { id, kind, program: program.clone(), by: by.uid, at, until };
                guard.orders.give(order).map_err(|error| error.to_string())
            }
            None if guard.orders.take_back(&id) => Ok(()),
            None => Err("nothing was said of that program".to_owned()),
        })
    }

    /// Off, in memory alone.
    pub(super) fn halt(&self) {
        self.change(|guard| guard.is_off = true);
    }

    /// Wakes who waits for a change.
    fn nudge(&self) {
        let (waits, changed) = &self.0.changed;
        drop(lock(waits));
        changed.notify_all();
    }

    /// Off comes first and is kept afterwards: a full disk must not be in the way.
    fn switch(&self, is_off: bool) -> Result<(), String> {
        self.change(|guard| guard.is_off = is_off);
        self.save().map_err(|error| format!("done, but not over a restart of the agent: {error}"))
    }

    /// Changes what is kept; a change that cannot be kept is none.
    fn keep(&self, change: impl FnOnce(&mut Guard) -> Result<(), String>) -> Result<(), String> {
        let before = self.guard();
        let mut outcome = Ok(());
        self.change(|guard| outcome = change(guard));
        outcome?;
        self.save().map_err(|error| {
            self.change(|guard| guard.orders = before.orders.clone());
            format!("it cannot be kept: {error}")
        })
    }

    fn save(&self) -> std::io::Result<()> {
        let _one = lock(&self.0.changing);
        let guard = self.guard();
        self.0.store.save(&Kept { is_off: guard.is_off, orders: guard.orders.clone() })
    }

    fn change(&self, change: impl FnOnce(&mut Guard)) {
        let one = lock(&self.0.changing);
        let mut guard = Guard::clone(&self.guard());
        change(&mut guard);
        self.0.guard.store(Arc::new(guard));
        drop(one);
        self.0.generation.fetch_add(1, Ordering::Release);
        self.nudge();
    }

    /// Ends orders whose time is over.
    pub(super) fn expire(&self, now: Timestamp) {
        let is_over = |order: &Order| order.until.is_some_and(|until| until <= now);
        if !self.guard().orders.list().iter().any(is_over) {
            return;
        }
        let mut over = Vec::new();
        self.change(|guard| over = guard.orders.expire(now));
        for order in &over {
            let event = Event::AdminGuard(GuardOrder {
                by: None,
                act: "expired",
                program: Some(&order.id),
                exe: Some(&order.program.exe),
                until: order.until,
                error: None,
            });
            self.0.audit.note(&event).ok();
            tracing::info!(program = order.id, "an order is over");
        }
        if let Err(error) = self.save() {
            tracing::warn!(%error, "the guard's orders cannot be kept");
        }
    }

    /// The guard as the status shows it; connections and files are others' to tell.
    pub(super) fn status(&self) -> GuardStatus {
        let guard = self.guard();
        let (held, _, longest_us) = self.0.counts.holds();
        GuardStatus {
            mode: guard.mode.as_str().to_owned(),
            in_force: guard.in_force().as_str().to_owned(),
            dry_run: guard.dry_run,
            rules: guard.rules.count(),
            orders: guard.orders.list().iter().map(order_view).collect(),
            held_places: self.0.held_places.load(Ordering::Relaxed),
            held,
            longest_us,
            problems: self.problems(),
            ..GuardStatus::default()
        }
    }

    fn own(&self) -> &Own {
        &self.0.own
    }

    fn counts(&self) -> &GuardCounts {
        &self.0.counts
    }

    fn audit(&self) -> &AuditLog {
        &self.0.audit
    }

    fn limit(&self) -> MutexGuard<'_, KillLimit> {
        lock(&self.0.limit)
    }

    fn is_new(&self, what: String) -> bool {
        lock(&self.0.told).is_new(what)
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = lock(&self.0.problems).clone();
        let stuck = self.0.readers.stuck() + self.0.hashers.stuck();
        if stuck > 0 {
            problems.push(format!(
                "{stuck} threads wait for memory or files of others that do not come: programs whose arguments cannot be read are refused where a rule or an order could be meant"
            ));
        }
        problems
    }

    /// Path of a program that is called `path`, perhaps in a mount namespace of somebody's own: the one that a rule or an order
    /// holds, where that is the same file.
    fn path_of(&self, guard: &Guard, path: String, file: Option<FileId>) -> String {
        if guard.may_hold(&path) || file.is_none() {
            return path;
        }
        let held = guard.held_programs().take(NAMED).find(|held| file_at(held) == file);
        held.map_or(path, str::to_owned)
    }

    /// Says in the status what does not work; `None` once it does.
    fn problem(&self, problem: Option<String>) {
        let mut problems = lock(&self.0.problems);
        problems.clear();
        problems.extend(problem);
    }

    fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::Acquire)
    }

    /// Waits until something changes, or for `patience`.
    fn wait(&self, patience: Duration) {
        let (waits, changed) = &self.0.changed;
        let waiting = lock(waits);
        drop(changed.wait_timeout(waiting, patience));
    }
}

/// Switches the guard off for the next agent that starts with this directory.
///
/// # Errors
/// What the disk says.
pub(crate) fn switch_off(state: &Path) -> std::io::Result<()> {
    let store = store::within(state);
    // What cannot be read leaves it off anyway.
    let kept = store.load().ok().flatten().unwrap_or_default();
    store.save(&Kept { is_off: true, ..kept })
}

fn order_view(order: &Order) -> OrderView {
    let Order { id, kind, program, by, at, until } = order;
    OrderView {
        id: id.clone(),
        kind: kind.as_str().to_owned(),
        exe: program.exe.clone(),
        arguments: program.arguments.clone(),
        uid: program.uid,
        by: *by,
        at: *at,
        until: *until,
    }
}

/// A lock whose holders leave nothing half done.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
