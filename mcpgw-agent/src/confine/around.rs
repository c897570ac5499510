//! What `~`, `./` and names stand for where a server runs.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::net::IpAddr;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use nix::unistd::{Uid, User};

use crate::policy::effects::{Hosts, Surroundings};
use crate::proc::variable_of;

/// Of what process `pid` of user `uid` will start; of this process where that is `None`. Addresses of names are `hosts`'.
#[must_use]
pub fn surroundings(of: Option<(u32, u32)>, hosts: Hosts) -> Surroundings {
    let (uid, home, directory) = match of {
        None => (nix::unistd::geteuid(), env::var_os("HOME").map(PathBuf::from), env::current_dir().ok()),
        Some((pid, uid)) => {
            let home = variable_of(pid, "HOME").map(|home| PathBuf::from(OsString::from_vec(home)));
            (Uid::from_raw(uid), home, fs::read_link(format!("/proc/{pid}/cwd")).ok())
        }
    };
    // What the environment says is the client's word; what the user database says holds besides.
    let own = User::from_uid(uid).ok().flatten().map(|user| user.dir);
    let mut homes: Vec<Box<str>> = home.into_iter().chain(own).filter_map(|path| resolved(&path)).collect();
    homes.dedup();
    Surroundings { homes, directory: directory.as_deref().and_then(resolved), hosts }
}

/// The directory, links resolved, without a slash at its end; none where it is no directory.
fn resolved(path: &Path) -> Option<Box<str>> {
    let path = fs::canonicalize(path).ok().filter(|path| path.is_dir())?;
    path.to_str().map(|path| path.trim_end_matches('/').into())
}

/// Who answers this host's questions about names.
#[must_use]
pub fn resolvers() -> Vec<IpAddr> {
    let text = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let servers = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    // An address of the link has its interface behind a `%`.
    let plain = servers.filter_map(|rest| rest.trim().split('%').next()?.parse().ok());
    let mut all: Vec<IpAddr> = plain.collect();
    if all.is_empty() {
        // The C library's default.
        all.push(IpAddr::from([127, 0, 0, 1]));
    }
    all
}
