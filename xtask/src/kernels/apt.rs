//! Kernels out of Debian's archive, through apt, from wherever apt on this machine gets Debian packages from.
//!
//! Nothing is installed: a configuration of our own below `target/kernels` names the suites, so that the machine's lists
//! stay as they are. A package is unpacked for its kernel and thrown away.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use xshell::{Shell, cmd};

use crate::shell;
use crate::workspace::Workspace;

/// A kernel of Debian's.
#[derive(Debug)]
pub(crate) struct Kernel {
    /// The beginning of its version, and a column of `tests/kernel/hooks.txt`.
    pub(crate) series: &'static str,
    /// Where in the archive.
    suite: &'static str,
    /// What the repository calls itself.
    label: &'static str,
}

/// Every kernel of the matrix, the oldest supported one first.
pub(crate) const KERNELS: [Kernel; 4] = [
    Kernel { series: "5.10", suite: "bullseye-security", label: SECURITY },
    Kernel { series: "6.1", suite: "bookworm-security", label: SECURITY },
    Kernel { series: "6.12", suite: "bookworm-security", label: SECURITY },
    Kernel { series: "7", suite: "sid", label: MAIN },
];

const MAIN: &str = "Debian";
const SECURITY: &str = "Debian-Security";
/// The kernels for virtual machines: small, with all they need to boot built in.
const FLAVOUR: &str = "-cloud-amd64";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Debian's archive.
#[derive(Debug)]
pub(crate) struct Archive<'a> {
    workspace: &'a Workspace,
    lists: OnceCell<Result<(), String>>,
}

impl<'a> Archive<'a> {
    pub(crate) fn new(workspace: &'a Workspace) -> Self {
        Self { workspace, lists: OnceCell::new() }
    }

    /// The kernel's file, fetched first if it is not there.
    ///
    /// # Errors
    /// When apt has no Debian archive here, cannot be reached, or has no such kernel.
    pub(crate) fn fetch(&self, kernel: &Kernel) -> Result<PathBuf> {
        let place = self.workspace.kernels().join(kernel.series);
        let file = place.join("vmlinuz");
        if file.is_file() {
            return Ok(file);
        }
        self.lists
            .get_or_init(|| self.update().map_err(|error| format!("{error:#}")))
            .clone()
            .map_err(|why| anyhow!(why))?;
        let package = self.package(kernel)?;
        println!("kernels: fetching {package}, a kernel to test with:\n    apt-get download {package}");
        let sh = shell::shell(self.workspace)?;
        let unpacked = place.join("package");
        sh.remove_path(&place)?;
        sh.create_dir(&unpacked)?;
        sh.change_dir(&place);
        let options = self.options();
        cmd!(sh, "apt-get {options...} download {package}").quiet().ignore_stdout().run()?;
        let deb = only(&sh, &place, ".deb")?;
        cmd!(sh, "dpkg-deb --extract {deb} {unpacked}").quiet().run()?;
        let found = find(&unpacked).with_context(|| format!("{package} holds no kernel"))?;
        // Last, so that what was interrupted is fetched anew.
        fs::rename(&found, &file).with_context(|| format!("cannot move `{}`", found.display()))?;
        sh.remove_path(&unpacked)?;
        sh.remove_path(&deb)?;
        Ok(file)
    }

    /// Fetches the lists of every suite.
    fn update(&self) -> Result<()> {
        if shell::find_program("apt-get").is_none() || shell::find_program("dpkg-deb").is_none() {
            bail!("the kernels are Debian's, and there is no apt here");
        }
        let sh = shell::shell(self.workspace)?;
        let format = "$(LABEL) $(REPO_URI)";
        let known = cmd!(sh, "apt-get indextargets --format {format}").quiet().read()?;
        let mut sources = String::new();
        let mut suites = BTreeSet::new();
        for kernel in KERNELS.iter().filter(|kernel| suites.insert(kernel.suite)) {
            let uri = repository(&known, kernel.label)
                .with_context(|| format!("apt here has no repository with the label `{}`", kernel.label))?;
            sources.push_str(&source(uri, kernel.suite, Path::new(KEYRING).exists()));
        }
        let place = self.apt();
        for directory in ["lists/partial", "cache/archives/partial"] {
            sh.create_dir(place.join(directory))?;
        }
        sh.write_file(place.join("kernels.sources"), sources)?;
        println!(
            "kernels: fetching Debian's lists of packages into {}:\n    apt-get update",
            place.display()
        );
        let options = self.options();
        cmd!(sh, "apt-get {options...} update --quiet").quiet().ignore_stdout().run()?;
        Ok(())
    }

    /// The newest package of the series.
    fn package(&self, kernel: &Kernel) -> Result<String> {
        let sh = shell::shell(self.workspace)?;
        let options = &self.options();
        let series = kernel.series;
        // Newer releases have the kernel in a package of another name, and under the old one what goes with it.
        for kind in ["linux-binary", "linux-image"] {
            let prefix = format!("{kind}-{series}.");
            let names = cmd!(sh, "apt-cache {options...} pkgnames {prefix}").quiet().read()?;
            if let Some(name) = newest(&names) {
                return Ok(name.to_owned());
            }
        }
        bail!("Debian's {} has no kernel {series} now", kernel.suite)
    }

    fn apt(&self) -> PathBuf {
        self.workspace.kernels().join("apt")
    }

    /// Points apt away from the machine's lists. Its proxies and certificates stay.
    fn options(&self) -> Vec<String> {
        let place = self.apt();
        let at = |name: &str| place.join(name).display().to_string();
        let set = [
            format!("Dir::Etc::sourcelist={}", at("kernels.sources")),
            "Dir::Etc::sourceparts=/dev/null".to_owned(),
            format!("Dir::State::lists={}", at("lists")),
            format!("Dir::Cache={}", at("cache")),
            "Acquire::Languages=none".to_owned(),
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false".to_owned(),
            "APT::Sandbox::User=root".to_owned(),
        ];
        set.into_iter().flat_map(|option| ["-o".to_owned(), option]).collect()
    }
}

/// Where apt has a repository from, by its label.
fn repository<'a>(targets: &'a str, label: &str) -> Option<&'a str> {
    targets
        .lines()
        .filter_map(|line| line.split_once(' '))
        .find(|(known, _)| *known == label)
        .map(|(_, uri)| uri)
}

fn source(uri: &str, suite: &str, has_keyring: bool) -> String {
    let signed = if has_keyring { format!("Signed-By: {KEYRING}\n") } else { String::new() };
    format!("Types: deb\nURIs: {uri}\nSuites: {suite}\nComponents: main\nArchitectures: amd64\n{signed}\n")
}

/// The newest of these packages that is a kernel for virtual machines.
fn newest(names: &str) -> Option<&str> {
    names.lines().filter(|name| name.ends_with(FLAVOUR)).max_by_key(|name| numbers(name))
}

/// The numbers in a name, in order.
fn numbers(name: &str) -> Vec<u64> {
    name.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

fn only(sh: &Shell, place: &Path, ending: &str) -> Result<PathBuf> {
    let files = sh.read_dir(place)?;
    let found = files.into_iter().find(|file| file.to_string_lossy().ends_with(ending));
    found.with_context(|| format!("no `{ending}` in `{}`", place.display()))
}

/// The kernel in an unpacked package.
fn find(unpacked: &Path) -> Option<PathBuf> {
    let entries =
        |place: PathBuf| fs::read_dir(place).into_iter().flatten().flatten().map(|entry| entry.path());
    let modules = entries(unpacked.join("usr/lib/modules")).map(|release| release.join("vmlinuz"));
    let boot = entries(unpacked.join("boot"))
        .filter(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz")));
    boot.chain(modules).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::{newest, repository, source};

    #[test]
    fn the_newest_is_so_by_number() {
        let names = "linux-image-6.1.0-9-cloud-amd64\nlinux-image-6.1.0-56-cloud-amd64\n\
                     linux-image-6.1.0-56-cloud-amd64-dbg\nlinux-image-6.1.0-0.deb11.52-cloud-amd64\n\
                     linux-image-6.1.0-57-amd64\n";
        assert_eq!(newest(names), Some("linux-image-6.1.0-56-cloud-amd64"));
        assert_eq!(newest(""), None);
    }

    #[test]
    fn the_archive_is_the_machines() {
        let targets = "Cloud http://example.org/x/\nDebian http://example.org/debian/\n\
                       Debian-Security http://example.org/security/\n";
        assert_eq!(repository(targets, "Debian"), Some("http://example.org/debian/"));
        assert_eq!(repository(targets, "Debian-Security"), Some("http://example.org/security/"));
        assert_eq!(repository("", "Debian"), None);
        assert!(source("http://example.org/", "sid", false).contains("Suites: sid\n"));
    }
}
