//! Orders of people: this program may run whatever rules say, or may not, for a time or for good.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Subject;
use crate::hex;

/// Orders kept at most.
const MOST: usize = 1000;
/// Hexadecimal digits of a program's id.
const ID: usize = 16;

/// A program as it is started: what stays the same when it is started again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Path of the executable.
    pub exe: String,
    /// Arguments after the program's name.
    pub arguments: Vec<String>,
    /// Real user id.
    pub uid: u32,
    /// Container id or machine name.
    #[serde(default)]
    pub container: Option<String>,
}

impl Program {
    /// The program a subject is; `None` where not enough is known of it.
    #[must_use]
    pub fn of(subject: &Subject<'_>) -> Option<Self> {
        Some(Self {
            exe: subject.exe?.to_owned(),
            arguments: subject.argv.iter().skip(1).cloned().collect(),
            uid: subject.uid?,
            container: subject.container.map(str::to_owned),
        })
    }

    /// Its name: the same whenever it is started.
    #[must_use]
    pub fn id(&self) -> String {
        let mut hasher = Sha256::new();
        let mut part = |text: &str| {
            hasher.update(text.len().to_le_bytes());
            hasher.update(text);
        };
        part(&self.exe);
        part(self.container.as_deref().unwrap_or_default());
        part(&self.uid.to_string());
        self.arguments.iter().for_each(|argument| part(argument));
        let mut id = hex::encode(&hasher.finalize());
        id.truncate(ID);
        id
    }

    /// But for the arguments.
    fn may_be(&self, subject: &Subject<'_>) -> bool {
        subject.exe == Some(&self.exe)
            && subject.uid == Some(self.uid)
            && subject.container == self.container.as_deref()
    }

    fn is(&self, subject: &Subject<'_>) -> bool {
        self.may_be(subject) && subject.argv.iter().skip(1).eq(self.arguments.iter())
    }
}

/// What somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It may run, whatever rules say.
    Allow,
    /// It may not.
    Block,
}

impl Kind {
    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Block => "block",
        }
    }
}

/// One order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// [`Program::id`].
    pub id: String,
    /// What.
    pub kind: Kind,
    /// Which program.
    pub program: Program,
    /// User id of who gave it.
    pub by: u32,
    /// When.
    pub at: Timestamp,
    /// Until when; `None` for good.
    #[serde(default)]
    pub until: Option<Timestamp>,
}

/// There is no room for another order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there are {MOST} orders; take some back first")]
pub struct OrderError;

/// All orders; one a program.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Orders {
    list: Vec<Order>,
}

impl Orders {
    /// Takes an order in the place of what was said of that program before.
    ///
    /// # Errors
    /// There are too many.
    pub fn give(&mut self, order: Order) -> Result<(), OrderError> {
        self.list.retain(|known| known.id != order.id);
        if self.list.len() >= MOST {
            return Err(OrderError);
        }
        self.list.push(order);
        Ok(())
    }

    /// Takes back what was said of a program; whether anything was.
    pub fn take_back(&mut self, id: &str) -> bool {
        let before = self.list.len();
        self.list.retain(|known| known.id != id);
        self.list.len() < before
    }

    /// Forgets what holds no longer, and says what that was.
    pub fn expire(&mut self, now: Timestamp) -> Vec<Order> {
        let (over, rest) = std::mem::take(&mut self.list).into_iter().partition(|order| is_over(order, now));
        self.list = rest;
        over
    }

    /// What was said of a program, if it still holds.
    #[must_use]
    pub fn of(&self, subject: &Subject<'_>, now: Timestamp) -> Option<&Order> {
        self.list.iter().find(|order| !is_over(order, now) && order.program.is(subject))
    }

    /// What somebody blocked that the program may be, whatever its arguments are.
    pub(super) fn block_of(&self, subject: &Subject<'_>, now: Timestamp) -> Option<&Order> {
        let is_it = |order: &&Order| order.kind == Kind::Block && !is_over(order, now);
        self.list.iter().filter(is_it).find(|order| order.program.may_be(subject))
    }

    /// The order about the program of this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Order> {
        self.list.iter().find(|order| order.id == id)
    }

    /// All of them, oldest first.
    #[must_use]
    pub fn list(&self) -> &[Order] {
        &self.list
    }

    /// Somebody blocked something.
    #[must_use]
    pub fn has_blocks(&self) -> bool {
        self.list.iter().any(|order| order.kind == Kind::Block)
    }
}

fn is_over(order: &Order, now: Timestamp) -> bool {
    order.until.is_some_and(|until| until <= now)
}
