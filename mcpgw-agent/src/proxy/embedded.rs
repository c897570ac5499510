//! The engine within `wrap`: the same gate as the daemon's, under the policy of whoever started it.

use std::env;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;

use super::gate::{Gate, Party};
use super::wrap::{WrapError, WrapOptions};
use crate::audit::{self, AuditLog};
use crate::json::Limits;
use crate::policy::{Context, Policy, Principal, Transport};
use crate::reload::PolicyStore;

/// The gate and the one session that goes through it.
pub(super) fn engine(options: &WrapOptions) -> Result<(Arc<Gate>, Arc<Party>), WrapError> {
    let policies = Arc::new(PolicyStore::new(Policy::built_in()));
    let path = match &options.audit_log {
        Some(path) => path.clone(),
        None => default_log()
            .map_err(|source| WrapError::System { step: "make the audit log's directory", source })?,
    };
    let audit = Arc::new(AuditLog::open(&audit::Options::at(path))?);
    let gate = Arc::new(Gate::new(policies, audit, Limits::default()));
    let party = Party::new(uuid::Uuid::now_v7().to_string(), context(options));
    Ok((gate, Arc::new(party)))
}

fn context(options: &WrapOptions) -> Context {
    Context {
        server: options.server().into(),
        upstream: None,
        transport: Transport::Stdio,
        principal: Principal::default(),
        client: client().map(|path| path.to_string_lossy().into()),
    }
}

/// The program that started us, where the kernel tells.
fn client() -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{}/exe", nix::unistd::getppid())).ok()
}

fn default_log() -> io::Result<PathBuf> {
    let absolute = |variable| env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
    let dir = state.ok_or(io::ErrorKind::NotFound)?.join("mcpgw");
    DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
    Ok(dir.join("audit.jsonl"))
}
