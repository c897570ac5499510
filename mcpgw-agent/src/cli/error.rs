//! What went wrong, as a person is told it: the error, what caused it, and what to do about it.

use std::error::Error;
use std::fmt;
use std::io;

use super::exit;
use crate::admin::client::ClientError;
use crate::admin::{RuntimeDirError, runtime_dir};
use crate::config::ConfigError;
use crate::daemon::DaemonError;
use crate::kernel::OptionsError;
use crate::proxy::WrapError;
use crate::proxy::gateway::GatewayError;

/// An error on its way to the terminal.
#[derive(Debug)]
pub struct CliError {
    code: u8,
    source: anyhow::Error,
    hints: Vec<String>,
    silent: bool,
}

impl CliError {
    /// An error that ends the program with `code`, one of [`exit`]'s.
    pub fn new(code: u8, source: impl Into<anyhow::Error>) -> Self {
        Self { code, source: source.into(), hints: Vec::new(), silent: false }
    }

    /// An error that ends the program with [`exit::FAILURE`].
    pub fn failure(source: impl Into<anyhow::Error>) -> Self {
        Self::new(exit::FAILURE, source)
    }

    /// Says what to do about it.
    #[must_use]
    pub fn hinted(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The exit code.
    #[must_use]
    pub fn code(&self) -> u8 {
        self.code
    }

    /// Nobody is left to be told.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.silent
    }
}

impl fmt::Display for CliError {
    /// `Error: …`, then `Caused by: …` for each cause, then `Hint: …` for each hint.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error: {}", self.source)?;
        let mut said = self.source.to_string();
        for cause in self.source.chain().skip(1) {
            let cause = cause.to_string();
            // Some errors print their cause as part of themselves.
            if !said.ends_with(&cause) {
                write!(f, "\nCaused by: {cause}")?;
            }
            said = cause;
        }
        self.hints.iter().try_for_each(|hint| write!(f, "\nHint: {hint}"))
    }
}

impl From<ClientError> for CliError {
    fn from(error: ClientError) -> Self {
        let code = match error {
            ClientError::NoDaemon { .. } => exit::NO_DAEMON,
            ClientError::NoPermission { .. } => exit::NO_PERMISSION,
            ClientError::Timeout { .. }
            | ClientError::Refused { .. }
            | ClientError::Protocol { .. }
            | ClientError::Io(_) => exit::FAILURE,
        };
        let hint = match error {
            ClientError::NoDaemon { .. } => Some(
                "start it with `systemctl start mcpgw-agent`, or `mcpgw-agent run` in the foreground; \
                 MCPGW_RUNTIME_DIR says where to look for it"
                    .to_owned(),
            ),
            ClientError::NoPermission { .. } => Some(format!(
                "try as root, or join the group that may: `usermod -aG {} USER`",
                runtime_dir::GROUP
            )),
            ClientError::Timeout { .. } => Some("`systemctl status mcpgw-agent` may tell why".to_owned()),
            ClientError::Protocol { .. } => Some(
                "agent and command line should be of one version; restart the agent after an upgrade"
                    .to_owned(),
            ),
            ClientError::Refused { .. } | ClientError::Io(_) => None,
        };
        let error = Self::new(code, error);
        match hint {
            Some(hint) => error.hinted(hint),
            None => error,
        }
    }
}

impl From<RuntimeDirError> for CliError {
    fn from(error: RuntimeDirError) -> Self {
        match &error {
            RuntimeDirError::AlreadyRunning { .. } => Self::new(exit::ALREADY_RUNNING, error).hinted(
                "`mcpgw-agent status` shows what it sees; MCPGW_RUNTIME_DIR gives a second one its own place",
            ),
            RuntimeDirError::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Self::new(exit::NO_PERMISSION, error).hinted("try as root, or set MCPGW_RUNTIME_DIR")
            }
            RuntimeDirError::Unsafe { .. } | RuntimeDirError::Io { .. } => Self::failure(error),
        }
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::Directory { .. } => Self::new(exit::USAGE, error),
            ConfigError::Read { .. }
            | ConfigError::Writable { .. }
            | ConfigError::TooLong { .. }
            | ConfigError::NotText { .. }
            | ConfigError::Invalid { .. } => Self::new(exit::CONFIG, error),
        }
    }
}

impl From<DaemonError> for CliError {
    fn from(error: DaemonError) -> Self {
        match error {
            DaemonError::RuntimeDir(error) => error.into(),
            DaemonError::Allow(error) => Self::new(exit::CONFIG, error),
            DaemonError::Guard(error) => Self::new(exit::CONFIG, error),
            DaemonError::Probes(error) => error.into(),
            DaemonError::Gateway(error) => error.into(),
            error @ DaemonError::Listen { .. } => Self::failure(error)
                .hinted("`admin: {metrics-address: \"127.0.0.1:0\"}` lets the system choose a free port"),
            error @ (DaemonError::System { .. } | DaemonError::Task(_)) => Self::failure(error),
        }
    }
}

impl From<GatewayError> for CliError {
    fn from(error: GatewayError) -> Self {
        let hint = error.hint();
        let error = Self::new(exit::CONFIG, error);
        hint.into_iter().fold(error, Self::hinted)
    }
}

impl From<OptionsError> for CliError {
    fn from(error: OptionsError) -> Self {
        let context = "the `host` section of the configuration cannot be used";
        Self::new(exit::CONFIG, anyhow::Error::new(error).context(context))
    }
}

impl From<WrapError> for CliError {
    fn from(error: WrapError) -> Self {
        let hint = match &error {
            WrapError::Gateway(error) => error.hint(),
            WrapError::NotTaken { .. } => Some(
                "nothing was started; `mcpgw-agent status` shows what the agent has, and `--policy` makes this a gateway of its own",
            ),
            WrapError::NoCommand
            | WrapError::NotFound { .. }
            | WrapError::NotExecutable { .. }
            | WrapError::System { .. } => None,
        };
        let error = Self::new(error.exit_code(), error);
        hint.into_iter().fold(error, Self::hinted)
    }
}

/// An error of writing the output. A reader that has seen enough is no error.
impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self { silent: true, ..Self::new(exit::OK, error) };
        }
        Self::failure(anyhow::Error::new(error).context("cannot write the output"))
    }
}

impl Error for CliError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_with_its_causes_and_what_to_do() {
        let source = io::Error::other("the disk is on fire");
        let error = RuntimeDirError::Io { action: "open", path: "/run/mcpgw".into(), source };
        let error = CliError::from(error).hinted("put it out");
        assert_eq!(
            error.to_string(),
            "Error: cannot open /run/mcpgw\nCaused by: the disk is on fire\nHint: put it out"
        );
        assert_eq!(error.code(), exit::FAILURE);
    }

    #[test]
    fn kinds_of_failure_have_their_own_codes() {
        let path = || "/run/mcpgw/control.sock".into();
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        let denied = RuntimeDirError::Io { action: "create", path: path(), source: denied };
        for (error, code) in [
            (CliError::from(ClientError::NoDaemon { path: path() }), exit::NO_DAEMON),
            (ClientError::NoPermission { path: path() }.into(), exit::NO_PERMISSION),
            (ClientError::Timeout { path: path() }.into(), exit::FAILURE),
            (RuntimeDirError::AlreadyRunning { pid: Some(1), path: path() }.into(), exit::ALREADY_RUNNING),
            (denied.into(), exit::NO_PERMISSION),
        ] {
            assert_eq!(error.code(), code, "{error}");
            assert!(error.to_string().contains("\nHint: "), "{error}");
        }
    }

    #[test]
    fn a_closed_pipe_is_success_and_a_full_disk_is_not() {
        let closed = CliError::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((closed.code(), closed.is_silent()), (exit::OK, true));
        let full = CliError::from(io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!((full.code(), full.is_silent()), (exit::FAILURE, false));
    }
}
