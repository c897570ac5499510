//! Rules of the guard: what they match and what follows. The first one that matches counts.

use globset::{GlobBuilder, GlobMatcher};

use super::Subject;
use crate::inventory::{AllowError, AllowRule, AllowSpec};
use crate::risk::Level;

/// What is done about what a rule matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// It is told.
    Flag,
    /// The program does not start. It waits at its `execve` until that is decided.
    Hold,
    /// The server's process is killed, once it is confirmed.
    Kill,
    /// Connections to the server are refused.
    Deny,
    /// Connections to the server come to a gateway in front of it.
    Steer,
}

impl Action {
    /// All there are.
    pub const ALL: [Self; 5] = [Self::Flag, Self::Hold, Self::Kill, Self::Deny, Self::Steer];

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Hold => "hold",
            Self::Kill => "kill",
            Self::Deny => "deny",
            Self::Steer => "steer",
        }
    }
}

/// How sure it is that something is an MCP server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Evidence {
    /// Nothing speaks for it.
    Nothing,
    /// Its standard input and output are channels, or it listens.
    Shape,
    /// Its command line names a known server.
    Command,
    /// Something of MCP was seen on the wire.
    Wire,
    /// MCP was seen in both directions.
    Confirmed,
}

impl Evidence {
    /// All there is, the weakest first.
    pub const ALL: [Self; 5] = [Self::Nothing, Self::Shape, Self::Command, Self::Wire, Self::Confirmed];

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Shape => "shape",
            Self::Command => "command",
            Self::Wire => "wire",
            Self::Confirmed => "confirmed",
        }
    }
}

/// A rule as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSpec {
    /// What the program is: executable, hash, command line, user, container, unit, cgroup. Its name is the rule's.
    pub program: AllowSpec,
    /// Path of a Unix socket to which connections are denied; then the rule is about nothing else.
    pub socket: Option<String>,
    /// Glob over the executables of whoever started or uses it.
    pub client: Option<String>,
    /// How sure it must be that it is a server; `None` for what the action asks for.
    pub evidence: Option<Evidence>,
    /// How much risk there must be.
    pub risk: Option<Level>,
    /// What follows.
    pub action: Action,
}

/// Why a rule cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// What it says of the program.
    #[error(transparent)]
    Program(#[from] AllowError),
    /// A glob does not compile.
    #[error("guard rule `{name}`: `client` is no glob")]
    Client {
        /// The rule.
        name: String,
        /// What the glob compiler says.
        #[source]
        source: globset::Error,
    },
}

/// A rule ready to match.
#[derive(Debug, Clone)]
struct Rule {
    name: String,
    exe: Option<String>,
    program: Option<AllowRule>,
    socket: Option<String>,
    client: Option<GlobMatcher>,
    evidence: Evidence,
    risk: Option<Level>,
    action: Action,
}

impl Rule {
    fn new(spec: &RuleSpec) -> Result<Self, RuleError> {
        let AllowSpec { name, exe, sha256, command, user, container, unit, cgroup } = &spec.program;
        let says = [exe, sha256, command, user, container, unit, cgroup].iter().any(|field| field.is_some());
        let client = spec.client.as_deref().map(|text| {
            GlobBuilder::new(text)
                .literal_separator(true)
                .build()
                .map(|glob| glob.compile_matcher())
                .map_err(|source| RuleError::Client { name: name.clone(), source })
        });
        let least = match spec.action {
            // What an action does to something that is no server cannot be taken back.
            Action::Kill => Evidence::Confirmed,
            Action::Flag | Action::Hold | Action::Deny | Action::Steer => Evidence::Nothing,
        };
        let usual = match spec.action {
            Action::Hold | Action::Flag => Evidence::Command,
            Action::Kill | Action::Deny | Action::Steer => Evidence::Confirmed,
        };
        Ok(Self {
            name: name.clone(),
            // Of a container the files are on a file system of its own.
            exe: exe.clone().filter(|_| container.is_none()),
            program: says.then(|| AllowRule::new(&spec.program)).transpose()?,
            socket: spec.socket.clone(),
            client: client.transpose()?,
            evidence: spec.evidence.unwrap_or(usual).max(least),
            risk: spec.risk,
            action: spec.action,
        })
    }

    /// All but the hash.
    fn fits(&self, subject: &Subject<'_>) -> bool {
        self.is_for(subject)
            && subject.evidence >= self.evidence
            && self.risk.is_none_or(|least| subject.risk.is_some_and(|risk| risk >= least))
            && self.program.as_ref().is_none_or(|program| program.fits(&subject.of_allow()))
    }

    /// All but the hash and what depends on arguments.
    fn may_fit(&self, subject: &Subject<'_>) -> bool {
        self.is_for(subject)
            && self.program.as_ref().is_none_or(|program| program.fits_but_command(&subject.of_allow()))
    }

    fn is_for(&self, subject: &Subject<'_>) -> bool {
        let of_client = |client: &GlobMatcher| subject.clients.iter().any(|exe| client.is_match(exe));
        self.socket.is_none() && self.client.as_ref().is_none_or(of_client)
    }

    fn hash(&self) -> Option<&str> {
        self.program.as_ref().and_then(AllowRule::sha256)
    }
}

/// What came of comparing a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Match<'a> {
    /// This rule matches.
    Rule(&'a str, Action),
    /// All of a rule but its hash matches, and the hash is not known.
    NeedsHash,
    /// None does.
    Nothing,
}

/// All rules, in the order written.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    rules: Vec<Rule>,
}

impl Rules {
    /// Compiles every rule.
    ///
    /// # Errors
    /// The first rule's [`RuleError`].
    pub fn compile(specs: &[RuleSpec]) -> Result<Self, RuleError> {
        Ok(Self { rules: specs.iter().map(Rule::new).collect::<Result<_, _>>()? })
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.rules.len()
    }

    /// Some rule does this.
    #[must_use]
    pub fn has(&self, action: Action) -> bool {
        self.rules.iter().any(|rule| rule.action == action)
    }

    /// A rule that holds could match a program at `path`.
    #[must_use]
    pub fn may_hold(&self, path: &str) -> bool {
        let fits = |rule: &Rule| rule.program.as_ref().is_none_or(|program| program.may_be_at(path));
        self.rules.iter().any(|rule| rule.action == Action::Hold && fits(rule))
    }

    /// For each rule that holds: the pattern of its executables, `None` for all.
    pub(super) fn held(&self) -> impl Iterator<Item = Option<&str>> {
        self.rules.iter().filter(|rule| rule.action == Action::Hold).map(|rule| rule.exe.as_deref())
    }

    /// Unix sockets to which connections are denied, each with its rule's name.
    pub fn sockets(&self) -> impl Iterator<Item = (&str, &str)> {
        self.rules.iter().filter_map(|rule| Some((rule.name.as_str(), rule.socket.as_deref()?)))
    }

    /// The first rule with one of `actions` that matches.
    pub(super) fn first(&self, subject: &Subject<'_>, actions: &[Action]) -> Match<'_> {
        let fits = |rule: &&Rule| actions.contains(&rule.action) && rule.fits(subject);
        Self::first_of(self.rules.iter().filter(fits), subject)
    }

    /// The first rule that holds and could match, whatever the arguments are.
    pub(super) fn first_that_may_hold(&self, subject: &Subject<'_>) -> Match<'_> {
        let may_fit = |rule: &&Rule| rule.action == Action::Hold && rule.may_fit(subject);
        Self::first_of(self.rules.iter().filter(may_fit), subject)
    }

    fn first_of<'a>(rules: impl Iterator<Item = &'a Rule>, subject: &Subject<'_>) -> Match<'a> {
        for rule in rules {
            match (rule.hash(), subject.sha256) {
                (Some(_), None) => return Match::NeedsHash,
                (Some(wanted), Some(known)) if wanted != known => {}
                (Some(_), Some(_)) | (None, _) => return Match::Rule(&rule.name, rule.action),
            }
        }
        Match::Nothing
    }
}
