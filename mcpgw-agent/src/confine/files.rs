//! Files and programs, by Landlock.

use std::fs;
use std::path::{Path, PathBuf};

use landlock::{AccessFs, BitFlags, make_bitflags};
use sha2::{Digest, Sha256};

use super::ConfineError;
use super::ability::{Abilities, CUTS, FILES, MOVES};
use super::grants::{Denied, Grants};
use super::kept::Kept;
use super::program::with_interpreters;
use crate::effects::{NOWHERE, everybody_reads};
use crate::hex;
use crate::kernel::cgroup_root;
use crate::policy::effects::{Base, Confinement, PathGlob, Paths, Programs};

/// Where the kernel's cgroups are: who may write there can leave its own.
const CGROUPS: &str = "/sys/fs/cgroup";
/// Where programs are. Whoever may not run them may not read them either: the dynamic loader would run what it can read.
const PROGRAMS: [&str; 6] = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/bin", "/sbin"];

/// What is handled, and what of it is allowed where.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) handled: BitFlags<AccessFs>,
    pub(super) grants: Grants,
    /// No file may be given another name.
    pub(super) forbids_links: bool,
}

/// What one kind of act asks of Landlock: where some are allowed, and where some are denied.
struct Rights {
    allowed: BitFlags<AccessFs>,
    denied: BitFlags<AccessFs>,
}

const READ: Rights = Rights {
    allowed: make_bitflags!(AccessFs::{ReadFile | ReadDir}),
    denied: make_bitflags!(AccessFs::{ReadFile}),
};
const WRITE: BitFlags<AccessFs> = make_bitflags!(AccessFs::{
    WriteFile | Truncate | MakeChar | MakeDir | MakeReg | MakeSock | MakeFifo | MakeBlock | MakeSym
});
const RUN: BitFlags<AccessFs> = make_bitflags!(AccessFs::{Execute});
/// What can be granted to a file; the rest is of directories.
pub(super) const OF_FILES: BitFlags<AccessFs> =
    make_bitflags!(AccessFs::{Execute | WriteFile | ReadFile | Truncate | IoctlDev});

impl Files {
    /// Of `confinement`, for a server that is `program`, with what of `abilities` there is.
    ///
    /// # Errors
    /// [`ConfineError`]
    pub(super) fn new(
        confinement: &Confinement,
        abilities: &Abilities,
        program: &Path,
        script: Option<&Path>,
        addresses_are_limited: bool,
    ) -> Result<Self, ConfineError> {
        let mut files = Self::default();
        if abilities.landlock < FILES {
            return Ok(files);
        }
        let cuts = if abilities.landlock < CUTS { AccessFs::Truncate.into() } else { BitFlags::empty() };
        let write = WRITE & !cuts;
        let nobody = Paths { allow: None, deny: Vec::new() };
        let own = with_interpreters(program);
        // An interpreter's script is as much the server as the interpreter is.
        let script =
            script.filter(|script| script.is_file()).and_then(|script| fs::canonicalize(script).ok());
        let runs = confinement.exec.as_ref();
        // Who can read a program can run a copy of it.
        let (mut read_denied, mut write_denied) = (denied_programs(runs, confinement), Vec::new());
        if runs.is_some_and(|runs| runs.allow.is_some()) {
            read_denied.extend(PROGRAMS.map(PathBuf::from));
        }
        if addresses_are_limited {
            write_denied.push(PathBuf::from(CGROUPS));
            // Usually in there.
            write_denied.extend(cgroup_root().ok());
        }
        let read = confinement.read.as_ref();
        if read.is_some() || !read_denied.is_empty() {
            files.limit(confinement, read.unwrap_or(&nobody), &READ, read_denied)?;
            let parts: Vec<PathBuf> = own.iter().chain(&script).cloned().collect();
            for path in parts.iter().chain(&packages(&parts, program)) {
                files.grants.exactly(path.clone(), rights_of(path, READ.allowed & files.handled));
            }
        }
        let writes = confinement.write.as_ref();
        if writes.is_some() || !write_denied.is_empty() {
            let rights = Rights { allowed: write, denied: write };
            files.limit(confinement, writes.unwrap_or(&nobody), &rights, write_denied)?;
        }
        files.removals(confinement, &nobody)?;
        if let Some(runs) = runs {
            files.programs(confinement, runs, &own)?;
        }
        if files.handled.is_empty() {
            // A domain all the same: the memory of processes outside is out of reach from within.
            files.handled |= AccessFs::MakeBlock;
            files.grants.exactly(PathBuf::from("/"), AccessFs::MakeBlock.into());
        }
        if abilities.landlock >= MOVES {
            // Whether a file may be moved is decided by what it could be used for on either side.
            files.handled |= AccessFs::Refer;
            files.grants.exactly(PathBuf::from("/"), AccessFs::Refer.into());
        }
        Ok(files)
    }

    /// What may be removed, and so what may be moved away. What may not be read stays where it is, with the directories on the
    /// way to it: under another name the next session would read it. So does what alone may be read, whose name another file
    /// could take.
    fn removals(&mut self, around: &Confinement, nobody: &Paths) -> Result<(), ConfineError> {
        let read = around.read.iter();
        let named = read.flat_map(|read| {
            let denied = read.deny.iter().filter(|glob| is_a_tree(glob));
            denied.chain(read.allow.iter().flatten().filter(|glob| !is_everything(glob)))
        });
        let mut kept = Kept::default();
        for glob in named {
            let is_directory = !glob.literal().1.is_empty();
            places(glob, around).iter().for_each(|path| kept.add(path, is_directory));
        }
        self.forbids_links = !kept.files.is_empty();
        for (right, kept) in [(AccessFs::RemoveFile, kept.files), (AccessFs::RemoveDir, kept.directories)] {
            if around.delete.is_some() || !kept.is_empty() {
                let rights = Rights { allowed: right.into(), denied: right.into() };
                self.limit_beside(around, around.delete.as_ref().unwrap_or(nobody), &rights, kept)?;
            }
        }
        Ok(())
    }

    fn limit(
        &mut self,
        around: &Confinement,
        limit: &Paths,
        rights: &Rights,
        more_denied: Vec<PathBuf>,
    ) -> Result<(), ConfineError> {
        let mut denied = Denied::default();
        more_denied.iter().for_each(|path| denied.add(path));
        self.limit_beside(around, limit, rights, denied)
    }

    /// The same where `denied` is denied as well.
    fn limit_beside(
        &mut self,
        around: &Confinement,
        limit: &Paths,
        rights: &Rights,
        mut denied: Denied,
    ) -> Result<(), ConfineError> {
        let of_policy =
            limit.deny.iter().filter(|glob| is_a_tree(glob)).flat_map(|glob| places(glob, around));
        of_policy.for_each(|path| denied.add(&path));
        let Some(allow) = limit.allow.as_ref().filter(|allow| !allow.iter().any(is_everything)) else {
            if !denied.is_empty() {
                self.handled |= rights.denied;
                self.grants.tree(Path::new("/"), rights.denied, &denied)?;
            }
            return Ok(());
        };
        self.handled |= rights.allowed;
        for path in allow.iter().flat_map(|glob| places(glob, around)) {
            self.grants.tree(&path, rights.allowed, &denied)?;
        }
        let is_read = rights.allowed.contains(AccessFs::ReadFile);
        let is_written = rights.allowed.contains(AccessFs::WriteFile);
        let nowhere = NOWHERE.iter().copied().filter(|_| is_read || is_written);
        let quiet = everybody_reads().filter(|_| is_read).chain(nowhere);
        for prefix in quiet {
            for path in with_prefix(prefix) {
                self.grants.tree(&path, rights.allowed & (READ.allowed | AccessFs::WriteFile), &denied)?;
            }
        }
        Ok(())
    }

    fn programs(
        &mut self,
        around: &Confinement,
        runs: &Programs,
        own: &[PathBuf],
    ) -> Result<(), ConfineError> {
        let mut denied = Denied::default();
        for program in runs.deny.iter().filter(|program| is_a_tree(&program.path)) {
            places(&program.path, around).iter().for_each(|path| denied.add(path));
        }
        let Some(allow) =
            runs.allow.as_ref().filter(|allow| !allow.iter().any(|one| is_everything(&one.path)))
        else {
            if !denied.is_empty() {
                self.handled |= RUN;
                self.grants.tree(Path::new("/"), RUN, &denied)?;
            }
            return Ok(());
        };
        self.handled |= RUN;
        let run = RUN | (READ.denied & self.handled);
        for path in own {
            self.grants.exactly(path.clone(), rights_of(path, run));
        }
        for program in allow {
            for path in places(&program.path, around) {
                if let Some(wanted) = &program.sha256 {
                    check_hash(&path, wanted)?;
                }
                self.grants.tree(&path, run, &denied)?;
                if path.is_file() {
                    for interpreter in with_interpreters(&path) {
                        self.grants.tree(&interpreter, run, &denied)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Programs that are denied by their path.
fn denied_programs(runs: Option<&Programs>, around: &Confinement) -> Vec<PathBuf> {
    let denied = runs.into_iter().flat_map(|runs| runs.deny.iter()).map(|program| &program.path);
    denied.filter(|path| is_a_tree(path)).flat_map(|path| places(path, around)).collect()
}

/// What Landlock cannot say of `confinement`, or this one of these `abilities` cannot.
pub(super) fn unprevented(confinement: &Confinement, abilities: &Abilities, left: &mut Vec<String>) {
    let Confinement { read, write, delete, exec, .. } = confinement;
    let programs = exec.as_ref().map(|exec| {
        let paths =
            |list: &[crate::policy::effects::Program]| list.iter().map(|one| one.path.clone()).collect();
        Paths { allow: exec.allow.as_deref().map(paths), deny: paths(&exec.deny) }
    });
    let kinds = [("read", read), ("write", write), ("delete", delete), ("exec", &programs)];
    let kinds = kinds.into_iter().filter_map(|(key, limit)| Some((key, limit.as_ref()?)));
    for (key, limit) in kinds {
        if abilities.landlock < FILES {
            left.push(format!("`{key}` is detected only: this kernel has no Landlock"));
            continue;
        }
        for glob in limit.deny.iter().filter(|glob| !is_a_tree(glob)) {
            left.push(format!(
                "`{key}` of `{}` is detected only: what is prevented is a path, or all below a directory (`DIRECTORY/**`)",
                glob.as_str()
            ));
        }
        for glob in limit.allow.iter().flatten().filter(|glob| !is_a_tree(glob)) {
            left.push(format!(
                "`{key}`: all below the directory before the first wildcard of `{}` is let through, the rest detected",
                glob.as_str()
            ));
        }
    }
    if abilities.landlock < FILES {
        left.push(
            "the memory of the user's other processes, the gateway's among them, is within reach: this kernel has no Landlock"
                .to_owned(),
        );
    }
    if abilities.landlock >= FILES && abilities.landlock < MOVES {
        left.push(
            "files cannot be moved between directories: this kernel's Landlock cannot tell which may"
                .to_owned(),
        );
    }
    if abilities.landlock >= FILES && abilities.landlock < CUTS && write.is_some() {
        left.push(
            "cutting files that may not be written is detected only: this kernel's Landlock cannot tell"
                .to_owned(),
        );
    }
}

/// A path without wildcards, or a directory and all below.
fn is_a_tree(glob: &PathGlob) -> bool {
    let (literal, wild) = glob.literal();
    let is_root = glob.base == Base::Root && literal.len() <= 1;
    wild.is_empty() || literal.ends_with('/') && wild.bytes().all(|byte| byte == b'*') && !is_root
}

/// Every file there is.
fn is_everything(glob: &PathGlob) -> bool {
    let (literal, _) = glob.literal();
    glob.base == Base::Root && !literal.get(1..).is_some_and(|rest| rest.contains('/')) && !is_a_tree(glob)
}

/// What stands before its first wildcard, in each place it can be: the whole path, or a directory.
fn places(glob: &PathGlob, around: &Confinement) -> Vec<PathBuf> {
    let (literal, wild) = glob.literal();
    let literal = if wild.is_empty() {
        literal
    } else {
        literal.rsplit_once('/').map_or("", |(directory, _)| directory)
    };
    let below = |base: &String| PathBuf::from(format!("{base}{literal}"));
    match glob.base {
        Base::Root => vec![PathBuf::from(if literal.is_empty() { "/" } else { literal })],
        Base::Home => around.homes.iter().map(below).collect(),
        Base::Directory => around.directory.iter().map(below).collect(),
    }
}

/// What is there and begins with `prefix`; a directory where that ends in a slash.
fn with_prefix(prefix: &str) -> Vec<PathBuf> {
    let path = Path::new(prefix);
    if prefix.ends_with('/') || path.exists() {
        return vec![path.to_owned()];
    }
    let (Some(directory), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str()))
    else {
        return Vec::new();
    };
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(name))
        .map(|entry| entry.path())
        .collect()
}

/// Where the modules of these programs are: beside `bin`, or in `node_modules`.
fn packages(own: &[PathBuf], program: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    // A virtual environment's interpreter is a link out of it.
    for path in own.iter().map(PathBuf::as_path).chain([program]) {
        let modules =
            path.ancestors().filter(|part| part.file_name().is_some_and(|name| name == "node_modules"));
        all.extend(modules.last().map(Path::to_owned));
        if let Some(bin) = path.parent().filter(|bin| bin.file_name().is_some_and(|name| name == "bin"))
            && let Some(prefix) = bin.parent()
        {
            let beside = ["lib", "lib64", "pyvenv.cfg"].map(|name| prefix.join(name));
            all.extend(beside.into_iter().filter(|path| path.exists()));
        }
    }
    all
}

/// What of `access` can be granted to what is at `path`.
pub(super) fn rights_of(path: &Path, access: BitFlags<AccessFs>) -> BitFlags<AccessFs> {
    if path.is_dir() { access } else { access & OF_FILES }
}

fn check_hash(path: &Path, wanted: &str) -> Result<(), ConfineError> {
    let Ok(mut file) = fs::File::open(path) else { return Ok(()) };
    let mut hash = Sha256::new();
    std::io::copy(&mut file, &mut Feed(&mut hash)).map_err(ConfineError::kernel("read a program"))?;
    let found = hex::encode(&hash.finalize());
    if found == wanted {
        return Ok(());
    }
    Err(ConfineError::Hash { path: path.to_string_lossy().into_owned(), found })
}

/// Takes what is written into a hash.
struct Feed<'a>(&'a mut Sha256);

impl std::io::Write for Feed<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
