//! Ways around a gateway, each tried against real servers behind `wrap` with a policy enforced.
//!
//! A case is what a hostile client sends. Behind `wrap` stands a server on a real SDK that takes any arguments and writes
//! each call it executes into a ledger; what the policy forbids must never be there. After each case a plain call is made:
//! the session must live, and its answer means that everything before it has been dealt with. Then it is looked at what the
//! client was answered, what the server executed, and what the audit log says. `answers` turns it round: hostile servers.

mod answers;
mod arguments;
mod case;
mod json;
mod passes;
mod rpc;
mod session;
mod web;

use std::ffi::OsString;

use crate::support::{Company, Peers, Skipped, scenario};
use case::{Case, Expect};
use session::Session;

/// The policy in force: two tools, some arguments and some resources are forbidden, all else is allowed.
const POLICY: &str = r#"
version: v1
mode: enforce
rules:
  - name: no-forbidden-tools
    match:
      methods: ["tools/call"]
      tools: ["forbidden", "forbidden_*"]
    action: deny
  - name: no-secret-paths
    match:
      methods: ["tools/call"]
      arguments:
        path: ["/etc/*", "*.pem"]
    action: deny
  - name: no-dangerous-commands
    match:
      methods: ["tools/call"]
      arguments:
        command: ["*rm -rf*", "*sudo*"]
    action: deny
  - name: no-secret-resources
    match:
      methods: ["resources/read"]
      resources: ["file:///etc/*"]
    action: deny
  - name: all-else
    match:
      methods: ["*"]
    action: allow
"#;

/// All that a client can try.
fn cases() -> Vec<Case> {
    let mut cases = json::cases();
    cases.extend(rpc::cases());
    cases.extend(arguments::cases());
    cases.extend(passes::cases());
    cases
}

fn try_all(server: impl Fn() -> Result<Vec<OsString>, Skipped>) {
    scenario(Company::Shared, || {
        let mut session = Session::start(POLICY, &server()?);
        let mut failures = Vec::new();
        for (number, case) in cases().into_iter().enumerate() {
            if let Err(what) = session.try_case(number, &case) {
                failures.push(format!("{}: {what}", case.name));
            }
        }
        let executed = session.end();
        assert_eq!(session::forbidden_of(&executed), Vec::<String>::new(), "forbidden and executed");
        assert!(failures.is_empty(), "{} cases failed:\n{}", failures.len(), failures.join("\n"));
        Ok(())
    });
}

#[test]
fn the_python_sdk_1_executes_nothing_forbidden() {
    try_all(|| Ok(vec![Peers::python("py1")?, Peers::script("ledger_server_v1.py")]));
}

#[test]
fn the_python_sdk_2_executes_nothing_forbidden() {
    try_all(|| Ok(vec![Peers::python("py2")?, Peers::script("ledger_server_v2.py")]));
}

#[test]
fn the_typescript_sdk_executes_nothing_forbidden() {
    try_all(|| Ok(vec![Peers::on_path("node")?, Peers::module("ledger_server.mjs")?]));
}

#[test]
fn there_are_as_many_cases_as_the_documentation_says_and_each_has_a_name_of_its_own() {
    let mut names: Vec<&str> = cases().iter().map(|case| case.name).chain(answers::names()).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "two cases share a name");
    let harmless = [Expect::Executed, Expect::Passed];
    let spellings = cases().iter().filter(|case| !harmless.contains(&case.expect)).count();
    let said = format!(
        "{spellings} such spellings are tried against three real SDKs over stdio and two over HTTP by the tests, and {} answers \
         of hostile servers",
        answers::names().count()
    );
    assert!(
        include_str!("../../docs/threat-model.md").contains(&said),
        "docs/threat-model.md does not say: {said}"
    );
    assert!(cases().iter().any(|case| case.expect == Expect::Denied));
}
