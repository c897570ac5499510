//! `policy`: looks after policy files. A file a subcommand; what they share is a policy file (`files`), its scenarios
//! (`scenario`) and one message before a policy (`trial`).

mod diff;
mod files;
mod scenario;
mod test;
mod trial;

use clap::Subcommand;

use super::error::CliError;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Test(test::Args),
    Diff(diff::Args),
}

pub(super) fn policy(command: &Command) -> Result<u8, CliError> {
    match command {
        Command::Test(args) => test::test(args),
        Command::Diff(args) => diff::diff(args),
    }
}
