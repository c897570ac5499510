//! The process between `wrap` and the server: it confines itself and becomes the server.

use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use landlock::{
    BitFlags, CompatLevel, Compatible as _, NetPort, PathBeneath, PathFd, Ruleset, RulesetAttr as _,
    RulesetCreatedAttr as _, RulesetError, Scope,
};
use nix::errno::Errno;
use nix::sys::prctl::set_no_new_privs;
use nix::unistd::close;

use super::ConfineError;
use super::ability::{Abilities, SCOPES};
use super::files::{Files, rights_of};
use super::network::{Network, forbids_datagrams, forbids_listening};
use super::program::{find, without_env};
use super::seccomp::{self, Filtered};
use crate::policy::effects::Confinement;

/// Confines this process by what descriptor `plan` holds, closes that, and becomes `command`. Gives only the error where that
/// fails.
///
/// To be called before the process has other threads.
///
/// # Errors
/// [`ConfineError`]
pub fn launch(plan: i32, command: &[OsString]) -> ConfineError {
    match prepare(plan, command) {
        Ok(mut command) => {
            let program = command.get_program().to_owned();
            let source = command.exec();
            match source.raw_os_error().map(Errno::from_raw) {
                Some(Errno::ENOENT | Errno::ENOTDIR) => ConfineError::NotFound(program),
                Some(_) | None => ConfineError::NotExecutable { command: program, source },
            }
        }
        Err(error) => error,
    }
}

fn prepare(plan: i32, command: &[OsString]) -> Result<Command, ConfineError> {
    let text = fs::read(format!("/proc/self/fd/{plan}")).map_err(ConfineError::Plan)?;
    close(plan).map_err(|errno| ConfineError::Plan(errno.into()))?;
    let confinement: Confinement =
        serde_json::from_slice(&text).map_err(|error| ConfineError::Plan(error.into()))?;
    let name = command.first().cloned().unwrap_or_default();
    let mut program = find(&name).ok_or_else(|| ConfineError::NotFound(name.clone()))?;
    let mut words = command.to_vec();
    if confinement.exec.as_ref().is_some_and(|runs| runs.allow.is_some()) {
        words = without_env(&program, command);
        if let Some(first) = words.first().filter(|first| **first != name) {
            program = find(first).ok_or_else(|| ConfineError::NotFound(first.clone()))?;
        }
    }
    confine(&confinement, &program, words.get(1).map(Path::new))?;
    let mut server = Command::new(&program);
    // Its own name for itself, as it would have without us.
    server.arg0(words.first().unwrap_or(&name)).args(words.iter().skip(1));
    Ok(server)
}

/// Confines this process, which will be `program` with the first argument `script`.
fn confine(confinement: &Confinement, program: &Path, script: Option<&Path>) -> Result<(), ConfineError> {
    let abilities = Abilities::here();
    set_no_new_privs().map_err(ConfineError::kernel("give up new privileges"))?;
    let (connect, listen) = (confinement.connect.as_ref(), confinement.listen.as_ref());
    let files = Files::new(confinement, &abilities, program, script, connect.is_some() || listen.is_some())?;
    let network = Network::new(confinement, &abilities);
    let mut scopes = BitFlags::empty();
    if abilities.landlock >= SCOPES {
        // Its wrap is not the server's to end, and what the user runs otherwise is not either.
        scopes |= Scope::Signal;
        scopes |= if connect.is_some() { Scope::AbstractUnixSocket.into() } else { BitFlags::empty() };
    }
    landlock(&files, &network, scopes)?;
    if abilities.seccomp {
        seccomp::apply(Filtered {
            connections: connect.is_some(),
            datagrams: connect.is_some_and(forbids_datagrams),
            listening: listen.is_some_and(forbids_listening),
            attributes: confinement.write.as_ref().is_some_and(|write| write.allow.as_deref() == Some(&[])),
            links: files.forbids_links,
            programs: confinement.exec.as_ref().is_some_and(|runs| runs.allow.is_some()),
        })?;
    }
    Ok(())
}

/// Nothing is asked of the kernel that it was not found to have, so whatever it refuses is an error.
fn landlock(files: &Files, network: &Network, scopes: BitFlags<Scope>) -> Result<(), ConfineError> {
    // Empty only where there is no Landlock.
    if files.handled.is_empty() {
        return Ok(());
    }
    let failed = ConfineError::kernel::<RulesetError>;
    let mut ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    ruleset = ruleset.handle_access(files.handled).map_err(failed("limit files"))?;
    if !network.handled.is_empty() {
        ruleset = ruleset.handle_access(network.handled).map_err(failed("limit ports"))?;
    }
    if !scopes.is_empty() {
        ruleset = ruleset.scope(scopes).map_err(failed("limit sockets and signals"))?;
    }
    let mut created = ruleset.create().map_err(failed("begin a set of rules"))?;
    for (path, access) in &files.grants.rules {
        // What may be opened by nobody cannot be granted, and need not be.
        let Ok(place) = PathFd::new(path) else { continue };
        let access = rights_of(path, *access) & files.handled;
        if !access.is_empty() {
            created = created.add_rule(PathBeneath::new(place, access)).map_err(failed("allow a path"))?;
        }
    }
    for (port, access) in &network.ports {
        created = created.add_rule(NetPort::new(*port, *access)).map_err(failed("allow a port"))?;
    }
    created.restrict_self().map_err(failed("apply the rules"))?;
    Ok(())
}
