//! The one place that decides what the guard does.

use jiff::Timestamp;

use super::rule::Match;
use super::{Action, Kind, Orders, Rules, Subject};

/// How far the guard goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// It does nothing.
    #[default]
    Off,
    /// It tells what it would do.
    Alert,
    /// It does it.
    Enforce,
}

impl Mode {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Off, Self::Alert, Self::Enforce];

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Alert => "alert",
            Self::Enforce => "enforce",
        }
    }
}

/// Everything the guard goes by. Replaced whole.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    /// As configured.
    pub mode: Mode,
    /// Everything is done but the last step.
    pub dry_run: bool,
    /// Somebody switched it off by hand.
    pub is_off: bool,
    /// Rules, in order.
    pub rules: Rules,
    /// What people said.
    pub orders: Orders,
}

/// Why something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because<'a> {
    /// A rule of this name.
    Rule(&'a str),
    /// Somebody's order, by its id.
    Order(&'a str),
}

/// What is to be done about a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision<'a> {
    /// What.
    pub action: Action,
    /// Why.
    pub because: Because<'a>,
    /// Done; otherwise only told.
    pub is_real: bool,
}

/// What is decided of a program that is about to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtExec<'a> {
    /// It runs.
    Run,
    /// It does not, if the decision is real.
    Refuse(Decision<'a>),
    /// That depends on its hash.
    NeedsHash,
}

impl Guard {
    /// The mode in force.
    #[must_use]
    pub fn in_force(&self) -> Mode {
        if self.is_off { Mode::Off } else { self.mode }
    }

    /// Something is really done.
    #[must_use]
    pub fn acts(&self) -> bool {
        self.in_force() == Mode::Enforce && !self.dry_run
    }

    /// Programs have to wait until it is decided whether they run.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.in_force() == Mode::Enforce && (self.rules.has(Action::Hold) || self.orders.has_blocks())
    }

    /// Whether anything could be said against a program at this path, before more is known of it.
    #[must_use]
    pub fn may_hold(&self, path: &str) -> bool {
        let is_blocked = |order: &super::Order| order.kind == Kind::Block && order.program.exe == path;
        self.rules.may_hold(path) || self.orders.list().iter().any(is_blocked)
    }

    /// Where the programs are that have to wait: patterns of paths, `None` for anywhere.
    pub fn held_paths(&self) -> impl Iterator<Item = Option<&str>> {
        let blocked = self.orders.list().iter().filter(|order| order.kind == Kind::Block);
        self.rules.held().chain(blocked.map(|order| Some(order.program.exe.as_str())))
    }

    /// Decides on a program that is about to run.
    #[must_use]
    pub fn at_exec(&self, subject: &Subject<'_>, now: Timestamp) -> AtExec<'_> {
        if self.in_force() == Mode::Off {
            return AtExec::Run;
        }
        let refuse =
            |because| AtExec::Refuse(Decision { action: Action::Hold, because, is_real: self.acts() });
        match self.orders.of(subject, now) {
            Some(order) if order.kind == Kind::Allow => return AtExec::Run,
            Some(order) => return refuse(Because::Order(&order.id)),
            None => {}
        }
        match self.rules.first(subject, &[Action::Hold]) {
            Match::Rule(name, _) => refuse(Because::Rule(name)),
            Match::NeedsHash => AtExec::NeedsHash,
            Match::Nothing => AtExec::Run,
        }
    }

    /// Decides on a program that is about to run and of whose arguments nobody can tell: what could be said against it is.
    #[must_use]
    pub fn at_unread_exec(&self, subject: &Subject<'_>, now: Timestamp) -> AtExec<'_> {
        if self.in_force() == Mode::Off {
            return AtExec::Run;
        }
        let refuse =
            |because| AtExec::Refuse(Decision { action: Action::Hold, because, is_real: self.acts() });
        if let Some(order) = self.orders.block_of(subject, now) {
            return refuse(Because::Order(&order.id));
        }
        match self.rules.first_that_may_hold(subject) {
            Match::Rule(name, _) => refuse(Because::Rule(name)),
            Match::NeedsHash => AtExec::NeedsHash,
            Match::Nothing => AtExec::Run,
        }
    }

    /// Programs that rules and orders hold by their whole path.
    pub fn held_programs(&self) -> impl Iterator<Item = &str> {
        let blocked = self.orders.list().iter().filter(|order| order.kind == Kind::Block);
        self.named_programs().chain(blocked.map(|order| order.program.exe.as_str()))
    }

    /// Decides on a server that runs. `is_gated`: a gateway stands before it, or the configuration sanctions it; then only
    /// an order counts. `listens`: connections to it can be refused and steered.
    ///
    /// A rule that holds came too late for it, and is told.
    #[must_use]
    pub fn on_server(
        &self,
        subject: &Subject<'_>,
        is_gated: bool,
        listens: bool,
        now: Timestamp,
    ) -> Option<Decision<'_>> {
        if self.in_force() == Mode::Off {
            return None;
        }
        let decision = |action, because| {
            Some(Decision { action, because, is_real: action == Action::Flag || self.acts() })
        };
        match self.orders.of(subject, now) {
            Some(order) if order.kind == Kind::Allow => return None,
            Some(order) => return decision(Action::Kill, Because::Order(&order.id)),
            None => {}
        }
        if is_gated {
            return None;
        }
        let all = [Action::Flag, Action::Hold, Action::Kill, Action::Deny, Action::Steer];
        let here = if listens { all.as_slice() } else { all.get(..3).unwrap_or_default() };
        match self.rules.first(subject, here) {
            Match::Rule(name, Action::Hold) => decision(Action::Flag, Because::Rule(name)),
            Match::Rule(name, action) => decision(action, Because::Rule(name)),
            Match::NeedsHash | Match::Nothing => None,
        }
    }
}
