//! Scenarios of effects: what a server does to the host, and what a policy should make of it.

use super::expect::Mismatch;
use super::read::{Fields, Problem, SERVER, problem, text};
use crate::effects::{Access, Act, Outcome, Protocol, SideEffect};
use crate::inventory::{BootTime, ProcessKey};
use crate::policy::Policy;
use crate::policy::effects::{Hosts, Surroundings};
use crate::yaml::{Content, Node, tree};

const KEYS: [&str; 9] = ["name", "server", "tool", "does", "home", "directory", "hosts", "expect", "rule"];
const WORDS: [(&str, &str); 4] =
    [("allow", "allow"), ("observe", "observe"), ("deny", "deny"), ("kill", "kill")];
const PROTOCOLS: [(&str, Protocol); 2] = [("tcp", Protocol::Tcp), ("udp", Protocol::Udp)];
/// Where a scenario says nothing else.
const HOME: &str = "/home/user";
/// The same of the directory the server was started in.
const DIRECTORY: &str = "/work";

/// An effect and what is expected.
#[derive(Debug, Clone)]
pub(in crate::cli::policy) struct EffectScenario {
    pub(in crate::cli::policy) name: String,
    server: String,
    tool: String,
    effect: SideEffect,
    around: Surroundings,
    pub(in crate::cli::policy) expect: &'static str,
    rule: Option<String>,
}

impl EffectScenario {
    /// What `policy` makes of it, by which rule, and everything that was expected otherwise.
    pub(in crate::cli::policy) fn run(&self, policy: &Policy) -> (&'static str, String, Vec<Mismatch>) {
        let rules = policy.effects(&self.server, &self.around);
        let violation = rules.and_then(|rules| rules.judge(&self.tool, &self.effect));
        let (word, rule) =
            violation.map_or_else(|| ("allow", "(no rule)".into()), |found| (found.act.as_str(), found.rule));
        let mut mismatches = Vec::new();
        let mut check = |what, expected: &str, actual: &str| {
            if expected != actual {
                mismatches.push(Mismatch { what, expected: expected.to_owned(), actual: actual.to_owned() });
            }
        };
        check("action", self.expect, word);
        if let Some(expected) = &self.rule {
            check("rule", expected, &rule);
        }
        (word, rule.into(), mismatches)
    }
}

/// Reads one.
pub(super) fn effect_scenario(node: &Node) -> Result<EffectScenario, Problem> {
    let fields = Fields::of(node, "a scenario of an effect: a mapping", &KEYS)?;
    let expect =
        fields.word("expect", &WORDS)?.ok_or_else(|| problem(fields.place, "`expect` is missing"))?;
    let does = fields.get("does").ok_or_else(|| problem(fields.place, "`does` is missing"))?;
    let place =
        |key, usual: &str| Ok(fields.text(key)?.map_or_else(|| usual.into(), |text| text.value.into()));
    let hosts = Hosts::default();
    if let Some(node) = fields.get("hosts") {
        learn(&hosts, node)?;
    }
    Ok(EffectScenario {
        name: fields.required("name")?.value,
        server: fields.text("server")?.map_or_else(|| SERVER.to_owned(), |text| text.value),
        tool: fields.text("tool")?.map(|text| text.value).unwrap_or_default(),
        effect: did(act(does)?),
        around: Surroundings {
            homes: vec![place("home", HOME)?],
            directory: Some(place("directory", DIRECTORY)?),
            hosts,
        },
        expect,
        rule: fields.text("rule")?.map(|text| text.value),
    })
}

/// What `does` says in YAML, as a scenario has it.
///
/// # Errors
/// What is wrong with it.
pub(in crate::cli::policy) fn effect_of(does: &str) -> Result<SideEffect, Problem> {
    let node = tree(does).map_err(|fault| problem(fault.place, "it is no YAML"))?;
    let node = node.ok_or_else(|| problem(None, "it says nothing"))?;
    Ok(did(act(&node)?))
}

fn did(act: Act) -> SideEffect {
    let process = ProcessKey { pid: 0, start_ticks: 0 };
    SideEffect { group: 0, process, at: BootTime::default(), act, outcome: Outcome::Done, cut: false }
}

fn learn(hosts: &Hosts, node: &Node) -> Result<(), Problem> {
    let Content::Map(names) = &node.content else {
        return Err(problem(node.place, "`hosts` is a mapping of names to addresses"));
    };
    for (name, node) in names {
        let elements = match &node.content {
            Content::List(elements) => elements.iter().collect(),
            Content::Null | Content::Bool(_) | Content::Number(_) | Content::Text(_) | Content::Map(_) => {
                vec![node]
            }
        };
        let addresses = elements.into_iter().map(|node| {
            let written = text("hosts", node)?;
            written
                .value
                .parse()
                .map_err(|_none| problem(written.place, format!("`{}` is no address", written.value)))
        });
        hosts.learn(&name.value, &addresses.collect::<Result<Vec<_>, _>>()?);
    }
    Ok(())
}

fn act(node: &Node) -> Result<Act, Problem> {
    let keys = ["read", "write", "delete", "rename", "to", "exec", "connect", "send", "listen", "protocol"];
    let fields = Fields::of(node, "what is done: a mapping as `{exec: /bin/sh}`", &keys)?;
    let protocol = fields.word("protocol", &PROTOCOLS)?;
    let path = |key| Ok(fields.text(key)?.map(|text| text.value));
    let address = |key| {
        let Some(written) = fields.text(key)? else { return Ok(None) };
        let wrong = |_| problem(written.place, format!("`{}` is no address with a port", written.value));
        written.value.parse().map(Some).map_err(wrong)
    };
    let open = |path, access| Act::Open { path, access };
    let mut acts = Vec::new();
    acts.extend(path("read")?.map(|path| open(path, Access::Read)));
    acts.extend(path("write")?.map(|path| open(path, Access::Write)));
    acts.extend(path("delete")?.map(|path| Act::Delete { path }));
    if let Some(from) = path("rename")? {
        acts.push(Act::Rename { from, to: fields.required("to")?.value });
    }
    acts.extend(path("exec")?.map(|path| Act::Exec { path, arguments: Vec::new() }));
    let tcp = protocol.unwrap_or(Protocol::Tcp);
    acts.extend(address("connect")?.map(|to| Act::Connect { to, protocol: tcp }));
    acts.extend(address("send")?.map(|to| Act::Send { to, protocol: protocol.unwrap_or(Protocol::Udp) }));
    acts.extend(address("listen")?.map(|at| Act::Bind { at, protocol: tcp }));
    match (acts.pop(), acts.is_empty()) {
        (Some(act), true) => Ok(act),
        _ => Err(problem(node.place, format!("`does` names one thing, one of: {}", keys.join(", ")))),
    }
}
