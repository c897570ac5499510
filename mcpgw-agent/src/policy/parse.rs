//! From a file's text to a policy: everything that is wrong, at once.
//!
//! | key | |
//! |---|---|
//! | `version` | `v1` |
//! | `mode` | `enforce`; `observe` or `audit`: nothing is changed, what would have been is recorded |
//! | `lists` | named lists of globs, for `@name` wherever globs stand |
//! | `rules` | at least one; the first that matches decides, and none denies |
//! | `response_patterns` | regexes no message of a server may match |
//! | `allowed_tools` | globs; other tools are taken out of lists of tools |
//! | `detectors` | what findings mean; where it is missing they are recorded |
//! | `server_eval` | which servers may be used |
//! | `effects` | what servers may do to the host |

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::error::Problem;
use super::read::{Reader, is_list_name};
use super::responses::Responses;
use super::{Mode, Policy, PolicyError, detectors, effects, rules, server_eval};
use crate::hex;
use crate::yaml::{self, Node};

/// Bytes of a policy at most.
const MAX_BYTES: usize = 1 << 20;
/// Words for modes; the third is what knorq's mcpgw calls the second.
const MODES: [&str; 3] = ["enforce", "observe", "audit"];

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let mut reader = Reader::default();
        if text.len() > MAX_BYTES {
            reader.problem(None, format!("it is longer than {MAX_BYTES} bytes"));
            return Err(PolicyError::new("", reader.problems));
        }
        let root = match yaml::tree(text) {
            Ok(Some(root)) => root,
            Ok(None) => {
                reader.problem(None, "it is empty: a policy has `version`, `mode` and `rules`");
                return Err(PolicyError::new(text, reader.problems));
            }
            Err(fault) => return Err(PolicyError::new(text, vec![Problem::from(*fault)])),
        };
        let policy = policy(&mut reader, &root, text);
        if reader.problems.is_empty() { Ok(policy) } else { Err(PolicyError::new(text, reader.problems)) }
    }
}

fn policy(reader: &mut Reader, root: &Node, text: &str) -> Policy {
    let keys = [
        "version",
        "mode",
        "lists",
        "rules",
        "response_patterns",
        "allowed_tools",
        "detectors",
        "server_eval",
        "effects",
    ];
    let members = reader.map(root, "the policy", &keys);
    match members.get("version") {
        Some(version) => {
            let _v1 = reader.word(version, "version", &["v1"]);
        }
        None => reader.problem(None, "`version` is missing: write `version: v1`"),
    }
    let mode = members.get("mode").map(|node| mode(reader, node));
    if mode.is_none() {
        reader.problem(None, "`mode` is missing: write `mode: enforce` or `mode: observe`");
    }
    if let Some(node) = members.get("lists") {
        lists(reader, node);
    }
    let rules = members.get("rules").map(|node| rules::rules(reader, node));
    if rules.is_none() {
        reader.problem(None, "`rules` is missing: a policy without rules denies everything");
    }
    let patterns = members.get("response_patterns").map(|node| reader.patterns(node, "response_patterns"));
    let patterns = patterns.unwrap_or_default();
    let patterns: Vec<&str> = patterns.iter().map(super::pattern::Pattern::as_str).collect();
    let allowed_tools = members.get("allowed_tools").map(|node| reader.globs(node, "allowed_tools"));
    let described = allowed_tools.iter().flatten().map(|glob| glob.as_str().into()).collect();
    let response_patterns = patterns.iter().map(|pattern| (*pattern).into()).collect();
    let responses = Responses::new(&patterns, allowed_tools).unwrap_or_else(|why| {
        let place = members.get("response_patterns").and_then(|node| node.place);
        reader.problem(place, format!("`response_patterns`: {why}"));
        Responses::default()
    });
    let detectors =
        members.get("detectors").map(|node| detectors::detectors(reader, node)).unwrap_or_default();
    let server_eval =
        members.get("server_eval").and_then(|node| server_eval::server_eval(reader, node)).map(Arc::new);
    let effects = members.get("effects").map(|node| Arc::new(effects::effects(reader, node)));
    Policy {
        mode: mode.flatten().unwrap_or(Mode::Enforce),
        hash: hash(text).into(),
        is_built_in: false,
        rules: rules.unwrap_or_default().into(),
        words: Arc::new(std::mem::take(&mut reader.words).finish()),
        responses: Arc::new(responses),
        response_patterns,
        allowed_tools: described,
        detectors: Arc::new(detectors),
        server_eval,
        effects,
    }
}

/// `enforce`, `observe` or `audit`.
pub(super) fn mode(reader: &mut Reader, node: &Node) -> Option<Mode> {
    reader.word(node, "mode", &MODES).map(|word| if word == 0 { Mode::Enforce } else { Mode::Observe })
}

/// `lists`: before anything that may name them.
fn lists(reader: &mut Reader, node: &Node) {
    let mut lists = Vec::new();
    for (name, node) in reader.entries(node, "lists") {
        if !is_list_name(&name.value) {
            reader.problem(
                name.place,
                format!("`{}` is no name of a list: letters, digits, `-` and `_` are", name.value),
            );
        }
        let texts = reader.texts(node, &name.value);
        for text in texts.iter().filter(|text| text.value.strip_prefix('@').is_some_and(is_list_name)) {
            reader.problem(text.place, "a list cannot name another");
        }
        lists.push((name.value.clone(), texts));
    }
    reader.lists = Some(lists);
}

fn hash(text: &str) -> String {
    hex::encode(&Sha256::digest(text))
}
