//! One server that is followed, for the sessions with it.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Apart, Killer};
use crate::baselines::ServerBaseline;
use crate::effects::{Done, Ended, Killed, Ledger, Measure, SideEffect};
use crate::inventory::BootTime;
use crate::policy::effects::EffectRules;

/// Calls nobody answers that wait to be told of, at most.
const GONE_MAX: usize = 64;

/// A server, as far as its doings go.
pub(super) struct Server {
    pub(super) ledger: Ledger,
    pub(super) usual: Option<Arc<ServerBaseline>>,
    pub(super) rules: Option<Arc<EffectRules>>,
    /// What it does is told. Where it is not, a call that begins is not followed.
    is_seen: bool,
    /// Calls of sessions that are over, or of which nobody asks any more.
    gone: VecDeque<Done>,
    /// It is being ended for this rule of policy; what came of it will be told.
    doomed: Option<Box<str>>,
    killed: Option<Killed>,
    /// It was told that the server was ended: once is enough.
    is_told: bool,
}

impl Server {
    pub(super) fn new(ledger: Ledger, is_seen: bool) -> Self {
        Self {
            ledger,
            usual: None,
            rules: None,
            is_seen,
            gone: VecDeque::new(),
            doomed: None,
            killed: None,
            is_told: false,
        }
    }

    pub(super) fn is_tapped(&self) -> bool {
        self.ledger.is_tapped()
    }

    pub(super) fn is_seen(&self) -> bool {
        self.is_seen
    }

    /// What it does is told from now on, or no longer.
    pub(super) fn sees(&mut self, is_seen: bool) {
        if !is_seen {
            self.ledger.forget();
        }
        self.is_seen = is_seen;
    }

    pub(super) fn told(&mut self, effect: SideEffect, killer: &mut Killer) {
        if let Some(effect) = self.ledger.keep(effect) {
            self.happened(&effect, killer);
        }
        // It may be one too many.
        self.settle(BootTime::default(), killer);
    }

    pub(super) fn lost(&mut self, count: u64, now: BootTime) {
        self.ledger.lost(count, now);
    }

    /// `count` things were not told that it did. Among them may be what policy forbids; it is not ended for that.
    pub(super) fn untold(&mut self, count: u64, now: BootTime) {
        self.ledger.lost(count, now);
        if let Some(rules) = self.rules.as_deref().filter(|_| !self.ledger.is_tapped()) {
            self.ledger.doubt(|tool| rules.untold(tool));
        }
    }

    /// The calls up to `until` are known.
    pub(super) fn settle(&mut self, until: BootTime, killer: &mut Killer) {
        while let Some(effect) = self.ledger.due(until) {
            self.happened(&effect, killer);
        }
    }

    fn happened(&mut self, effect: &SideEffect, killer: &mut Killer) {
        let Self { ledger, usual, rules, .. } = self;
        let rules = rules.as_deref();
        let deadly = match usual {
            Some(usual) => usual.with(|measure| ledger.happened(effect, &Measure { rules, ..measure })),
            None => ledger.happened(effect, &Measure { rules, ..Measure::default() }),
        };
        // What is left of it does more: it is ended again. A tapped session is looked at and no more.
        if let Some(violation) = deadly.filter(|_| !ledger.is_tapped()) {
            self.doomed.get_or_insert(violation.rule);
            if let Some(ended) = killer(effect.group, None) {
                self.killed(ended);
            }
        }
    }

    /// It was ended.
    pub(super) fn killed(&mut self, ended: Ended) {
        let Some(rule) = self.doomed.take() else { return };
        match &mut self.killed {
            Some(before) => {
                // Those that are on their way out are counted each time.
                before.ended.processes = before.ended.processes.max(ended.processes);
                before.ended.is_incomplete = ended.is_incomplete;
            }
            None => self.killed = Some(Killed { rule, ended }),
        }
    }

    /// That it was ended, once.
    pub(super) fn take_killed(&mut self) -> Option<Killed> {
        let killed = self.killed.clone().filter(|_| !self.is_told);
        self.is_told |= killed.is_some();
        killed
    }

    /// Calls of `caller` that `is_open` does not know any more wait to be told of.
    pub(super) fn abandon(&mut self, caller: u32, is_open: impl Fn(&str) -> bool) {
        if !self.ledger.is_open_for(caller) {
            return;
        }
        let gone = self.ledger.give_up(caller, is_open);
        self.leave(gone);
    }

    /// The server has ended.
    pub(super) fn end(&mut self) {
        let gone = self.ledger.end();
        self.leave(gone);
    }

    fn leave(&mut self, gone: Vec<Done>) {
        for done in gone.into_iter().filter(|gone| !gone.done.is_quiet()) {
            if self.gone.len() >= GONE_MAX {
                tracing::warn!(
                    call = &*done.call,
                    "too much was done during calls nobody answers: of one it is not told"
                );
                continue;
            }
            self.gone.push_back(done);
        }
    }

    /// All that was done during no call that is answered, as far as it is not told.
    pub(super) fn take_apart(&mut self) -> Vec<Apart> {
        let gone = self.gone.drain(..).map(Apart::Unanswered);
        gone.chain(self.ledger.take_stray().map(Apart::Stray)).collect()
    }
}
