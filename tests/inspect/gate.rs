//! A gate with a log of its own, and two peers that are only bytes.

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use mcpgw_agent::audit::{AuditLog, Options};
use mcpgw_agent::json::Limits;
use mcpgw_agent::mcp::Direction;
use mcpgw_agent::policy::{Context, Policy, Principal, Transport};
use mcpgw_agent::proxy::gate::{Framing, Gate, Party, Passed};
use mcpgw_agent::reload::PolicyStore;
use serde_json::Value;

/// A gate under one policy.
pub(crate) struct Site {
    gate: Gate,
    dir: tempfile::TempDir,
}

impl Site {
    pub(crate) fn new(policy: &str) -> Self {
        Self::under(Policy::parse(policy).unwrap())
    }

    pub(crate) fn under(policy: Policy) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let audit = AuditLog::open(&Options::at(dir.path().join("audit.jsonl"))).unwrap();
        let store = PolicyStore::new(policy);
        let gate = Gate::new(Arc::new(store), Arc::new(audit), Limits::default());
        Self { gate, dir }
    }

    /// A session nothing was said in yet.
    pub(crate) fn party(&self) -> Party {
        let context = Context {
            server: "test".into(),
            upstream: None,
            transport: Transport::Stdio,
            principal: Principal::default(),
            client: None,
            tapped: None,
        };
        Party::new("s", context)
    }

    /// What becomes of a message or a batch.
    pub(crate) fn pass(&self, party: &Party, direction: Direction, text: &str) -> Passed {
        let bytes = Bytes::copy_from_slice(text.as_bytes());
        let decoded = self.gate.decode(bytes.clone(), Framing::Line);
        self.gate.judge(party, direction, &bytes, decoded, None, None, Instant::now()).wait()
    }

    /// Everything that is on record so far, as it stands in the files.
    pub(crate) fn written(&self) -> String {
        let files = fs::read_dir(self.dir.path()).unwrap();
        let read = |file: fs::DirEntry| String::from_utf8_lossy(&fs::read(file.path()).unwrap()).into_owned();
        files.map(|file| read(file.unwrap())).collect()
    }

    /// What of the log stands behind its byte `from`, and where it ends now.
    pub(crate) fn written_since(&self, from: u64) -> (String, u64) {
        let mut file = fs::File::open(self.dir.path().join("audit.jsonl")).unwrap();
        file.seek(SeekFrom::Start(from)).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        let end = from + text.len() as u64;
        (text, end)
    }

    /// The records of messages.
    pub(crate) fn records(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.dir.path().join("audit.jsonl")).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line.get("direction").is_some()).collect()
    }
}
