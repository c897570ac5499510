//! The gateway's end, where it is a process of its own: the agent follows the server behind it, and tells here.
//!
//! One connection, for as long as the server runs; then, or when the agent has gone, it is asked for anew, again and again.
//! In between nothing is told, and no call has effects.

use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr};
use std::os::unix::net::UnixStream as StdStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixStream, lookup_host};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::wire::{Ask, Lines, TELL_MAX, Tell, write};
use super::{Followed, Told};
use crate::admin::protocol::{ADDRS_MAX, Code, FollowRequest, LINE_MAX, Request, Response};
use crate::effects::Ended;
use crate::policy::effects::{Hosts, Surroundings};

/// How long answers wait. They are refused after it where policy refuses what the server may have done.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many times as long as answers wait the agent may take with one question before it counts as gone.
const STUCK: u32 = 2;
const BEAT: Duration = Duration::from_millis(500);
/// For a name to be looked up, the agent to be connected to, and to answer.
const ANSWER: Duration = Duration::from_secs(5);
/// Between attempts while nobody listens there; while there is no agent; and where the agent refuses.
const SOON: Duration = Duration::from_millis(250);
const RETRY: Duration = Duration::from_secs(2);
const REFUSED: Duration = Duration::from_secs(60);

/// What an agent tells of the one server this process stands before. A clone is the same.
#[derive(Debug, Clone)]
pub struct Link(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    wire: Mutex<Wire>,
    told: Mutex<Vec<Told>>,
    /// The last number that was answered.
    drained: watch::Sender<u64>,
    /// How long an answer waits for what was done before it.
    patience: Duration,
}

#[derive(Debug, Default)]
struct Wire {
    stream: Option<StdStream>,
    /// The last number that somebody waits for.
    asked: u64,
    /// The question that is on its way, and since when.
    sent: Option<(u64, Instant)>,
    /// The server is to be ended.
    kills: bool,
}

/// Whom a link asks for what.
#[derive(Debug)]
pub struct Asks {
    /// The agent's control socket.
    pub socket: PathBuf,
    /// Host and port of the server.
    pub upstream: (String, u16),
    /// The server.
    pub followed: Followed,
    /// Addresses of the names policy speaks of.
    pub hosts: Hosts,
    /// Somebody wants to know where nothing is told.
    pub is_wanted: bool,
}

/// Why nothing is told.
#[derive(Debug)]
struct Failure {
    why: String,
    pause: Duration,
}

impl Failure {
    fn new(why: impl Into<String>, pause: Duration) -> Self {
        Self { why: why.into(), pause }
    }
}

impl Default for Link {
    fn default() -> Self {
        Self::patient(PATIENCE)
    }
}

impl Link {
    pub(super) fn patient(patience: Duration) -> Self {
        let drained = watch::Sender::new(0);
        Self(Arc::new(Shared { wire: Mutex::default(), told: Mutex::default(), drained, patience }))
    }

    /// Gives what was told. Does not wait.
    pub(super) fn take(&self, told: &mut Vec<Told>) -> bool {
        told.append(&mut self.told());
        false
    }

    /// Has the agent end the server.
    pub(super) fn kill(&self) -> Option<Ended> {
        let mut wire = self.wire();
        if wire.stream.is_none() {
            return Some(Ended { processes: 0, is_incomplete: true });
        }
        if !std::mem::replace(&mut wire.kills, true) {
            wire.send(&Ask::Kill);
        }
        None
    }

    /// Waits until all that the server, which is `group`, did up to now is told, for a moment at most; what is not by then is
    /// lost.
    pub(super) async fn settle(&self, group: u32) {
        let Some(number) = self.wire().ask() else { return };
        let mut drained = self.0.drained.subscribe();
        let is_told =
            matches!(timeout(self.0.patience, drained.wait_for(|told| *told >= number)).await, Ok(Ok(_)));
        if !is_told {
            // How much it is nobody knows.
            self.told().push(Told::Untold { group, count: 1 });
        }
    }

    /// Asks the agent to follow the server, and takes in what it tells, until `ending`.
    pub async fn run(self, asks: Asks, ending: CancellationToken) {
        let mut said: Option<String> = None;
        loop {
            let over = tokio::select! {
                () = ending.cancelled() => return self.end(&asks.followed),
                over = self.follow(&asks) => over,
            };
            let Failure { why, pause } = over;
            if said.as_ref() != Some(&why) {
                if asks.is_wanted {
                    tracing::warn!("what the server does to the host is not recorded: {why}");
                } else {
                    tracing::debug!("what the server does to the host is not recorded: {why}");
                }
                said = Some(why);
            }
            tokio::select! {
                () = ending.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Follows it for once, and says why that is over.
    async fn follow(&self, asks: &Asks) -> Failure {
        let (stream, around) = match connect(asks).await {
            Ok(connected) => connected,
            Err(failure) => return failure,
        };
        asks.followed.runs_in(around);
        match self.listen(stream, &asks.followed).await {
            Ok(()) => Failure::new("the agent, or the server, has ended", SOON),
            Err(error) => Failure::new(format!("the agent is not understood: {error}"), RETRY),
        }
    }

    /// Takes in what is told on `stream` until its end.
    pub(super) async fn listen(&self, stream: UnixStream, followed: &Followed) -> io::Result<()> {
        let over = self.read(stream, followed).await;
        self.end(followed);
        over
    }

    async fn read(&self, stream: UnixStream, followed: &Followed) -> io::Result<()> {
        let stream = stream.into_std()?;
        // Written to by whoever waits, from whichever thread.
        self.wire().stream = Some(stream.try_clone()?);
        let mut stream = UnixStream::from_std(stream)?;
        followed.sees(true);
        tracing::debug!("what the server does to the host is recorded");
        let mut beats = interval(BEAT);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut lines = Lines::new(TELL_MAX);
        loop {
            tokio::select! {
                read = stream.read_buf(&mut lines.buffer) => {
                    if read? == 0 {
                        return Ok(());
                    }
                    self.hear(&mut lines, followed)?;
                }
                _ = beats.tick() => {
                    let stuck = self.0.patience.saturating_mul(STUCK);
                    if self.wire().sent.is_some_and(|(_, since)| since.elapsed() >= stuck) {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                }
            }
        }
    }

    /// Takes in what has come.
    fn hear(&self, lines: &mut Lines, followed: &Followed) -> io::Result<()> {
        let (mut drained, mut over) = (None, false);
        let group = followed.group();
        let heard = lines.each(|line| {
            let told = match serde_json::from_slice(line)? {
                Tell::Did(did) => Told::Did(did.of(group)),
                Tell::Lost(count) => Told::Untold { group, count },
                Tell::Missed(count) => Told::Lost(count),
                Tell::Killed(ended) => {
                    self.wire().kills = false;
                    Told::Killed { group, ended }
                }
                Tell::Drained(number) => {
                    drained = Some(number);
                    return Ok(());
                }
                Tell::Over => {
                    over = true;
                    return Ok(());
                }
            };
            self.told().push(told);
            Ok::<(), io::Error>(())
        });
        // What came with what cannot be understood counts.
        followed.drain();
        heard?;
        if over {
            followed.end();
        }
        if let Some(number) = drained {
            self.wire().answered(number)?;
            self.0.drained.send_replace(number);
        }
        Ok(())
    }

    /// Nothing is told any more.
    fn end(&self, followed: &Followed) {
        let (asked, kills) = {
            let mut wire = self.wire();
            wire.stream = None;
            wire.sent = None;
            (wire.asked, std::mem::take(&mut wire.kills))
        };
        if kills {
            let ended = Ended { processes: 0, is_incomplete: true };
            self.told().push(Told::Killed { group: followed.group(), ended });
        }
        followed.sees(false);
        // Whoever waits, waits for nothing.
        self.0.drained.send_replace(asked);
    }

    // Nothing is left half done while one of these is held, and nothing is waited for.

    fn wire(&self) -> MutexGuard<'_, Wire> {
        self.0.wire.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn told(&self) -> MutexGuard<'_, Vec<Told>> {
        self.0.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wire {
    /// Has the ring emptied; gives the number to wait for. One question is on its way at a time, for all who ask meanwhile.
    fn ask(&mut self) -> Option<u64> {
        self.stream.as_ref()?;
        self.asked = self.asked.saturating_add(1);
        if self.sent.is_none() {
            self.drain();
        }
        Some(self.asked)
    }

    fn drain(&mut self) {
        self.sent = Some((self.asked, Instant::now()));
        self.send(&Ask::Drain(self.asked));
    }

    /// Question `number` is answered: another, where somebody has asked since.
    fn answered(&mut self, number: u64) -> io::Result<()> {
        if self.sent.take().map(|(sent, _)| sent) != Some(number) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "nobody asked that"));
        }
        if self.asked > number {
            self.drain();
        }
        Ok(())
    }

    /// There is always room for the little that is on its way; where there is none, whoever should read does not.
    fn send(&mut self, ask: &Ask) {
        let mut line = Vec::new();
        write(&mut line, ask);
        if let Some(mut stream) = self.stream.as_ref()
            && !matches!(stream.write(&line), Ok(count) if count == line.len())
        {
            // Its reader finds the end.
            stream.shutdown(Shutdown::Both).ok();
        }
    }
}

/// Asks the agent to follow whoever listens at `upstream`.
async fn connect(asks: &Asks) -> Result<(UnixStream, Surroundings), Failure> {
    let connected = timeout(ANSWER, async {
        let (host, port) = &asks.upstream;
        let addrs = lookup_host((host.as_str(), *port)).await;
        let addrs: Vec<SocketAddr> = addrs
            .map_err(|error| Failure::new(format!("the server's host is not known: {error}"), RETRY))?
            .take(ADDRS_MAX)
            .collect();
        let mut stream = UnixStream::connect(&asks.socket).await.map_err(|error| {
            Failure::new(format!("no agent is reached at {}: {error}", asks.socket.display()), RETRY)
        })?;
        let response = ask(&mut stream, &Request::Follow(FollowRequest { addrs })).await;
        let response = response.map_err(|error| Failure::new(format!("the agent: {error}"), RETRY))?;
        if let Some(error) = response.error {
            let pause = match error.code {
                Code::Failed => SOON,
                Code::Forbidden | Code::BadRequest | Code::Other => REFUSED,
                Code::TooLong | Code::Idle | Code::Busy | Code::Unavailable => RETRY,
            };
            return Err(Failure::new(crate::proxy::printable(&error.message), pause));
        }
        let around = response.around.unwrap_or_default();
        Ok((stream, around.with(asks.hosts.clone())))
    });
    connected.await.unwrap_or_else(|_late| Err(Failure::new("the agent does not answer", RETRY)))
}

/// Asks, and reads the line of the answer and not a byte more.
async fn ask(stream: &mut UnixStream, request: &Request) -> io::Result<Response> {
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    let mut answer = Vec::new();
    loop {
        match stream.read_u8().await? {
            b'\n' => return Ok(serde_json::from_slice(&answer)?),
            _ if answer.len() >= LINE_MAX => return Err(io::ErrorKind::InvalidData.into()),
            byte => answer.push(byte),
        }
    }
}
