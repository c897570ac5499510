//! `audit`: a subcommand a file.

mod export_key;
mod init;
mod secret;
mod verify;

use clap::Subcommand;

use super::error::CliError;
use crate::audit::{AuditError, KeyError};

/// Looks after audit logs.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Init(init::Args),
    Verify(verify::Args),
    ExportKey(export_key::Args),
}

pub(super) fn audit(command: &Command) -> Result<u8, CliError> {
    match command {
        Command::Init(args) => init::init(args),
        Command::Verify(args) => verify::verify(args),
        Command::ExportKey(args) => export_key::export_key(args),
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
