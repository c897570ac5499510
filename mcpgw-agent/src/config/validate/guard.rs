//! The guard's section: rules are checked as those of the allow-list are.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Check, MAX_RULES, glob, hash, name, out_of_range};
use crate::config::error::ProblemKind;
use crate::config::file::guard::{
    ActionWord, EvidenceWord, GuardForm, GuardSection, ModeWord, RiskWord, RuleEntry,
};
use crate::config::guard::Guard;
use crate::guard::{Action, Evidence, Mode, RuleSpec};
use crate::inventory::AllowSpec;
use crate::risk::Level;
use crate::yaml::At;

/// Least and most time a program may wait.
const DECIDE: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(1));
/// The most kills a minute.
const KILLS: (u64, u64) = (0, 1000);

impl Check {
    pub(super) fn guard(&mut self, form: &GuardForm) -> Guard {
        let GuardForm(GuardSection { mode, dry_run, cgroup, decide_within, kills_per_minute, rules }) = form;
        let default = Guard::default();
        Guard {
            mode: mode.map_or(default.mode, Mode::from),
            dry_run: dry_run.unwrap_or(default.dry_run),
            cgroup: self.value("host.guard.cgroup", cgroup.as_ref(), default.cgroup, |path| {
                let is_plain = path.starts_with('/') && !path.split('/').any(|part| part == "..");
                if is_plain { Ok(path.clone()) } else { Err(ProblemKind::RelativePath(path.clone())) }
            }),
            decide_within: self.period(
                "host.guard.decide-within",
                decide_within,
                default.decide_within,
                DECIDE,
            ),
            kills_per_minute: self.value(
                "host.guard.kills-per-minute",
                kills_per_minute.as_ref(),
                default.kills_per_minute,
                |&given| {
                    let fits = (KILLS.0..=KILLS.1).contains(&given);
                    let kills = usize::try_from(given).ok().filter(|_| fits);
                    kills.ok_or_else(|| out_of_range(&given, &KILLS.0, &KILLS.1))
                },
            ),
            rules: self.guard_rules(rules),
        }
    }

    fn guard_rules(&mut self, entries: &[At<RuleEntry>]) -> Vec<RuleSpec> {
        if let Some(first_beyond) = entries.get(MAX_RULES) {
            let kind = out_of_range(&entries.len(), &0, &MAX_RULES);
            self.problem("host.guard.rules", first_beyond, kind);
        }
        let mut names = BTreeSet::new();
        let mut rules = Vec::new();
        for (index, entry) in entries.iter().take(MAX_RULES).enumerate() {
            let at = format!("host.guard.rules[{index}]");
            let rule = self.guard_rule(&at, &entry.value);
            if names.insert(rule.program.name.clone()) {
                rules.push(rule);
            } else {
                let kind = ProblemKind::Duplicate(rule.program.name);
                self.problem(&format!("{at}.name"), &entry.value.name, kind);
            }
        }
        rules
    }

    fn guard_rule(&mut self, at: &str, entry: &RuleEntry) -> RuleSpec {
        let RuleEntry {
            name,
            action,
            exe,
            sha256,
            command,
            user,
            container,
            unit,
            cgroup,
            socket,
            client,
            evidence,
            risk,
        } = entry;
        let key = |field: &str| format!("{at}.{field}");
        let pattern = |by_level: bool| move |text: &String| glob(text, by_level).map(Some);
        let path = |text: &String| {
            if text.starts_with('/') || text.starts_with("**") {
                return pattern(true)(text);
            }
            Err(ProblemKind::RelativePath(text.clone()))
        };
        let program = AllowSpec {
            name: self.value(&key("name"), Some(name), name.value.clone(), |text| self::name(text)),
            exe: self.value(&key("exe"), exe.as_ref(), None, path),
            sha256: self.value(&key("sha256"), sha256.as_ref(), None, |text| hash(text).map(Some)),
            command: self.value(&key("command"), command.as_ref(), None, pattern(false)),
            user: self.value(&key("user"), user.as_ref(), None, |text| self::name(text).map(Some)),
            container: self.value(&key("container"), container.as_ref(), None, pattern(false)),
            unit: self.value(&key("unit"), unit.as_ref(), None, pattern(false)),
            cgroup: self.value(&key("cgroup"), cgroup.as_ref(), None, pattern(true)),
        };
        let says =
            [exe, sha256, command, user, container, unit, cgroup, client].iter().any(|field| field.is_some());
        let is_alone = matches!(action, ActionWord::Deny) && !says && evidence.is_none() && risk.is_none();
        let place = |path: &String| {
            if !is_alone {
                return Err(ProblemKind::Wrong("a rule with `socket` has `action: deny` and nothing else"));
            }
            if path.starts_with('/') { Ok(Some(path.clone())) } else { Err(ProblemKind::File(path.clone())) }
        };
        RuleSpec {
            program,
            socket: self.value(&key("socket"), socket.as_ref(), None, place),
            client: self.value(&key("client"), client.as_ref(), None, path),
            evidence: evidence.map(Evidence::from),
            risk: risk.map(Level::from),
            action: Action::from(*action),
        }
    }
}

impl From<ModeWord> for Mode {
    fn from(word: ModeWord) -> Self {
        match word {
            ModeWord::Off => Self::Off,
            ModeWord::Alert => Self::Alert,
            ModeWord::Enforce => Self::Enforce,
        }
    }
}

impl From<ActionWord> for Action {
    fn from(word: ActionWord) -> Self {
        match word {
            ActionWord::Flag => Self::Flag,
            ActionWord::Hold => Self::Hold,
            ActionWord::Kill => Self::Kill,
            ActionWord::Deny => Self::Deny,
            ActionWord::Steer => Self::Steer,
        }
    }
}

impl From<EvidenceWord> for Evidence {
    fn from(word: EvidenceWord) -> Self {
        match word {
            EvidenceWord::Nothing => Self::Nothing,
            EvidenceWord::Shape => Self::Shape,
            EvidenceWord::Command => Self::Command,
            EvidenceWord::Wire => Self::Wire,
            EvidenceWord::Confirmed => Self::Confirmed,
        }
    }
}

impl From<RiskWord> for Level {
    fn from(word: RiskWord) -> Self {
        match word {
            RiskWord::Low => Self::Low,
            RiskWord::Medium => Self::Medium,
            RiskWord::High => Self::High,
            RiskWord::Critical => Self::Critical,
        }
    }
}
