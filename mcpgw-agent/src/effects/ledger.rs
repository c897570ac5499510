//! Which call did what: the open calls of one server, and what its processes do meanwhile.

use super::collected::{Said, Taken};
use super::late::{Late, Loss};
use super::{Act, Baseline, Collected, SideEffect};
use crate::inventory::{BootTime, ProcessKey};
use crate::policy::Mode;
use crate::policy::effects::{EffectAction, EffectRules, Violation};

/// Open calls of one server that are told apart. Beyond, a call has no effects of its own.
pub const CALLS_MAX: usize = 256;

/// What a wrap runs to set a server up, as it asks for it.
pub const LAUNCHER: &str = "/proc/self/exe";

/// The calls of one server, of all its sessions that are known.
///
/// While one call is open, everything is its own. While several are, everything may be any one's, and each has it; whose list is
/// full names a call that has it. What is done while none is open is kept with the last call before it.
#[derive(Debug, Default)]
pub struct Ledger {
    open: Vec<Call>,
    last: Option<Box<str>>,
    stray: Collected,
    launch: Launch,
    /// A call was opened: what the server runs from now on is no part of its start.
    has_begun: bool,
    /// What is told sooner than the calls are; `None` where calls are told before they reach the server.
    late: Option<Late>,
}

/// Where a server is [confined](crate::confine), its first process is one of ours, which then becomes the server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Launch {
    /// Nothing is known of the server's processes.
    #[default]
    Awaited,
    /// This process is to become the server: what it does is our doing.
    Under(ProcessKey),
    /// The server runs.
    Over,
}

#[derive(Debug)]
struct Call {
    /// The session it is of.
    caller: u32,
    id: Box<str>,
    tool: Box<str>,
    since: BootTime,
    done: Collected,
    /// What became of the thing that was told last.
    taken: Taken,
}

/// What everything a server does is held against.
#[derive(Debug, Clone, Copy, Default)]
pub struct Measure<'a> {
    /// What it usually does; nothing is new where that is not known.
    pub usual: Option<&'a Baseline>,
    /// Calls of a tool during which nothing is new to it.
    pub learning: u32,
    /// What it may do, where policy says so.
    pub rules: Option<&'a EffectRules>,
}

/// A call that is over, and what was done during it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The decision that let it through.
    pub call: Box<str>,
    /// Its tool.
    pub tool: Box<str>,
    /// What.
    pub done: Collected,
}

/// What was done while no call was open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// The call that was answered last before, if any.
    pub after: Option<Box<str>>,
    /// What.
    pub done: Collected,
}

impl Ledger {
    /// Of a server that runs already.
    #[must_use]
    pub fn running() -> Self {
        Self { launch: Launch::Over, has_begun: true, ..Self::default() }
    }

    /// The same, whose calls are told after they passed, with the time they did.
    #[must_use]
    pub fn tapped() -> Self {
        Self { late: Some(Late::default()), ..Self::running() }
    }

    /// Its calls are told after they passed.
    #[must_use]
    pub fn is_tapped(&self) -> bool {
        self.late.is_some()
    }

    /// Keeps `effect` until it is [due](Self::due); gives it back where it is now, as it always is where calls are told before they
    /// pass.
    pub fn keep(&mut self, effect: SideEffect) -> Option<SideEffect> {
        match &mut self.late {
            Some(late) => late.keep(effect),
            None => Some(effect),
        }
    }

    /// All calls are told that were opened or closed up to `until`. Gives the first thing done by then that was kept, to be told to
    /// [`happened`](Self::happened); to be asked again until there is none.
    pub fn due(&mut self, until: BootTime) -> Option<SideEffect> {
        let late = self.late.as_mut()?;
        let effect = late.due(until);
        if effect.is_none() {
            while let Some(Loss { count, until }) = self.late.as_mut().and_then(Late::lost) {
                self.spread(count, until);
            }
        }
        effect
    }

    /// Call `id` of `tool`, of the session `caller`, goes to the server at `at`. Says whether it is followed. Where calls are told
    /// after they passed, one that is told late has what is done after its time and was not given to others by then.
    pub fn opened(&mut self, caller: u32, id: &str, tool: &str, at: BootTime) -> bool {
        self.has_begun = true;
        if self.open.len() >= CALLS_MAX {
            return false;
        }
        let done = Collected::default();
        let (id, tool) = (id.into(), tool.into());
        self.open.push(Call { caller, id, tool, since: at, done, taken: Taken::Noise });
        true
    }

    /// A process of the server did something. Gives the violation of policy for which the server is to be ended.
    pub fn happened(&mut self, effect: &SideEffect, measure: &Measure<'_>) -> Option<Violation> {
        if self.is_ours(effect) {
            return None;
        }
        let is_within = |call: &Call| call.since <= effect.at;
        let mut tools: Vec<&str> = Vec::new();
        let mut among = 0_u32;
        for call in self.open.iter().filter(|call| is_within(call)) {
            among = among.saturating_add(1);
            if !tools.contains(&&*call.tool) {
                tools.push(&call.tool);
            }
        }
        let said = said(effect, &tools, measure, self.has_begun);
        let deadly =
            |violation: &&Violation| violation.act == EffectAction::Kill && violation.mode == Mode::Enforce;
        let deadly = said.violation.as_ref().filter(deadly).cloned();
        if among == 0 && self.stray.add(effect, 0, &said) == Taken::Full {
            self.stray.refer(&[]);
        }
        let mut is_full = false;
        for call in self.open.iter_mut().filter(|call| is_within(call)) {
            call.taken = call.done.add(effect, among, &said);
            is_full |= call.taken == Taken::Full;
        }
        if is_full {
            self.refer(effect.at);
        }
        deadly
    }

    /// Something done at `at` had no room with some of the open calls: what many do at once crowds nobody's own out.
    fn refer(&mut self, at: BootTime) {
        let (mut full, rest): (Vec<&mut Call>, Vec<&mut Call>) =
            self.open.iter_mut().filter(|call| call.since <= at).partition(|call| call.taken == Taken::Full);
        let keepers: Vec<&str> =
            rest.iter().filter(|call| call.taken == Taken::Kept).map(|call| &*call.id).collect();
        full.iter_mut().for_each(|call| call.done.refer(&keepers));
    }

    /// It was done by the process that sets the server up. Only the first program a server consists of can be that one.
    fn is_ours(&mut self, effect: &SideEffect) -> bool {
        let runs = |path: &str| matches!(&effect.act, Act::Exec { path: run, .. } if run == path);
        let is_run = matches!(effect.act, Act::Exec { .. });
        let (launch, is_ours) = match self.launch {
            Launch::Awaited if runs(LAUNCHER) => (Launch::Under(effect.process), true),
            Launch::Under(process) if process == effect.process && !is_run => (self.launch, true),
            Launch::Awaited | Launch::Under(_) | Launch::Over => (Launch::Over, false),
        };
        self.launch = launch;
        is_ours
    }

    /// The kernel had no room to tell of `count` things, which was noticed at `until`; whose they were is not known.
    pub fn lost(&mut self, count: u64, until: BootTime) {
        match &mut self.late {
            Some(late) => late.lose(Loss { count, until }),
            None => self.spread(count, until),
        }
    }

    /// Something was done during the calls that are open of which nothing is known: `violation` says, by tool, what is wrong
    /// with that.
    pub fn doubt(&mut self, violation: impl Fn(&str) -> Option<Violation>) {
        for call in &mut self.open {
            if let Some(violation) = violation(&call.tool) {
                call.done.violated(&violation);
            }
        }
    }

    /// `count` things that were lost by `until` may be every open call's, and no call's.
    fn spread(&mut self, count: u64, until: BootTime) {
        let open = self.open.iter_mut().filter(|call| call.since <= until).map(|call| &mut call.done);
        for done in open.chain([&mut self.stray]) {
            done.lost = done.lost.saturating_add(count);
        }
    }

    /// Call `id` of `caller` is answered. `None` where it is not followed.
    pub fn closed(&mut self, caller: u32, id: &str) -> Option<Done> {
        let at = self.open.iter().position(|call| call.caller == caller && &*call.id == id)?;
        let call = self.open.remove(at);
        self.last = Some(call.id.clone());
        Some(self.done(call))
    }

    /// A call that is over.
    fn done(&self, call: Call) -> Done {
        let Call { id, tool, mut done, .. } = call;
        done.lost = done.lost.saturating_add(self.late.as_ref().map_or(0, Late::losing));
        Done { call: id, tool, done }
    }

    /// Gives up the open calls of `caller` of which `is_open` knows nothing any more, with what was done during each.
    pub fn give_up(&mut self, caller: u32, is_open: impl Fn(&str) -> bool) -> Vec<Done> {
        let is_gone = |call: &mut Call| call.caller == caller && !is_open(&call.id);
        let gone: Vec<_> = self.open.extract_if(.., is_gone).collect();
        if let Some(call) = gone.last() {
            self.last = Some(call.id.clone());
        }
        gone.into_iter().map(|call| self.done(call)).collect()
    }

    /// The server has ended: no call is answered any more. Gives them all, with what was done during each.
    pub fn end(&mut self) -> Vec<Done> {
        let gone = std::mem::take(&mut self.open);
        if let Some(call) = gone.last() {
            self.last = Some(call.id.clone());
        }
        gone.into_iter().map(|call| self.done(call)).collect()
    }

    /// Nobody sees what is done any more: of the calls that are open nothing is known.
    pub fn forget(&mut self) {
        if let Some(call) = self.open.last() {
            self.last = Some(call.id.clone());
        }
        self.open.clear();
    }

    /// What was done while no call was open, since this was asked for last; `None` where nothing but noise was.
    pub fn take_stray(&mut self) -> Option<Stray> {
        let done = std::mem::take(&mut self.stray);
        (!done.is_quiet()).then(|| Stray { after: self.last.clone(), done })
    }

    /// Calls that are open.
    #[must_use]
    pub fn open_calls(&self) -> usize {
        self.open.len()
    }

    /// The session `caller` has one.
    #[must_use]
    pub fn is_open_for(&self, caller: u32) -> bool {
        self.open.iter().any(|call| call.caller == caller)
    }
}

/// What is to be said of `effect`, done during calls of one of `tools`.
fn said(effect: &SideEffect, tools: &[&str], measure: &Measure<'_>, has_begun: bool) -> Said {
    // Where nothing is known to be usual, everything is being learned.
    let odd = match measure.usual {
        Some(usual) => usual.odd(effect, tools, measure.learning),
        None => Baseline::default().odd(effect, tools, u32::MAX),
    };
    // To run the programs it consists of is no violation.
    let is_start = !has_begun && matches!(effect.act, Act::Exec { .. });
    let rules = measure.rules.filter(|_| !is_start);
    let violation = rules.and_then(|rules| {
        if tools.is_empty() {
            return rules.judge("", effect);
        }
        // It may be any one's, so it is a violation where each would be.
        let all: Option<Vec<Violation>> = tools.iter().map(|tool| rules.judge(tool, effect)).collect();
        all?.into_iter().min_by_key(|violation| violation.act)
    });
    Said { odd, violation }
}
