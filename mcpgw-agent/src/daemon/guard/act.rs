//! Killing, and putting on record what was done and what was not.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::Warden;
use crate::admin::metrics::Outcome;
use crate::audit::{Event, GuardAct};
use crate::guard::untouchable::{Who, is_listed, untouchable};
use crate::guard::{Action, Because, Decision};
use crate::inventory::ProcessKey;
use crate::proc::{boot_now, exe_of, key_of, system_exe_of};

/// The same is not told again for so long.
const FOLD: Duration = Duration::from_secs(10);
/// Different things remembered for that.
const FOLDED: usize = 1024;

/// Remembers what was told lately.
#[derive(Debug, Default)]
pub(super) struct Told(HashMap<String, Instant>);

impl Told {
    /// Something like it was told lately.
    pub(super) fn has(&self, what: &str) -> bool {
        self.0.get(what).is_some_and(|at| at.elapsed() < FOLD)
    }

    /// Nothing like it was; now it is.
    pub(super) fn is_new(&mut self, what: String) -> bool {
        let now = Instant::now();
        if self.has(&what) {
            return false;
        }
        if self.0.len() >= FOLDED {
            self.0.retain(|_, at| now.duration_since(*at) < FOLD);
        }
        if self.0.len() < FOLDED {
            self.0.insert(what, now);
        }
        true
    }
}

/// What an act is about.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct About<'a> {
    pub(super) pid: u32,
    pub(super) uid: Option<u32>,
    pub(super) exe: &'a str,
    pub(super) argv: &'a [String],
    pub(super) program: Option<&'a str>,
    pub(super) server: Option<&'a str>,
    pub(super) endpoint: Option<&'a str>,
    pub(super) held: Option<Duration>,
    pub(super) count: u32,
}

impl Warden {
    /// Records what came of a decision, counts it and says it in the log.
    pub(super) fn tell(
        &self,
        decision: &Decision<'_>,
        outcome: Outcome,
        about: &About<'_>,
        why: Option<&str>,
    ) {
        self.told(decision.action, Some(decision.because), outcome, about, why);
    }

    pub(super) fn told(
        &self,
        action: Action,
        because: Option<Because<'_>>,
        outcome: Outcome,
        about: &About<'_>,
        why: Option<&str>,
    ) {
        self.counts().act(action, outcome, u64::from(about.count.max(1)));
        let (rule, order) = match because {
            Some(Because::Rule(name)) => (Some(name), None),
            Some(Because::Order(id)) => (None, Some(id)),
            None => (None, None),
        };
        let (act, came) = (action.as_str(), outcome.as_str());
        let key = format!("{act} {came} {rule:?} {order:?} {:?} {}", about.program, about.exe);
        // A client that starts its server again and again must not fill the log.
        if about.count == 0 && action == Action::Hold && !self.is_new(key) {
            return;
        }
        let runs = crate::inventory::program(about.argv);
        tracing::warn!(
            act, outcome = came, rule, order, pid = about.pid, exe = ?about.exe, runs = ?runs, server = about.server, why, "guard"
        );
        let event = Event::Guard(GuardAct {
            act,
            outcome: came,
            rule,
            order,
            pid: about.pid,
            uid: about.uid,
            exe: about.exe,
            runs: runs.as_deref(),
            program: about.program,
            server: about.server,
            endpoint: about.endpoint,
            held: about.held,
            count: about.count,
            why,
        });
        // A record that is lost is counted by the log.
        self.audit().note(&event).ok();
    }

    /// Kills a server's process, if it may be.
    pub(super) fn kill(&self, process: ProcessKey, decision: &Decision<'_>, about: &About<'_>) -> Outcome {
        let decision = &Decision { action: Action::Kill, ..*decision };
        if !decision.is_real {
            self.tell(decision, Outcome::Would, about, None);
            return Outcome::Would;
        }
        let (outcome, why) = match self.spares(process.pid) {
            Some(why) => (Outcome::Untouchable, Some(why.to_owned())),
            None if !self.may_kill() => {
                (Outcome::Limited, Some("too many were killed in the last minute".to_owned()))
            }
            None => match kill(process) {
                Ok(()) => (Outcome::Done, None),
                Err(error) => (Outcome::Failed, Some(error.to_string())),
            },
        };
        self.tell(decision, outcome, about, why.as_deref());
        outcome
    }

    /// Why nothing may be done to process `pid`; `None` where something may.
    pub(in crate::daemon) fn spares(&self, pid: u32) -> Option<&'static str> {
        let exe = system_exe_of(pid, is_listed);
        let is_ours = self.own().is_process(pid);
        untouchable(&Who { pid, exe: exe.as_deref(), is_ours, ..Who::default() })
    }

    /// Records that the kernel kept process `pid`, one of `server`'s, from what policy's `rule` does not let it.
    pub(in crate::daemon) fn prevented(&self, rule: &str, server: &str, pid: u32, count: u32) {
        let exe = exe_of(pid).unwrap_or_default();
        let about = About { pid, exe: &exe, server: Some(server), count, ..About::default() };
        self.told(Action::Deny, Some(Because::Rule(rule)), Outcome::Done, &about, Some("by policy"));
    }

    fn may_kill(&self) -> bool {
        self.limit().take(boot_now())
    }
}

/// Kills exactly this process, never one that has its pid by now.
fn kill(process: ProcessKey) -> std::io::Result<()> {
    let gone = || std::io::Error::from(Errno::ESRCH);
    let pid = i32::try_from(process.pid).ok().and_then(Pid::from_raw).ok_or_else(gone)?;
    let handle = pidfd_open(pid, PidfdFlags::empty())?;
    if key_of(process.pid) != Some(process) {
        return Err(gone());
    }
    Ok(pidfd_send_signal(handle, Signal::KILL)?)
}
