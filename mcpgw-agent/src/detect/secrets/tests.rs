//! What is found and what is not. Secrets are put together here from parts: nothing in this file is one.
#![expect(clippy::string_slice, reason = "the texts are ASCII")]

use super::*;
use crate::detect::{Nominations, Nominator, Surface};
use crate::mcp::Role;
use crate::tests::own_time;

/// Random to look at, and of every kind of character.
const RANDOM: &str = "q7Zk2Xv9Lm4Tb8Rw3Ns6Hd1Yc5Gf0Jp7Ek2Ua9Qi4Vo8Bx3Mt6Wz1";

fn look(text: &str, key: &str) -> Vec<Hit> {
    static NOMINATOR: LazyLock<Nominator> = LazyLock::new(|| Nominator::new(&[&Secrets]));
    let mut nominations = Nominations::default();
    NOMINATOR.scan(text, &mut nominations);
    let place = Place { surface: Surface::Content, role: Role::Structured, key, tool: None };
    let mut hits = Vec::new();
    Secrets.find(text, &place, &nominations.of(0), &mut hits);
    hits.retain(|hit| hit.score >= 0.5);
    hits
}

/// What is found in a text: kinds and pieces.
fn found(text: &str) -> Vec<(&'static str, String)> {
    look(text, "").into_iter().map(|hit| (hit.kind, text[hit.range].to_owned())).collect()
}

fn random(count: usize) -> String {
    RANDOM.repeat(8)[..count].to_owned()
}

fn hex(count: usize) -> String {
    "9f3b7c1e5a08d2460be1".repeat(20)[..count].to_owned()
}

#[test]
fn tokens_are_known_by_their_make_wherever_they_stand() {
    for (kind, token) in [
        ("github_token", format!("ghp_{}", random(36))),
        ("gitlab_token", format!("glpat-{}", random(20))),
        ("anthropic_key", format!("sk-ant-api03-{}-AA", random(93))),
        ("openai_key", format!("sk-proj-{}_{}-{}", random(50), random(40), random(30))),
        ("stripe_key", format!("sk_live_{}", random(24))),
        ("huggingface_token", format!("hf_{}", "aBcQwErTyUiOpLkJhG".repeat(2)[..34].to_owned())),
        ("azure_client_secret", format!("a1b8Q~{}", random(34))),
        ("telegram_bot_token", format!("1234567890:AA{}", random(33))),
        ("hashicorp_terraform_token", format!("{}.atlasv1.{}", random(14), random(64))),
    ] {
        for text in [
            token.clone(),
            format!("export X=\"{token}\""),
            format!("{{\"content\":\"A={token}\\nB=1\"}}"),
            format!("| name | `{token}` |"),
            format!("<a>{token}</a>"),
            format!("call it with {token} please"),
            format!("\u{1b}[93m{token}\u{1b}[0m"),
        ] {
            assert_eq!(found(&text), [(kind, token.clone())], "{text}");
        }
    }
}

#[test]
fn a_token_that_is_too_long_masked_or_part_of_a_word_is_none() {
    for text in [
        format!("ghp_{}", "x".repeat(36)),
        format!("myghp_{}", random(36)),
        format!("gsk_{}", random(50)),
        format!("hf_{}", "a".repeat(34)),
        "glpat-abc".to_owned(),
        format!("AKIA{}EXAMPLE", "IOSFODNN7"),
        "SG.xxxxx.yyyyy".to_owned(),
    ] {
        assert_eq!(found(&text), [], "{text}");
    }
}

#[test]
fn values_are_known_by_the_names_they_are_given_to() {
    let token = random(32);
    for text in [
        format!("ACME_API_KEY={token}"),
        format!("acmeToken := \"{token}\""),
        format!("  \"acmeToken\" => \"{token}\""),
        format!("System.setProperty(\"ACME_TOKEN\", \"{token}\")"),
        format!("<acmeToken>\n    {token}\n</acmeToken>"),
        format!("- name: ACME_TOKEN\n  value: \"{token}\""),
        format!("{{\"name\": \"ACME_TOKEN\", \"value\": \"{token}\"}}"),
        format!("{{\\\"token\\\":\\\"{token}\\\"}}"),
        format!("| acme_token | `{token}` |"),
        format!("<td>token</td>\n<td>{token}</td>"),
        format!("The acme_token for staging is {token} - rotate it."),
        format!("curl -H \"Authorization: Bearer {token}\" https://x.test"),
        format!("tool --oauth2-token {token} --verbose"),
        format!("const acmeToken: string = '{token}';"),
        format!("token = os.environ.get(\"ACME_TOKEN\", \"{token}\")"),
        format!("https://x.test/a?access_token={token}&b=1"),
    ] {
        assert_eq!(found(&text), [("api_key", token.clone())], "{text}");
    }
    let password = ["w7R", "k#", "pQ9z"].concat();
    for text in [
        format!("password: {password}"),
        format!("login:me pw:{password}"),
        format!("--user me --password {password}"),
        format!("CREATE USER a IDENTIFIED BY '{password}'"),
        format!("machine a login b password {password}"),
    ] {
        assert_eq!(found(&text), [("password", password.clone())], "{text}");
    }
}

#[test]
fn a_member_names_its_value() {
    let token = random(24);
    assert_eq!(look(&token, "apiKey").len(), 1);
    assert_eq!(look(&token, "description"), []);
    assert_eq!(look(&token, "publicKey"), []);
    assert_eq!(look("next page", "password"), []);
    assert_eq!(look(&hex(37), "cloudflare_token")[0].range, 0..37);
}

#[test]
fn vendors_keys_are_known_by_name_and_length() {
    for (name, value, kind) in [
        ("algolia", hex(32), "algolia_key"),
        ("discord", "380243399395344914".to_owned(), "discord_secret"),
        ("kucoin", "1ace4d19-fa7e-b4e2-c3f0-9129474bcd81".to_owned(), "kucoin_key"),
    ] {
        assert_eq!(found(&format!("{name}: \"{value}\"")), [(kind, value.clone())]);
        assert_eq!(found(&format!("{name}: \"{}\"", &value[1..])), [], "one too short");
    }
}

#[test]
fn addresses_with_logins_are_found_whole() {
    let password = random(12);
    for (kind, text) in [
        ("connection_string", format!("postgres://app:{password}@db.internal:5432/app")),
        ("connection_string", format!("redis://:{password}@cache:6379/0")),
        ("connection_string", format!("jdbc:mysql://app:{password}@db/app")),
        ("url_credential", format!("https://app:{password}@git.test/a.git")),
        (
            "webhook_url",
            format!("https://hooks.slack.com/services/T0{}/B0{}/{}", random(8), random(8), random(24)),
        ),
        ("signed_url", format!("sv=2024-11-04&se=2027-01-01&sig={}%3D", random(43))),
    ] {
        assert_eq!(found(&format!("{{\"u\": \"{text}\"}}")), [(kind, text.clone())]);
    }
    let pairs = format!("Server=tcp:db,1433;User ID=sa;Password={password};Encrypt=true");
    assert_eq!(found(&format!("DB={pairs}")), [("password", pairs.clone())]);
    for text in
        ["postgres://user:password@host/db", "https://u:${PW}@h/", "http://u:<pw>@h/", "mongodb://h:27017/a"]
    {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn private_keys_are_found_to_their_end_or_as_far_as_they_go() {
    let dashes = "-".repeat(5);
    let body = format!("{}\n{}\n", random(64), random(64));
    for label in ["PRIVATE KEY", "RSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY"] {
        let key = format!("{dashes}BEGIN {label}{dashes}\n{body}{dashes}END {label}{dashes}");
        assert_eq!(found(&format!("a\n{key}\nb")), [("private_key", key.clone())]);
        let escaped = key.replace('\n', "\\n");
        assert_eq!(found(&format!("{{\"k\":\"{escaped}\"}}")), [("private_key", escaped.clone())]);
        let cut = format!("{dashes}BEGIN {label}{dashes}\n{}", body.trim());
        assert_eq!(found(&format!("{cut}\"}}")), [("private_key", cut.clone())]);
    }
    let key = format!(
        "{dashes}BEGIN PGP PRIVATE KEY BLOCK{dashes}\n{body}{dashes}END PGP PRIVATE KEY BLOCK{dashes}"
    );
    assert_eq!(found(&key), [("pgp_private_key", key.clone())]);
    for label in ["PUBLIC KEY", "CERTIFICATE", "PGP PUBLIC KEY BLOCK"] {
        assert_eq!(found(&format!("{dashes}BEGIN {label}{dashes}\n{body}{dashes}END {label}{dashes}")), []);
    }
    assert_eq!(found(&format!("write {dashes}BEGIN PRIVATE KEY{dashes} first")), []);
}

#[test]
fn a_token_in_pieces_is_one() {
    let text = format!("a(\"ghp_{}\" + \"{}\")", random(10), &RANDOM[10..36]);
    let hit = &look(&text, "")[0];
    assert_eq!((hit.kind, &text[hit.range.clone()]), ("github_token", &text[3..text.len() - 2]));
}

#[test]
fn commands_manifests_and_other_keys_hold_secrets() {
    let secret = random(24);
    for (kind, secret, text) in [
        ("basic_credentials", format!("me:{secret}"), format!("curl -s -u me:{secret} https://x.test")),
        ("basic_credentials", format!("me:{secret}"), format!("curl --user \"me:{secret}\" https://x.test")),
        (
            "kubernetes_secret",
            secret.clone(),
            format!("kind: Secret\nmetadata:\n  a: b\ndata:\n  x: {secret}\n"),
        ),
        ("kubernetes_secret", secret.clone(), format!("data:\n  x: {secret}\nkind: Secret\n")),
        (
            "private_key",
            format!("{secret}\n{secret}"),
            format!("Private-Lines: 2\n{secret}\n{secret}\n Private-MAC: 0"),
        ),
        ("json_web_key", secret.clone(), format!("{{\"kty\":\"oct\",\"k\":\"{secret}\"}}")),
        ("mailchimp_key", format!("{}-us12", hex(32)), format!("key {}-us12.", hex(32))),
    ] {
        assert_eq!(found(&text), [(kind, secret)], "{text}");
    }
    for text in
        ["curl -u user:password https://x.test", "curl -u $USER:$PASS x", "kind: Secret\ndata:\n  a: bb\n"]
    {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn what_stands_for_a_secret_or_looks_like_one_is_none() {
    for text in [
        "API_KEY=your-api-key-here-123456",
        "password: ${DB_PASSWORD}",
        "\"password\": null",
        "token: string",
        "secret_key: Optional[str] = None",
        "password = get_password(user1)",
        "const token = this.#input[5]",
        "max_tokens: 4096",
        "nextPageToken: 8Fh3kd92KdmA0q1Zx",
        "primary_key: 8Fh3kd92KdmA0q1Zx5Gm",
        "commit 9f3b7c1e5a08d2460be19f3b7c1e5a08d2460be1",
        "integrity: sha512-9f3b7c1e5a08d2460be19f3b7c1e5a08d2460be1==",
        "\"id\": \"1ace4d19-fa7e-b4e2-c3f0-9129474bcd81\"",
        "Bearer token authentication is required",
        "btype='bandpass', analog=True1",
        "keystore.file=env/cert1.p12",
        "Authorization: Bearer <token>",
        "the secret to good bread is time",
        "private_key: Ed25519PrivateKey",
    ] {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn a_secret_takes_no_quote_with_it() {
    let token = random(30);
    for text in [format!("{{\"api_key\":\"{token}\"}}"), format!("{{\"a\":\"token={token}\",\"b\":1}}")] {
        let hit = &look(&text, "")[0];
        let redacted = format!("{}{}{}", &text[..hit.range.start], "<SECRET>", &text[hit.range.end..]);
        assert!(serde_json::from_str::<serde_json::Value>(&redacted).is_ok(), "{redacted}");
    }
}

#[test]
fn kinds_are_words_for_policies() {
    let kinds =
        formats::all().map(|format| format.kind).chain(vendor::VENDORS.iter().map(|vendor| vendor.kind));
    for kind in kinds.chain(bare::INFIXES.iter().map(|infix| infix.kind)) {
        assert!(Detector::Secrets.gives(kind), "{kind}");
    }
}

#[test]
fn text_made_to_cost_time_does_not() {
    // Each of these made an early version look at everything again at every needle. Twenty times as much text
    // may cost twenty times as much, not four hundred.
    for seed in [
        "token=",
        "key=",
        "ghp_",
        "glpat-",
        "curl -u ",
        "sig=",
        "hf_",
        "-----BEGIN PRIVATE KEY-----\n",
        "ghp_a\"+\"",
        "password=x1y2!z3a;",
        "kind: Secret\ndata:\n a: ",
        "hooks.slack.com/services/",
        "eyJa.eyJb1.",
        "https://a:",
    ] {
        let time = |count: usize| {
            let text = seed.repeat(count);
            let start = own_time();
            look(&text, "");
            own_time() - start
        };
        time(10);
        // Whatever else the machine does is not what is measured; caches are cold where it does much.
        let least = |count| (0..3).map(|_| time(count)).min().unwrap();
        let (short, long) = (least(500), least(10_000));
        assert!(
            long < short * 100 + std::time::Duration::from_millis(200),
            "{seed:?}: {short:?}, then {long:?}"
        );
    }
}
