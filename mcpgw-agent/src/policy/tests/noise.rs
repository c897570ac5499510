//! Properties: no message makes it panic, and no noise turns a denial into an allowance.

use proptest::prelude::*;

use super::support::*;
use crate::policy::{Effect, Policy};

fn denying() -> Policy {
    rules(
        "- {name: glob, action: deny, match: {methods: [tools/call], arguments: {v: ['*sudo rm*']}}}
- {name: tool, action: deny, match: {methods: [tools/call], tools: [send_mail]}}
- {name: path, action: deny, match: {methods: [tools/call], arguments: {p: ['/etc/*']}}}
- {name: rest, action: allow, match: {methods: ['*']}}
",
    )
}

/// A text with noise that does not change what is meant.
fn noisy(text: &'static str) -> impl Strategy<Value = String> {
    proptest::collection::vec(0_u8..9, text.len()).prop_map(move |noise| {
        let mut out = String::new();
        for (character, noise) in text.chars().zip(noise) {
            match noise {
                0 => out.push_str(&format!("%{:02x}", u32::from(character))),
                1 => out.push_str(&format!("%25{:02X}", u32::from(character))),
                2 => out.extend(character.to_uppercase()),
                3 => out.extend(['\u{200b}', character]),
                4 => out.extend([character, '\u{e0041}']),
                5 if character == ' ' => out.push_str("\t \u{2003}"),
                5 if character.is_ascii_graphic() => {
                    out.extend(char::from_u32(u32::from(character) + 0xfee0));
                }
                6 if character == '/' => out.push_str("//./"),
                7 if character == 'o' => out.push('о'),
                _ => out.push(character),
            }
        }
        out
    })
}

proptest! {
    #[test]
    fn noise_does_not_turn_a_denial_into_an_allowance(
        value in noisy("sudo rm"), tool in noisy("send_mail"), path in noisy("/etc/passwd"), before in "[a-z /]{0,5}",
    ) {
        let policy = denying();
        let value = format!("{before}{value}{before}");
        for arguments in [
            format!(r#"{{"v":{}}}"#, crate::json::quote(&value)),
            format!(r#"{{"v":[1,{{"x":{}}}]}}"#, crate::json::quote(&value)),
            format!(r#"{{"p":{}}}"#, crate::json::quote(&path)),
        ] {
            let evaluation = call("run", &arguments).under(&policy);
            prop_assert!(matches!(evaluation.effect, Effect::Deny { .. }), "{arguments} {evaluation:?}");
        }
        let evaluation = call(&tool, "{}").under(&policy);
        prop_assert_eq!(&*evaluation.rule, "tool", "{}", tool);
    }

    #[test]
    fn no_message_makes_it_panic(method in ".{1,12}", name in ".{0,12}", text in ".{0,24}", number in "-?[0-9]{1,3}(e[0-9]{1,4})?") {
        let policy = policy(
            "version: v1
mode: enforce
rules:
- {name: a, action: redact, redact: {patterns: ['[a-f]+'], fields: ['x*']}, match: {methods: ['*'], arguments: {a: {gt: 5, under: [/a], regex: [a]}}}}
- {name: b, action: hold, match: {methods: ['*'], when: 'arguments.a > 5', resources: ['*']}}
- {name: c, action: allow, match: {methods: ['*'], arguments: {a.b: ['*']}}}
response_patterns: ['a+b']
allowed_tools: ['a*']
",
        );
        let quoted = crate::json::quote(&text);
        let number = if number.trim_start_matches('-').starts_with('0') { "0" } else { &number };
        let params = format!(r#"{{"name":{},"uri":{quoted},"arguments":{{"a":[{quoted},{number}],{}:{{"b":{quoted}}}}}}}"#,
            crate::json::quote(&name), crate::json::quote(&format!("b{text}")));
        for sent in [ask("tools/call", &params), ask("resources/read", &params), ask(&method, &params)] {
            let explanation = sent.explained(&policy);
            prop_assert_eq!(explanation.evaluation, sent.under(&policy));
            let result = answer(&sent, &format!(r#"{{"tools":[{{"name":{quoted}}}],"inputRequests":{params}}}"#));
            drop(result.under(&policy));
        }
    }

    #[test]
    fn no_text_makes_loading_panic(text in "(version: v1\n|mode: |rules:\n|- |name: |match: |\\{|\\}|\\[|\\]|[a-z:' \n@*]){0,20}") {
        drop(Policy::parse(&text));
    }
}
