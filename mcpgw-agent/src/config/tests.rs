use std::path::Path;
use std::time::Duration;

use super::*;
use crate::audit::{Durability, Rotation, SealOptions};
use crate::inventory::{AllowSpec, FollowSpec};
use crate::pins::Trust;
use guardrail::guardrail;

mod files;
mod guard;
mod guardrail;
mod identity;
mod keys;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(Path::new("/etc/mcpgw/agent.yaml"), text)
}

fn problems(text: &str) -> Vec<Problem> {
    match parse(text) {
        Err(ConfigError::Invalid { problems, .. }) => problems,
        other => panic!("{text}\n{other:?}"),
    }
}

/// The one problem of a text, as `LINE:COLUMN MESSAGE`.
fn problem(text: &str) -> String {
    let problems = problems(text);
    assert_eq!(problems.len(), 1, "{problems:?}");
    let place = problems[0].place.map_or("?".to_owned(), |place| format!("{}:{}", place.line, place.column));
    format!("{place} {}", problems[0])
}

#[test]
fn nothing_written_is_the_default() {
    for text in [
        "",
        "\n",
        "# nothing\n",
        "---\n",
        "{}\n",
        "observe: {}\nhost: {rings: {}}\nallow: []\n",
        "allow:\nobserve:\nhost:\n  rings:\n  disabled-hooks:\n",
    ] {
        let config = parse(text).unwrap();
        assert_eq!(Config { source: None, ..config }, Config::default(), "{text:?}");
    }
    assert!(!Config::default().needs_hashes());
}

#[test]
fn every_key_is_taken() {
    let hash = "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855";
    let guarded = guard::WRITTEN;
    let text = format!(
        "allow:
  - name: build files
    exe: /usr/**/node
    sha256: {hash}
    command: '* /srv/server.js *'
    user: 1000
    container: web*
    unit: mcp-*.service
    cgroup: /system.slice/*
observe:
  stdio: false
  http: false
  tap-budget-bytes: 131072
  silent-after: 5m
  give-up-after: 1h
  keep-ended: 1500ms
admin:
  metrics-address: '[::1]:0'
  metrics-expose: true
  socket-group: wheel
host:
  scan-interval: 500ms
  disabled-hooks: [sys_exit, cgroup_skb/egress]
  effects: on
  effects-learning: 30
  observe: messages
  messages-of:
    - name: notes*
      exe: /usr/bin/*
    - command: '* server.py'
{guarded}  rings:
    lifecycle-bytes: 4096
    streams-bytes: 65536
    tcp-bytes: 268435456
  tls: clients
  tls-of:
    - exe: /usr/bin/node
      command: '* agent.js'
gateway:
  policy: /etc/mcpgw/policy.yaml
  auth:
    api-keys-file: /etc/mcpgw/keys
    resource: https://gateway.example/mcp
    jwt:
      issuer: https://issuer.example
      audience: [mcpgw]
      jwks-url: https://issuer.example/keys
      ca: /etc/mcpgw/ca.pem
      algorithms: [ES256]
      roles-claim: groups
  audit:
    path: /var/log/mcpgw/audit.jsonl
    durability: synced
    signing-key-file: /etc/mcpgw/audit.key
    index: on-demand
    rotate:
      bytes: 1048576
      age: 2h
      keep-files: 0
      keep-age: 90d
      keep-bytes: 4194304
    seal:
      checkpoint: 10s
      epoch: 5m
      epoch-records: 5000
      open: false
      required: true
    label-claims: [project_id]
    ship:
      - {{name: siem, syslog: 'tls://siem.example:6514', ca: /etc/mcpgw/ca.pem}}
      - name: collector
        otlp: https://otel.example:4318/v1/logs
        headers: [{{name: Authorization, env: OTEL_TOKEN}}]
  pins:
    path: /var/lib/mcpgw/approved
    trust: approved
  limits:
    message-bytes: 1048576
    sessions: 20
    sessions-per-user: 10
  hold-timeout: 90s
  guardrails:
    - name: analyzer
      preset: presidio
      url: https://presidio.example:5002/analyze
      ca: /etc/mcpgw/ca.pem
      directions: [s2c]
      surfaces: [content, definition]
      timeout: 2s
      max-bytes: 4096
      headers:
        - {{name: X-Key, file: /etc/mcpgw/key}}
        - {{name: x-user, env: MCPGW_USER}}
      on-failure: allow
      breaker: {{failures: 2, cool-down: 5s}}
      kinds: [badge_number]
      language: de
      entities: [PERSON]
      threshold: 0.4
log:
  format: json
"
    );
    let expected = Config {
        source: Some("/etc/mcpgw/agent.yaml".into()),
        allow: vec![AllowSpec {
            name: "build files".into(),
            exe: Some("/usr/**/node".into()),
            sha256: Some(hash.to_lowercase()),
            command: Some("* /srv/server.js *".into()),
            user: Some("1000".into()),
            container: Some("web*".into()),
            unit: Some("mcp-*.service".into()),
            cgroup: Some("/system.slice/*".into()),
        }],
        observe: Observe {
            stdio: false,
            http: false,
            tap_budget_bytes: 131_072,
            silent_after: Duration::from_secs(300),
            give_up_after: Duration::from_secs(3600),
            keep_ended: Duration::from_millis(1500),
        },
        admin: Admin { metrics_address: Some("[::1]:0".parse().unwrap()), socket_group: "wheel".into() },
        host: Host {
            scan_interval: Duration::from_millis(500),
            disabled_hooks: ["cgroup_skb/egress".to_owned(), "sys_exit".to_owned()].into(),
            effects: true,
            effects_learning: 30,
            guard: guard::guard(),
            client_files: false,
            client_homes: vec!["/srv/home/anna".into()],
            messages: true,
            messages_of: vec![
                FollowSpec { name: Some("notes*".into()), exe: Some("/usr/bin/*".into()), command: None },
                FollowSpec { command: Some("* server.py".into()), ..FollowSpec::default() },
            ],
            tls: true,
            tls_of: vec![FollowSpec {
                name: None,
                exe: Some("/usr/bin/node".into()),
                command: Some("* agent.js".into()),
            }],
            rings: Rings { lifecycle_bytes: 4096, streams_bytes: 65_536, tcp_bytes: 1 << 28 },
        },
        gateway: Gateway {
            policy: Some("/etc/mcpgw/policy.yaml".into()),
            auth: identity::auth(),
            audit: Audit {
                path: Some("/var/log/mcpgw/audit.jsonl".into()),
                durability: Durability::Synced,
                signing_key_file: Some("/etc/mcpgw/audit.key".into()),
                index: Indexing::OnDemand,
                rotation: Rotation {
                    bytes: 1 << 20,
                    age: Duration::from_secs(7200),
                    keep_files: None,
                    keep_age: Some(Duration::from_secs(90 * 86_400)),
                    keep_bytes: Some(4 << 20),
                },
                seal: SealOptions {
                    beat: Duration::from_secs(10),
                    epoch_age: Duration::from_secs(300),
                    epoch_records: 5000,
                    open: false,
                    required: true,
                },
                label_claims: vec!["project_id".into()],
                ship: identity::shippers(),
            },
            pins: Pins { path: Some("/var/lib/mcpgw/approved".into()), trust: Trust::Approved },
            limits: GatewayLimits { message_bytes: 1 << 20, sessions: 20, sessions_per_user: 10 },
            hold_timeout: Duration::from_secs(90),
            guardrails: vec![guardrail()],
        },
        log: Log { format: LogFormat::Json },
    };
    let config = parse(&text).unwrap();
    assert_eq!(config, expected);
    assert!(config.needs_hashes());
}

#[test]
fn metrics_can_be_off_local_or_knowingly_exposed() {
    let address = |text: &str| parse(text).unwrap().admin.metrics_address.map(|address| address.to_string());
    assert_eq!(address("admin: {metrics-address: off}"), None);
    assert_eq!(address("admin: {metrics-address: '127.9.9.9:0'}").as_deref(), Some("127.9.9.9:0"));
    let open = "admin: {metrics-address: '0.0.0.0:9464', metrics-expose: true}";
    assert_eq!(address(open).as_deref(), Some("0.0.0.0:9464"));
    for closed in ["0.0.0.0:9464", "[::]:9464", "192.0.2.1:9464", "[::ffff:192.0.2.1]:9464"] {
        let problem = problem(&format!("admin:\n  metrics-address: '{closed}'\n"));
        assert!(problem.contains("metrics-expose: true"), "{problem}");
    }
}

#[test]
fn unknown_keys_are_named_with_what_was_meant() {
    for (text, expected) in [
        (
            "admin:\n  metric-address: off\n",
            "2:3 unknown key `metric-address`, did you mean `metrics-address`?",
        ),
        ("Observe: {}\n", "1:1 unknown key `Observe`, did you mean `observe`?"),
        ("allow:\n- nam: x\n", "2:3 unknown key `nam`, did you mean `name`?"),
        ("log:\n  colour: true\n", "2:3 unknown key `colour`, expected one of: format"),
        (
            "host:\n  rings:\n    streams_bytes: 1\n",
            "3:5 unknown key `streams_bytes`, did you mean `streams-bytes`?",
        ),
    ] {
        assert_eq!(problem(text), expected);
    }
}

#[test]
fn wrong_values_are_named_with_their_place() {
    let hash = "a".repeat(63);
    let long = "x".repeat(129);
    for (text, expected) in [
        ("host:\n  scan-interval: 5\n", "2:18 host.scan-interval: `5` is no duration"),
        ("host: {scan-interval: 5 s}\n", "1:23 host.scan-interval: `5 s` is no duration"),
        ("host: {scan-interval: 1ms}\n", "1:23 host.scan-interval: 1ms is out of range: from 100ms to 1h"),
        ("observe: {keep-ended: 8d}\n", "1:23 observe.keep-ended: 8d is out of range: from 0ms to 7d"),
        ("observe: {silent-after: 0s}\n", "1:25 observe.silent-after: 0s is out of range: from 1s to 1d"),
        ("observe: {tap-budget-bytes: 1}\n", "1:29 observe.tap-budget-bytes: 1 is out of range: from 4096"),
        ("host: {rings: {tcp-bytes: 5000}}\n", "1:27 host.rings.tcp-bytes: 5000 is no power of two"),
        ("host: {rings: {tcp-bytes: 2048}}\n", "1:27 host.rings.tcp-bytes: 2048 is out of range: from 4096"),
        ("host: {rings: {tcp-bytes: 8589934592}}\n", "1:27 host.rings.tcp-bytes: 8589934592 is out of range"),
        ("host: {effects: maybe}\n", "1:17 unknown variant `maybe`, expected one of off, on"),
        ("host: {observe: all}\n", "1:17 unknown variant `all`, expected one of inventory, messages"),
        ("host: {messages-of: [{}]}\n", "1:22 host.messages-of[0]: it names no server"),
        ("host: {messages-of: [{exe: node}]}\n", "1:28 host.messages-of[0].exe: "),
        ("host: {tls: all}\n", "1:13 unknown variant `all`, expected one of off, clients"),
        ("host: {tls-of: [{}]}\n", "1:17 host.tls-of[0]: it names no server"),
        ("host: {effect: on}\n", "1:8 unknown key `effect`, did you mean `effects`?"),
        ("host: {disabled-hooks: ['a b']}\n", "1:25 host.disabled-hooks[0]: `a b` is no hook's name"),
        (
            "admin: {metrics-address: localhost:9464}\n",
            "1:26 admin.metrics-address: `localhost:9464` is no address",
        ),
        ("admin: {metrics-address: 9464}\n", "1:26 admin.metrics-address: `9464` is no address"),
        ("admin: {socket-group: ''}\n", "1:23 admin.socket-group: `` is no name"),
        ("gateway: {policy: policy.yaml}\n", "1:19 gateway.policy: `policy.yaml` is no absolute path"),
        ("gateway: {audit: {path: a}}\n", "1:25 gateway.audit.path: `a` is no absolute path"),
        (
            "gateway: {audit: {rotate: {bytes: 5}}}\n",
            "1:35 gateway.audit.rotate.bytes: 5 is out of range: from 1048576 to 17179869184",
        ),
        (
            "gateway: {audit: {rotate: {age: 5s}}}\n",
            "1:33 gateway.audit.rotate.age: 5s is out of range: from 1m to 3660d",
        ),
        (
            "gateway: {audit: {rotate: {keep-age: 1}}}\n",
            "1:38 gateway.audit.rotate.keep-age: `1` is no duration",
        ),
        (
            "gateway: {audit: {rotate: {keep-bytes: 2097152}}}\n",
            "1:40 gateway.audit.rotate.keep-bytes: 2097152 is out of range: from 134217728 to",
        ),
        (
            "gateway: {audit: {rotate: {keep-byte: 1}}}\n",
            "1:28 unknown key `keep-byte`, did you mean `keep-bytes`?",
        ),
        (
            "gateway: {limits: {message-bytes: 1}}\n",
            "1:35 gateway.limits.message-bytes: 1 is out of range: from 4096 to 268435456",
        ),
        (
            "gateway: {limits: {sessions: 0}}\n",
            "1:30 gateway.limits.sessions: 0 is out of range: from 1 to 10000",
        ),
        ("allow: [{name: x}]\n", "1:9 allow[0]: rule `x` names nothing to match"),
        ("allow: [{name: x, exe: bin/node}]\n", "1:24 allow[0].exe: `bin/node` matches no path"),
        ("allow: [{name: x, exe: '/a{b'}]\n", "1:24 allow[0].exe: `/a{b` is no glob"),
        ("allow: [{name: x, command: ' '}]\n", "1:28 allow[0].command: ` ` is no glob: it is empty"),
        (&format!("allow: [{{name: x, sha256: {hash}}}]\n"), "1:27 allow[0].sha256: `aaa"),
        (&format!("allow: [{{name: {long}, user: a}}]\n"), "1:16 allow[0].name: `xxx"),
        ("allow: [{name: \"a\\eb\", user: a}]\n", "1:16 allow[0].name: `a\u{1b}b` is no name"),
        (
            "allow:\n- {name: x, user: a}\n- {name: x, user: b}\n",
            "3:10 allow[1].name: an earlier rule is called `x`",
        ),
    ] {
        let problem = problem(text);
        assert!(problem.starts_with(expected), "{text}\n{problem}\n{expected}");
    }
}

#[test]
fn wrong_types_and_broken_yaml_are_placed() {
    for (text, line) in [
        ("observe:\n  stdio: perhaps\n", 2),
        ("observe:\n  stdio: yes\n", 2),
        ("observe: [1]\n", 1),
        ("allow: {}\n", 1),
        ("allow:\n- exe: /bin/x\n", 2),
        ("log:\n  format: xml\n", 2),
        ("gateway:\n  audit:\n    durability: maybe\n", 3),
        ("log: {format: text, format: json}\n", 1),
        ("a: &a {b: 1}\nobserve:\n  <<: *a\n", 1),
        ("observe: {stdio: true\n", 1),
        ("host:\n  rings:\n    tcp-bytes: -1\n", 3),
        ("--- {}\n--- {}\n", 2),
        ("just words\n", 1),
    ] {
        let problems = problems(text);
        assert_eq!(problems.len(), 1, "{text}");
        assert_eq!(problems[0].place.map(|place| place.line), Some(line), "{text}\n{problems:?}");
        assert!(!problems[0].to_string().contains(" at line "), "{problems:?}");
    }
}

#[test]
fn all_problems_are_told_at_once_in_the_order_of_the_file() {
    let text = "host:\n  scan-interval: 5\nadmin:\n  metrics-address: x\nallow:\n- name: y\n";
    let lines: Vec<usize> = problems(text).iter().map(|problem| problem.place.unwrap().line).collect();
    assert_eq!(lines, [2, 4, 6]);
}

#[test]
fn errors_show_the_line_and_point_at_it() {
    let error = parse("admin:\n  metrics-address: 0.0.0.0:9464\n").unwrap_err();
    insta::assert_snapshot!(error, @r"
    `/etc/mcpgw/agent.yaml` has a problem
    admin.metrics-address: `0.0.0.0:9464` can be reached from other hosts: set `admin.metrics-expose: true` if it should be
     --> /etc/mcpgw/agent.yaml:2:20
      |
    2 |   metrics-address: 0.0.0.0:9464
      |                    ^^^^^^^^^^^^
    ");
    let error = parse("observe:\n  stdio: perhaps\n").unwrap_err();
    insta::assert_snapshot!(error, @r"
    `/etc/mcpgw/agent.yaml` has a problem
    invalid boolean (strict mode expects true/false)
     --> /etc/mcpgw/agent.yaml:2:10
      |
    2 |   stdio: perhaps
      |          ^^^^^^^
    ");
    let error = parse("observe:\n  htpp: true\n").unwrap_err();
    insta::assert_snapshot!(error, @r"
    `/etc/mcpgw/agent.yaml` has a problem
    unknown key `htpp`, did you mean `http`?
     --> /etc/mcpgw/agent.yaml:2:3
      |
    2 |   htpp: true
      |   ^^^^
    ");
}
