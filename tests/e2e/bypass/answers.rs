//! Hostile servers: what a client must not be told, and must not be left waiting for.

use serde_json::{Value, json};

use super::session::Session;
use super::{POLICY, case::PARSE};
use crate::support::{Company, Peers, scenario};

/// What must come of what a server says in answer to the call `@`.
enum Expect {
    /// The client gets it as it is.
    Passes,
    /// The client gets an error with this code for its call instead; the log says why.
    Replaced(i64, &'static str),
    /// The client gets the plain answer that follows, and nothing of this; the log says why.
    Dropped(&'static str),
}

use Expect::{Dropped, Passes, Replaced};

/// A server's line that answers the call properly.
const PLAIN: &str = r#"{"jsonrpc":"2.0","id":@,"result":{"content":[{"type":"text","text":"plain"}]}}"#;

type Said = (&'static str, Vec<u8>, Expect);

fn said() -> Vec<Said> {
    let text = |text: &str| text.as_bytes().to_vec();
    let result = |inside: &str| text(&format!(r#"{{"jsonrpc":"2.0","id":@,"result":{inside}}}"#));
    let mut said = vec![
        ("answer: plain", text(PLAIN), Passes),
        (
            "answer: odd spelling",
            text(r#" { "id" : @ , "result" : { "x" : 1.50e3 , "y" : "\u0041" } , "jsonrpc" : "2.0" } "#),
            Passes,
        ),
        (
            "answer: an error of its own",
            text(r#"{"jsonrpc":"2.0","id":@,"error":{"code":-32001,"message":"no","data":[1]}}"#),
            Passes,
        ),
        (
            "answer: a key twice",
            result(r#"{"content":[],"content":[{"type":"text","text":"x"}]}"#),
            Replaced(PARSE, "duplicate-key"),
        ),
        (
            "answer: invalid UTF-8",
            [&b"{\"jsonrpc\":\"2.0\",\"id\":@,\"result\":{\"x\":\""[..], b"\xff", b"\"}}"].concat(),
            Dropped("not-utf8"),
        ),
        ("answer: a lone surrogate", result(r#"{"x":"\ud800"}"#), Dropped("lone-surrogate")),
        (
            "answer: depth 1,000",
            result(&format!("{}{}", "[".repeat(1_000), "]".repeat(1_000))),
            Dropped("too-deep"),
        ),
        (
            "answer: a byte order mark",
            [b"\xef\xbb\xbf".to_vec(), text(PLAIN)].concat(),
            Replaced(PARSE, "byte-order-mark"),
        ),
        (
            "answer: a carriage return within",
            text(&PLAIN.replacen(',', ",\r", 1)),
            Replaced(-32600, "line-separator"),
        ),
        (
            "answer: an error that is a string",
            text(r#"{"jsonrpc":"2.0","id":@,"error":"x"}"#),
            Replaced(-32600, "bad-error"),
        ),
        (
            "answer: result and error",
            text(r#"{"jsonrpc":"2.0","id":@,"result":{},"error":{"code":1,"message":"x"}}"#),
            Replaced(-32600, "result-and-error"),
        ),
        (
            "answer: result and an error of null",
            text(r#"{"jsonrpc":"2.0","id":@,"result":{},"error":null}"#),
            Replaced(-32600, "result-and-error"),
        ),
        (
            "answer: a variant of a key",
            result(r#"{"content":[],"Content":[]}"#),
            Replaced(-32600, "case-variant-key"),
        ),
        ("answer: a result that is no object", result("[1]"), Replaced(-32600, "wrong-type")),
    ];
    said.extend(others());
    said
}

/// Answers to nobody, and what is no answer.
fn others() -> Vec<Said> {
    let text = |text: &str| text.as_bytes().to_vec();
    vec![
        (
            "answer: to nobody",
            text(r#"{"jsonrpc":"2.0","id":"nobody","result":{}}"#),
            Dropped("unsolicited-response"),
        ),
        (
            "answer: the id with quotes",
            text(&PLAIN.replacen('@', "\"@\"", 1)),
            Dropped("unsolicited-response"),
        ),
        ("answer: in a batch", text(&format!("[{PLAIN}]")), Replaced(-32600, "batch")),
        ("answer: log text before", text("Listening on stdio"), Dropped("not-json")),
        ("answer: a blank object before", text("{}"), Dropped("jsonrpc-version")),
        (
            "answer: an error about nothing before",
            text(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x"}}"#),
            Passes,
        ),
        (
            "answer: a notification before",
            text(
                r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}"#,
            ),
            Passes,
        ),
        (
            "answer: a server's request before",
            text(r#"{"jsonrpc":"2.0","id":"s@","method":"roots/list"}"#),
            Passes,
        ),
        (
            "answer: request and answer at once",
            text(r#"{"jsonrpc":"2.0","id":@,"method":"ping","result":{}}"#),
            Dropped("request-and-response"),
        ),
    ]
}

/// The cases' names.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    said().into_iter().map(|(name, ..)| name)
}

#[test]
fn a_hostile_server_neither_reaches_the_client_nor_lets_it_hang() {
    scenario(Company::Shared, || {
        let server = [Peers::on_path("python3")?, "-u".into(), Peers::script("hostile_server.py")];
        let mut session = Session::start(POLICY, &server);
        let mut failures = Vec::new();
        for (number, (name, line, expect)) in said().into_iter().enumerate() {
            if let Err(what) = try_one(&mut session, number + 1, &line, &expect) {
                failures.push(format!("{name}: {what}"));
            }
        }
        session.end();
        assert!(failures.is_empty(), "{} cases failed:\n{}", failures.len(), failures.join("\n"));
        Ok(())
    });
}

/// The server is told what to say to the call; then it gives the plain answer, always.
fn try_one(session: &mut Session, id: usize, line: &[u8], expect: &Expect) -> Result<(), String> {
    let line = String::from_utf8_lossy(&hex(line)).into_owned();
    let call = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {
        "name": "say", "arguments": {"line": line}
    }});
    session.send(call.to_string().as_bytes());
    session.settle();
    let news = session.news();
    let about = |answer: &&String| {
        serde_json::from_str::<Value>(answer)
            .is_ok_and(|answer| answer["id"] == id && answer["method"].is_null())
    };
    let ours: Vec<&String> = news.answers.iter().filter(about).collect();
    let [answer] = ours.as_slice() else { return Err(format!("{} answers: {news:?}", ours.len())) };
    let recorded = |reason: &str| {
        let fits = |record: &Value| {
            record["direction"] == "s2c"
                && record["action"] == "block"
                && record["reason"].as_str().is_some_and(|text| text.contains(reason))
        };
        if news.records.iter().any(fits) {
            Ok(())
        } else {
            Err(format!("no record for `{reason}`: {news:?}"))
        }
    };
    let said = unhex(&line).replace('@', &id.to_string());
    match expect {
        Expect::Passes if news.answers.contains(&said) => Ok(()),
        Expect::Passes => Err(format!("it did not come through as it was: {news:?}")),
        Expect::Replaced(code, reason) => {
            let answer: Value = serde_json::from_str(answer).map_err(|error| error.to_string())?;
            if answer["error"]["code"] != *code {
                return Err(format!("another answer than {code}: {answer}"));
            }
            recorded(reason)
        }
        Expect::Dropped(reason) => {
            if !answer.contains("plain") && !answer.contains("error") {
                return Err(format!("another answer: {answer}"));
            }
            if news.answers.contains(&said) {
                return Err("it came through".to_owned());
            }
            recorded(reason)
        }
    }
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
}

fn unhex(text: &str) -> String {
    let digits: Vec<u8> = text.bytes().collect();
    let bytes: Vec<u8> = digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
