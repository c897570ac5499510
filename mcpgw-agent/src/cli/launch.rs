//! `launch`: what `wrap` starts where a server is confined; it becomes the server.

use std::ffi::OsString;

use super::error::CliError;
use super::exit;
use crate::confine::{self, ConfineError};

/// Exit code of a shell for a command that is not there.
const NOT_FOUND: u8 = 127;
/// And for one that cannot be run.
const NOT_EXECUTABLE: u8 = 126;

/// A server that is confined.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Descriptor of what it may do
    #[arg(long)]
    plan: i32,
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

pub(super) fn launch(args: &Args) -> CliError {
    confine::launch(args.plan, &args.command).into()
}

impl From<ConfineError> for CliError {
    fn from(error: ConfineError) -> Self {
        let code = match error {
            ConfineError::NotFound(_) => NOT_FOUND,
            ConfineError::NotExecutable { .. } => NOT_EXECUTABLE,
            ConfineError::Plan(_)
            | ConfineError::Hash { .. }
            | ConfineError::TooMany(_)
            | ConfineError::Kernel { .. } => exit::WRAP_FAILED,
        };
        let hint = "policy confines this server (`effects:`); `prevent: false` there leaves it to detection";
        Self::new(code, error).hinted(hint)
    }
}
