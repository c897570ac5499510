//! `policy test`: does a policy do what its scenarios expect?

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::files::{PolicyFile, beside, policies_in, read_scenarios};
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::output::Output;
use crate::cli::text::{Line, Style};

/// Puts the messages of scenario files before a policy and says where it does not do what they expect.
///
/// Exits with 0 if all is as expected, and with 1 if anything is not, a file is wrong, or there are no scenarios. A
/// rule's `mode` and `dry_run` make a difference only to what is carried out: scenarios look at what is decided.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Policy, or a directory: every policy in it with its scenarios
    #[arg(value_name = "POLICY")]
    policy: PathBuf,
    /// Scenario files [default: `x.test.yaml` beside `x.yaml`]
    #[arg(value_name = "SCENARIOS")]
    scenarios: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Report {
    passed: usize,
    failed: usize,
    policies: Vec<PolicyReport>,
}

#[derive(Debug, Serialize)]
struct PolicyReport {
    policy: String,
    scenarios: Vec<ScenarioReport>,
}

#[derive(Debug, Serialize)]
struct ScenarioReport {
    file: String,
    name: String,
    passed: bool,
    expected: &'static str,
    actual: &'static str,
    rule: String,
    /// Everything that came otherwise.
    mismatches: Vec<String>,
}

pub(super) fn test(args: &Args) -> Result<u8, CliError> {
    let mut policies = Vec::new();
    if args.policy.is_dir() {
        for path in policies_in(&args.policy)? {
            policies.push(run(&path, &args.scenarios)?);
        }
    } else {
        policies.push(run(&args.policy, &args.scenarios)?);
    }
    let all = || policies.iter().flat_map(|policy| &policy.scenarios);
    let passed = all().filter(|scenario| scenario.passed).count();
    let failed = all().count() - passed;
    if passed + failed == 0 {
        return Err(CliError::failure(anyhow::anyhow!("`{}` holds no policies", args.policy.display())));
    }
    let report = Report { passed, failed, policies };
    if args.json {
        Output::new().pretty(&report)?;
    } else {
        Output::new().lines(&draw(&report))?;
    }
    Ok(if report.failed == 0 { exit::OK } else { exit::FAILURE })
}

fn run(path: &Path, files: &[PathBuf]) -> Result<PolicyReport, CliError> {
    let file = PolicyFile::open(path)?;
    let mut scenarios = Vec::new();
    let default: Vec<_> = if files.is_empty() { beside(path).into_iter().collect() } else { Vec::new() };
    for path in files.iter().chain(&default) {
        let (messages, effects) = read_scenarios(path)?;
        for scenario in messages {
            let (outcome, mismatches) = scenario.run(&file.policy);
            scenarios.push(ScenarioReport {
                file: path.display().to_string(),
                passed: mismatches.is_empty(),
                expected: scenario.expect.effect,
                actual: outcome.word(),
                rule: outcome.rule(),
                mismatches: mismatches.iter().map(ToString::to_string).collect(),
                name: scenario.name,
            });
        }
        for scenario in effects {
            let (actual, rule, mismatches) = scenario.run(&file.policy);
            scenarios.push(ScenarioReport {
                file: path.display().to_string(),
                passed: mismatches.is_empty(),
                expected: scenario.expect,
                actual,
                rule,
                mismatches: mismatches.iter().map(ToString::to_string).collect(),
                name: scenario.name,
            });
        }
    }
    Ok(PolicyReport { policy: path.display().to_string(), scenarios })
}

fn draw(report: &Report) -> Vec<Line> {
    let mut lines = Vec::new();
    for policy in &report.policies {
        if report.policies.len() > 1 {
            lines.push(Line::styled(Style::Bold, &policy.policy));
        }
        for scenario in &policy.scenarios {
            let ScenarioReport { name, actual, rule, .. } = scenario;
            let (style, word) = if scenario.passed { (Style::Good, "PASS") } else { (Style::Bad, "FAIL") };
            let text = format!("  {name}: {actual} by `{rule}`");
            lines.push(Line::styled(style, word).and(Style::Plain, &text));
            lines
                .extend(scenario.mismatches.iter().map(|mismatch| Line::plain(&format!("      {mismatch}"))));
        }
    }
    let Report { passed, failed, .. } = report;
    let style = if *failed == 0 { Style::Good } else { Style::Bad };
    let scenarios = match passed + failed {
        1 => "1 scenario".to_owned(),
        count => format!("{count} scenarios"),
    };
    lines.push(Line::styled(style, &format!("{scenarios}: {passed} passed, {failed} failed.")));
    lines
}
