//! What is found and what is not. Secrets are put together here from parts: nothing in this file is one.

use super::*;
use crate::detect::{Nominations, Nominator, Surface};
use crate::mcp::Role;

/// Random to look at, and of every kind of character.
const RANDOM: &str = "q7Zk2Xv9Lm4Tb8Rw3Ns6Hd1Yc5Gf0Jp7Ek2Ua9Qi4Vo8Bx3Mt6Wz1";

fn look(text: &str, key: &str) -> Vec<Hit> {
    let mut nominations = Nominations::default();
    Nominator::new(&[&Secrets]).scan(text, &mut nominations);
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
