//! Which servers may be used, by what is known of them and what the policy says.

use super::*;
use crate::policy::{Principal, Transport};

fn read(section: &str) -> Result<Policy, String> {
    let text = format!(
        "version: v1\nmode: enforce\nrules: [{{name: all, action: allow, match: {{methods: ['*']}}}}]\n{section}\n"
    );
    Policy::parse(&text)
        .map_err(|error| error.problems().iter().map(|problem| problem.message.clone()).collect())
}

fn context(server: &str, upstream: Option<&str>) -> Context {
    Context {
        server: server.into(),
        upstream: upstream.map(Into::into),
        transport: Transport::Stdio,
        principal: Principal::default(),
        client: None,
        tapped: None,
    }
}

fn status(policy: &Policy, server: &str, level: Option<Level>, decided: Option<Decided>) -> &'static str {
    policy.server_eval().unwrap().status(&context(server, None), Known { level, decided }).as_str()
}

#[test]
fn by_default_low_risk_is_enough_and_a_person_outweighs_it() {
    let policy = read("server_eval: {mode: enforce}").unwrap();
    for (level, decided, expected) in [
        (None, None, "pending"),
        (Some(Level::Low), None, "auto-approved"),
        (Some(Level::Medium), None, "pending"),
        (Some(Level::Critical), Some(Decided::Approved), "approved"),
        (Some(Level::Critical), Some(Decided::Outdated), "pending"),
        (Some(Level::Low), Some(Decided::Outdated), "auto-approved"),
        (Some(Level::Low), Some(Decided::Blocked), "blocked"),
        (None, Some(Decided::Approved), "approved"),
    ] {
        assert_eq!(status(&policy, "s", level, decided), expected, "{level:?} {decided:?}");
    }
}

#[test]
fn what_the_policy_names_needs_nobody_but_a_block_stays() {
    let policy = read("server_eval: {mode: enforce, allow: [notes, 'https://h/*']}").unwrap();
    assert_eq!(status(&policy, "notes", Some(Level::Critical), None), "allowed");
    assert_eq!(status(&policy, "notes", None, None), "allowed");
    assert_eq!(status(&policy, "notes", Some(Level::Low), Some(Decided::Blocked)), "blocked");
    assert_eq!(status(&policy, "other", Some(Level::High), None), "pending");
    let section = policy.server_eval().unwrap();
    let by_url = section.status(&context("x", Some("https://h/mcp")), Known::default());
    assert_eq!(by_url, ServerStatus::Allowed);
    // What only looks like it is not it.
    assert_eq!(status(&policy, "n\u{43e}tes", Some(Level::High), None), "pending");
}

#[test]
fn knorqs_section_loads_as_it_is() {
    let policy = read(
        "server_eval:
  enabled: true
  mode: audit
  webhook: https://hooks.example.com/x
  auto_approve:
    risk_levels: [low, medium]
  allowlist:
    - {name: internal, upstream: 'http://internal:*', status: approved, approved_by: admin, approved_at: 2026-01-01T00:00:00Z}
    - {name: evil, upstream: 'http://evil*', status: denied}
    - {name: later, upstream: 'http://later*', status: pending}
    - {name: unsaid, upstream: 'http://unsaid*'}",
    )
    .unwrap();
    let section = policy.server_eval().unwrap();
    assert_eq!(section.mode(), Mode::Observe);
    let status = |upstream, level| {
        section.status(&context("s", Some(upstream)), Known { level: Some(level), decided: None }).as_str()
    };
    assert_eq!(status("http://internal:8080/mcp", Level::Critical), "allowed");
    assert_eq!(status("http://evil/mcp", Level::Low), "blocked");
    assert_eq!(status("http://later/mcp", Level::High), "pending");
    assert_eq!(status("http://unsaid/mcp", Level::High), "pending");
    assert_eq!(status("http://x/mcp", Level::Medium), "auto-approved");
    assert!(read("server_eval: {enabled: false, mode: enforce}").unwrap().server_eval().is_none());
    assert!(read("server_eval: {mode: off}").unwrap().server_eval().is_none());
    let nobody = read("server_eval: {mode: enforce, auto_approve: {risk_levels: []}}").unwrap();
    assert_eq!(self::status(&nobody, "s", Some(Level::Low), None), "pending");
    let nobody = read("server_eval: {mode: enforce, auto_approve: none}").unwrap();
    assert_eq!(self::status(&nobody, "s", Some(Level::Low), None), "pending");
}

#[test]
fn what_is_misspelled_is_said() {
    for (section, expected) in [
        ("server_eval: {mod: enforce}", "unknown key `mod`, did you mean `mode`?"),
        ("server_eval: {mode: enforced}", "`enforced` is no mode, did you mean `enforce`?"),
        ("server_eval: {auto_approve: lo}", "`lo` is no level of risk, did you mean `low`?"),
        (
            "server_eval: {auto_approve: {risk_level: [low]}}",
            "unknown key `risk_level`, did you mean `risk_levels`?",
        ),
        (
            "server_eval: {allowlist: [{name: x}]}",
            "an entry of `allowlist` has no `upstream`: a glob of names or URLs",
        ),
        (
            "server_eval: {allowlist: [{upstream: x, status: aproved}]}",
            "`aproved` is no status, did you mean `approved`?",
        ),
        ("server_eval: {allow: notes}", "`allow` is a list"),
    ] {
        assert_eq!(read(section).map(|_| ()), Err(expected.to_owned()), "{section}");
    }
}

#[test]
fn a_section_that_enforces_keeps_out_what_cannot_be_read() {
    let text = "version: v1\nmode: observe\nrules: [{name: all, action: allow, match: {methods: ['*']}}]\n";
    assert_eq!(Policy::parse(text).unwrap().unseen(), Mode::Observe);
    let text = format!("{text}server_eval: {{mode: enforce}}\n");
    assert_eq!(Policy::parse(&text).unwrap().unseen(), Mode::Enforce);
}
