//! The language as knorq's mcpgw has it.

use super::support::*;

/// The policy of the README of knorq's mcpgw: file form and decisions must hold.
const README: &str = r#"version: v1
mode: enforce # "enforce" or "audit" (log-only)
rules:
  # Admins can do anything
  - name: admin-full-access
    match:
      methods: ["tools/call"]
      subjects: ["admin-*"]
    action: allow
  # Block dangerous commands
  - name: block-dangerous-exec
    match:
      methods: ["tools/call"]
      tools: ["exec_*"]
      arguments:
        command: ["*rm -rf*", "*sudo*", "*chmod 777*"]
    action: deny
  # Block sensitive file reads
  - name: block-sensitive-files
    match:
      methods: ["tools/call"]
      tools: ["read_file"]
      arguments:
        path: ["/etc/*", "*.env", "*.pem", "*.key"]
    action: deny
  # Allow everything else
  - name: default-allow
    match:
      methods: ["*"]
    action: allow
"#;

#[test]
fn knorqs_readme_policy_decides_as_there() {
    let policy = policy(README);
    assert_eq!(policy.rules().len(), 4);
    for (sent, expected) in [
        (call("exec_command", r#"{"command":"ls -l"}"#), "allow default-allow"),
        (call("exec_command", r#"{"command":"sudo ls"}"#), "deny block-dangerous-exec"),
        (call("exec_command", r#"{"command":"rm -rf /"}"#), "deny block-dangerous-exec"),
        (call("read_file", r#"{"path":"/etc/passwd"}"#), "deny block-sensitive-files"),
        (call("read_file", r#"{"path":"/srv/.env"}"#), "deny block-sensitive-files"),
        (call("read_file", r#"{"path":"/srv/../etc/passwd"}"#), "deny block-sensitive-files"),
        (call("read_file", r#"{"path":"/srv/a.txt"}"#), "allow default-allow"),
        (call("write_file", r#"{"path":"/etc/passwd"}"#), "allow default-allow"),
        (ask("initialize", "{}"), "allow default-allow"),
        (ask("resources/read", r#"{"uri":"file:///a"}"#), "allow default-allow"),
    ] {
        assert_eq!(word(&sent.under(&policy)), expected, "{:?}", sent.message.bytes());
    }
    let mut admin = call("exec_command", r#"{"command":"sudo ls"}"#);
    admin.context.principal.subject = Some("admin-1".into());
    assert_eq!(word(&admin.under(&policy)), "allow admin-full-access");
}
