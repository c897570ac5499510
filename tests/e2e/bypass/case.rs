//! What a hostile client sends, and what must come of it.

/// One thing tried.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Case {
    pub(super) name: &'static str,
    /// One line without its end; `@` stands for the case's id where a message has one.
    pub(super) line: Vec<u8>,
    pub(super) expect: Expect,
}

/// What must come of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Expect {
    /// An error with this code; the log says why.
    Refused(i64, &'static str),
    /// The policy's error.
    Denied,
    /// Nothing is answered and nothing goes on; the log says why.
    Dropped(&'static str),
    /// The server executes `echo`, and its answer comes back.
    Executed,
    /// It goes on; whatever the server makes of it.
    Passed,
}

/// Not JSON: the decoder's code.
pub(super) const PARSE: i64 = -32700;
/// Not a request.
pub(super) const INVALID: i64 = -32600;

/// A case.
pub(super) fn case(name: &'static str, line: impl Into<Vec<u8>>, expect: Expect) -> Case {
    Case { name, line: line.into(), expect }
}

/// A call of `tool` with `arguments`, both as they stand in the text.
pub(super) fn call(tool: &str, arguments: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":@,"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments}}}}}"#
    )
}

/// The plainest forbidden call.
pub(super) fn forbidden() -> String {
    call("forbidden", "{}")
}

/// The forbidden call with this member before its others.
pub(super) fn with(member: &str) -> String {
    forbidden().replacen('{', &format!("{{{member},"), 1)
}

/// The forbidden call with this member after its others.
pub(super) fn then(member: &str) -> String {
    let mut text = forbidden();
    text.pop();
    format!("{text},{member}}}")
}
