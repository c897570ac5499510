//! The guard as the control socket and the status document tell of it.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What somebody tells the guard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardRequest {
    /// What.
    pub act: GuardOrderWord,
    /// A server's id in `status`, or a program's.
    #[serde(default)]
    pub id: Option<String>,
    /// For how long, in seconds; without it for good.
    #[serde(default)]
    pub seconds: Option<u64>,
}

/// What somebody tells the guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GuardOrderWord {
    /// That program may run.
    Allow,
    /// That program may not.
    Block,
    /// What was said of that program is taken back.
    Forget,
    /// Nothing is done any more.
    Off,
    /// What the configuration says is done again.
    On,
}

impl GuardOrderWord {
    /// As it is recorded.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Block => "block",
            Self::Forget => "forget",
            Self::Off => "off",
            Self::On => "on",
        }
    }
}

/// Switches the guard off without asking the daemon's loop, which may be what does not answer.
#[derive(Clone)]
pub struct Halt(Arc<dyn Fn() + Send + Sync>);

impl Halt {
    /// One that does this.
    #[must_use]
    pub fn new(halt: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(halt))
    }

    pub(super) fn halt(&self) {
        (self.0)();
    }
}

impl fmt::Debug for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Halt")
    }
}

/// The guard.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GuardStatus {
    /// As configured: `off`, `alert`, `enforce`.
    pub mode: String,
    /// As it is: `off` where somebody switched it off.
    pub in_force: String,
    /// It does everything but the last step.
    pub dry_run: bool,
    /// How many rules there are.
    pub rules: usize,
    /// What people said, oldest first.
    pub orders: Vec<OrderView>,
    /// Places whose programs wait for a decision before they run.
    pub held_places: usize,
    /// Programs that waited.
    pub held: u64,
    /// How long the longest of them waited, in microseconds.
    pub longest_us: u64,
    /// Connections that are denied or steered.
    pub turned: Vec<TurnedView>,
    /// Client configuration files that are watched, those that are not there yet included.
    pub client_files: usize,
    /// What does not work, a sentence each.
    pub problems: Vec<String>,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderView {
    /// The program's id.
    pub id: String,
    /// `allow` or `block`.
    pub kind: String,
    /// Path of the executable.
    pub exe: String,
    /// Its arguments, escaped.
    pub arguments: Vec<String>,
    /// Its user.
    pub uid: u32,
    /// User id of who gave the order.
    pub by: u32,
    /// When.
    pub at: Timestamp,
    /// Until when; null for good.
    pub until: Option<Timestamp>,
}

/// A server whose connections are denied or steered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnedView {
    /// The server's id.
    pub server: String,
    /// `deny` or `steer`.
    pub act: String,
    /// Where it listens.
    pub endpoint: String,
    /// Where steered connections go.
    pub to: Option<String>,
    /// How many there were.
    pub connections: u64,
}
