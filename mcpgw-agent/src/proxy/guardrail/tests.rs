//! Guardrails that answer, and guardrails that do not.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;

use super::*;
use crate::config::Config;
use crate::detect::external::UNAVAILABLE;
use crate::json::Limits;
use crate::mcp::{Decoded, decode};
use crate::tests::reserved_port;

/// A wait nothing should need: what comes sooner is no luck.
const LONG: &str = "20s";

/// A server whose connections are each served by `serve`, with all that was sent to it.
struct Server {
    address: SocketAddr,
    heard: Receiver<String>,
}

impl Server {
    fn start<S: Read + Write>(
        accept: impl Fn(std::net::TcpStream) -> S + Send + 'static,
        serve: impl Fn(&mut BufReader<S>, usize) -> bool + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, heard): (Sender<String>, _) = channel();
        thread::spawn(move || {
            let mut count = 0;
            while let Ok((stream, _)) = listener.accept() {
                let mut reader = BufReader::new(accept(stream));
                while let Some(request) = read(&mut reader) {
                    tell.send(request).ok();
                    count += 1;
                    if !serve(&mut reader, count) {
                        break;
                    }
                }
            }
        });
        Self { address, heard }
    }

    /// Answers every request with `answer`.
    fn saying(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(|stream| stream, move |to, _| to.get_mut().write_all(&answer).is_ok())
    }

    fn heard(&self) -> Vec<String> {
        self.heard.try_iter().collect()
    }
}

/// A request: its head and its body.
fn read<S: Read>(reader: &mut BufReader<S>) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        reader.read_line(&mut head).ok().filter(|length| *length > 0)?;
    }
    let length = head.to_ascii_lowercase().split("content-length: ").nth(1)?.lines().next()?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(head + &String::from_utf8(body).ok()?)
}

fn ok(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Guardrails of one entry at `address`, with `more` keys.
fn guardrails(scheme: &str, address: SocketAddr, more: &str) -> Result<Arc<Guardrails>, GuardrailError> {
    let port = address.port();
    // By name only where a certificate is for one: at another address of that name somebody else may listen.
    let host = if scheme == "https" { "localhost".to_owned() } else { address.ip().to_string() };
    let text = format!(
        "gateway:\n  guardrails:\n    - name: g\n      preset: presidio\n      url: {scheme}://{host}:{port}/analyze\n{more}"
    );
    let config = Config::parse(Path::new("agent.yaml"), &text).unwrap();
    Guardrails::open(&config.gateway.guardrails).map(Option::unwrap)
}

fn of(server: &Server, more: &str) -> Arc<Guardrails> {
    guardrails("http", server.address, more).unwrap()
}

/// The kinds of what is found in an answer of a tool.
fn asked(guardrails: &Guardrails) -> Vec<&'static str> {
    let text = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"I am Ann"}]}}"#;
    let Ok(Decoded::One(message)) = decode(Bytes::from_static(text.as_bytes()), &Limits::default()) else {
        panic!("{text}")
    };
    let direction = Direction::ToClient;
    let subject = Subject { direction, server: "s", answers: Some("tools/call"), tool: None };
    let asks = guardrails.asks(&message, &subject, &[]);
    let answers = asks.into_iter().map(|ask| guardrails.put(ask)).collect();
    let findings = guardrails.block_on(join(answers)).unwrap();
    findings.into_iter().flatten().map(|finding| finding.kind).collect()
}

fn count(guardrails: &Guardrails, outcome: Outcome) -> u64 {
    guardrails.list[0].meters.outcomes_of(outcome)
}

const ANN: &str = r#"[{"entity_type":"PERSON","start":5,"end":8,"score":0.85}]"#;

#[test]
fn one_connection_serves_many_questions_and_is_replaced_when_it_ends() {
    // Ends each connection after its third answer, without a word.
    let server = Server::start(
        |stream| stream,
        |to, count| to.get_mut().write_all(ok(ANN).as_bytes()).is_ok() && count % 3 != 0,
    );
    let guardrails = of(&server, &format!("      timeout: {LONG}\n"));
    for _ in 0..7 {
        assert_eq!(asked(&guardrails), ["person"]);
    }
    assert_eq!(count(&guardrails, Outcome::Flagged), 7);
    let heard = server.heard();
    assert_eq!(heard.len(), 7);
    assert!(heard[0].starts_with("POST /analyze HTTP/1.1\r\n"), "{}", heard[0]);
    assert!(heard[0].ends_with(r#"{"text":"I am Ann","language":"en"}"#), "{}", heard[0]);
}

#[test]
fn nothing_to_say_is_nothing_found() {
    let guardrails = of(&Server::saying(ok("[]")), &format!("      timeout: {LONG}\n"));
    assert!(asked(&guardrails).is_empty());
    assert_eq!(count(&guardrails, Outcome::Clean), 1);
}

#[test]
fn no_answer_is_a_finding_or_not_as_was_chosen() {
    let huge = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5000000\r\n{}",
        " ".repeat(0x0050_0000)
    );
    let endless_head = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    let deflated = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n[]";
    let elsewhere = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 2\r\n\r\n[]";
    for (answer, outcome) in [
        ("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n".to_owned(), Outcome::Status),
        ("HTTP/1.1 204 No Content\r\n\r\n".to_owned(), Outcome::Status),
        (elsewhere.to_owned(), Outcome::Status),
        (ok("<html>"), Outcome::Garbage),
        (ok("{}"), Outcome::Garbage),
        (deflated.to_owned(), Outcome::Garbage),
        (huge, Outcome::Garbage),
        (endless_head, Outcome::Unreachable),
        ("I speak no HTTP\r\n\r\n".to_owned(), Outcome::Unreachable),
    ] {
        let begin = answer.get(..30).unwrap_or(&answer).to_owned();
        let server = Server::saying(answer);
        let closed = of(&server, &format!("      timeout: {LONG}\n"));
        assert_eq!(asked(&closed), [UNAVAILABLE], "{begin}");
        assert_eq!(count(&closed, outcome), 1, "{begin}");
        // The server has one connection at a time.
        drop(closed);
        let open = of(&server, &format!("      timeout: {LONG}\n      on-failure: allow\n"));
        assert!(asked(&open).is_empty(), "{begin}");
        assert_eq!(count(&open, outcome), 1, "{begin}");
    }
}

#[test]
fn who_does_not_answer_is_waited_for_no_longer_than_said() {
    // Takes the question and says nothing; the connection stays.
    let server = Server::start(
        |stream| stream,
        |to, _| {
            to.read_exact(&mut [0]).ok();
            false
        },
    );
    let guardrails = of(&server, "      timeout: 2s\n");
    let since = Instant::now();
    assert_eq!(asked(&guardrails), [UNAVAILABLE]);
    assert!(since.elapsed() >= Duration::from_secs(2));
    assert_eq!(count(&guardrails, Outcome::Timeout), 1);
    server.heard.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(server.heard().is_empty(), "it was asked once");
}

#[test]
fn one_that_fails_again_and_again_is_left_alone() {
    let server = Server::saying("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
    let guardrails = of(&server, "      timeout: 20s\n      breaker: {failures: 3, cool-down: 1h}\n");
    for _ in 0..8 {
        assert_eq!(asked(&guardrails), [UNAVAILABLE]);
    }
    assert_eq!((count(&guardrails, Outcome::Status), count(&guardrails, Outcome::Open)), (3, 5));
    assert_eq!(server.heard().len(), 3, "nobody asks behind an open breaker");
    // Nobody is there at all: that is known at once.
    let gone = (Ipv4Addr::LOCALHOST, reserved_port()).into();
    let guardrails = super::tests::guardrails("http", gone, "      timeout: 20s\n").unwrap();
    assert_eq!(asked(&guardrails), [UNAVAILABLE]);
    assert_eq!(count(&guardrails, Outcome::Unreachable), 1);
}

#[test]
fn what_is_too_long_is_not_shown() {
    let server = Server::saying(ok("[]"));
    let guardrails = of(&server, "      max-bytes: 1024\n");
    let text = format!(r#"{{"jsonrpc":"2.0","method":"x","params":{{"t":"{}"}}}}"#, "long ".repeat(300));
    let Ok(Decoded::One(message)) = decode(Bytes::from(text), &Limits::default()) else { panic!() };
    let subject = Subject { direction: Direction::ToServer, server: "s", answers: None, tool: None };
    let asks = guardrails.asks(&message, &subject, &[]);
    let found = guardrails.block_on(join(asks.into_iter().map(|ask| guardrails.put(ask)).collect())).unwrap();
    assert_eq!(found.concat().len(), 1);
    assert_eq!(count(&guardrails, Outcome::NotShown), 1);
    assert!(server.heard().is_empty());
}

#[test]
fn secrets_come_from_files_and_are_nowhere_to_be_seen() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("key");
    fs::write(&file, "open sesame\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let server = Server::saying(ok("[]"));
    let headers =
        format!("      timeout: {LONG}\n      headers: [{{name: X-Key, file: {}}}]\n", file.display());
    let guardrails = of(&server, &headers);
    assert!(asked(&guardrails).is_empty());
    assert!(server.heard()[0].contains("\r\nx-key: open sesame\r\n"));
    assert!(!format!("{guardrails:?}{:?}", guardrails.list[0].config).contains("sesame"));
    for (content, wrong) in [
        ("", "the secret is empty, or longer than 8192 bytes"),
        ("two\nlines", "the header `x-key` cannot hold its secret"),
        (&*"x".repeat(9000), "the secret is empty, or longer than 8192 bytes"),
    ] {
        fs::write(&file, content).unwrap();
        let error = super::tests::guardrails("http", server.address, &headers).unwrap_err();
        assert_eq!(error.to_string(), wrong);
    }
    let missing = "      headers: [{name: X-Key, env: MCPGW_TEST_NOT_SET}]\n";
    let error = super::tests::guardrails("http", server.address, missing).unwrap_err();
    assert_eq!(error.to_string(), "the variable `MCPGW_TEST_NOT_SET` is not set, or empty");
}

#[test]
fn nobody_is_believed_who_cannot_show_who_they_are() {
    let dir = TempDir::new().unwrap();
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let ca = dir.path().join("ca.pem");
    fs::write(&ca, own.pem()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(own.pem().as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap(),
        )
        .unwrap();
    let config = Arc::new(config);
    let accept = move |stream| {
        rustls::StreamOwned::new(rustls::ServerConnection::new(Arc::clone(&config)).unwrap(), stream)
    };
    let server = Server::start(accept, |to, _| to.get_mut().write_all(ok(ANN).as_bytes()).is_ok());
    let trusts = format!("      timeout: 20s\n      ca: {}\n", ca.display());
    let guardrails = super::tests::guardrails("https", server.address, &trusts).unwrap();
    assert_eq!(asked(&guardrails), ["person"]);
    drop(guardrails);
    // Somebody else's certificate under the same name.
    let other = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    fs::write(&ca, other.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()).unwrap();
    let guardrails = super::tests::guardrails("https", server.address, &trusts).unwrap();
    assert_eq!(asked(&guardrails), [UNAVAILABLE]);
    assert_eq!(count(&guardrails, Outcome::Unreachable), 1);
    assert_eq!(server.heard().len(), 1, "nothing was told to whom nobody believes");
}

#[tokio::test]
async fn more_than_there_are_seats_for_wait_and_are_no_failure_of_the_guardrails() {
    // Never answers, and is served one connection at a time.
    let server = Server::start(
        |stream| stream,
        |to, _| {
            to.read_exact(&mut [0]).ok();
            false
        },
    );
    // Long enough for all of them to ask within half of it: who gets a seat when the first give up has less than that left.
    let guardrails = of(&server, "      timeout: 4s\n      breaker: {failures: 1000}\n");
    let text = r#"{"jsonrpc":"2.0","method":"x","params":{"t":"text"}}"#;
    let Ok(Decoded::One(message)) = decode(Bytes::from_static(text.as_bytes()), &Limits::default()) else {
        panic!()
    };
    let subject = Subject { direction: Direction::ToServer, server: "s", answers: None, tool: None };
    let asks = (0..SEATS + 8).flat_map(|_| guardrails.asks(&message, &subject, &[]));
    let found = join(asks.map(|ask| guardrails.put(ask)).collect()).await;
    assert_eq!(found.concat().len(), SEATS + 8);
    let (timeouts, busy) = (count(&guardrails, Outcome::Timeout), count(&guardrails, Outcome::Busy));
    assert_eq!(timeouts + busy, u64::try_from(SEATS).unwrap() + 8);
    assert!(busy > 0, "{timeouts} and {busy}");
}
