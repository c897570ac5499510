//! What a server does that several clients share, behind `proxy`: in the records of the calls that did it.

use std::ffi::OsString;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use serde_json::{Value, json};

use super::{NOBODY, SOON, reachable};
use crate::client::Client;
use crate::support::{
    Agent, Company, Peers, Process, Site, Skipped, agent_binary, eventually, measured, records,
    reserved_port, scenario,
};

/// A server on a port, a gateway before it, and the gateway's log.
struct Shared {
    server: Process,
    gateway: Process,
    address: String,
    site: Site,
}

const EFFECTS: &str = "host:\n  effects: on\n  effects-learning: 2\n";

impl Shared {
    /// With more lines of the policy, which lets everything pass else.
    fn start(agent: &Agent, policy: &str) -> Result<Self, Skipped> {
        let site = Site::new();
        let server = serve(&site, reserved_port())?;
        let mut this = Self::before(agent, site, server, policy, &[agent_binary().into()]);
        this.wait_followed();
        Ok(this)
    }

    fn before(agent: &Agent, site: Site, server: Process, policy: &str, program: &[OsString]) -> Self {
        let path = site.path().join("policy.yaml");
        let rules =
            "version: v1\nmode: enforce\nrules:\n  - {name: all, action: allow, match: {methods: ['*']}}\n";
        fs::write(&path, format!("{rules}{policy}")).unwrap();
        let config = site.path().join("proxy.yaml");
        fs::write(&config, EFFECTS).unwrap();
        let state = site.path().join("state");
        fs::create_dir_all(&state).unwrap();
        std::os::unix::fs::chown(&state, Some(NOBODY), Some(NOBODY)).unwrap();
        let mut command = program.to_vec();
        let upstream = format!("http://localhost:{}/mcp", server.port);
        let words = ["proxy", "--upstream", &upstream, "--listen", "127.0.0.1:0", "--policy"];
        command.extend(words.map(OsString::from));
        command.extend([path.into(), "--config".into(), config.into(), "--audit-log".into()]);
        command.push(state.join("audit.jsonl").into());
        let runtime = agent.runtime_dir();
        let env = [("MCPGW_RUNTIME_DIR", runtime.to_str().unwrap()), ("HOME", "/")];
        let gateway = Process::start(&site, &command, &env);
        let mut this = Self { server, gateway, address: String::new(), site };
        this.address = eventually("the gateway listens", SOON, || {
            let said = this.said();
            let line = said.lines().find_map(|line| line.strip_prefix("listening on http://"))?;
            Some(line.trim_end_matches("/mcp").to_owned())
        });
        this
    }

    /// What gateway and server printed.
    fn said(&self) -> String {
        fs::read_to_string(self.site.path().join("server.log")).unwrap_or_default()
    }

    /// Calls until what is done is on record.
    fn wait_followed(&mut self) {
        let client = Client::open(&self.address);
        self.call(&client, "touch", &json!({"path": self.made("first")}));
    }

    fn made(&self, name: &str) -> PathBuf {
        self.site.path().join(name)
    }

    fn records(&self) -> Vec<Value> {
        records(&self.site.path().join("state/audit.jsonl"))
    }

    fn answers(&self, tool: &str) -> Vec<Value> {
        let is_it = |record: &Value| {
            record["direction"] == "s2c" && record["method"] == "tools/call" && record["tool_name"] == tool
        };
        self.records().into_iter().filter(is_it).collect()
    }

    /// Calls a tool nobody else calls meanwhile; the record of its answer has what was done.
    fn call(&self, client: &Client, tool: &str, arguments: &Value) -> Value {
        eventually("what is done is told in time", SOON, || {
            let answer = client.call(7, tool, arguments);
            let record = self.answers(tool).pop().filter(is_whole)?;
            assert_eq!(answer["result"]["isError"], false, "{answer}");
            Some(record)
        })
    }

    /// The same where nothing may be told.
    fn call_untold(&self, client: &Client, tool: &str, arguments: &Value) -> Option<Value> {
        let answer = client.call(7, tool, arguments);
        assert_eq!(answer["result"]["isError"], false, "{answer}");
        self.answers(tool).pop().filter(|record| record["effects"].is_null())
    }
}

fn serve(site: &Site, port: u16) -> Result<Process, Skipped> {
    let home = site.path().join("home");
    fs::create_dir_all(home.join(".ssh")).unwrap();
    fs::write(home.join(".ssh/id_ed25519"), "a key").unwrap();
    let script = [Peers::script("effects_server.py"), "http".into(), port.to_string().into()];
    let command: Vec<OsString> = [Peers::python("py2")?].into_iter().chain(script).collect();
    let mut server = Process::start(site, &command, &[("HOME", home.to_str().unwrap())]);
    assert!(server.listens(port), "the port was free");
    server.port = port;
    Ok(server)
}

/// All that was done is told: a machine may be too busy for that, and then the record says so.
fn is_whole(record: &Value) -> bool {
    record["effects"].is_array() && record["effects_lost"].is_null()
}

fn touched(path: &Path) -> Value {
    json!({"act": "open", "path": path, "access": "write", "outcome": "done"})
}

/// The first effect of `record` that has all members of `wanted`.
fn effect<'r>(record: &'r Value, wanted: &Value) -> Option<&'r Value> {
    let has = |effect: &&Value| wanted.as_object().unwrap().iter().all(|(key, value)| effect[key] == *value);
    record["effects"].as_array().unwrap_or_else(|| panic!("no effects in {record:#}")).iter().find(has)
}

/// A call of one client within one of another; nothing where the longer one was not told whole.
fn two_at_once(shared: &Shared, one: &Client, other: &Client) -> Option<()> {
    let number = shared.answers("hold").len();
    let made = |name: &str| shared.made(&format!("{name}-{number}"));
    let (gate, held, between) = (made("gate"), made("held"), made("between"));
    let (waiting, arguments) = (one.clone(), json!({"gate": gate, "path": held}));
    let waiting = thread::spawn(move || waiting.call(8, "hold", &arguments));
    let is_call = |record: &&Value| record["direction"] == "c2s" && record["tool_name"] == "hold";
    eventually("the call is open", SOON, || {
        (shared.records().iter().filter(is_call).count() > number).then_some(())
    });
    let second = shared.call(other, "touch", &json!({"path": between}));
    assert_eq!(effect(&second, &touched(&between)).unwrap()["among"], 2, "{second:#}");
    fs::write(&gate, "").unwrap();
    assert_eq!(waiting.join().unwrap()["result"]["isError"], false);
    let first = shared.answers("hold").pop().filter(is_whole)?;
    assert_eq!(effect(&first, &touched(&between)).unwrap()["among"], 2, "{first:#}");
    assert!(effect(&first, &touched(&held)).unwrap()["among"].is_null(), "{first:#}");
    assert_ne!(first["session"], second["session"]);
    Some(())
}

#[test]
fn what_calls_of_several_clients_did_is_in_the_records_of_their_answers() {
    scenario(Company::Shared, || {
        let agent = Agent::start_with(EFFECTS);
        let shared = Shared::start(&agent, "")?;
        let (one, other) = (Client::open(&shared.address), Client::open(&shared.address));
        let notes = shared.made("notes.txt");
        fs::write(&notes, "notes").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let connect = json!({"act": "connect", "addr": format!("127.0.0.1:{port}"), "protocol": "tcp"});
        let begun = Instant::now();
        for number in 0..20 {
            let read = shared.call(&one, "read_file", &json!({"path": notes, "port": port}));
            let own = effect(&read, &json!({"act": "open", "path": notes, "access": "read"}));
            assert!(own.is_some_and(|own| own["among"].is_null()), "{read:#}");
            assert!(effect(&read, &connect).is_some(), "{read:#}");
            let made = shared.made(&format!("made-{number}"));
            let touch = shared.call(&other, "touch", &json!({"path": made}));
            assert!(effect(&touch, &touched(&made)).is_some_and(|own| own["among"].is_null()), "{touch:#}");
            assert!(effect(&touch, &connect).is_none(), "{touch:#}");
        }
        measured(&format!("40 calls with effects from elsewhere took {:?}", begun.elapsed()));

        // Two at once, of two clients: what may be either's is in both.
        eventually("what both do is told in time", SOON, || two_at_once(&shared, &one, &other));

        // After the answer it is nobody's, and told once.
        let (gate, key) = (shared.made("pipe"), shared.site.path().join("home/.ssh/id_ed25519"));
        nix::unistd::mkfifo(&gate, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let later = shared.call(&other, "key_later", &json!({"gate": gate}));
        drop(fs::File::options().write(true).open(&gate).unwrap());
        let key = json!({"act": "open", "path": key});
        let is_event = |record: &Value| record["event"] == "server.effects" && effect(record, &key).is_some();
        let event = eventually("it is told", SOON, || shared.records().into_iter().find(is_event));
        assert_eq!(event["after"], later["answers"], "{event:#}");
        // By another session than the clients'.
        assert!(event["session"].as_str().unwrap().ends_with("-server"), "{event:#}");
        assert_eq!(shared.records().into_iter().filter(is_event).count(), 1);
        // What is new to a tool that was learned is found; and it is kept beside the log.
        let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = elsewhere.local_addr().unwrap().port();
        let phoned = shared.call(&one, "read_file", &json!({"path": notes, "port": port}));
        let finds = |finding: &Value| finding["type"] == "new_destination";
        assert!(phoned["findings"].as_array().is_some_and(|all| all.iter().any(finds)), "{phoned:#}");
        eventually("it is kept", SOON, || {
            let files = fs::read_dir(shared.site.path().join("state/effects")).ok()?;
            files.flatten().find_map(|file| {
                fs::read_to_string(file.path()).ok().filter(|text| text.contains("read_file"))
            })
        });
        Ok(())
    });
}

#[test]
fn what_policy_does_not_allow_is_withheld_or_ends_the_server() {
    scenario(Company::Shared, || {
        let agent = Agent::start_with(EFFECTS);
        let rules = "effects:\n  mode: enforce\n  prevent: false\n  action: deny\n  open: {deny: ['~/.ssh/*']}\n  rules:\n  \
                     - {name: shells, tools: [shell], action: kill, exec: {deny: ['/bin/*sh', '/usr/bin/*sh']}}\n";
        let mut shared = Shared::start(&agent, rules)?;
        let client = Client::open(&shared.address);
        let record = eventually("what is done is told in time", SOON, || {
            let answer = client.call(9, "key", &json!({}));
            assert_eq!(answer["error"]["code"], 40301, "{answer}");
            shared.answers("key").pop().filter(is_whole)
        });
        assert_eq!((&record["action"], &record["reason"]), (&json!("block"), &json!("policy: effects.open")));
        shared.call(&client, "touch", &json!({"path": shared.made("after")}));

        // It is the agent that ends it, and the gateway that says so.
        let answer = client.call(10, "shell", &json!({"argument": "x"}));
        assert!(answer["error"].is_object(), "{answer}");
        let is_event = |record: &Value| record["event"] == "server.killed";
        let event = eventually("it is told", SOON, || shared.records().into_iter().find(is_event));
        assert_eq!(
            (&event["rule"], &event["incomplete"]),
            (&json!("shells.exec"), &Value::Null),
            "{event:#}"
        );
        assert!(event["processes"].as_u64() >= Some(1), "{event:#}");
        // It is started anew, and looked at again.
        let port = shared.server.port;
        shared.server.end();
        shared.server = serve(&shared.site, port)?;
        shared.wait_followed();
        Ok(())
    });
}

#[test]
fn without_the_agent_there_is_none_and_when_it_is_back_there_is() {
    scenario(Company::Shared, || {
        let mut agent = Agent::start_with(EFFECTS);
        let mut shared = Shared::start(&agent, "")?;
        let client = Client::open(&shared.address);
        let path = shared.made("file");
        agent.stop();
        let begun = Instant::now();
        let record = eventually("nothing is told", SOON, || {
            shared.call_untold(&client, "touch", &json!({"path": path}))
        });
        assert!(record["effects_lost"].is_null() && begun.elapsed() < SOON, "{record:#}");
        eventually("it is said", SOON, || shared.said().contains("is not recorded").then_some(()));
        agent.restart();
        shared.wait_followed();
        Ok(())
    });
}

#[test]
fn a_users_gateway_is_told_of_that_users_servers_and_of_no_others() {
    scenario(Company::Shared, || {
        let (agent, site) = (Agent::start_with(&format!("  socket-group: nogroup\n{EFFECTS}")), Site::new());
        let setpriv = || {
            let words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];
            words.map(OsString::from).to_vec()
        };
        let gateway = |site: &Site| -> Vec<OsString> {
            setpriv().into_iter().chain([reachable(site).into()]).collect()
        };
        // Root's server.
        let server = serve(&site, reserved_port())?;
        let program = gateway(&site);
        let others = Shared::before(&agent, site, server, "", &program);
        eventually("it is said", SOON, || others.said().contains("runs as another user").then_some(()));
        let client = Client::open(&others.address);
        let path = others.made("file");
        assert!(others.call_untold(&client, "touch", &json!({"path": path})).is_some());
        drop(others.gateway);

        // The user's own: a program of the host's, for nobody may look into the peers.
        let site = Site::new();
        let script = "import http.server as h, json, sys\n\
            class H(h.BaseHTTPRequestHandler):\n\
            \x20def do_POST(self):\n\
            \x20 asked = json.loads(self.rfile.read(int(self.headers['Content-Length'])))\n\
            \x20 if 'id' not in asked:\n\
            \x20  self.send_response(202); self.send_header('Content-Length', '0'); self.end_headers(); return\n\
            \x20 if asked['method'] == 'initialize':\n\
            \x20  result = {'protocolVersion': '2025-06-18', 'capabilities': {'tools': {}}, 'serverInfo': {'name': 'own', 'version': '1'}}\n\
            \x20 else:\n\
            \x20  open(asked['params']['arguments']['path']).close(); result = {'content': [], 'isError': False}\n\
            \x20 body = json.dumps({'jsonrpc': '2.0', 'id': asked['id'], 'result': result}).encode()\n\
            \x20 self.send_response(200); self.send_header('Content-Type', 'application/json')\n\
            \x20 self.send_header('Content-Length', str(len(body))); self.end_headers(); self.wfile.write(body)\n\
            h.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), H).serve_forever()\n";
        let port = reserved_port();
        let python = ["/usr/bin/python3", "-c", script, &port.to_string()].map(OsString::from);
        let command: Vec<OsString> = setpriv().into_iter().chain(python).collect();
        let mut server = Process::start(&site, &command, &[]);
        assert!(server.listens(port), "the port was free");
        server.port = port;
        let program = gateway(&site);
        let own = Shared::before(&agent, site, server, "", &program);
        let client = Client::open(&own.address);
        let path = json!("/etc/hostname");
        let record = own.call(&client, "read", &json!({"path": path}));
        assert!(effect(&record, &json!({"act": "open", "path": path})).is_some(), "{record:#}");
        Ok(())
    });
}
