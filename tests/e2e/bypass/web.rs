//! The same cases over HTTP: each is the body of a POST in a session of its server.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::case::{Case, Expect, PARSE};
use super::session::{News, forbidden_of};
use super::{POLICY, cases};
use crate::support::{Company, Log, Peers, Site, Skipped, agent_binary, scenario};

const DEADLINE: Duration = Duration::from_secs(60);

fn try_all(server: impl Fn() -> Result<Vec<OsString>, Skipped>) {
    scenario(Company::Shared, || {
        let mut session = Session::start(&server()?);
        let mut failures = Vec::new();
        for (number, case) in cases().into_iter().enumerate() {
            if let Err(what) = session.try_case(number, &case) {
                failures.push(format!("{}: {what}", case.name));
            }
        }
        let executed = session.file("ledger");
        assert_eq!(forbidden_of(&executed), Vec::<String>::new(), "forbidden and executed");
        assert!(failures.is_empty(), "{} cases failed:\n{}", failures.len(), failures.join("\n"));
        Ok(())
    });
}

#[test]
fn the_python_sdk_executes_nothing_forbidden_over_http() {
    try_all(|| Ok(vec![Peers::python("py1")?, Peers::script("ledger_server_v1.py")]));
}

#[test]
fn the_typescript_sdk_executes_nothing_forbidden_over_http() {
    try_all(|| Ok(vec![Peers::on_path("node")?, Peers::module("ledger_server.mjs")?]));
}

/// A process that prints where it listens. Ends with the value.
struct Listener {
    child: Child,
    address: String,
    _log: Log,
}

impl Listener {
    fn start(command: &mut Command) -> Self {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let log = Log::default();
        log.collect(child.stdout.take().unwrap());
        log.wait_until(|lines| lines.iter().any(|line| line.contains("127.0.0.1:")), DEADLINE);
        let line = log.lines().into_iter().find(|line| line.contains("127.0.0.1:")).unwrap();
        let address =
            line.split([' ', '/', ',']).find(|word| word.starts_with("127.0.0.1:")).unwrap().to_owned();
        Self { child, address, _log: log }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // It serves until it is ended.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A client that posts what it likes through the proxy.
struct Session {
    proxy: Listener,
    _server: Listener,
    site: Site,
    id: String,
    /// Lines of ledger and audit log seen so far.
    seen: [usize; 2],
}

/// Status, session id and body of an answer.
struct Answer {
    status: u16,
    session: Option<String>,
    body: String,
}

impl Session {
    fn start(server: &[OsString]) -> Self {
        let site = Site::new();
        let (policy, audit) = (site.path().join("policy.yaml"), site.path().join("audit.jsonl"));
        fs::write(&policy, POLICY).unwrap();
        let (program, arguments) = server.split_first().unwrap();
        let ledger = site.path().join("ledger");
        let server = Listener::start(Command::new(program).args(arguments).arg(ledger).arg("http"));
        let mut command = Command::new(agent_binary());
        command.args(["proxy", "--listen", "127.0.0.1:0", "--upstream"]);
        command.arg(format!("http://{}/mcp", server.address)).arg("--policy").arg(policy);
        command.arg("--audit-log").arg(audit).env("XDG_STATE_HOME", site.path());
        let proxy = Listener::start(&mut command);
        let mut session = Self { proxy, _server: server, site, id: String::new(), seen: [0; 2] };
        let initialize = concat!(
            r#"{"jsonrpc":"2.0","id":"open","method":"initialize","params":{"protocolVersion":"2025-11-25","#,
            r#""capabilities":{},"clientInfo":{"name":"hostile","version":"1"}}}"#
        );
        let opened = session.post(initialize.as_bytes());
        assert_eq!(opened.status, 200, "{}", opened.body);
        session.id = opened.session.unwrap();
        let initialized = session.post(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        assert_eq!(initialized.status, 202, "{}", initialized.body);
        session.news(String::new());
        session
    }

    fn file(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.site.path().join(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn news(&mut self, body: String) -> News {
        let (ledger, audit) = (self.file("ledger"), self.file("audit.jsonl"));
        let executed = ledger.iter().skip(self.seen[0]).cloned().collect();
        let records =
            audit.iter().skip(self.seen[1]).map(|line| serde_json::from_str(line).unwrap()).collect();
        self.seen = [ledger.len(), audit.len()];
        let answers = if body.trim().is_empty() { Vec::new() } else { vec![body] };
        News { answers, executed, records }
    }

    /// A POST on a connection of its own: a case may make either side close it.
    fn post(&self, body: &[u8]) -> Answer {
        let address = &self.proxy.address;
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let session =
            if self.id.is_empty() { String::new() } else { format!("Mcp-Session-Id: {}\r\n", self.id) };
        let head = format!(
            "POST /mcp HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2025-11-25\r\n{session}\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
        let mut reader = BufReader::new(stream);
        let (mut status, mut session, mut chunked, mut line) = (0, None, false, String::new());
        while reader.read_line(&mut line).unwrap() > 2 {
            if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
                status = rest.get(..3).unwrap().parse().unwrap();
            } else if let Some((name, value)) = line.split_once(':') {
                match name.to_lowercase().as_str() {
                    "mcp-session-id" => session = Some(value.trim().to_owned()),
                    "transfer-encoding" => chunked = value.contains("chunked"),
                    _ => {}
                }
            }
            line.clear();
        }
        let mut body = Vec::new();
        reader.read_to_end(&mut body).unwrap();
        let body = String::from_utf8_lossy(&body).into_owned();
        Answer { status, session, body: payload(&if chunked { unchunk(&body) } else { body }) }
    }

    fn try_case(&mut self, number: usize, case: &Case) -> Result<(), String> {
        let id = (1000 + number).to_string();
        let at = |line: &[u8]| -> Vec<u8> {
            line.iter()
                .flat_map(|byte| if *byte == b'@' { id.as_bytes().to_vec() } else { vec![*byte] })
                .collect()
        };
        let expect = over_http(case);
        let answer = self.post(&at(&case.line));
        let (status, told) = (answer.status, answer.body.clone());
        let news = self.news(answer.body);
        let right = match expect {
            Expect::Refused(..) => status == 400,
            Expect::Denied | Expect::Executed => status == 200,
            Expect::Dropped(_) => status == 202,
            // Whatever the server makes of it.
            Expect::Passed => true,
        };
        if !right {
            return Err(format!("status {status} with {told:.300}"));
        }
        news.check(expect).map_err(|what| format!("{what}; status {status}, {news:.400?}"))
    }
}

/// A body may have any white space JSON allows, a line may not.
fn over_http(case: &Case) -> Expect {
    match case.expect {
        // The header says another revision.
        Expect::Refused(..) if case.name == "with a modern version in _meta" => {
            Expect::Refused(-32020, "header-mismatch")
        }
        Expect::Refused(_, "line-separator") if case.name.ends_with("within") => Expect::Denied,
        Expect::Refused(_, "line-separator") => Expect::Refused(PARSE, "trailing-bytes"),
        other @ (Expect::Refused(..)
        | Expect::Denied
        | Expect::Dropped(_)
        | Expect::Executed
        | Expect::Passed) => other,
    }
}

/// The JSON of a body that may be one event of a stream.
fn payload(body: &str) -> String {
    let is_json = serde_json::from_str::<Value>(body).is_ok();
    let data = body
        .lines()
        .filter_map(|line| line.strip_prefix("data:"))
        .map(str::trim)
        .find(|data| !data.is_empty());
    if is_json { body.to_owned() } else { data.unwrap_or(body).to_owned() }
}

fn unchunk(body: &str) -> String {
    let (mut rest, mut text) = (body, String::new());
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        if size == 0 {
            break;
        }
        text.push_str(after.get(..size).unwrap());
        rest = after.get(size + 2..).unwrap();
    }
    text
}
