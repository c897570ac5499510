//! `policy`: looks after policy files. A file a subcommand; what they share is a policy file (`files`), its scenarios
//! (`scenario`) and one message before a policy (`trial`).

mod diff;
mod explain;
mod files;
mod scenario;
mod test;
#[cfg(test)]
mod tests;
mod trial;
mod validate;

use clap::Subcommand;

pub(super) use files::PolicyFile;

use super::error::CliError;

/// Checks, tests, compares and explains policies.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Validate(validate::Args),
    Test(test::Args),
    Diff(diff::Args),
    Explain(Box<explain::Args>),
}

pub(super) fn policy(command: &Command) -> Result<u8, CliError> {
    match command {
        Command::Validate(args) => validate::validate(args),
        Command::Test(args) => test::test(args),
        Command::Diff(args) => diff::diff(args),
        Command::Explain(args) => explain::explain(args),
    }
}
