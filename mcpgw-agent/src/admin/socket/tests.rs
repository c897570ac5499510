use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::thread;

use tokio::runtime::Runtime;

use super::*;
use crate::admin::client::{Client, ClientError};
use crate::admin::guard::GuardOrderWord;
use crate::admin::protocol::{LINE_MAX, Response};
use crate::admin::status::tests::{agent, server};
use crate::admin::{Request, RuntimeDir, Status};
use crate::inventory::ServerState;
use crate::proxy::effects::{Effects, Told};

const LONG: Duration = Duration::from_secs(30);
/// Longer than any test: what has so much time is not sent away because the test lost the processor.
const NEVER: Duration = Duration::from_secs(3600);

/// A running control socket with a stand-in for the daemon's loop behind it.
struct Agent {
    runtime: Runtime,
    tasks: Tasks,
    path: PathBuf,
    events: std::sync::mpsc::Receiver<String>,
    _dir: RuntimeDir,
    _temp: tempfile::TempDir,
}

fn register(client: &mut Client, request: RegisterRequest) -> Result<(), ClientError> {
    client.request(&Request::Register(request)).map(drop)
}

impl Agent {
    fn start(limits: Limits) -> Self {
        Self::with(limits, Status::new(agent(), vec![server("1", ServerState::Unproxied)]))
    }

    fn with(limits: Limits, status: Status) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let mut dir = RuntimeDir::lock(&temp.path().join("run")).unwrap();
        let listener = dir.bind("no-such-group-here").unwrap();
        let path = temp.path().join("run/control.sock");
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (tasks, (sender, mut commands)) = (Tasks::new(), mpsc::channel(8));
        let (tell, events) = std::sync::mpsc::channel();
        let halted = tell.clone();
        let _context = runtime.enter();
        tasks.spawn("loop", async move {
            while let Some(command) = commands.recv().await {
                match command {
                    Command::Status { reply, .. } => drop(reply.send(status.clone())),
                    Command::Register { peer, id, request, reply } => {
                        let name = request.name.unwrap_or_default();
                        let own = peer.pid == std::process::id();
                        tell.send(format!("register {id} {name} {} {own}", request.channels.len())).unwrap();
                        let refusal = || Refusal { code: Code::Forbidden, message: "not mcpgw".to_owned() };
                        drop(reply.send(if name == "thief" { Err(refusal()) } else { Ok(()) }));
                    }
                    Command::Handover { peer, name: _, reply } => {
                        let own = peer.pid == std::process::id();
                        tell.send(format!("handover {own}")).unwrap();
                        let message = "no more".to_owned();
                        drop(reply.send(Err(Refusal { code: Code::Busy, message })));
                    }
                    Command::Follow { peer: _, request, reply } => {
                        let message = "nobody listens there".to_owned();
                        let refusal = Refusal { code: Code::Failed, message };
                        let is_there = request.addrs.iter().any(|addr| addr.port() == 1);
                        let source = Box::new(|_: &mut Vec<Told>| false);
                        let effects = Effects::new(source, Box::new(|_, _| None), None);
                        let relayed = effects.relay(None).filter(|_| is_there);
                        drop(reply.send(relayed.ok_or(refusal)));
                    }
                    Command::Holds { reply } => drop(reply.send(Vec::new())),
                    Command::Decide { peer, request, reply } => {
                        let by = peer.uid;
                        tell.send(format!("decide {by} {} {}", request.id, request.approve)).unwrap();
                        drop(reply.send(Ok(())));
                    }
                    Command::Reload { peer: _, reply } => drop(reply.send(Err("line 1: no".to_owned()))),
                    Command::Guard { peer, request, reply } => {
                        tell.send(format!("guard {} {}", peer.uid, request.act.as_str())).unwrap();
                        let known =
                            request.id.filter(|id| id == "known").ok_or_else(|| "no such program".to_owned());
                        drop(reply.send(known.map(Some)));
                    }
                    Command::Unregister { id } => tell.send(format!("unregister {id}")).unwrap(),
                }
            }
        });
        let socket = ControlSocket::new(listener, sender, limits).unwrap();
        let halt = Halt::new(move || halted.send("halt".to_owned()).unwrap());
        let socket = socket.halting(halt);
        tasks.spawn("control socket", socket.run(tasks.clone()));
        drop(_context);
        Self { runtime, tasks, path, events, _dir: dir, _temp: temp }
    }

    fn raw(&self) -> UnixStream {
        let stream = UnixStream::connect(&self.path).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.set_write_timeout(Some(LONG)).unwrap();
        stream
    }

    fn client(&self) -> Client {
        Client::connect(&self.path, LONG).unwrap()
    }

    fn next(&self) -> String {
        self.events.recv_timeout(LONG).expect("the loop hears of it")
    }

    fn works(&self) {
        assert_eq!(self.client().status().unwrap().servers.len(), 1);
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let report = self.runtime.block_on(self.tasks.shutdown(LONG));
        // The stand-in's loop ends when the last sender is gone.
        assert!(report.aborted.is_empty(), "{report:?}");
    }
}

/// Writes `bytes` and returns the answer's error code, and whether the connection was then closed.
fn refused(mut stream: UnixStream, bytes: &[u8]) -> Code {
    // The agent may hang up before it has read everything.
    let _written = stream.write_all(bytes);
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let response: Response = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
    assert!(!response.ok);
    let mut rest = Vec::new();
    // Closed with our bytes unread is a reset, which is closed all the same.
    let _closed = reader.read_to_end(&mut rest);
    assert_eq!(rest, b"", "nothing follows a refusal");
    response.error.unwrap().code
}

#[test]
fn status_is_answered_again_and_again_on_one_connection() {
    let agent = Agent::start(Limits::default());
    let mut client = agent.client();
    for _ in 0..3 {
        assert_eq!(client.status().unwrap().summary.unproxied, 1);
    }
}

#[test]
fn a_request_may_come_in_pieces_and_several_at_once() {
    let agent = Agent::start(Limits { idle: NEVER, line: NEVER, ..Limits::default() });
    let mut stream = agent.raw();
    for piece in [&b"{\"op\""[..], b":\"sta", b"tus\"}\n{\"op\":\"status\"}\n"] {
        stream.write_all(piece).unwrap();
        stream.flush().unwrap();
    }
    let answers: Vec<_> = BufReader::new(stream).lines().take(2).map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| answer.starts_with(r#"{"ok":true,"status":"#)), "{answers:?}");
}

#[test]
fn what_breaks_the_rules_is_refused_and_cut_off() {
    let agent = Agent::start(Limits::default());
    assert_eq!(refused(agent.raw(), b"GET / HTTP/1.1\r\n\r\n"), Code::BadRequest);
    assert_eq!(refused(agent.raw(), b"{\"op\":\"stop\"}\n"), Code::BadRequest);
    assert_eq!(refused(agent.raw(), b"\n"), Code::BadRequest);
    assert_eq!(refused(agent.raw(), b"\x00\xff\x1b[2J\n"), Code::BadRequest);
    assert_eq!(refused(agent.raw(), &vec![b'x'; LINE_MAX + 1]), Code::TooLong);
    assert_eq!(refused(agent.raw(), &vec![b'['; 8 * LINE_MAX]), Code::TooLong);
    let mut nested = vec![b'['; 1000];
    nested.push(b'\n');
    assert_eq!(refused(agent.raw(), &nested), Code::BadRequest);
    agent.works();
}

#[test]
fn silence_and_half_lines_are_sent_away() {
    let short = Duration::from_millis(30);
    let agent = Agent::start(Limits { idle: short, ..Limits::default() });
    assert_eq!(refused(agent.raw(), b""), Code::Idle);
    drop(agent);
    let agent = Agent::start(Limits { line: short, ..Limits::default() });
    assert_eq!(refused(agent.raw(), b"{\"op\":"), Code::Idle);
}

#[test]
fn half_a_line_and_gone_leaves_nothing() {
    let agent = Agent::start(Limits { visitors: 1, reserved: 0, ..Limits::default() });
    for _ in 0..50 {
        let mut stream = agent.raw();
        // The one before may not have left its seat yet.
        let _turned_away = stream.write_all(b"{\"op\":\"sta");
    }
    // The one seat is free again once the agent has seen the last of them off.
    let deadline = std::time::Instant::now() + LONG;
    while let Err(error) = agent.client().status() {
        assert!(std::time::Instant::now() < deadline, "{error}");
        thread::yield_now();
    }
}

#[test]
fn a_thousand_connections_are_seated_or_told_to_go() {
    let limits = Limits { visitors: 48, reserved: 16, idle: NEVER, answer: NEVER, ..Limits::default() };
    let agent = Agent::start(limits);
    let mut held = Vec::new();
    let mut busy = 0;
    for _ in 0..1000 {
        let mut stream = agent.raw();
        if stream.write_all(b"{\"op\":\"status\"}\n").is_err() {
            // Turned away and hung up on before we could ask.
            busy += 1;
            continue;
        }
        let mut line = String::new();
        match BufReader::new(stream.try_clone().unwrap()).read_line(&mut line) {
            Ok(_) if line.starts_with(r#"{"ok":true"#) => held.push(stream),
            Ok(_) | Err(_) => busy += 1,
        }
    }
    assert_eq!((held.len(), busy), (64, 936));
    let error = agent.client().status().unwrap_err();
    assert!(matches!(error, ClientError::Refused { code: Code::Busy, .. } | ClientError::Io(_)), "{error:?}");
    drop(held);
    let deadline = std::time::Instant::now() + LONG;
    while agent.client().status().is_err() {
        assert!(std::time::Instant::now() < deadline, "seats come back");
        thread::yield_now();
    }
}

#[test]
fn a_reader_that_does_not_read_is_dropped_and_harms_nobody() {
    let many = vec![server("1", ServerState::Unproxied); 4000];
    // The same time is for the loop to give the answer, which is long.
    let limits = Limits { visitors: 1, reserved: 0, answer: Duration::from_secs(3), ..Limits::default() };
    let agent = Agent::with(limits, Status::new(self::agent(), many));
    let deadline = std::time::Instant::now() + 4 * LONG;
    let got = loop {
        let got = left_unread(&agent);
        // Otherwise the loop was too late with the answer, or the seat was not free yet.
        if got.starts_with(br#"{"ok":true"#) {
            break got;
        }
        assert!(std::time::Instant::now() < deadline, "no answer: {:?}", String::from_utf8_lossy(&got));
    };
    assert!(!got.ends_with(b"\n"), "the whole answer of {} bytes was taken", got.len());
}

/// What came to one who asks for the status and does not read, once somebody else has the only seat.
fn left_unread(agent: &Agent) -> Vec<u8> {
    let mut lazy = agent.raw();
    let _turned_away = lazy.write_all(b"{\"op\":\"status\"}\n");
    // The only seat is free again only when the lazy reader has lost it, its answer half written.
    let deadline = std::time::Instant::now() + LONG;
    loop {
        let mut other = agent.raw();
        let mut line = String::new();
        let asked = other.write_all(b"{\"op\":\"nonsense\"}\n").is_ok();
        if asked && BufReader::new(other).read_line(&mut line).is_ok() && line.contains("bad-request") {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "the lazy reader keeps its seat");
    }
    let mut got = Vec::new();
    let _reset = lazy.read_to_end(&mut got);
    got
}

#[test]
fn a_registration_lasts_as_long_as_its_connection() {
    let agent = Agent::start(Limits { idle: Duration::from_secs(1), ..Limits::default() });
    let deadline = std::time::Instant::now() + LONG;
    // Who loses the processor before it registers is sent away as any visitor is, and comes again.
    let mut client = loop {
        let mut client = agent.client();
        match register(&mut client, RegisterRequest { name: Some("git".to_owned()), channels: vec![] }) {
            Ok(()) => break client,
            Err(ClientError::Refused { code: Code::Idle, .. } | ClientError::Io(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
        assert!(std::time::Instant::now() < deadline, "it is sent away each time");
    };
    let registered = agent.next();
    let id = registered.strip_prefix("register ").and_then(|rest| rest.strip_suffix(" git 0 true"));
    let id: u64 = id.unwrap_or_else(|| panic!("{registered}")).parse().unwrap();
    thread::sleep(Duration::from_secs(2)); // longer than a visitor may idle
    let channel = crate::inventory::Channel { kind: crate::inventory::ChannelKind::Fifo, ino: 7 };
    let again =
        RegisterRequest { name: Some("git".to_owned()), channels: vec![channel.into(), channel.into()] };
    register(&mut client, again).unwrap();
    assert_eq!(agent.next(), format!("register {id} git 2 true"));
    assert!(agent.events.try_recv().is_err());
    drop(client);
    assert_eq!(agent.next(), format!("unregister {id}"));
}

#[test]
fn a_refused_registration_is_told_why_and_keeps_no_seat() {
    let agent = Agent::start(Limits::default());
    let mut thief = agent.client();
    let error = register(&mut thief, RegisterRequest { name: Some("thief".to_owned()), channels: vec![] })
        .unwrap_err();
    assert_eq!(error.to_string(), "the mcpgw-agent refused: not mcpgw");
    assert_eq!(agent.next(), "register 1 thief 0 true");
    assert_eq!(agent.next(), "unregister 1", "although the client still holds its end");
}

#[test]
fn registrations_have_their_own_bound_and_leave_visitors_their_seats() {
    let agent = Agent::start(Limits { visitors: 2, reserved: 0, registrations: 20, ..Limits::default() });
    let mut held: Vec<_> = (0..20)
        .map(|_| {
            let mut client = agent.client();
            register(&mut client, RegisterRequest::default()).unwrap();
            client
        })
        .collect();
    agent.works();
    let error = loop {
        // A seat of the visit before may still be held for a moment.
        match register(&mut agent.client(), RegisterRequest::default()) {
            Err(ClientError::Refused { message, .. }) if message.contains("proxies") => break message,
            Err(ClientError::Refused { .. } | ClientError::Io(_)) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(error, "too many proxies are registered");
    drop(held.split_off(10));
    let ids = |prefix: &str| -> BTreeSet<u64> {
        (0..10)
            .map(|_| agent.next())
            .map(|event| event.strip_prefix(prefix).unwrap().parse().unwrap())
            .collect()
    };
    let _registered: Vec<_> = (0..20).map(|_| agent.next()).collect();
    assert_eq!(ids("unregister ").len(), 10);
}

#[test]
fn a_loop_that_does_not_answer_is_unavailable_not_silence() {
    let temp = tempfile::tempdir().unwrap();
    let mut dir = RuntimeDir::lock(temp.path()).unwrap();
    let listener = dir.bind("no-such-group-here").unwrap();
    let path = temp.path().join("control.sock");
    let runtime = Runtime::new().unwrap();
    let _context = runtime.enter();
    let tasks = Tasks::new();
    let (sender, stuck) = mpsc::channel(1);
    let limits = Limits { answer: Duration::from_millis(50), ..Limits::default() };
    let socket = ControlSocket::new(listener, sender, limits).unwrap();
    tasks.spawn("control socket", socket.run(tasks.clone()));
    for _ in 0..3 {
        let error = Client::connect(&path, LONG).unwrap().status().unwrap_err();
        assert!(matches!(error, ClientError::Refused { code: Code::Unavailable, .. }), "{error:?}");
    }
    drop(stuck);
    let error = Client::connect(&path, LONG).unwrap().status().unwrap_err();
    assert!(matches!(error, ClientError::Refused { code: Code::Unavailable, .. }), "{error:?}");
    let report = runtime.block_on(tasks.shutdown(LONG));
    assert!(report.aborted.is_empty());
}

#[test]
fn the_agents_own_user_lists_and_decides() {
    let agent = Agent::start(Limits::default());
    let mut client = agent.client();
    assert_eq!(client.holds().unwrap(), []);
    client.decide("00ff-1", false).unwrap();
    assert_eq!(agent.next(), format!("decide {} 00ff-1 false", nix::unistd::geteuid().as_raw()));
    assert_eq!(refused(agent.raw(), b"{\"op\":\"decide\",\"id\":\"1\"}\n"), Code::BadRequest, "what, then?");
}

#[test]
fn the_guard_is_off_before_the_loop_hears_of_it() {
    let agent = Agent::start(Limits::default());
    let tell = |act, id: Option<&str>| {
        let request = GuardRequest { act, id: id.map(str::to_owned), seconds: None };
        agent.client().guard(&request)
    };
    let me = nix::unistd::geteuid().as_raw();
    assert_eq!(tell(GuardOrderWord::Allow, Some("known")).unwrap(), Some("known".to_owned()));
    assert_eq!(agent.next(), format!("guard {me} allow"));
    assert!(matches!(tell(GuardOrderWord::Off, None), Err(ClientError::Refused { code: Code::Failed, .. })));
    assert_eq!((agent.next(), agent.next()), ("halt".to_owned(), format!("guard {me} off")));
}

#[test]
fn a_gateway_is_told_what_its_server_does_on_a_registrations_seat() {
    let agent = Agent::start(Limits { registrations: 1, ..Limits::default() });
    let mut told = agent.raw();
    told.write_all(b"{\"op\":\"follow\",\"addrs\":[\"127.0.0.1:9\",\"[::1]:1\"]}\n").unwrap();
    let mut reader = BufReader::new(told.try_clone().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert_eq!(line, "{\"ok\":true,\"around\":{\"homes\":[],\"directory\":null}}\n");
    // Others still have theirs.
    agent.works();
    assert_eq!(refused(agent.raw(), b"{\"op\":\"follow\",\"addrs\":[\"127.0.0.1:1\"]}\n"), Code::Busy);
    for number in [7, 8] {
        told.write_all(format!("{{\"drain\":{number}}}\n").as_bytes()).unwrap();
        line.clear();
        reader.read_line(&mut line).unwrap();
        assert_eq!(line, format!("{{\"drained\":{number}}}\n"));
    }
    // What is none of ours ends it, and frees the seat.
    told.write_all(b"{\"drain\":-1}\n").unwrap();
    assert_eq!(reader.read_line(&mut line).unwrap(), 0);
    let again = || refused(agent.raw(), b"{\"op\":\"follow\",\"addrs\":[\"127.0.0.1:9\"]}\n");
    let freed = std::iter::repeat_with(again).find(|code| *code != Code::Busy);
    assert_eq!(freed, Some(Code::Failed));
}
