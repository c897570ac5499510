use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    AgentStatus, AuditStatus, Dropped, Gap, GatewayStatus, HookState, HookStatus, Mode, Status, Summary,
};
use crate::audit::Kept;
use crate::inventory::{
    ClientView, EvidenceView, MessageCounts, ObserveMode, ProcessRef, ServerInfo, ServerState, ServerView,
    Transport,
};
use crate::proxy::handover::SessionView;
use crate::proxy::hold::HoldCounts;
use crate::reload::{PolicyState, ReloadCounts, ReloadFailure};

/// A confirmed stdio server of user 1000.
pub(crate) fn server(id: &str, state: ServerState) -> ServerView {
    ServerView {
        id: id.to_owned(),
        pid: 4242,
        start_time: "2026-11-20T10:00:00Z".parse().unwrap(),
        user: "lucy".to_owned(),
        uid: 1000,
        exe: "/usr/bin/node".to_owned(),
        command: ["node", "/opt/everything/dist/index.js", "stdio"].map(str::to_owned).to_vec(),
        cwd: Some("/home/lucy".to_owned()),
        container: None,
        unit: Some("session-3.scope".to_owned()),
        transport: Transport::Stdio,
        endpoint: None,
        state,
        reason: "no gateway between it and its client".to_owned(),
        gateway: None,
        confirmed: true,
        evidence: vec![EvidenceView {
            kind: "request".to_owned(),
            detail: "initialize 2025-06-18".to_owned(),
            at: "2026-11-20T10:00:00.5Z".parse().unwrap(),
        }],
        server_info: Some(ServerInfo { name: "everything".to_owned(), version: "1.0.0".to_owned() }),
        protocol_version: Some("2025-06-18".to_owned()),
        tools: Some(11),
        client: Some(ClientView {
            pid: 4200,
            exe: "/usr/local/bin/claude".to_owned(),
            command: vec!["claude".to_owned()],
            name: Some("claude-code".to_owned()),
        }),
        ancestors: vec![ProcessRef { pid: 4200, exe: "/usr/local/bin/claude".to_owned() }],
        first_seen: "2026-11-20T10:00:00.02Z".parse().unwrap(),
        last_seen: "2026-11-20T10:00:02Z".parse().unwrap(),
        ended_at: None,
        observe: ObserveMode::Inventory,
        messages: MessageCounts { c2s: 3, s2c: 2 },
    }
}

/// An agent with one hook missing.
pub(crate) fn gateway() -> GatewayStatus {
    GatewayStatus {
        policy: PolicyState {
            path: Some("/etc/mcpgw/policy.yaml".into()),
            generation: 2,
            hash: "ab".repeat(32),
            mode: "enforce".to_owned(),
            rules: 5,
            loaded_at: "2026-11-20T09:30:00Z".parse().unwrap(),
            watched: true,
            last_error: Some(ReloadFailure {
                at: "2026-11-20T09:45:00Z".parse().unwrap(),
                message: "unknown key `tols`".to_owned(),
            }),
            reloads: ReloadCounts { ok: 1, failed: 4 },
        },
        audit: AuditStatus {
            path: "/var/lib/mcpgw/audit.jsonl".into(),
            writing: false,
            written: 70,
            lost: 3,
            last_error: Some("the disk is full".to_owned()),
            ship: Vec::new(),
            kept: Kept {
                files: 3,
                bytes: 9000,
                rotations: 2,
                rotation_failures: 1,
                compressed: 2,
                compression_failures: 0,
                deleted: 1,
                deletion_failures: 0,
            },
        },
        sessions: vec![SessionView {
            id: "0198".to_owned(),
            server: "files".to_owned(),
            pid: 4241,
            uid: 1000,
            client: Some("/usr/local/bin/claude".to_owned()),
            since: "2026-11-20T10:00:00Z".parse().unwrap(),
            messages: MessageCounts { c2s: 9, s2c: 8 },
            refused: 1,
        }],
        holds: HoldCounts { waiting: 2, approved: 3, denied: 4, timed_out: 5, ended: 6 },
        unprevented: Vec::new(),
    }
}

pub(crate) fn agent() -> AgentStatus {
    AgentStatus {
        version: "0.1.0".to_owned(),
        pid: 77,
        started_at: "2026-11-20T09:00:00Z".parse().unwrap(),
        mode: Mode::Ebpf,
        boot_id: Some("6a0d4a4e-5d6c-4f7b-9a39-3b6a4a1f8f11".to_owned()),
        hooks: vec![
            HookStatus { name: "exec".to_owned(), state: HookState::Attached, reason: String::new() },
            HookStatus {
                name: "http-in".to_owned(),
                state: HookState::Failed,
                reason: "no cgroup v2 hierarchy is mounted".to_owned(),
            },
        ],
        gaps: BTreeMap::from([
            ("lifecycle".to_owned(), Gap { records: 10, lost: 0, lost_bytes: 0, missed: 0, undecodable: 0 }),
            ("streams".to_owned(), Gap { records: 20, lost: 2, lost_bytes: 8192, missed: 3, undecodable: 1 }),
        ]),
        dropped: Dropped {
            processes: 1,
            servers: 2,
            listeners: 3,
            sightings: 4,
            streams: 5,
            buffers: 6,
            messages: 7,
            gaps: 8,
            gap_bytes: 900,
        },
        metrics_address: Some("127.0.0.1:9464".to_owned()),
        keep_ended_seconds: 10,
        degraded: vec!["HTTP servers are not confirmed: http-in failed".to_owned()],
    }
}

fn document() -> Status {
    let servers = vec![server("s1", ServerState::Unproxied)];
    Status { gateway: Some(gateway()), ..Status::new(agent(), servers) }
}

#[test]
#[expect(clippy::too_many_lines, reason = "the whole document, as people get it")]
fn the_document_is_what_docs_status_md_says() {
    let status = document();
    insta::assert_json_snapshot!(status, @r###"
    {
      "schema": 1,
      "agent": {
        "version": "0.1.0",
        "pid": 77,
        "started_at": "2026-11-20T09:00:00Z",
        "mode": "ebpf",
        "boot_id": "6a0d4a4e-5d6c-4f7b-9a39-3b6a4a1f8f11",
        "hooks": [
          {
            "name": "exec",
            "state": "attached",
            "reason": ""
          },
          {
            "name": "http-in",
            "state": "failed",
            "reason": "no cgroup v2 hierarchy is mounted"
          }
        ],
        "gaps": {
          "lifecycle": {
            "records": 10,
            "lost": 0,
            "lost_bytes": 0,
            "missed": 0,
            "undecodable": 0
          },
          "streams": {
            "records": 20,
            "lost": 2,
            "lost_bytes": 8192,
            "missed": 3,
            "undecodable": 1
          }
        },
        "dropped": {
          "processes": 1,
          "servers": 2,
          "listeners": 3,
          "sightings": 4,
          "streams": 5,
          "buffers": 6,
          "messages": 7,
          "gaps": 8,
          "gap_bytes": 900
        },
        "metrics_address": "127.0.0.1:9464",
        "keep_ended_seconds": 10,
        "degraded": [
          "HTTP servers are not confirmed: http-in failed"
        ]
      },
      "summary": {
        "servers": 1,
        "proxied": 0,
        "unproxied": 1,
        "allowed": 0,
        "unknown": 0,
        "candidates": 0
      },
      "gateway": {
        "policy": {
          "path": "/etc/mcpgw/policy.yaml",
          "generation": 2,
          "hash": "abababababababababababababababababababababababababababababababab",
          "mode": "enforce",
          "rules": 5,
          "loaded_at": "2026-11-20T09:30:00Z",
          "watched": true,
          "last_error": {
            "at": "2026-11-20T09:45:00Z",
            "message": "unknown key `tols`"
          },
          "reloads": {
            "ok": 1,
            "failed": 4
          }
        },
        "audit": {
          "path": "/var/lib/mcpgw/audit.jsonl",
          "writing": false,
          "written": 70,
          "lost": 3,
          "last_error": "the disk is full",
          "kept": {
            "files": 3,
            "bytes": 9000,
            "rotations": 2,
            "rotation_failures": 1,
            "compressed": 2,
            "compression_failures": 0,
            "deleted": 1,
            "deletion_failures": 0
          }
        },
        "sessions": [
          {
            "id": "0198",
            "server": "files",
            "pid": 4241,
            "uid": 1000,
            "client": "/usr/local/bin/claude",
            "since": "2026-11-20T10:00:00Z",
            "messages": {
              "c2s": 9,
              "s2c": 8
            },
            "refused": 1
          }
        ],
        "holds": {
          "waiting": 2,
          "approved": 3,
          "denied": 4,
          "timed_out": 5,
          "ended": 6
        }
      },
      "guard": null,
      "servers": [
        {
          "id": "s1",
          "pid": 4242,
          "start_time": "2026-11-20T10:00:00Z",
          "user": "lucy",
          "uid": 1000,
          "exe": "/usr/bin/node",
          "command": [
            "node",
            "/opt/everything/dist/index.js",
            "stdio"
          ],
          "cwd": "/home/lucy",
          "container": null,
          "unit": "session-3.scope",
          "transport": "stdio",
          "endpoint": null,
          "state": "unproxied",
          "reason": "no gateway between it and its client",
          "gateway": null,
          "confirmed": true,
          "evidence": [
            {
              "kind": "request",
              "detail": "initialize 2025-06-18",
              "at": "2026-11-20T10:00:00.5Z"
            }
          ],
          "server_info": {
            "name": "everything",
            "version": "1.0.0"
          },
          "protocol_version": "2025-06-18",
          "tools": 11,
          "client": {
            "pid": 4200,
            "exe": "/usr/local/bin/claude",
            "command": [
              "claude"
            ],
            "name": "claude-code"
          },
          "ancestors": [
            {
              "pid": 4200,
              "exe": "/usr/local/bin/claude"
            }
          ],
          "first_seen": "2026-11-20T10:00:00.02Z",
          "last_seen": "2026-11-20T10:00:02Z",
          "ended_at": null,
          "observe": "inventory",
          "messages": {
            "c2s": 3,
            "s2c": 2
          }
        }
      ],
      "remote": []
    }
    "###);
}

#[test]
fn every_field_of_the_document_is_documented() {
    fn names(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    found.push(name.clone());
                    names(value, found);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| names(item, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let status = document();
    let mut found = Vec::new();
    names(&serde_json::to_value(status).unwrap(), &mut found);
    let docs = include_str!("../../../../docs/status.md");
    for name in found {
        assert!(docs.contains(&format!("`{name}`")), "docs/status.md does not tell of `{name}`");
    }
}

#[test]
fn a_document_survives_the_wire_and_later_fields() {
    let status = document();
    let mut value = serde_json::to_value(&status).unwrap();
    value["agent"]["something_new"] = serde_json::json!(1);
    assert_eq!(serde_json::from_value::<Status>(value).unwrap(), status);
}

#[test]
fn the_summary_counts_running_servers_by_state() {
    let mut ended = server("5", ServerState::Unproxied);
    ended.ended_at = Some("2026-11-20T10:01:00Z".parse().unwrap());
    let servers = [
        server("1", ServerState::Unproxied),
        server("2", ServerState::Proxied),
        server("3", ServerState::Candidate),
        server("4", ServerState::Unknown),
        ended,
        server("6", ServerState::Allowed),
    ];
    assert_eq!(
        Summary::of(&servers),
        Summary { servers: 4, proxied: 1, unproxied: 1, allowed: 1, unknown: 1, candidates: 1 }
    );
}

#[test]
fn others_see_their_own_servers_and_count_only_those() {
    let mut roots = server("2", ServerState::Unproxied);
    roots.uid = 0;
    let status = Status::new(agent(), vec![server("1", ServerState::Proxied), roots]);
    assert_eq!(status.clone().visible_to(0), status);
    let seen = status.clone().visible_to(1000);
    assert_eq!(seen.servers.iter().map(|server| server.id.as_str()).collect::<Vec<_>>(), ["1"]);
    assert_eq!(seen.summary, Summary { servers: 1, proxied: 1, ..Summary::default() });
    assert!(status.visible_to(1001).servers.is_empty());
}
