//! `gateway.guardrails`.

use super::*;
use crate::config::{BreakerSettings, Guardrail, Preset, SecretHeader, SecretSource};
use crate::detect::Surface;
use crate::detect::external::{Mapping, Pointer, Presidio, Template, Unit};
use crate::mcp::Direction;

/// What `every_key_is_taken` writes.
pub(super) fn guardrail() -> Guardrail {
    let header = |name: &str, source| SecretHeader { name: name.to_owned(), source };
    Guardrail {
        name: "analyzer".into(),
        preset: Preset::Presidio(Presidio {
            language: "de".into(),
            entities: vec!["PERSON".into()],
            threshold: Some("0.4".into()),
        }),
        url: "https://presidio.example:5002/analyze".parse().unwrap(),
        ca: Some("/etc/mcpgw/ca.pem".into()),
        directions: vec![Direction::ToClient],
        surfaces: vec![Surface::Content, Surface::Definition],
        timeout: Duration::from_secs(2),
        max_bytes: 4096,
        headers: vec![
            header("x-key", SecretSource::File("/etc/mcpgw/key".into())),
            header("x-user", SecretSource::Environment("MCPGW_USER".into())),
        ],
        fails_closed: false,
        breaker: BreakerSettings { failures: 2, cool_down: Duration::from_secs(5) },
        kinds: vec!["badge_number".into()],
    }
}

fn one(entry: &str) -> Guardrail {
    let mut config = parse(&format!("gateway:\n  guardrails:\n    - {entry}\n")).unwrap();
    assert_eq!(config.gateway.guardrails.len(), 1);
    config.gateway.guardrails.remove(0)
}

#[test]
fn little_has_to_be_written() {
    let presidio = one("{name: p, preset: presidio, url: 'http://presidio:3000/analyze'}");
    assert!(presidio.fails_closed, "no answer is no leave");
    assert_eq!((presidio.timeout, presidio.max_bytes), (Duration::from_millis(500), 262_144));
    assert_eq!(presidio.directions.len() + presidio.surfaces.len(), 5);
    let lasso = one("{name: l, preset: lasso, headers: [{name: lasso-api-key, env: LASSO_API_KEY}]}");
    assert_eq!(lasso.url.as_str(), "https://server.lasso.security/gateway/v3/classify");
    let generic = one("{name: g, preset: generic, url: 'http://localhost/', body: '{\"t\": \"{text}\"}', \
         answer: {findings: /f, flagged: /is, flagged-values: [bad], score: /s, kind: /k, start: /a, end: /b, \
         offsets: utf16}}");
    let pointer = |text: &str| Pointer::parse(text);
    assert_eq!(
        generic.preset,
        Preset::Generic {
            body: Template::parse("{\"t\": \"{text}\"}").unwrap(),
            answer: Mapping {
                findings: pointer("/f"),
                flagged: pointer("/is"),
                flagged_values: vec!["bad".into()],
                score: pointer("/s"),
                kind: pointer("/k"),
                range: pointer("/a").zip(pointer("/b")),
                unit: Unit::Utf16,
            },
        }
    );
}

#[test]
fn what_cannot_be_asked_is_refused_with_its_place() {
    let generic = "name: g, preset: generic, url: 'http://localhost/'";
    for (entry, expected) in [
        ("{name: p, preset: presidio}", "gateway.guardrails[0]: it has no `url`"),
        ("{name: 'a b', preset: presidio, url: 'http://h/'}", "no plain word"),
        ("{name: p, preset: presidio, url: 'ftp://h/'}", "must be `http` or `https`"),
        ("{name: p, preset: presidio, url: 'http://u:geheim@h/'}", "no user name or password"),
        ("{name: p, preset: presidio, url: 'http://h/', timeout: 1m}", "out of range"),
        ("{name: p, preset: presidio, url: 'http://h/', threshold: 1.5}", "out of range"),
        ("{name: p, preset: presidio, url: 'http://h/', body: '{}'}", "for `generic` only"),
        ("{name: p, preset: presidio, url: 'https://h/', headers: [{name: host, env: X}]}", "no header"),
        ("{name: p, preset: presidio, url: 'https://h/', headers: [{name: k}]}", "either `file` or `env`"),
        ("{name: p, preset: presidio, url: 'http://h/', headers: [{name: k, env: X}]}", "over `https` only"),
        ("{name: l, preset: lasso}", "needs the header `lasso-api-key`"),
        (
            "{name: l, preset: lasso, language: en, headers: [{name: lasso-api-key, env: X}]}",
            "`presidio` only",
        ),
        (&format!("{{{generic}}}"), "needs `body` and `answer`"),
        (&format!("{{{generic}, body: 'x', answer: {{flagged: /f}}}}"), "no JSON text"),
        (&format!("{{{generic}, body: '{{}}', answer: {{flagged: /f}}}}"), "nowhere in it"),
        (&format!("{{{generic}, body: '\"{{text}}\"', answer: {{flagged: f}}}}"), "no JSON pointer"),
        (&format!("{{{generic}, body: '\"{{text}}\"', answer: {{kind: /f}}}}"), "whether there is anything"),
        (&format!("{{{generic}, body: '\"{{text}}\"', answer: {{score: /f, end: /e}}}}"), "need each other"),
    ] {
        let problem = problem(&format!("gateway:\n  guardrails:\n    - {entry}\n"));
        assert!(problem.contains(expected), "{entry}\n{problem}");
        assert!(!problem.contains("geheim"), "{problem}");
    }
    let twice = "{name: p, preset: presidio, url: 'http://h/'}";
    let problem = problem(&format!("gateway: {{guardrails: [{twice}, {twice}]}}"));
    assert!(problem.contains("an earlier guardrail is called `p`"), "{problem}");
}
