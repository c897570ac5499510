//! `audit`: a subcommand a file.

mod verify;

use clap::Subcommand;

use super::error::CliError;
use crate::audit::{AuditError, KeyError};

/// Looks after audit logs.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Verify(verify::Args),
}

pub(super) fn audit(command: &Command) -> Result<u8, CliError> {
    match command {
        Command::Verify(args) => verify::verify(args),
    }
}

impl From<KeyError> for CliError {
    fn from(error: KeyError) -> Self {
        AuditError::from(error).into()
    }
}

impl From<AuditError> for CliError {
    fn from(error: AuditError) -> Self {
        let hint = error.hint();
        let error = Self::failure(error);
        match hint {
            Some(hint) => error.hinted(hint),
            None => error,
        }
    }
}
