//! One client: its lines in, the daemon loop's answers out, until it leaves or breaks a rule.

use std::sync::Arc;

use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::line::{Lines, NoLine};
use super::seats::Seats;
use super::{Command, Limits};
use crate::admin::Peer;
use crate::admin::guard::{GuardOrderWord, GuardRequest, Halt};
use crate::admin::protocol::{
    self, Code, DecideRequest, FollowRequest, LINE_MAX, RegisterRequest, Request, Response,
};
use crate::proxy::effects::Relayed;
use crate::proxy::handover::Place;

/// One client.
#[derive(Debug)]
pub(super) struct Connection {
    lines: Lines<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    peer: Peer,
    id: u64,
    seats: Arc<Seats>,
    /// A visitor's seat, or a registration's once registered.
    seat: OwnedSemaphorePermit,
    /// The loop has heard of this connection, and must hear of its end.
    registered: bool,
    commands: mpsc::Sender<Command>,
    limits: Limits,
    halt: Option<Halt>,
}

/// The connection is over for us.
#[derive(Debug)]
enum Over {
    /// The client left, or was sent away.
    Left,
    /// It is a session's from now on; the server's name.
    Session(Place, String),
    /// It tells a gateway from now on what its server does.
    Relay(Relayed),
}

/// What a session's server is called where the wrap does not say.
const UNNAMED: &str = "server";

impl Connection {
    pub(super) fn new(
        stream: UnixStream,
        peer: Peer,
        id: u64,
        seat: OwnedSemaphorePermit,
        seats: Arc<Seats>,
        commands: mpsc::Sender<Command>,
        limits: Limits,
    ) -> Self {
        let (reader, writer) = stream.into_split();
        let lines = Lines::new(reader);
        Self { lines, writer, peer, id, seats, seat, registered: false, commands, limits, halt: None }
    }

    /// Switches the guard off by `halt` before the loop hears of it.
    pub(super) fn halting(self, halt: Option<Halt>) -> Self {
        Self { halt, ..self }
    }

    /// Serves the client until it leaves, is sent away, or `shutdown`.
    pub(super) async fn run(mut self, shutdown: CancellationToken) {
        let over = tokio::select! {
            () = shutdown.cancelled() => return, // the loop forgets all registrations by itself
            over = self.serve() => over,
        };
        if self.registered {
            tokio::select! {
                () = shutdown.cancelled() => {}
                // An error means the loop is gone, and with it what it knew.
                _gone = self.commands.send(Command::Unregister { id: self.id }) => {}
            }
        }
        match over {
            Over::Left => {}
            Over::Session(place, server) => {
                if let Err(error) = self.give_away(place, server) {
                    tracing::warn!(%error, "a session was not taken over");
                }
            }
            Over::Relay(relayed) => {
                let Self { lines, writer, seat: _seat, .. } = self;
                match lines
                    .into_reader()
                    .and_then(|reader| reader.reunite(writer).map_err(std::io::Error::other))
                {
                    Ok(stream) => relayed.run(stream, &shutdown).await,
                    Err(error) => tracing::debug!(%error, "a gateway is not told what its server does"),
                }
            }
        }
    }

    /// Gives the connection to a session's thread.
    fn give_away(self, place: Place, server: String) -> std::io::Result<()> {
        let reader = self.lines.into_reader()?;
        let stream = reader.reunite(self.writer).map_err(std::io::Error::other)?;
        place.start(stream.into_std()?, server)
    }

    async fn serve(&mut self) -> Over {
        loop {
            match self.turn().await {
                Ok(()) => {}
                Err(over) => return over,
            }
        }
    }

    /// One request and its answer.
    async fn turn(&mut self) -> Result<(), Over> {
        let idle = (!self.registered).then_some(self.limits.idle);
        let line = match self.lines.next(idle, self.limits.line).await {
            Ok(line) => line,
            Err(NoLine::End) => return Err(Over::Left),
            Err(NoLine::TooLong) => {
                let why = format!("a request has at most {LINE_MAX} bytes");
                return self.last(Response::error(Code::TooLong, why)).await;
            }
            Err(NoLine::Late) => {
                return self.last(Response::error(Code::Idle, "no whole request came in time")).await;
            }
        };
        match protocol::parse(&line) {
            Ok(Request::Status) => {
                let answer = self.status().await;
                self.answer(&answer).await
            }
            Ok(Request::Register(request)) => {
                let answer = self.register(request).await;
                // Who is refused must not keep a seat that knows no time limit.
                if answer.ok { self.answer(&answer).await } else { self.last(answer).await }
            }
            Ok(Request::Handover(request)) => {
                let peer = self.peer;
                let server = request.name.unwrap_or_else(|| UNNAMED.to_owned());
                let name = server.clone();
                match self.ask(|reply| Command::Handover { peer, name, reply }).await {
                    Some(Ok(place)) => {
                        self.answer(&Response::done()).await?;
                        Err(Over::Session(place, server))
                    }
                    Some(Err(refusal)) => self.last(Response::error(refusal.code, refusal.message)).await,
                    None => self.last(unavailable()).await,
                }
            }
            Ok(Request::Follow(request)) => self.follow(request).await,
            Ok(Request::Reload) => {
                let answer = self.reload().await;
                self.answer(&answer).await
            }
            Ok(Request::Holds) => {
                let answer = self.holds().await;
                self.answer(&answer).await
            }
            Ok(Request::Decide(request)) => {
                let answer = self.decide(request).await;
                self.answer(&answer).await
            }
            Ok(Request::Guard(request)) => {
                let answer = self.guard(request).await;
                self.answer(&answer).await
            }
            // What follows a line that is none of ours is not worth reading.
            Err(why) => self.last(Response::error(Code::BadRequest, why)).await,
        }
    }

    async fn follow(&mut self, request: FollowRequest) -> Result<(), Over> {
        let Some(seat) = self.seats.register() else {
            return self.last(Response::error(Code::Busy, "too many proxies are registered")).await;
        };
        self.seat = seat;
        let peer = self.peer;
        match self.ask(|reply| Command::Follow { peer, request, reply }).await {
            Some(Ok(relayed)) => {
                self.answer(&Response::followed(relayed.around())).await?;
                Err(Over::Relay(relayed))
            }
            Some(Err(refusal)) => self.last(Response::error(refusal.code, refusal.message)).await,
            None => self.last(unavailable()).await,
        }
    }

    async fn status(&mut self) -> Response {
        let peer = self.peer;
        match self.ask(|reply| Command::Status { peer, reply }).await {
            Some(status) => Response::status(status.visible_to(peer.sees_as())),
            None => unavailable(),
        }
    }

    async fn reload(&mut self) -> Response {
        if !self.is_operator() {
            return forbidden();
        }
        let peer = self.peer;
        match self.ask(|reply| Command::Reload { peer, reply }).await {
            Some(Ok(())) => Response::done(),
            Some(Err(problem)) => Response::error(Code::Failed, problem),
            None => unavailable(),
        }
    }

    async fn holds(&mut self) -> Response {
        if !self.is_operator() {
            return forbidden();
        }
        self.ask(|reply| Command::Holds { reply }).await.map_or_else(unavailable, Response::holds)
    }

    async fn decide(&mut self, request: DecideRequest) -> Response {
        if !self.is_operator() {
            return forbidden();
        }
        let peer = self.peer;
        match self.ask(|reply| Command::Decide { peer, request, reply }).await {
            Some(Ok(())) => Response::done(),
            Some(Err(refusal)) => Response::error(refusal.code, refusal.message),
            None => unavailable(),
        }
    }

    async fn guard(&mut self, request: GuardRequest) -> Response {
        if !self.is_operator() {
            return forbidden();
        }
        let peer = self.peer;
        if let Some(halt) = self.halt.as_ref().filter(|_| request.act == GuardOrderWord::Off) {
            halt.halt();
        }
        match self.ask(|reply| Command::Guard { peer, request, reply }).await {
            Some(Ok(program)) => Response::program(program),
            Some(Err(problem)) => Response::error(Code::Failed, problem),
            None => unavailable(),
        }
    }

    fn is_operator(&self) -> bool {
        self.peer.sees_as() == 0
    }

    async fn register(&mut self, request: RegisterRequest) -> Response {
        if !self.registered {
            let Some(seat) = self.seats.register() else {
                return Response::error(Code::Busy, "too many proxies are registered");
            };
            self.seat = seat;
            // Before the loop hears of it: whatever happens from here on, it will hear of the end.
            self.registered = true;
        }
        let (peer, id) = (self.peer, self.id);
        match self.ask(|reply| Command::Register { peer, id, request, reply }).await {
            Some(Ok(())) => Response::done(),
            Some(Err(refusal)) => Response::error(refusal.code, refusal.message),
            None => unavailable(),
        }
    }

    /// Asks the daemon's loop; `None` if it does not answer in time.
    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        let asked = async {
            self.commands.send(command(reply)).await.ok()?;
            answer.await.ok()
        };
        timeout(self.limits.answer, asked).await.ok().flatten()
    }

    async fn answer(&mut self, response: &Response) -> Result<(), Over> {
        let line = response.to_line();
        match timeout(self.limits.answer, self.writer.write_all(&line)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Over::Left),
        }
    }

    async fn last(&mut self, response: Response) -> Result<(), Over> {
        self.answer(&response).await?;
        Err(Over::Left)
    }
}

fn forbidden() -> Response {
    Response::error(Code::Forbidden, "only root and the agent's own user may ask that")
}

fn unavailable() -> Response {
    Response::error(Code::Unavailable, "the agent is starting, stopping or stuck")
}

/// Tells a client there is no seat, if that costs nothing, and hangs up.
pub(super) fn turn_away(stream: &UnixStream) {
    let line = Response::error(Code::Busy, "too many connections; try again").to_line();
    if let Err(error) = stream.try_write(&line) {
        tracing::debug!(%error, "a client left before it could be turned away");
    }
}
