//! Rules about files as places: what their text names in a server's own view of the file system, as it is now.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};

use crate::effects::{MODULES, NOWHERE, everybody_reads};
use crate::kernel::{Inode, Place, PlaceRules, Preventable};
use crate::policy::effects::{Base, Confinement, Kind, Lists, PathGlob};

/// Names that end a directory's listing of what begins with a prefix.
const LISTED: usize = 4096;
/// Terminals.
const TERMINALS: &str = "/dev/pts";

/// Where a process sees files.
#[derive(Debug)]
pub(super) struct Root {
    directory: OwnedFd,
    mounts: String,
}

/// What a glob means.
#[derive(Debug, PartialEq, Eq)]
enum Meant<'a> {
    /// What is at this path behind its base; with `true` all that is below as well.
    At(&'a str, bool),
    /// What has this name, anywhere.
    Named(&'a str, bool),
    /// Everything.
    All,
    /// What no place is; all of it is below this path.
    Other(&'a str),
}

impl Root {
    /// Of process `pid`.
    ///
    /// # Errors
    /// It is gone.
    pub(super) fn of(pid: u32) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = rustix::fs::open(format!("/proc/{pid}/root"), flags, Mode::empty())?;
        Ok(Self { directory, mounts: fs::read_to_string(format!("/proc/{pid}/mountinfo"))? })
    }

    /// What is at an absolute path, links followed as the process would follow them.
    fn find(&self, path: &str) -> Option<Inode> {
        let path = path.trim_start_matches('/');
        let path = if path.is_empty() { "." } else { path };
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let within = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let found = openat2(&self.directory, path, flags, Mode::empty(), within).ok()?;
        Inode::among(&File::from(found), &self.mounts).ok()
    }

    /// Everything is on a file system that opens files of others in a process' stead.
    fn is_layered(&self) -> bool {
        mounts(&self.mounts).any(|(at, kind)| at == "/" && kind == "overlay")
    }

    /// The places that are `path`, and with `below` those mounted in it.
    fn places(&self, path: &str, below: bool) -> Vec<Place> {
        let path = path.trim_end_matches('/');
        let mut all: Vec<Place> = self.find(path).map(Place::Inode).into_iter().collect();
        if let Some((directory, name)) = path.rsplit_once('/')
            && let Some(directory) = self.find(directory)
        {
            all.push(Place::In(directory, name.to_owned()));
        }
        if below {
            let inside = |at: &str| at.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
            let inside = mounts(&self.mounts).map(|(at, _)| at).filter(|at| inside(at));
            all.extend(inside.filter_map(|at| self.find(&at)).map(Place::Inode));
        }
        all
    }

    /// What begins with `prefix`, as [`places`](Self::places); a directory with all below where that ends in a slash.
    fn prefixed(&self, prefix: &str) -> Vec<Place> {
        if prefix.ends_with('/') || self.find(prefix).is_some() {
            return self.places(prefix, true);
        }
        let Some((directory, name)) = prefix.rsplit_once('/') else { return Vec::new() };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let within = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let opened =
            openat2(&self.directory, directory.trim_start_matches('/'), flags, Mode::empty(), within);
        let entries = opened.and_then(rustix::fs::Dir::read_from).into_iter().flatten().flatten();
        let names =
            entries.take(LISTED).filter_map(|entry| entry.file_name().to_str().ok().map(str::to_owned));
        names
            .filter(|entry| entry.starts_with(name))
            .flat_map(|entry| self.places(&format!("{directory}/{entry}"), true))
            .collect()
    }
}

/// Where file systems are mounted, and their kinds.
fn mounts(mountinfo: &str) -> impl Iterator<Item = (String, &str)> {
    mountinfo.lines().filter_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let at = before.split(' ').nth(4)?;
        // Spaces and the like are octal there.
        let at =
            at.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\");
        Some((at, after.split(' ').next()?))
    })
}

/// What a glob means; exact, but for [`Meant::Other`].
fn meant(glob: &PathGlob) -> Meant<'_> {
    let (literal, wild) = glob.literal();
    let stars = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte == b'*');
    if wild.is_empty() {
        return Meant::At(literal, false);
    }
    if glob.base == Base::Root && literal.len() <= 1 && stars(wild) {
        return Meant::All;
    }
    if literal.ends_with('/') && stars(wild) {
        return Meant::At(literal.trim_end_matches('/'), true);
    }
    if glob.base == Base::Root && literal.is_empty() {
        let after = wild.trim_start_matches('*').strip_prefix('/');
        let (name, below) = match after.and_then(|after| after.rsplit_once('/')) {
            Some((name, rest)) if stars(rest) => (Some(name), true),
            _ => (after, false),
        };
        let is_name = |name: &&str| !name.is_empty() && !name.contains(['*', '?', '/']);
        if let Some(name) = name.filter(is_name) {
            return Meant::Named(name, below);
        }
    }
    Meant::Other(literal.rsplit_once('/').map_or("", |(directory, _)| directory))
}

/// A path in each place its base can be.
fn paths(base: Base, path: &str, around: &Confinement) -> Vec<String> {
    let below = |base: &String| format!("{}{path}", base.trim_end_matches('/'));
    match base {
        Base::Root => vec![path.to_owned()],
        Base::Home => around.homes.iter().map(below).collect(),
        Base::Directory => around.directory.iter().map(below).collect(),
    }
}

/// What `confinement` says of files and programs to a server that runs `exe` and sees files at `root`, as far as it `works`.
pub(super) fn rules(confinement: &Confinement, root: &Root, exe: &str, works: &[Preventable]) -> PlaceRules {
    let mut rules = PlaceRules::default();
    let programs = confinement.exec.as_ref().map(paths_of);
    let Confinement { read, write, delete, .. } = confinement;
    let kinds = [
        (Kind::Read, read.as_ref()),
        (Kind::Write, write.as_ref()),
        (Kind::Delete, delete.as_ref()),
        (Kind::Exec, programs.as_ref()),
    ];
    for (kind, limit) in kinds {
        let Some(limit) = limit.filter(|_| Preventable::of(kind).is_some_and(|what| works.contains(&what)))
        else {
            continue;
        };
        limit_to(&mut rules, kind, limit, (confinement, root, exe));
    }
    rules
}

fn limit_to(
    rules: &mut PlaceRules,
    kind: Kind,
    limit: &Lists<PathGlob>,
    (around, root, exe): (&Confinement, &Root, &str),
) {
    for glob in &limit.deny {
        match meant(glob) {
            Meant::At(path, below) => {
                let places = paths(glob.base, path, around).into_iter();
                places.flat_map(|path| root.places(&path, below)).for_each(|place| {
                    rules.deny(kind, &place, below);
                });
            }
            Meant::Named(name, below) => {
                rules.deny(kind, &Place::Named(name.to_owned()), below);
            }
            Meant::All => {
                root.places("", true).iter().for_each(|place| {
                    rules.deny(kind, place, true);
                });
            }
            Meant::Other(_) => {}
        }
    }
    let is_everything = |glob: &PathGlob| meant(glob) == Meant::All;
    let allow = match &limit.allow {
        Some(allow) if allow.iter().any(is_everything) => None,
        Some(_) if is_content(kind) && root.is_layered() => None,
        allow => allow.as_ref(),
    };
    rules.limit(kind, allow.is_some());
    for glob in allow.into_iter().flatten() {
        match meant(glob) {
            Meant::At(path, below) => allow_at(rules, kind, &paths(glob.base, path, around), below, root),
            Meant::Named(name, below) => rules.allow(kind, &Place::Named(name.to_owned()), below),
            Meant::Other(path) => allow_at(rules, kind, &paths(glob.base, path, around), true, root),
            Meant::All => {}
        }
    }
    if allow.is_some() {
        quiet(rules, kind, root, exe);
    }
}

fn allow_at(rules: &mut PlaceRules, kind: Kind, paths: &[String], below: bool, root: &Root) {
    let places = paths.iter().flat_map(|path| root.places(path, below));
    places.for_each(|place| rules.allow(kind, &place, below));
}

/// What every program reads, and its own modules; and where whatever is written is nowhere.
fn quiet(rules: &mut PlaceRules, kind: Kind, root: &Root, exe: &str) {
    let is_read = kind == Kind::Read;
    if !is_content(kind) {
        return;
    }
    let reads = everybody_reads().filter(|_| is_read);
    for prefix in reads.chain(NOWHERE.iter().copied()).chain([TERMINALS]) {
        root.prefixed(prefix).iter().for_each(|place| rules.allow(kind, place, true));
    }
    if !is_read {
        return;
    }
    for name in MODULES {
        rules.allow(kind, &Place::Named(name.trim_matches('/').to_owned()), true);
    }
    let beside = exe.rsplit_once("/bin/").map(|(prefix, _)| prefix);
    let beside = beside
        .into_iter()
        .flat_map(|prefix| ["lib", "lib64", "pyvenv.cfg"].map(|name| format!("{prefix}/{name}")));
    allow_at(rules, kind, &beside.chain([exe.to_owned()]).collect::<Vec<_>>(), true, root);
}

fn is_content(kind: Kind) -> bool {
    matches!(kind, Kind::Read | Kind::Write)
}

fn paths_of(programs: &crate::policy::effects::Programs) -> Lists<PathGlob> {
    let paths = |list: &[crate::policy::effects::Program]| list.iter().map(|one| one.path.clone()).collect();
    Lists { allow: programs.allow.as_deref().map(paths), deny: paths(&programs.deny) }
}

/// What of `confinement` no places can express, a sentence each.
pub(super) fn unprevented(confinement: &Confinement, left: &mut Vec<String>) {
    let programs = confinement.exec.as_ref().map(paths_of);
    let Confinement { read, write, delete, .. } = confinement;
    let kinds = [("read", read.as_ref()), ("write", write.as_ref()), ("delete", delete.as_ref())];
    for (key, limit) in kinds.into_iter().chain([("exec", programs.as_ref())]) {
        let Some(limit) = limit else { continue };
        for glob in limit.deny.iter().filter(|glob| matches!(meant(glob), Meant::Other(_))) {
            left.push(format!(
                "servers that `wrap` does not start are not kept from `{key}` of `{}`: what can be is a path, all below a directory (`DIRECTORY/**`), or a name anywhere (`**/NAME`)",
                glob.as_str()
            ));
        }
    }
    let has_hash = |program: &crate::policy::effects::Program| program.sha256.is_some();
    if confinement.exec.iter().any(|exec| exec.deny.iter().chain(exec.allow.iter().flatten()).any(has_hash)) {
        left.push(
            "servers that `wrap` does not start are held to the paths of programs under `exec`, not to their hashes"
                .to_owned(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(written: &str) -> PathGlob {
        PathGlob::new(written).unwrap()
    }

    #[test]
    fn what_globs_mean() {
        for (written, expected) in [
            ("/etc/shadow", Meant::At("/etc/shadow", false)),
            ("~/.ssh/**", Meant::At("/.ssh", true)),
            ("./*", Meant::At("", true)),
            ("**", Meant::All),
            ("/**", Meant::All),
            ("**/.env", Meant::Named(".env", false)),
            ("*/.git/**", Meant::Named(".git", true)),
            ("**/a/b", Meant::Other("")),
            ("**/*.pem", Meant::Other("")),
            ("~/**/.env", Meant::Other("")),
            ("/home/*/.ssh/**", Meant::Other("/home")),
            ("/etc/pass*", Meant::Other("/etc")),
        ] {
            assert_eq!(meant(&glob(written)), expected, "{written}");
        }
    }

    #[test]
    fn places_are_those_a_process_sees() {
        let root = Root::of(std::process::id()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().canonicalize().unwrap();
        let path = path.to_str().unwrap();
        fs::create_dir(format!("{path}/real")).unwrap();
        std::os::unix::fs::symlink("real", format!("{path}/link")).unwrap();
        let of = |name: &str| Inode::at(std::path::Path::new(&format!("{path}/{name}"))).unwrap();
        let within = |name: &str| Place::In(of(""), name.to_owned());
        assert_eq!(root.places(&format!("{path}/real"), true), [Place::Inode(of("real")), within("real")]);
        // A link is a place, and so is where it leads.
        assert_eq!(root.places(&format!("{path}/link"), true), [Place::Inode(of("real")), within("link")]);
        assert_eq!(root.places(&format!("{path}/later"), true), [within("later")]);
        assert_eq!(root.places(&format!("{path}/later/file"), false), []);
        assert_eq!(root.prefixed(&format!("{path}/re")), root.places(&format!("{path}/real"), true));
        let all = root.places("/", true);
        assert!(all.len() > 1, "the root, and what is mounted below");
    }

    #[test]
    fn mounts_have_names_with_spaces() {
        let info = "22 27 0:21 / /a\\040b rw shared:1 - overlay overlay rw\nnonsense\n";
        assert_eq!(mounts(info).collect::<Vec<_>>(), [("/a b".to_owned(), "overlay")]);
    }
}
