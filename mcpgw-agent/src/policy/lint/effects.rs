//! What `effects:` most likely does not mean.

use super::Warning;
use super::rule::{get, members, text};
use crate::policy::effects::{Destination, Host, PathGlob};
use crate::yaml::{At, Content, Node};

/// Programs that run whatever they are told: who may run one of them may run anything.
const RUNNERS: [&str; 14] = [
    "sh", "bash", "dash", "zsh", "busybox", "env", "python", "python3", "node", "perl", "ruby", "xargs",
    "npx", "uvx",
];
/// What a directory is called in which secrets lie, without anything behind it.
const DIRECTORIES: [&str; 4] = [".ssh", ".aws", ".gnupg", ".kube"];
const KEYS: [&str; 6] = ["open", "read", "write", "delete", "rename", "exec"];

/// Looks at the section, where there is one.
pub(super) fn check(policy: &[(At<String>, Node)], warnings: &mut Vec<Warning>) {
    let Some(section) = get(policy, "effects") else { return };
    let rules = get(members(section), "rules").map(elements).unwrap_or_default();
    for section in [section].into_iter().chain(rules) {
        for (key, node) in members(section).iter().filter(|(key, _)| KEYS.contains(&key.value.as_str())) {
            paths(&key.value, node, warnings);
        }
        for key in ["connect", "listen"] {
            if let Some(node) = get(members(section), key) {
                addresses(key, node, warnings);
            }
        }
    }
}

fn elements(node: &Node) -> &[Node] {
    match &node.content {
        Content::List(elements) => elements,
        Content::Null | Content::Bool(_) | Content::Number(_) | Content::Text(_) | Content::Map(_) => &[],
    }
}

fn listed<'n>(node: &'n Node, key: &str) -> impl Iterator<Item = (&'n Node, String)> {
    let list = get(members(node), key).map(elements).unwrap_or_default();
    list.iter().filter_map(|node| Some((node, text(node)?)))
}

fn paths(key: &str, node: &Node, warnings: &mut Vec<Warning>) {
    for (node, written) in listed(node, "deny") {
        let name = written.rsplit('/').next().unwrap_or_default();
        if DIRECTORIES.contains(&name) {
            let message = format!("`{written}` is the directory alone: what is in it is `{written}/**`");
            warnings.push(Warning { place: node.place, code: "directory-alone", message });
        }
    }
    for (node, written) in listed(node, "allow") {
        let Ok(glob) = PathGlob::new(&written) else { continue };
        let name = written.rsplit('/').next().unwrap_or_default();
        if key == "exec" && glob.literal().1.is_empty() && RUNNERS.contains(&name) {
            let message =
                format!("`{written}` runs whatever it is told: who may run it may do anything a program can");
            warnings.push(Warning { place: node.place, code: "runs-anything", message });
        }
    }
}

fn addresses(key: &str, node: &Node, warnings: &mut Vec<Warning>) {
    for (node, written) in listed(node, "allow") {
        let is_everywhere =
            |one: Destination| one.host == Host::Any && one.ports == crate::policy::effects::Ports::ALL;
        if Destination::new(&written).is_ok_and(is_everywhere) {
            let message = format!("`{written}` is every address: `{key}: allow` says so");
            warnings.push(Warning { place: node.place, code: "allows-all", message });
        }
    }
}
