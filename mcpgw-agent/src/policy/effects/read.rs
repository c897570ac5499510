//! Reading `effects:`.
//!
//! | key | |
//! |---|---|
//! | `mode` | of the section itself; the file's where it is missing |
//! | `action` | what follows from a violation: `observe`, `deny`, `kill` |
//! | `prevent` | `false`: what can be prevented is not |
//! | `open`, `read`, `write`, `delete`, `rename` | of files: `allow`, `deny`, or a mapping of `allow`, `deny`, `action`; globs of paths |
//! | `exec` | the same of programs |
//! | `connect`, `listen` | the same of addresses |
//! | `rules` | the same keys for some `servers` and `tools`, each with a `name` |

use std::sync::Arc;

use super::{Allowed, Destination, EffectAction, Effects, Kind, Limit, PathGlob, Program, Section};
use crate::policy::parse::mode;
use crate::policy::read::{Members, Reader};
use crate::yaml::{At, Content, Node};

const ACTIONS: [&str; 3] = ["observe", "deny", "kill"];
/// Keys of a section and of each of its rules.
const OWN: [&str; 10] =
    ["action", "prevent", "open", "read", "write", "delete", "rename", "exec", "connect", "listen"];
/// Those that are about paths, and what they speak of.
const PATHS: [(&str, &[Kind]); 5] = [
    ("open", &[Kind::Read, Kind::Write]),
    ("read", &[Kind::Read]),
    ("write", &[Kind::Write]),
    ("delete", &[Kind::Delete]),
    ("rename", &[Kind::Rename]),
];
/// Those that are about addresses.
const ADDRESSES: [(&str, Kind); 2] = [("connect", Kind::Connect), ("listen", Kind::Listen)];
/// Characters a hash has.
const HASH: usize = 64;
/// Elements of one list at most.
const ELEMENTS_MAX: usize = 1000;

/// Reads the section.
pub(in crate::policy) fn effects(reader: &mut Reader, node: &Node) -> Effects {
    let keys: Vec<&str> = ["mode", "rules"].into_iter().chain(OWN).collect();
    let members = reader.map(node, "effects", &keys);
    let mode = members.get("mode").and_then(|node| mode(reader, node));
    let outer = section(reader, &members, "effects", EffectAction::Observe);
    let mut sections = Vec::new();
    if let Some(node) = members.get("rules") {
        for node in reader.list(node, "rules") {
            sections.extend(rule(reader, node, outer.action, &sections).map(Arc::new));
        }
    }
    if !outer.speaks() && sections.is_empty() {
        reader.problem(
            node.place,
            "`effects` says nothing of what servers may do: `connect`, `exec`, `open` and the like",
        );
    }
    sections.push(Arc::new(outer));
    Effects { mode, sections }
}

fn rule(reader: &mut Reader, node: &Node, action: EffectAction, earlier: &[Arc<Section>]) -> Option<Section> {
    let keys: Vec<&str> = ["name", "servers", "tools"].into_iter().chain(OWN).collect();
    let members = reader.map(node, "a rule of `effects`", &keys);
    let Some(name) = members.get("name").and_then(|node| reader.text(node, "name")) else {
        reader.problem(node.place, "a rule of `effects` has no `name`");
        return None;
    };
    if name.value.is_empty() || name.value == "effects" {
        reader.problem(
            name.place,
            "a rule's name is not empty, and not `effects`, as the section itself is called",
        );
    }
    if earlier.iter().any(|section| *section.name == *name.value) {
        reader.problem(name.place, format!("an earlier rule is called `{}`", name.value));
    }
    let servers = members.get("servers").map(|node| reader.globs(node, "servers"));
    let tools = members.get("tools").map(|node| reader.globs(node, "tools"));
    if servers.is_none() && tools.is_none() {
        reader.problem(
            node.place,
            "a rule of `effects` names `servers` or `tools`; what holds for all stands beside `rules`",
        );
    }
    let own = section(reader, &members, &name.value, action);
    if !own.speaks() {
        reader.problem(node.place, format!("rule `{}` says nothing of what servers may do", name.value));
    }
    Some(Section { servers, tools, ..own })
}

fn section(reader: &mut Reader, members: &Members<'_>, name: &str, action: EffectAction) -> Section {
    let action = members.get("action").and_then(|node| self::action(reader, node)).unwrap_or(action);
    let prevent = members.get("prevent").is_none_or(|node| reader.flag(node, "prevent"));
    let mut paths: Vec<(Kind, Limit<PathGlob>)> = Vec::new();
    for (key, kinds) in PATHS {
        let Some(node) = members.get(key) else { continue };
        let limit = limit(reader, node, key, path);
        for kind in kinds {
            if paths.iter().any(|(earlier, _)| earlier == kind) {
                reader.problem(node.place, "`open` is `read` and `write`: write either it or those two");
            }
            paths.push((*kind, limit.clone()));
        }
    }
    let programs = members.get("exec").map(|node| limit(reader, node, "exec", program));
    let addresses = ADDRESSES.into_iter().filter_map(|(key, kind)| {
        let limit = limit(reader, members.get(key)?, key, destination);
        Some((kind, limit))
    });
    let addresses = addresses.collect();
    Section { name: name.into(), servers: None, tools: None, action, prevent, paths, programs, addresses }
}

fn action(reader: &mut Reader, node: &Node) -> Option<EffectAction> {
    match reader.word(node, "action", &ACTIONS)? {
        0 => Some(EffectAction::Observe),
        1 => Some(EffectAction::Deny),
        _ => Some(EffectAction::Kill),
    }
}

/// What is said of one kind, its elements read by `element`.
fn limit<T: Clone>(
    reader: &mut Reader,
    node: &Node,
    key: &'static str,
    element: fn(&mut Reader, &Node, &str) -> Vec<T>,
) -> Limit<T> {
    let mut limit = Limit { key, allow: None, deny: Vec::new(), action: None };
    if !matches!(node.content, Content::Map(_)) {
        limit.allow = match reader.word(node, "permission", &["allow", "deny"]) {
            Some(0) => Some(Allowed::All),
            Some(_) | None => Some(Allowed::Only(Vec::new())),
        };
        return limit;
    }
    let members = reader.map(node, key, &["allow", "deny", "action"]);
    let list = |reader: &mut Reader, node: &Node, what| {
        let elements = reader.list(node, what);
        if elements.len() > ELEMENTS_MAX {
            reader.problem(node.place, format!("`{what}` has more than {ELEMENTS_MAX} elements"));
        }
        elements.iter().flat_map(|node| element(reader, node, key)).collect::<Vec<T>>()
    };
    if let Some(node) = members.get("allow") {
        limit.allow = Some(Allowed::Only(list(reader, node, "allow")));
    }
    if let Some(node) = members.get("deny") {
        limit.deny = list(reader, node, "deny");
    }
    limit.action = members.get("action").and_then(|node| action(reader, node));
    if limit.allow.is_none() && limit.deny.is_empty() {
        reader.problem(node.place, format!("`{key}` says neither what to `allow` nor what to `deny`"));
    }
    limit
}

/// What `text`, or the list it names, reads as.
fn each<T>(reader: &mut Reader, node: &Node, key: &str, read: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
    let mut list = node.clone();
    list.content = Content::List(vec![node.clone()]);
    let texts: Vec<At<String>> = reader.expanded(&list, key);
    let mut all = Vec::new();
    for text in texts {
        match read(&text.value) {
            Ok(value) => all.push(value),
            Err(why) => reader.problem(text.place, format!("`{key}`: {why}")),
        }
    }
    all
}

fn path(reader: &mut Reader, node: &Node, key: &str) -> Vec<PathGlob> {
    each(reader, node, key, PathGlob::new)
}

fn destination(reader: &mut Reader, node: &Node, key: &str) -> Vec<Destination> {
    each(reader, node, key, Destination::new)
}

/// A glob, or a path with the hash of what must be there.
fn program(reader: &mut Reader, node: &Node, key: &str) -> Vec<Program> {
    let Content::Map(_) = node.content else {
        return each(reader, node, key, |text| Ok(Program { path: PathGlob::new(text)?, sha256: None }));
    };
    let members = reader.map(node, "a program", &["path", "sha256"]);
    let (Some(path), Some(hash)) = (members.get("path"), members.get("sha256")) else {
        reader.problem(node.place, "a program has a `path` and a `sha256`, or is a path alone");
        return Vec::new();
    };
    let (paths, hash) = (each(reader, path, key, PathGlob::new), reader.text(hash, "sha256"));
    let Some(hash) = hash else { return Vec::new() };
    if hash.value.len() != HASH || !hash.value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        reader.problem(hash.place, format!("`sha256` has {HASH} hexadecimal digits"));
    }
    if paths.iter().any(|path| !path.literal().1.is_empty()) {
        reader.problem(path.place, "what has a hash is one program: its path has no wildcards");
    }
    let sha256: Box<str> = hash.value.to_ascii_lowercase().into();
    paths.into_iter().map(|path| Program { path, sha256: Some(sha256.clone()) }).collect()
}
