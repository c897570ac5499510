//! Where the agent keeps what it makes.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::error::ConfigError;

/// Longest path of a Unix socket, in bytes, its closing NUL not counted.
const MAX_SOCKET_PATH: usize = 107;
/// Name of the control socket in the runtime directory.
const CONTROL_SOCKET: &str = "control.sock";

/// The two directories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dirs {
    /// Gone with a reboot: control socket and lock. `MCPGW_RUNTIME_DIR`, else `/run/mcpgw`.
    pub runtime: PathBuf,
    /// Kept: `MCPGW_STATE_DIR`, else `/var/lib/mcpgw`.
    pub state: PathBuf,
}

impl Default for Dirs {
    fn default() -> Self {
        Self { runtime: PathBuf::from("/run/mcpgw"), state: PathBuf::from("/var/lib/mcpgw") }
    }
}

impl Dirs {
    /// The directories the environment names, or the defaults. Creates nothing.
    ///
    /// # Errors
    /// [`ConfigError::Directory`] where one is not absolute, or too long to hold a socket.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_vars(env::var_os)
    }

    pub(super) fn from_vars(var: impl Fn(&'static str) -> Option<OsString>) -> Result<Self, ConfigError> {
        let default = Self::default();
        let named = |variable, default| match var(variable).filter(|value| !value.is_empty()) {
            None => Ok(default),
            Some(value) => absolute(variable, PathBuf::from(value)),
        };
        let dirs = Self {
            runtime: named(RUNTIME_VARIABLE, default.runtime)?,
            state: named(STATE_VARIABLE, default.state)?,
        };
        if dirs.control_socket().as_os_str().len() > MAX_SOCKET_PATH {
            return Err(ConfigError::Directory {
                variable: RUNTIME_VARIABLE,
                value: dirs.runtime,
                problem: "which is too long: the path of a Unix socket in it has at most 107 bytes",
            });
        }
        Ok(dirs)
    }

    /// Path of the control socket.
    #[must_use]
    pub fn control_socket(&self) -> PathBuf {
        self.runtime.join(CONTROL_SOCKET)
    }
}

const RUNTIME_VARIABLE: &str = "MCPGW_RUNTIME_DIR";
const STATE_VARIABLE: &str = "MCPGW_STATE_DIR";

fn absolute(variable: &'static str, value: PathBuf) -> Result<PathBuf, ConfigError> {
    if Path::is_absolute(&value) {
        return Ok(value);
    }
    Err(ConfigError::Directory { variable, value, problem: "which is no absolute path" })
}
