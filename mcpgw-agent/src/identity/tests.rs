//! Keys, tokens, labels, and what becomes of those that are none.

use std::net::Ipv4Addr;

use hyper::header::HeaderMap;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::*;
use crate::audit::Options;
use crate::config::{Auth, Jwt, JwtAlgorithm, JwtKeys, SecretSource};

const ISSUER: &str = "https://issuer.example";
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

struct Site {
    auth: Authenticator,
    audit: AuditLog,
    dir: tempfile::TempDir,
}

fn secret() -> String {
    "s".repeat(40)
}

impl Site {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
            path
        };
        let hash: String = Sha256::digest(b"key of ann").iter().map(|byte| format!("{byte:02x}")).collect();
        let config = Auth {
            api_keys_file: Some(write("keys", &format!("# who\n\nann {hash} dev,ops\n"))),
            jwt: Some(Jwt {
                issuer: ISSUER.into(),
                audience: vec!["mcpgw".into()],
                keys: JwtKeys::Secret(SecretSource::File(write("secret", &secret()))),
                algorithms: vec![JwtAlgorithm::Hs256],
                roles_claim: "roles".into(),
            }),
            resource: None,
        };
        let labels = ["project_id".into(), "n".into(), "deep".into()];
        let auth = Authenticator::open(&config, &labels).unwrap().unwrap();
        let audit = AuditLog::open(&Options::at(dir.path().join("audit.jsonl"))).unwrap();
        Self { auth, audit, dir }
    }

    fn who(&self, headers: &[(&str, &str)]) -> Result<Principal, Refusal> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap());
        }
        self.auth.identify(&map, HERE, &self.audit)
    }

    fn bearer(&self, token: &str) -> Result<Principal, Refusal> {
        self.who(&[("authorization", &format!("Bearer {token}"))])
    }

    fn failures(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.dir.path().join("audit.jsonl")).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["event"] == "auth.failed").collect()
    }
}

fn claims() -> Value {
    json!({"iss": ISSUER, "aud": "mcpgw", "sub": "ann", "exp": 4_000_000_000_u64, "roles": ["dev"]})
}

fn signed(algorithm: Algorithm, claims: &Value, key: &str) -> String {
    encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(key.as_bytes())).unwrap()
}

fn with(key: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[key] = value;
    claims
}

#[test]
fn keys_say_who_somebody_is() {
    let site = Site::new();
    for headers in [[("x-api-key", "key of ann")], [("authorization", "apikey key of ann")]] {
        let ann = site.who(&headers).unwrap();
        assert_eq!((ann.subject.as_deref(), ann.roles.len()), (Some("ann"), 2));
    }
    let refused = |headers: &[(&str, &str)]| site.who(headers).unwrap_err();
    assert_eq!(refused(&[("x-api-key", "key of bob")]), Refusal::Unauthorized(Why::UnknownKey));
    assert_eq!(refused(&[]), Refusal::Unauthorized(Why::Missing));
    assert_eq!(refused(&[("authorization", "Basic YTpi")]), Refusal::Unauthorized(Why::Scheme));
    // Two of them may be two clients'.
    for second in [("x-api-key", "key of ann"), ("authorization", "Bearer x")] {
        assert_eq!(refused(&[("x-api-key", "key of ann"), second]), Refusal::Unauthorized(Why::Malformed));
    }
}

#[test]
fn tokens_are_this_issuers_for_us_valid_now_and_signed_as_allowed() {
    let site = Site::new();
    let good = signed(Algorithm::HS256, &claims(), &secret());
    let ann = site.bearer(&good).unwrap();
    assert_eq!((ann.subject.as_deref(), &*ann.roles[0]), (Some("ann"), "dev"));
    let cut = good.rsplit_once('.').unwrap().0;
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", good.split('.').nth(1).unwrap());
    let mut without = claims();
    without.as_object_mut().unwrap().remove("exp");
    let sign = |claims: &Value| signed(Algorithm::HS256, claims, &secret());
    for (token, why) in [
        (signed(Algorithm::HS256, &claims(), &"t".repeat(40)), Why::Signature),
        (signed(Algorithm::HS512, &claims(), &secret()), Why::Algorithm),
        (unsigned, Why::Malformed),
        (format!("{cut}."), Why::Signature),
        (format!("{good}.x"), Why::Malformed),
        (sign(&with("iss", json!("https://other.example"))), Why::Issuer),
        (sign(&with("aud", json!("other"))), Why::Audience),
        (sign(&with("exp", json!(1))), Why::Expired),
        (sign(&with("nbf", json!(4_000_000_000_u64))), Why::NotYet),
        (sign(&without), Why::Malformed),
        (sign(&with("sub", json!(""))), Why::Subject),
        (sign(&with("sub", json!("a\nb"))), Why::Subject),
        (sign(&with("roles", json!(vec!["r"; 65]))), Why::Roles),
    ] {
        assert_eq!(site.bearer(&token).unwrap_err(), Refusal::Unauthorized(why), "{token}");
    }
}

#[test]
fn labels_come_from_claims_first_then_headers_bounded_and_without_secrets() {
    let site = Site::new();
    let token = ["gh", "p_", "aB3dE5fG7hJ9kL1m", "N2pQ4rS6tU8vW0xY1z3A"].concat();
    let mut claims = with("project_id", json!("P-42"));
    claims["n"] = json!(7);
    claims["deep"] = json!({"a": 1});
    let bearer = format!("Bearer {}", signed(Algorithm::HS256, &claims, &secret()));
    let long = "x".repeat(257);
    let mut headers = vec![
        ("authorization", bearer.as_str()),
        ("x-mcpgw-label-project_id", "forged"),
        ("x-mcpgw-label-env", "production"),
        ("x-mcpgw-label-key", &token),
        ("x-mcpgw-label-long", &long),
        ("x-mcpgw-label-", "no name"),
    ];
    let labels = |headers: &[(&str, &str)]| {
        let labels = site.who(headers).unwrap().labels;
        labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
    };
    let told = labels(&headers);
    assert_eq!(told, ["project_id=P-42", "n=7", "env=production", "key=<REDACTED>"]);
    let names: Vec<String> = (0..40).map(|number| format!("x-mcpgw-label-a{number}")).collect();
    headers.extend(names.iter().map(|name| (name.as_str(), "v")));
    assert_eq!(labels(&headers).len(), 16);
}

#[test]
fn failures_are_on_record_summed_up_and_slowed_down() {
    let site = Site::new();
    let (good, secret) = (signed(Algorithm::HS256, &claims(), &secret()), "key of mallory");
    assert!(site.bearer(&good).is_ok());
    let mut slowed = 0;
    for _ in 0..200 {
        slowed += usize::from(site.who(&[("x-api-key", secret)]) == Err(Refusal::Slower));
    }
    assert_eq!(slowed, 150);
    // Who was let in before is looked at all the same.
    assert!(site.bearer(&good).is_ok());
    assert_eq!(site.who(&[("x-api-key", "key of ann")]).unwrap_err(), Refusal::Slower);
    assert_eq!(site.failures().len(), 1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ending = tokio_util::sync::CancellationToken::new();
    ending.cancel();
    runtime.block_on(site.auth.failures.report(&site.audit, &ending));
    let failures = site.failures();
    assert_eq!(failures.len(), 2);
    assert_eq!((&failures[0]["why"], &failures[0]["count"]), (&json!("unknown-key"), &json!(1)));
    assert_eq!((&failures[1]["remote"], &failures[1]["count"]), (&json!("127.0.0.1"), &json!(49)));
    assert!(!format!("{failures:?}").contains(secret));
}
