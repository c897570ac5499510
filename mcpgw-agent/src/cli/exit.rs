//! Exit codes. Part of the program's contract: docs/cli.md lists every one, and a test holds the two together.

/// Done.
pub const OK: u8 = 0;
/// It failed; the error says why. `policy`: something is not valid, not as expected, or not the same.
pub const FAILURE: u8 = 1;
/// The command line is wrong.
pub const USAGE: u8 = 2;
/// `status --fail-on unproxied`: there is an unproxied server.
pub const UNPROXIED: u8 = 3;
/// No agent is running.
pub const NO_DAEMON: u8 = 4;
/// Not permitted.
pub const NO_PERMISSION: u8 = 5;
/// The configuration is wrong or cannot be read.
pub const CONFIG: u8 = 6;
/// `doctor`: some hook into the kernel is missing.
pub const DEGRADED: u8 = 7;
/// `run`: another agent is running.
pub const ALREADY_RUNNING: u8 = 8;
/// `audit verify`: a log is not as it was written.
pub const AUDIT_TAMPERED: u8 = 9;
/// `audit verify`: a log is signed with another key.
pub const AUDIT_OTHER_KEY: u8 = 10;
/// `audit verify`: what a log has is as it was written, but it was not closed.
pub const AUDIT_NOT_CLOSED: u8 = 11;
/// `scan --fail-on`: a server has an issue of that severity or worse.
pub const RISKY: u8 = 12;
/// `audit verify`: what there is is as it was written, but the beginning of a log, or a whole one, is missing.
pub const AUDIT_BEHEADED: u8 = 13;
/// `wrap`: there is an agent and it has not taken the session.
pub const NOT_TAKEN: u8 = crate::proxy::NOT_TAKEN;
/// `wrap`: the agent that had the session went away in the middle of it.
pub const GATEWAY_GONE: u8 = crate::proxy::GATEWAY_GONE;
/// `wrap`: it failed itself, before the command ran.
pub const WRAP_FAILED: u8 = 125;

/// Every code with its name in the documentation.
pub const ALL: [(&str, u8); 17] = [
    ("OK", OK),
    ("FAILURE", FAILURE),
    ("USAGE", USAGE),
    ("UNPROXIED", UNPROXIED),
    ("NO_DAEMON", NO_DAEMON),
    ("NO_PERMISSION", NO_PERMISSION),
    ("CONFIG", CONFIG),
    ("DEGRADED", DEGRADED),
    ("ALREADY_RUNNING", ALREADY_RUNNING),
    ("AUDIT_TAMPERED", AUDIT_TAMPERED),
    ("AUDIT_OTHER_KEY", AUDIT_OTHER_KEY),
    ("AUDIT_NOT_CLOSED", AUDIT_NOT_CLOSED),
    ("RISKY", RISKY),
    ("AUDIT_BEHEADED", AUDIT_BEHEADED),
    ("NOT_TAKEN", NOT_TAKEN),
    ("GATEWAY_GONE", GATEWAY_GONE),
    ("WRAP_FAILED", WRAP_FAILED),
];

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn codes_are_distinct_and_documented() {
        let docs = include_str!("../../../docs/cli.md");
        let documented: Vec<_> = docs
            .lines()
            .filter_map(|line| line.strip_prefix("| ")?.split_once(" | "))
            .filter_map(|(code, rest)| Some((rest.split('`').nth(1)?, code.parse::<u8>().ok()?)))
            .collect();
        assert_eq!(documented, ALL);
        let mut codes: Vec<_> = ALL.iter().map(|(_, code)| code).collect();
        codes.dedup();
        assert_eq!(codes.len(), ALL.len());
    }
}
