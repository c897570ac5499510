//! What agent and gateway say to each other about a server that one follows for the other: lines of JSON, both ways, on the
//! connection on which the gateway [asked](crate::admin::protocol::FollowRequest) for it. Both run the same program.
//!
//! ```text
//! → {"drain":7}                     empty the ring
//! ← {"did":{…}} …                   what was in it, and comes by itself now and then
//! ← {"lost":2}                      so many things it did are not told
//! ← {"missed":2}                    so many are not, whoever did them
//! ← {"drained":7}                   that was all
//! → "kill"                          end the server
//! ← {"killed":{"processes":1,"is_incomplete":false}}
//! ← "over"                          it has ended
//! ```

use serde::{Deserialize, Serialize};

use crate::effects::{Act, Ended, Outcome, SideEffect};
use crate::inventory::{BootTime, ProcessKey};

/// Bytes a line of the gateway's may have, and one of the agent's: names and arguments, each byte written as six.
pub(super) const ASK_MAX: usize = 64;
pub(super) const TELL_MAX: usize = 256 << 10;

/// From the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Ask {
    /// The ring is to be emptied, and this number said when it is.
    Drain(u64),
    /// The server is to be ended.
    Kill,
}

/// From the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Tell {
    /// A process of the server did something.
    Did(Box<Did>),
    /// So many things it did are not told.
    Lost(u64),
    /// So many are not that it may have done, or another.
    Missed(u64),
    /// All that was done before this was asked for is told.
    Drained(u64),
    /// The server was ended.
    Killed(Ended),
    /// It is not there any more, and that was all.
    Over,
}

/// A [`SideEffect`]; the server is the connection's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Did {
    pid: u32,
    start_ticks: u64,
    at: u64,
    act: Act,
    outcome: Outcome,
    cut: bool,
}

impl From<SideEffect> for Did {
    fn from(effect: SideEffect) -> Self {
        let SideEffect { process, at, act, outcome, cut, .. } = effect;
        Self { pid: process.pid, start_ticks: process.start_ticks, at: at.0, act, outcome, cut }
    }
}

impl Did {
    /// As one of the server `group`.
    pub(super) fn of(self, group: u32) -> SideEffect {
        let Self { pid, start_ticks, at, act, outcome, cut } = self;
        let process = ProcessKey { pid, start_ticks };
        SideEffect { group, process, at: BootTime(at), act, outcome, cut }
    }
}

/// Appends `message` as a line.
pub(super) fn write(line: &mut Vec<u8>, message: &impl Serialize) {
    // Nothing here has a key that is no text, or fails to be written.
    if serde_json::to_writer(&mut *line, message).is_ok() {
        line.push(b'\n');
    }
}

/// Splits what comes into lines of at most so many bytes.
#[derive(Debug)]
pub(super) struct Lines {
    most: usize,
    pub(super) buffer: Vec<u8>,
}

/// A line is longer than it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a line is too long")]
pub(super) struct TooLong;

impl Lines {
    pub(super) fn new(most: usize) -> Self {
        Self { most, buffer: Vec::with_capacity(most.min(64 << 10)) }
    }

    /// Gives each whole line of what has come to `take`, until one is refused.
    pub(super) fn each<E: From<TooLong>>(
        &mut self,
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut taken = 0;
        while let Some(rest) = self.buffer.get(taken..)
            && let Some(length) = memchr::memchr(b'\n', rest)
        {
            if length > self.most {
                return Err(TooLong.into());
            }
            take(rest.get(..length).unwrap_or_default())?;
            taken += length + 1;
        }
        self.buffer.drain(..taken);
        if self.buffer.len() > self.most { Err(TooLong.into()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::{Access, Protocol};

    fn lines(most: usize, bytes: &[u8]) -> (Vec<String>, Result<(), TooLong>, usize) {
        let (mut lines, mut all) = (Lines { most, buffer: bytes.to_vec() }, Vec::new());
        let done = lines.each(|line| {
            all.push(String::from_utf8(line.to_vec()).unwrap());
            Ok(())
        });
        (all, done, lines.buffer.len())
    }

    #[test]
    fn whole_lines_are_taken_and_long_ones_are_not() {
        let told = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(lines(4, b"one\ntwo\n\nha"), (told(&["one", "two", ""]), Ok(()), 2));
        assert_eq!(lines(4, b"one\ntwo--\n").1, Err(TooLong));
        assert_eq!(lines(4, b"endless").1, Err(TooLong));
        assert_eq!(lines(4, b""), (told(&[]), Ok(()), 0));
    }

    #[test]
    fn everything_a_process_does_comes_through_and_nothing_else_does() {
        let path = || "/home/ann/a \u{1} \"b\"\n\u{fffd}".to_owned();
        let to = "[::1]:443".parse().unwrap();
        let protocol = Protocol::Tcp;
        let acts = [
            Act::Open { path: path(), access: Access::ReadWrite },
            Act::Delete { path: path() },
            Act::Rename { from: path(), to: path() },
            Act::Link { from: path(), to: path() },
            Act::Truncate { path: path() },
            Act::Exec { path: path(), arguments: vec![path(), String::new()] },
            Act::Connect { to, protocol },
            Act::Send { to, protocol: Protocol::Other(132) },
            Act::Bind { at: to, protocol },
        ];
        for act in acts {
            let process = ProcessKey { pid: 7, start_ticks: u64::MAX };
            let (at, outcome) = (BootTime(9), Outcome::Refused);
            let effect = SideEffect { group: 3, process, at, act, outcome, cut: true };
            let mut line = Vec::new();
            write(&mut line, &Tell::Did(Box::new(effect.clone().into())));
            assert_eq!((line.pop(), line.contains(&b'\n')), (Some(b'\n'), false));
            let Tell::Did(did) = serde_json::from_slice(&line).unwrap() else { panic!("it was done") };
            assert_eq!(did.of(3), effect);
        }
        for wrong in [
            r#"{"did":{"pid":1,"start_ticks":1,"at":1,"act":{"delete":{"path":"/x"}},"outcome":"done","cut":false,"more":1}}"#,
            r#"{"did":{"pid":1,"start_ticks":1,"at":1,"act":{"delete":{"path":"/x"}},"outcome":"done"}}"#,
            r#"{"did":{"pid":-1,"start_ticks":1,"at":1,"act":{"delete":{"path":"/x"}},"outcome":"done","cut":false}}"#,
            r#"{"lost":-1}"#,
            r#"{"lost":1,"drained":2}"#,
            r#""kill""#,
            "",
        ] {
            assert!(serde_json::from_str::<Tell>(wrong).is_err(), "{wrong}");
        }
        assert_eq!(serde_json::from_str(r#"{"drain":7}"#).ok(), Some(Ask::Drain(7)));
    }
}
