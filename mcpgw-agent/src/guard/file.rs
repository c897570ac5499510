//! Programs that are refused whoever starts them, with whatever arguments: all that is needed is their file.

use jiff::Timestamp;

use super::untouchable::{Who, untouchable};
use super::{AtExec, Facts, Guard, Kind, Subject, level};

impl Guard {
    /// Decides on every start of the program at `exe` at once. What depends on anything else, or on a person's order, is not
    /// refused here: it is decided when it starts.
    #[must_use]
    pub fn at_any_exec(&self, exe: &str, sha256: Option<&str>, now: Timestamp) -> AtExec<'_> {
        let is_allowed = |order: &super::Order| order.kind == Kind::Allow && order.program.exe == exe;
        let is_spared = untouchable(&Who { pid: u32::MAX, exe: Some(exe), ..Who::default() }).is_some();
        if !self.acts() || is_spared || self.orders.list().iter().any(is_allowed) {
            return AtExec::Run;
        }
        let risk = level(&Facts { exe, argv: &[], uid: None, is_exposed: false });
        let subject = Subject { exe: Some(exe), sha256, risk: Some(risk), ..Subject::UNKNOWN };
        self.at_exec(&subject, now)
    }

    /// Programs that rules name by their whole path.
    pub fn named_programs(&self) -> impl Iterator<Item = &str> {
        self.rules.held().flatten().filter(|path| !path.contains(['*', '?', '[', '{', '\\']))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Action, Evidence, Mode, Order, Program, RuleSpec, Rules};
    use super::*;
    use crate::inventory::AllowSpec;

    const EXE: &str = "/opt/mcp/server";

    fn guard(change: impl FnOnce(&mut RuleSpec)) -> Guard {
        let program =
            AllowSpec { name: "r".to_owned(), exe: Some("/opt/mcp/*".to_owned()), ..Default::default() };
        let mut rule = RuleSpec {
            program,
            socket: None,
            client: None,
            evidence: Some(Evidence::Nothing),
            risk: None,
            action: Action::Hold,
        };
        change(&mut rule);
        Guard { mode: Mode::Enforce, rules: Rules::compile(&[rule]).unwrap(), ..Guard::default() }
    }

    fn is_refused(guard: &Guard, exe: &str) -> bool {
        matches!(guard.at_any_exec(exe, None, Timestamp::UNIX_EPOCH), AtExec::Refuse(decision) if decision.is_real)
    }

    #[test]
    fn what_a_rule_says_of_the_file_alone_is_certain() {
        assert!(is_refused(&guard(|_| ()), EXE));
        assert!(!is_refused(&guard(|_| ()), "/opt/other"));
        for change in [
            (|rule: &mut RuleSpec| rule.evidence = None) as fn(&mut RuleSpec),
            |rule| rule.program.command = Some("*".to_owned()),
            |rule| rule.program.user = Some("ann".to_owned()),
            |rule| rule.program.container = Some("*".to_owned()),
            |rule| rule.client = Some("**".to_owned()),
            |rule| rule.action = Action::Kill,
        ] {
            assert!(!is_refused(&guard(change), EXE));
        }
    }

    #[test]
    fn a_hash_is_asked_for() {
        let hash = "ab".repeat(32);
        let guard = guard(|rule| rule.program.sha256 = Some(hash.clone()));
        let at = |sha256| guard.at_any_exec(EXE, sha256, Timestamp::UNIX_EPOCH);
        assert_eq!(at(None), AtExec::NeedsHash);
        assert!(matches!(at(Some(&hash)), AtExec::Refuse(_)));
        assert_eq!(at(Some("00")), AtExec::Run);
    }

    #[test]
    fn who_does_nothing_and_whom_nothing_is_done_to() {
        let mut off = guard(|_| ());
        off.is_off = true;
        let mut dry = guard(|_| ());
        dry.dry_run = true;
        for guard in [off, dry] {
            assert!(!is_refused(&guard, EXE));
        }
        let everything = guard(|rule| rule.program.exe = Some("/**".to_owned()));
        assert!(is_refused(&everything, EXE));
        for exe in ["/usr/sbin/sshd", "/bin/login", "/usr/bin/dpkg-deb", "/usr/lib/systemd/systemd"] {
            assert!(!is_refused(&everything, exe), "{exe}");
        }
    }

    #[test]
    fn a_program_somebody_allowed_is_decided_on_when_it_starts() {
        let mut guard = guard(|_| ());
        let program = Program { exe: EXE.to_owned(), arguments: Vec::new(), uid: 0, container: None };
        let order = Order {
            id: program.id(),
            kind: Kind::Allow,
            program,
            by: 0,
            at: Timestamp::UNIX_EPOCH,
            until: None,
        };
        guard.orders.give(order).unwrap();
        assert!(!is_refused(&guard, EXE));
        assert!(is_refused(&guard, "/opt/mcp/other"));
    }

    #[test]
    fn a_rule_that_names_one_file() {
        assert_eq!(guard(|_| ()).named_programs().count(), 0);
        let one = guard(|rule| rule.program.exe = Some(EXE.to_owned()));
        assert_eq!(one.named_programs().collect::<Vec<_>>(), [EXE]);
    }
}
