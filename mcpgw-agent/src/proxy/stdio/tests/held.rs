//! What policy holds for a person: the rest goes on, and it is answered or written once.

use serde_json::Value;

use super::*;
use crate::proxy::hold::{HeldView, HoldCounts};

const MINUTES: Duration = Duration::from_secs(300);

const HOLDING: &str = "version: v1
mode: enforce
rules:
  - {name: ask, match: {methods: [tools/call], tools: [pay]}, action: hold}
  - {name: ask-server, match: {methods: [roots/list], directions: [s2c]}, action: hold}
  - {name: answers, match: {methods: [prompts/get], directions: [s2c]}, action: hold}
  - {name: rest, match: {methods: ['*']}, action: allow}
detectors: {secrets: redact, destructive: hold}
";

struct Desk {
    peers: Peers,
    holds: Arc<Holds>,
}

fn call(id: u32) -> String {
    format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/call\",\"params\":{{\"name\":\"pay\",\"arguments\":{{\"to\":{id}}}}}}}\n"
    )
}

fn ping(id: u32) -> String {
    PING.replace(":1,", &format!(":{id},"))
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text:?}"))
}

impl Desk {
    fn new(timeout: Duration) -> Self {
        let holds = Arc::new(Holds::new(timeout));
        let policy = Policy::parse(HOLDING).unwrap();
        Self { peers: Peers::of(policy, mailbox::FULL_BYTES, Some(&holds)), holds }
    }

    /// What waits. What the client said after it is with the server, so it is known.
    fn waiting(&self) -> Vec<HeldView> {
        self.holds.list(std::time::Instant::now())
    }

    /// A call that waits, and a ping that has passed it.
    fn park(&mut self, id: u32) -> HeldView {
        self.peers.client_says(&(call(id) + &ping(id + 1)));
        assert_eq!(self.peers.server_hears(), ping(id + 1));
        self.waiting().pop().unwrap()
    }

    fn decide(&self, held: &HeldView, approve: bool) {
        self.holds.decide(&held.id, approve, 77, std::time::Instant::now()).unwrap();
    }

    /// Ends the session, and gives the log's records of calls.
    fn end(self) -> Vec<Value> {
        let Self { peers, holds } = self;
        let Peers { to_gateway, from_gateway, server_in, server_out, running, dir } = peers;
        drop((to_gateway, server_out));
        let _outcome = running.wait();
        drop((from_gateway, server_in));
        assert_eq!(holds.counts().waiting, 0);
        let log = std::fs::read_to_string(dir.path().join("audit.jsonl")).unwrap();
        let records = log.lines().map(json);
        records.filter(|record| record["hold"].is_string()).collect()
    }
}

#[test]
fn an_approved_call_is_written_once_and_its_answer_passes() {
    within(|| {
        let mut desk = Desk::new(MINUTES);
        let held = desk.park(5);
        assert_eq!((held.direction.as_str(), held.arguments.as_deref()), ("c2s", Some("{\"to\":5}")));
        // Its id is taken, and nothing may answer it yet.
        desk.peers.client_says(&ping(5));
        assert!(desk.peers.client_hears().contains("-32600"));
        desk.peers.server_says(&PONG.replace(":1,", ":5,"));
        desk.peers.server_says(&PONG.replace(":1,", ":6,"));
        assert_eq!(json(&desk.peers.client_hears())["id"], 6);
        desk.decide(&held, true);
        assert_eq!(desk.peers.server_hears(), call(5));
        desk.peers.server_says(&PONG.replace(":1,", ":5,"));
        assert_eq!(json(&desk.peers.client_hears())["id"], 5);
        desk.peers.client_says(&ping(9));
        assert_eq!(desk.peers.server_hears(), ping(9));
        assert_eq!(desk.holds.counts(), HoldCounts { approved: 1, ..HoldCounts::default() });
        let records = desk.end();
        let [first, second] = records.as_slice() else { panic!("{records:?}") };
        assert_eq!((&first["action"], &first["hold"]), (&"hold".into(), &"waits".into()), "{first}");
        assert_eq!((&second["action"], &second["hold"]), (&"pass".into(), &"approved".into()), "{second}");
        assert_eq!((&second["held"], &second["decided_by"]), (&first["decision_id"], &77.into()), "{second}");
        assert_eq!((&second["rule"], &first["reason"]), (&"ask".into(), &"policy: ask".into()));
    });
}

#[test]
fn a_denied_call_is_answered_and_never_written() {
    within(|| {
        let mut desk = Desk::new(MINUTES);
        let held = desk.park(1);
        desk.decide(&held, false);
        let answer = json(&desk.peers.client_hears());
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&1.into(), &40304.into()), "{answer}");
        desk.peers.client_says(&ping(1));
        assert_eq!(desk.peers.server_hears(), ping(1), "the id is free again");
        let records = desk.end();
        assert_eq!((&records[1]["action"], &records[1]["hold"]), (&"block".into(), &"denied".into()));
        assert_eq!(records[1]["decision_id"], answer["error"]["data"]["decision_id"]);
    });
}

#[test]
fn time_runs_out_without_anything_else_happening() {
    within(|| {
        let mut desk = Desk::new(Duration::from_millis(50));
        desk.peers.client_says(&call(1));
        let answer = json(&desk.peers.client_hears());
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&1.into(), &40304.into()), "{answer}");
        assert_eq!(desk.holds.counts().timed_out, 1);
        assert_eq!(desk.end()[1]["hold"], "timed out");
    });
}

#[test]
fn a_cancelled_call_waits_no_more_and_gets_no_answer() {
    within(|| {
        let mut desk = Desk::new(MINUTES);
        let held = desk.park(1);
        let cancel =
            "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}\n";
        desk.peers.client_says(cancel);
        assert_eq!(desk.peers.server_hears(), cancel);
        assert!(desk.holds.decide(&held.id, true, 0, std::time::Instant::now()).is_err());
        desk.peers.server_says(&PONG.replace(":1,", ":2,"));
        assert_eq!(json(&desk.peers.client_hears())["id"], 2, "and nothing before it");
        assert_eq!(desk.end()[1]["hold"], "cancelled");
    });
}

#[test]
fn a_batch_cancels_all_it_names() {
    within(|| {
        let mut desk = Desk::new(MINUTES);
        let open = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-03-26","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"#;
        desk.peers.client_says(&format!("{open}\n"));
        desk.peers.server_hears();
        desk.peers.server_says(
            "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{\"protocolVersion\":\"2025-03-26\",\"capabilities\":{}}}\n",
        );
        desk.peers.client_hears();
        for id in [1, 3, 5] {
            desk.park(id);
        }
        let cancel = |id| {
            format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#)
        };
        let batch = format!("[{},{},{}]\n", cancel(5), cancel(1), cancel(9));
        desk.peers.client_says(&batch);
        assert_eq!(desk.peers.server_hears(), batch);
        let waiting: Vec<_> = desk.waiting().into_iter().map(|held| held.arguments).collect();
        assert_eq!(waiting, [Some("{\"to\":3}".into())]);
        desk.peers.server_says(&PONG.replace(":1,", ":2,"));
        assert_eq!(json(&desk.peers.client_hears())["id"], 2, "and nothing before it");
        let ends: Vec<_> = desk.end().iter().map(|record| record["hold"].clone()).collect();
        assert_eq!(ends, ["waits", "waits", "waits", "cancelled", "cancelled", "ended"]);
    });
}

#[test]
fn the_end_of_either_side_ends_waiting() {
    within(|| {
        let mut desk = Desk::new(MINUTES);
        desk.park(1);
        // The client says nothing more, and still listens.
        desk.peers.to_gateway = None;
        let answer = json(&desk.peers.client_hears());
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&1.into(), &40304.into()), "{answer}");
        assert_eq!(desk.end()[1]["hold"], "ended");

        let mut desk = Desk::new(MINUTES);
        desk.park(1);
        desk.park(3);
        desk.peers.server_out = None;
        let (_, server) = pipe_out();
        drop(std::mem::replace(&mut desk.peers.server_in, BufReader::new(File::from(server))));
        let mut answered = Vec::new();
        loop {
            let line = desk.peers.client_hears();
            if line.is_empty() {
                break;
            }
            answered.push(json(&line)["id"].as_u64().unwrap());
        }
        answered.sort_unstable();
        assert_eq!(answered, [1, 2, 3, 4], "each once");
        let words: Vec<_> = desk.end().iter().map(|record| record["hold"].clone()).collect();
        assert_eq!(words, ["waits", "waits", "ended", "ended"]);

        let mut desk = Desk::new(MINUTES);
        desk.park(1);
        desk.peers.running.stopper().stop();
        let mut codes: Vec<_> =
            (0..2).map(|_| json(&desk.peers.client_hears())["id"].as_u64().unwrap()).collect();
        codes.sort_unstable();
        assert_eq!(codes, [1, 2]);
        assert_eq!(desk.peers.client_hears(), "");
        assert_eq!(desk.end()[1]["hold"], "ended");
    });
}

#[test]
fn a_servers_request_and_its_answers_wait_the_same_way() {
    within(|| {
        let mut desk = Desk::new(MINUTES);
        let ask = "{\"jsonrpc\":\"2.0\",\"id\":\"r\",\"method\":\"roots/list\"}\n";
        desk.peers.client_says(&ping(1));
        assert_eq!(desk.peers.server_hears(), ping(1));
        desk.peers.server_says(&format!("{ask}{PONG}"));
        assert_eq!(desk.peers.client_hears(), PONG);
        let held = desk.waiting().remove(0);
        assert_eq!(held.direction, "s2c");
        desk.decide(&held, false);
        let told = json(&desk.peers.server_hears());
        assert_eq!((&told["id"], &told["error"]["code"]), (&"r".into(), &40304.into()), "{told}");

        // An answer that waits: another in its place is nobody's, the one approved passes.
        let get = |id: u32| {
            format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"prompts/get\",\"params\":{{\"name\":\"p\"}}}}\n"
            )
        };
        let result =
            |id: u32| format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"messages\":[]}}}}\n");
        for (id, approve) in [(7, true), (8, false)] {
            desk.peers.client_says(&(get(id) + &ping(id + 10)));
            assert_eq!((desk.peers.server_hears(), desk.peers.server_hears()), (get(id), ping(id + 10)));
            desk.peers
                .server_says(&(result(id) + &result(id) + &PONG.replace(":1,", &format!(":{},", id + 10))));
            assert_eq!(json(&desk.peers.client_hears())["id"], id + 10);
            let held = desk.waiting().remove(0);
            assert_eq!((held.method.as_deref(), &held.arguments), (Some("prompts/get"), &None));
            desk.decide(&held, approve);
            let heard = desk.peers.client_hears();
            if approve {
                assert_eq!(heard, result(id));
            } else {
                assert_eq!(
                    (&json(&heard)["id"], &json(&heard)["error"]["code"]),
                    (&id.into(), &40304.into())
                );
            }
        }
        assert_eq!(desk.end().len(), 6);
    });
}

#[test]
fn where_nobody_can_decide_or_no_more_may_wait_it_is_refused_at_once() {
    within(|| {
        let mut peers = Peers::new(Policy::parse(HOLDING).unwrap(), mailbox::FULL_BYTES);
        peers.client_says(&call(1));
        assert_eq!(json(&peers.client_hears())["error"]["code"], 40304);
        let log = std::fs::read_to_string(peers.dir.path().join("audit.jsonl")).unwrap();
        let record = json(log.lines().last().unwrap());
        assert_eq!(
            (&record["action"], &record["hold"]),
            (&"hold".into(), &"nobody to decide".into()),
            "{record}"
        );

        let mut desk = Desk::new(MINUTES);
        let most = u32::try_from(crate::proxy::hold::MAX_HELD_OF_SESSION).unwrap();
        (0..=most).for_each(|id| desk.peers.client_says(&call(id)));
        let refused = json(&desk.peers.client_hears());
        assert_eq!((&refused["id"], &refused["error"]["code"]), (&most.into(), &40304.into()), "{refused}");
        assert_eq!(desk.waiting().len(), 16);
        assert_eq!(desk.end()[16]["hold"], "too many wait");
    });
}

#[test]
fn what_a_detector_holds_goes_on_without_its_secrets_once_approved() {
    within(|| {
        let secret = ["gh", "p_", "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY1z3A"].concat();
        let run = |key: &str| {
            format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"tools/call\",\"params\":{{\"name\":\"run\",\"arguments\":{{\"sql\":\"DROP TABLE customers;\",\"key\":\"{key}\"}}}}}}\n"
            )
        };
        let mut desk = Desk::new(MINUTES);
        desk.peers.client_says(&(run(&secret) + &ping(6)));
        assert_eq!(desk.peers.server_hears(), ping(6));
        let held = desk.waiting().pop().unwrap();
        desk.decide(&held, true);
        assert_eq!(desk.peers.server_hears(), run("<GITHUB_TOKEN>"));
        desk.peers.server_says(&PONG.replace(":1,", ":5,"));
        assert_eq!(json(&desk.peers.client_hears())["id"], 5);
        let records = desk.end();
        let actions: Vec<&str> = records.iter().filter_map(|record| record["action"].as_str()).collect();
        assert_eq!(actions, ["hold", "redact"]);
        assert!(!records.iter().any(|record| record.to_string().contains(&secret)), "{records:?}");
    });
}
