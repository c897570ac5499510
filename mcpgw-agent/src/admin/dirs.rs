//! Where the agent keeps things: two directories, each moved by an environment variable.

use std::ffi::OsString;
use std::path::PathBuf;

/// Moves the runtime directory.
pub const RUNTIME_DIR: &str = "MCPGW_RUNTIME_DIR";
/// Moves the state directory.
pub const STATE_DIR: &str = "MCPGW_STATE_DIR";

/// The agent's directories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dirs {
    /// Control socket and lock; gone after a boot.
    pub runtime: PathBuf,
    /// What outlives a boot.
    pub state: PathBuf,
}

/// A directory variable holds something that is no absolute path.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{variable} must be an absolute path, not `{}`", .value.escape_debug())]
pub struct DirsError {
    /// Which variable.
    pub variable: &'static str,
    /// What it holds, lossily decoded.
    pub value: String,
}

impl Dirs {
    /// The directories the environment asks for, or the usual ones.
    ///
    /// # Errors
    /// A variable is set to something that is no absolute path: guessing what it is relative to would make the
    /// daemon and its clients miss each other.
    pub fn from_env() -> Result<Self, DirsError> {
        Self::from_vars(std::env::var_os)
    }

    fn from_vars(var: impl Fn(&'static str) -> Option<OsString>) -> Result<Self, DirsError> {
        let dir = |variable, default: &str| match var(variable) {
            None => Ok(PathBuf::from(default)),
            Some(value) if value.is_empty() => Ok(PathBuf::from(default)),
            Some(value) => {
                let path = PathBuf::from(value);
                if path.is_absolute() {
                    Ok(path)
                } else {
                    Err(DirsError { variable, value: path.display().to_string() })
                }
            }
        };
        Ok(Self { runtime: dir(RUNTIME_DIR, "/run/mcpgw")?, state: dir(STATE_DIR, "/var/lib/mcpgw")? })
    }

    /// The control socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.runtime.join(super::runtime_dir::SOCKET)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unset_and_empty_mean_the_usual_places() {
        let usual = Dirs { runtime: "/run/mcpgw".into(), state: "/var/lib/mcpgw".into() };
        assert_eq!(Dirs::from_vars(|_| None), Ok(usual.clone()));
        assert_eq!(Dirs::from_vars(|_| Some(OsString::new())), Ok(usual));
    }

    #[test]
    fn a_variable_moves_its_own_directory() {
        let dirs = Dirs::from_vars(|name| (name == RUNTIME_DIR).then(|| "/tmp/x".into())).unwrap();
        assert_eq!(dirs, Dirs { runtime: "/tmp/x".into(), state: "/var/lib/mcpgw".into() });
        assert_eq!(dirs.socket(), PathBuf::from("/tmp/x/control.sock"));
    }

    #[test]
    fn a_relative_path_is_refused_by_name() {
        let error = Dirs::from_vars(|name| (name == STATE_DIR).then(|| "x\u{1b}[2J".into())).unwrap_err();
        assert_eq!(error.to_string(), "MCPGW_STATE_DIR must be an absolute path, not `x\\u{1b}[2J`");
    }
}
