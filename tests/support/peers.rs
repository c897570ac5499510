//! Where the real MCP servers, clients and look-alikes are (`cargo xtask peers` puts them there).

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::scenario::Skipped;

/// The installed peers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peers;

impl Peers {
    /// `MCPGW_PEERS`, or `target/peers` of the workspace.
    pub(crate) fn dir() -> PathBuf {
        std::env::var_os("MCPGW_PEERS").map_or_else(|| workspace().join("target/peers"), PathBuf::from)
    }

    /// A script of `tests/peers`.
    pub(crate) fn script(name: &str) -> OsString {
        workspace().join("tests/peers").join(name).into_os_string()
    }

    /// A JavaScript of `tests/peers`, copied beside the `node_modules` its imports are looked up in.
    pub(crate) fn module(name: &str) -> Result<OsString, Skipped> {
        static COPIED: OnceLock<()> = OnceLock::new();
        Self::installed("node_modules/@modelcontextprotocol/sdk")?;
        let to = Self::dir().join("drivers");
        COPIED.get_or_init(|| {
            fs::create_dir_all(&to).expect("the peers directory is ours");
            for name in ["ledger_server.mjs", "mcp_client.mjs", "mcp_server.mjs"] {
                // Renamed into place: another test process may be reading the old one.
                let fresh = to.join(format!("{name}.{}", std::process::id()));
                fs::copy(Self::script(name), &fresh).expect("the script is in the repository");
                fs::rename(&fresh, to.join(name)).expect("same directory");
            }
        });
        Ok(to.join(name).into_os_string())
    }

    /// Python of virtual environment `py1` (SDK 1.x) or `py2` (SDK 2.x and tools).
    pub(crate) fn python(environment: &str) -> Result<OsString, Skipped> {
        Self::installed(&format!("{environment}/bin/python"))
    }

    /// A program installed with `py2`.
    pub(crate) fn python_tool(name: &str) -> Result<OsString, Skipped> {
        Self::installed(&format!("py2/bin/{name}"))
    }

    /// A program npm installed.
    pub(crate) fn npm_tool(name: &str) -> Result<OsString, Skipped> {
        Self::installed(&format!("node_modules/.bin/{name}"))
    }

    /// `npx PROGRAM`, as a client's configuration would have it, kept from asking the network.
    pub(crate) fn npx(program: &str) -> Result<Vec<OsString>, Skipped> {
        Self::npm_tool(program)?;
        let npx = Self::on_path("npx")?;
        Ok([npx, "--prefix".into(), Self::dir().into_os_string(), "--no-install".into(), program.into()]
            .into())
    }

    /// The bun runtime, wherever its npm package left it.
    pub(crate) fn bun() -> Result<OsString, Skipped> {
        first_of(
            "bun",
            &[
                Self::dir().join("node_modules/@oven/bun-linux-x64/bin/bun"),
                Self::dir().join("node_modules/bun/bin/bun.exe"),
            ],
        )
    }

    /// The deno runtime, wherever its npm package left it.
    pub(crate) fn deno() -> Result<OsString, Skipped> {
        first_of(
            "deno",
            &[
                Self::dir().join("node_modules/@deno/linux-x64-glibc/deno"),
                Self::dir().join("node_modules/deno/deno"),
            ],
        )
    }

    /// A program of the host.
    pub(crate) fn on_path(name: &str) -> Result<OsString, Skipped> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let places: Vec<PathBuf> =
            std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]).collect();
        first_of(name, &places.iter().map(|dir| dir.join(name)).collect::<Vec<_>>())
    }

    fn installed(path: &str) -> Result<OsString, Skipped> {
        let full = Self::dir().join(path);
        first_of(path, &[full])
    }
}

/// The workspace's root.
pub(super) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is a member of the workspace")
}

/// A script standing in for a runtime not unpacked yet is smaller than this.
const SMALLEST_RUNTIME: u64 = 1 << 20;

fn first_of(name: &str, places: &[PathBuf]) -> Result<OsString, Skipped> {
    let usable = |path: &&PathBuf| {
        fs::metadata(path).is_ok_and(|found| !path.ends_with("bun.exe") || found.len() > SMALLEST_RUNTIME)
    };
    let found = places.iter().find(usable).map(|path| path.clone().into_os_string());
    found.ok_or_else(|| Skipped(format!("`{name}` is missing (`cargo xtask peers` installs the peers)")))
}
