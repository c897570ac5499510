//! `audit`: a subcommand a file.

mod export;
mod export_key;
mod index;
mod init;
mod query;
pub(super) mod record;
mod secret;
pub(super) mod selection;
mod show;
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
    Query(Box<query::Args>),
    Show(show::Args),
    Export(Box<export::Args>),
    Tail(Box<super::tail::Args>),
    Index(index::Args),
}

pub(super) fn audit(command: &Command) -> Result<u8, CliError> {
    match command {
        Command::Init(args) => init::init(args),
        Command::Verify(args) => verify::verify(args),
        Command::ExportKey(args) => export_key::export_key(args),
        Command::Query(args) => query::query(args),
        Command::Show(args) => show::show(args),
        Command::Export(args) => export::export(args),
        Command::Tail(args) => super::tail::tail(args),
        Command::Index(args) => index::index(args),
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
