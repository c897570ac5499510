//! Whose messages are followed: which servers, by which channels and listeners, and who is at both ends.
//!
//! A server in front of which no gateway is, whose messages are wanted, is not let go when it is classified.

use globset::{GlobBuilder, GlobMatcher};

use super::allow::{AllowError, AllowRule, AllowSpec, Subject};
use super::channel::{Channels, Flow};
use super::server::{McpServer, Portrait};
use super::{Channel, ChannelKind, Listener, ProcessKey, Transport};

/// Servers whose messages are wanted, as written; every field named must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FollowSpec {
    /// Glob over the server's name for itself.
    pub name: Option<String>,
    /// Glob over the executable's path, as in [`AllowSpec::exe`].
    pub exe: Option<String>,
    /// Glob over the arguments, as in [`AllowSpec::command`].
    pub command: Option<String>,
}

/// Whose messages are wanted.
#[derive(Debug, Clone, Default)]
pub struct FollowList {
    all: bool,
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    name: Option<GlobMatcher>,
    process: Option<AllowRule>,
}

impl FollowList {
    /// Those of every server where `all`, and those of whom `specs` name.
    ///
    /// # Errors
    /// [`AllowError`] where one names nothing or a glob does not compile.
    pub fn compile(all: bool, specs: &[FollowSpec]) -> Result<Self, AllowError> {
        let rules = specs.iter().map(rule).collect::<Result<_, _>>()?;
        Ok(Self { all, rules })
    }

    /// Nobody's.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.all && self.rules.is_empty()
    }

    /// Whether those of the server at the other end of a TLS connection to `host` are wanted. What is said of a server's process
    /// fits none that is not here.
    #[must_use]
    pub fn wants_remote(&self, host: &str) -> bool {
        let fits = |rule: &Rule| {
            rule.process.is_none() && rule.name.as_ref().is_some_and(|glob| glob.is_match(host))
        };
        self.all || self.rules.iter().any(fits)
    }

    /// Whether those of the server that calls itself `name` are wanted.
    pub(super) fn wants(&self, name: Option<&str>, subject: &Subject<'_>) -> bool {
        let fits = |rule: &Rule| {
            rule.name.as_ref().is_none_or(|glob| name.is_some_and(|name| glob.is_match(name)))
                && rule.process.as_ref().is_none_or(|process| process.matches(subject))
        };
        self.all || self.rules.iter().any(fits)
    }
}

fn rule(spec: &FollowSpec) -> Result<Rule, AllowError> {
    let title = || "messages-of".to_owned();
    let name = spec.name.as_ref().map(|text| {
        let glob = GlobBuilder::new(text).build().map(|glob| glob.compile_matcher());
        glob.map_err(|source| AllowError::Glob { name: title(), field: "name", source })
    });
    let named = AllowSpec {
        name: title(),
        exe: spec.exe.clone(),
        command: spec.command.clone(),
        ..AllowSpec::default()
    };
    let process = match AllowRule::new(&named) {
        Err(AllowError::Empty { .. }) if spec.name.is_some() => None,
        other => Some(other?),
    };
    Ok(Rule { name: name.transpose()?, process })
}

/// A server whose messages are followed, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// The record's number.
    pub seq: u64,
    /// What it calls itself.
    pub name: Option<String>,
    /// How clients reach it.
    pub transport: Transport,
    /// Nothing more about it is to be learned from its messages.
    pub complete: bool,
    /// Where its messages pass, if they do over channels.
    pub lanes: Vec<Lane>,
    /// Where it listens, if it does.
    pub listeners: Vec<Listener>,
    /// The server's process, where that is on this host.
    pub server: Option<Peer>,
    /// Its URL, of one that is reached over TLS.
    pub url: Option<String>,
    /// The client's; of a network server the latest.
    pub client: Option<Peer>,
}

/// One side of one direction: what is read from, or written to, a channel end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lane {
    /// The end.
    pub channel: Channel,
    /// What is written to it; otherwise what is read from it.
    pub wrote: bool,
    /// The bytes flow to the server.
    pub to_server: bool,
}

/// A process at one end of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Which.
    pub process: ProcessKey,
    /// Its executable; empty where that is not known.
    pub exe: String,
    /// Its user's name, or number; empty where neither is known.
    pub user: String,
    /// Its user's number, where that is known.
    pub uid: Option<u32>,
    /// Its command line.
    pub command: Vec<String>,
}

impl Peer {
    pub(super) fn of(portrait: &Portrait) -> Self {
        let uid = portrait.image.as_ref().map(|image| image.uid);
        let user = portrait.facts.as_ref().and_then(|facts| facts.user.clone());
        Self {
            process: portrait.key,
            exe: portrait.exe().to_owned(),
            user: user.or(uid.map(|uid| uid.to_string())).unwrap_or_default(),
            uid,
            command: portrait.command().to_vec(),
        }
    }
}

impl Followed {
    pub(super) fn of(server: &McpServer, channels: &Channels) -> Option<Self> {
        let inbound = server.input().into_iter().map(|flow| (flow, true));
        let outbound = server.outputs().iter().map(|flow| (*flow, false));
        let lanes = inbound.chain(outbound).flat_map(|(flow, to_server)| lanes(flow, to_server, channels));
        Some(Self {
            seq: server.seq,
            name: server.dialogue.server_info().map(|(name, _)| name.clone()),
            transport: server.transport(),
            complete: server.dialogue.is_complete(),
            lanes: lanes.collect(),
            listeners: server.http().map(|http| http.listeners.clone()).unwrap_or_default(),
            server: Some(Peer::of(server.process.as_ref()?)),
            url: None,
            client: server.client.as_ref().map(Peer::of),
        })
    }
}

/// Both sides of a flow, as far as they are known.
fn lanes(flow: Flow, to_server: bool, channels: &Channels) -> Vec<Lane> {
    let lane = |channel, wrote| Lane { channel, wrote, to_server };
    match flow {
        Flow::Fifo(ino) => {
            let pipe = Channel { kind: ChannelKind::Fifo, ino };
            vec![lane(pipe, false), lane(pipe, true)]
        }
        Flow::Into(ino) => {
            let mut ends = channels.taps(flow);
            let own = Channel { kind: ChannelKind::Unix, ino };
            let other = ends.find(|end| *end != own).map(|end| lane(end, true));
            std::iter::once(lane(own, false)).chain(other).collect()
        }
        Flow::OutOf(ino) => vec![lane(Channel { kind: ChannelKind::Unix, ino }, true)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_a_rule_names_must_match() {
        let spec = |name: Option<&str>, exe: Option<&str>| FollowSpec {
            name: name.map(str::to_owned),
            exe: exe.map(str::to_owned),
            command: None,
        };
        let subject = Subject { exe: Some("/usr/bin/node"), ..Subject::default() };
        let list = FollowList::compile(false, &[spec(Some("notes*"), Some("/usr/bin/*"))]).unwrap();
        assert!(list.wants(Some("notes-2"), &subject));
        assert!(!list.wants(Some("other"), &subject) && !list.wants(None, &subject));
        assert!(!list.wants(Some("notes"), &Subject::default()));
        assert!(FollowList::compile(false, &[spec(None, None)]).is_err());
        assert!(FollowList::compile(false, &[spec(Some("a["), None)]).is_err());
        assert!(FollowList::compile(true, &[]).unwrap().wants(None, &Subject::default()));
        assert!(!FollowList::default().wants(Some("notes"), &subject));
    }

    #[test]
    fn both_sides_of_a_socket_pair_are_known_by_their_own_ends() {
        let mut channels = Channels::new(8);
        let unix = |ino| Channel { kind: ChannelKind::Unix, ino };
        let end = super::super::ChannelEnd {
            channel: unix(1),
            fd: 0,
            readable: true,
            writable: true,
            peer: Some(2),
            creator: None,
        };
        channels.learn(&[end]);
        let lane = |channel, wrote| Lane { channel, wrote, to_server: true };
        assert_eq!(lanes(Flow::Into(1), true, &channels), [lane(unix(1), false), lane(unix(2), true)]);
    }
}
