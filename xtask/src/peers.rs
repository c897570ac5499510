//! Installs what mcpgw is tested against: real MCP servers and clients, their runtimes, and look-alikes.
//!
//! Everything is pinned in `tests/peers/`, installed below `target/peers` (Debian's programs excepted), and no
//! package's install script is run. Each part keeps a stamp, the text of the files it was made from, written
//! last: a part that was interrupted has none and is made anew.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use xshell::cmd;

use crate::setup::Step;
use crate::shell;
use crate::workspace::Workspace;

/// Runtimes that come as bare programs: the name the tests use, and the file below `node_modules`.
const RUNTIMES: [(&str, &str); 2] =
    [("bun", "@oven/bun-linux-x64/bin/bun"), ("deno", "@deno/linux-x64-glibc/deno")];
/// Virtual environments below `target/peers`; the requirements are `tests/peers/requirements-NAME.txt`.
const VENVS: [&str; 2] = ["py1", "py2"];

/// Installs what is missing or was made from other versions.
///
/// # Errors
/// When a package manager fails, or Debian packages are missing and may not be installed.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let _only_one_at_a_time = shell::lock(&workspace.peers().join("lock"))?;
    debian(workspace)?;
    npm(workspace)?;
    for name in VENVS {
        venv(workspace, name)?;
    }
    println!("peers: ready: {}", workspace.peers().display());
    Ok(())
}

fn debian(workspace: &Workspace) -> Result<()> {
    let list = read(&workspace.path("tests/peers/debian.txt"))?;
    let missing: Vec<_> = wanted(&list).into_iter().filter(|(wanted, _)| !is_there(wanted)).collect();
    let mut packages: Vec<String> = missing.into_iter().map(|(_, package)| package.to_owned()).collect();
    if !python_makes_environments(workspace)? {
        packages.push("python3-venv".to_owned());
    }
    packages.sort();
    packages.dedup();
    if packages.is_empty() {
        return Ok(());
    }
    let step = Step::Apt { packages: packages.clone() };
    if !shell::is_root() || shell::find_program("apt-get").is_none() {
        bail!(
            "the tests need programs that only root can install; on Debian:\n    {}",
            step.command(workspace)
        );
    }
    println!("peers: {}\n    {}", step.reason(), step.command(workspace));
    step.run(workspace)?;
    stop_services(workspace, &packages)
}

/// Debian starts a server when it installs one. The tests start their own, so these are stopped again.
fn stop_services(workspace: &Workspace, installed: &[String]) -> Result<()> {
    if !Path::new("/run/systemd/system").exists() {
        return Ok(());
    }
    let sh = shell::shell(workspace)?;
    for service in installed.iter().filter(|package| package.starts_with("prometheus")) {
        println!("peers: the tests start their own {service}:\n    systemctl disable --now {service}");
        cmd!(sh, "systemctl disable --now {service}").quiet().ignore_status().run()?;
    }
    Ok(())
}

fn npm(workspace: &Workspace) -> Result<()> {
    let place = workspace.peers();
    let from = ["package.json", "package-lock.json"];
    let stamp = Stamp::new(workspace, "npm", &from)?;
    if !stamp.is_current() {
        stamp.remove()?;
        fs::create_dir_all(&place)?;
        for file in from {
            fs::copy(workspace.path("tests/peers").join(file), place.join(file))?;
        }
        println!("peers: installing npm packages:\n    npm ci --ignore-scripts  (in {})", place.display());
        let sh = shell::shell(workspace)?;
        sh.change_dir(&place);
        cmd!(sh, "npm ci --ignore-scripts --no-audit --no-fund --loglevel=error")
            .env("NPM_CONFIG_UPDATE_NOTIFIER", "false")
            .quiet()
            .run()?;
        stamp.write()?;
    }
    RUNTIMES.iter().try_for_each(|(name, program)| link_runtime(&place.join("node_modules"), name, program))
}

fn link_runtime(modules: &Path, name: &str, program: &str) -> Result<()> {
    let link = modules.join(".bin").join(name);
    let target = Path::new("..").join(program);
    if fs::read_link(&link).is_ok_and(|now| now == target) {
        return Ok(());
    }
    // Absent is the usual case, and anything else there is replaced.
    if link.symlink_metadata().is_ok() {
        fs::remove_file(&link)?;
    }
    symlink(&target, &link).with_context(|| format!("cannot link `{}`", link.display()))?;
    if !shell::is_executable(&link) {
        bail!("`{}` is not a program", link.display());
    }
    Ok(())
}

fn venv(workspace: &Workspace, name: &str) -> Result<()> {
    let requirements = format!("requirements-{name}.txt");
    let stamp = Stamp::new(workspace, name, &[&requirements])?;
    if stamp.is_current() {
        return Ok(());
    }
    stamp.remove()?;
    let place = workspace.peers().join(name);
    let requirements = workspace.path("tests/peers").join(requirements);
    println!("peers: installing Python packages:\n    pip install -r {}", requirements.display());
    let sh = shell::shell(workspace)?;
    sh.remove_path(&place)?;
    cmd!(sh, "python3 -m venv {place}").quiet().run()?;
    let pip = place.join("bin/pip");
    cmd!(
        sh,
        "{pip} install --quiet --no-input --disable-pip-version-check --no-deps --requirement {requirements}"
    )
    .quiet()
    .run()?;
    cmd!(sh, "{pip} check")
        .quiet()
        .ignore_stdout()
        .run()
        .context("the pinned versions do not fit together")?;
    stamp.write()
}

fn python_makes_environments(workspace: &Workspace) -> Result<bool> {
    let sh = shell::shell(workspace)?;
    let probe = "import ensurepip, venv";
    Ok(cmd!(sh, "python3 -c {probe}").quiet().ignore_stderr().run().is_ok())
}

/// The `program package` lines of a list with comments.
fn wanted(list: &str) -> Vec<(&str, &str)> {
    list.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(char::is_whitespace))
        .map(|(program, package)| (program, package.trim()))
        .collect()
}

/// A file by its whole path, or a program by its name.
fn is_there(wanted: &str) -> bool {
    if wanted.starts_with('/') { Path::new(wanted).exists() } else { shell::find_program(wanted).is_some() }
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))
}

/// Says what a part was made from.
#[derive(Debug)]
struct Stamp {
    file: PathBuf,
    text: String,
}

impl Stamp {
    fn new(workspace: &Workspace, part: &str, from: &[&str]) -> Result<Self> {
        let texts = from.iter().map(|file| read(&workspace.path("tests/peers").join(file)));
        Ok(Self {
            file: workspace.peers().join(format!("{part}.stamp")),
            text: texts.collect::<Result<_>>()?,
        })
    }

    fn is_current(&self) -> bool {
        fs::read_to_string(&self.file).is_ok_and(|text| text == self.text)
    }

    fn remove(&self) -> Result<()> {
        if self.file.exists() {
            fs::remove_file(&self.file)?;
        }
        Ok(())
    }

    fn write(&self) -> Result<()> {
        fs::write(&self.file, &self.text).with_context(|| format!("cannot write `{}`", self.file.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::wanted;

    #[test]
    fn the_list_names_a_program_and_its_package() {
        let list = "# comment\n\nnode   nodejs\npromtool prometheus\n";
        assert_eq!(wanted(list), [("node", "nodejs"), ("promtool", "prometheus")]);
    }
}
