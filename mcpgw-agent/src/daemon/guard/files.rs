//! What the kernel refuses by itself, where it asks BPF: programs of which all is known by their file, and Unix sockets.
//!
//! A thread looks at the files again and again, and says anew for how long they are refused: when it hangs, that ends by
//! itself. There are never more programs than may be refused in a minute.

use std::collections::HashSet;
use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::fs::{Mode, OFlags};
use tokio_util::sync::CancellationToken;

use super::Warden;
use super::act::About;
use super::facts::Own;
use super::hold::spawn;
use crate::admin::metrics::Outcome;
use crate::daemon::readers::{Patience, Readers};
use crate::guard::untouchable::{is_spared_socket, spared};
use crate::guard::{Action, AtExec, Because, Guard};
use crate::kernel::{Denials, Inode, KernelError, Refusable, SparedName};
use crate::proc::{ProcReader, boot_now, file_of};

/// How long something is refused that nobody looks at any more.
const LEASE: Duration = Duration::from_secs(30);
/// How often programs are looked at, and the same is told again.
const RENEW: Duration = Duration::from_secs(10);
/// How often sockets are looked at: servers come with new ones.
const BEAT: Duration = Duration::from_secs(1);
/// How long a program's file may take to be opened and read: the file system may not answer.
const FOR_FILE: Patience = Patience { asleep: Duration::from_secs(2), at_most: Duration::from_secs(10) };
/// Programs that may wait to be looked at.
const QUEUE: usize = 64;

/// Something that is refused.
#[derive(Debug)]
struct Entry {
    what: Refusable,
    path: String,
    inode: Inode,
    rule: String,
    counted: u32,
    told: Option<Instant>,
}

/// The thread's own.
#[derive(Debug)]
struct Files {
    warden: Warden,
    denials: Option<Denials>,
    readers: Readers,
    refused: Receiver<String>,
    entries: Vec<Entry>,
    failed: HashSet<String>,
}

/// Starts the thread. Without `denials` it says of rules about sockets that they do nothing.
///
/// # Errors
/// The system has no thread left.
pub(crate) fn start(
    warden: Warden,
    denials: Option<Denials>,
    ending: CancellationToken,
) -> std::io::Result<()> {
    let (tell, refused) = sync_channel(QUEUE);
    let denials = denials.and_then(|denials| {
        spare(denials, &warden)
            .inspect_err(|error| tracing::error!(%error, "nothing is refused by its file"))
            .ok()
    });
    if denials.as_ref().is_some_and(|denials| denials.can(Refusable::Program)) {
        warden.0.refused.set(tell).ok();
    }
    let readers = Readers::default();
    let mut files = Files { warden, denials, readers, refused, entries: Vec::new(), failed: HashSet::new() };
    spawn("guard files", move || files.run(&ending)).map(drop)
}

/// Whoever may never be touched is told to the kernel before anything is refused.
fn spare(mut denials: Denials, warden: &Warden) -> Result<Denials, KernelError> {
    let own = std::env::current_exe().ok();
    let own = own.as_ref().and_then(|path| path.file_name()?.to_str());
    let own = own.map(|name| SparedName { name, with_children: true });
    denials
        .spare_names(spared().map(|(name, with_children)| SparedName { name, with_children }).chain(own))?;
    denials.spare_processes(warden.own().processes())?;
    Ok(denials)
}

impl Warden {
    /// The program at `path` was refused: the kernel may be able to do that by itself.
    pub(super) fn was_refused(&self, path: &str) {
        if let Some(refused) = self.0.refused.get()
            && refused.try_send(path.to_owned()).is_ok()
        {
            self.nudge();
        }
    }
}

impl Files {
    fn run(&mut self, ending: &CancellationToken) {
        let mut renewed: Option<(u64, Instant)> = None;
        while !ending.is_cancelled() {
            let generation = self.warden.generation();
            let guard = self.warden.guard();
            if renewed.is_none_or(|(known, at)| known != generation || at.elapsed() >= RENEW) {
                renewed = Some((generation, Instant::now()));
                self.renew(&guard);
            }
            let refused: Vec<String> = self.refused.try_iter().take(QUEUE).collect();
            refused.iter().for_each(|path| self.look_at(&guard, path));
            self.look_at_sockets(&guard);
            self.count();
            self.warden.wait(if self.denials.is_some() { BEAT } else { RENEW });
        }
        self.keep(|_| false);
    }

    /// Looks at all programs again, and at those that rules name.
    fn renew(&mut self, guard: &Arc<Guard>) {
        if !guard.acts() {
            return self.keep(|_| false);
        }
        let is_program = |entry: &&Entry| entry.what == Refusable::Program;
        let known = self.entries.iter().filter(is_program).map(|entry| entry.path.clone());
        let named = guard.named_programs().map(str::to_owned);
        let paths: Vec<String> = known.chain(named).collect();
        paths.iter().for_each(|path| self.look_at(guard, path));
    }

    /// Has the kernel refuse a program, for as long as all that is needed for that is its file.
    fn look_at(&mut self, guard: &Arc<Guard>, path: &str) {
        let can = self.denials.as_ref().is_some_and(|denials| denials.can(Refusable::Program));
        let found = if can { self.known_in_time(guard, path) } else { None };
        let inode = found.as_ref().map(|(inode, _)| *inode);
        self.keep(|entry| {
            entry.what != Refusable::Program || entry.path != path || Some(entry.inode) == inode
        });
        let most = self.warden.limit().most();
        let programs = self.entries.iter().filter(|entry| entry.what == Refusable::Program).count();
        let is_known = self.entries.iter().any(|entry| entry.path == path);
        if let Some((inode, rule)) = found
            && (is_known || programs < most)
        {
            self.refuse(Refusable::Program, path, inode, &rule);
        }
    }

    /// [`known_by_file`], where the file system answers: where it does not, whoever starts the program is looked at then.
    fn known_in_time(&self, guard: &Arc<Guard>, path: &str) -> Option<(Inode, String)> {
        let (warden, guard, named) = (self.warden.clone(), Arc::clone(guard), path.to_owned());
        let read = move || known_by_file(&guard, warden.own(), &warden.0.reader, &named);
        self.readers.read(0, FOR_FILE, read).unwrap_or_else(|unread| {
            tracing::warn!(path, ?unread, "the kernel does not refuse it by its file, which does not answer");
            None
        })
    }

    /// Has the kernel refuse connections to the sockets that rules name, as they are now.
    fn look_at_sockets(&mut self, guard: &Guard) {
        let rules: Vec<(String, String)> = if guard.acts() {
            let owned = |(rule, path): (&str, &str)| (rule.to_owned(), path.to_owned());
            guard.rules.sockets().map(owned).collect()
        } else {
            Vec::new()
        };
        let can = self.denials.as_ref().is_some_and(|denials| denials.can(Refusable::Socket));
        self.failed.retain(|rule| rules.iter().any(|(name, _)| name == rule));
        self.keep(|entry| {
            entry.what != Refusable::Socket || rules.iter().any(|(_, path)| *path == entry.path)
        });
        for (rule, path) in rules {
            if !can {
                let why = "this kernel does not let connections to Unix sockets be denied; `doctor` says why";
                self.fail(&rule, &path, Outcome::Failed, why);
                continue;
            }
            let found = Inode::at(Path::new(&path)).ok();
            self.keep(|entry| {
                entry.what != Refusable::Socket || entry.path != path || Some(entry.inode) == found
            });
            let Some(inode) = found else { continue };
            let real = std::fs::canonicalize(&path).unwrap_or_default();
            if is_spared_socket(&real.to_string_lossy()) {
                self.fail(&rule, &path, Outcome::Untouchable, "a socket of the built-in list");
                continue;
            }
            self.refuse(Refusable::Socket, &path, inode, &rule);
        }
    }

    fn refuse(&mut self, what: Refusable, path: &str, inode: Inode, rule: &str) {
        let Some(denials) = &mut self.denials else { return };
        if let Err(error) = denials.refuse(what, &inode, boot_now().after(LEASE)) {
            tracing::warn!(%error, path, "the kernel does not refuse it by itself");
            return;
        }
        let is_it = |entry: &&mut Entry| entry.what == what && entry.path == path;
        match self.entries.iter_mut().find(is_it) {
            Some(entry) => rule.clone_into(&mut entry.rule),
            None => self.entries.push(Entry {
                what,
                path: path.to_owned(),
                inode,
                rule: rule.to_owned(),
                counted: 0,
                told: None,
            }),
        }
    }

    /// Lets everything be that is not to be kept.
    fn keep(&mut self, is_kept: impl Fn(&Entry) -> bool) {
        let (kept, gone): (Vec<_>, Vec<_>) = std::mem::take(&mut self.entries).into_iter().partition(is_kept);
        self.entries = kept;
        for mut entry in gone {
            self.tell(&mut entry);
            if let Some(denials) = &mut self.denials
                && let Err(error) = denials.let_be(entry.what, &entry.inode)
            {
                tracing::error!(%error, path = entry.path, "it is refused for half a minute more");
            }
        }
    }

    /// Records what was refused since the last time.
    fn count(&mut self) {
        let mut entries = std::mem::take(&mut self.entries);
        for entry in &mut entries {
            if entry.told.is_none_or(|told| told.elapsed() >= RENEW) {
                self.tell(entry);
            }
        }
        self.entries = entries;
    }

    fn tell(&self, entry: &mut Entry) {
        let refused = self.denials.as_ref().and_then(|denials| denials.refused(entry.what, &entry.inode));
        let Some((hits, pid)) = refused else { return };
        let count = hits.wrapping_sub(entry.counted);
        if count == 0 {
            return;
        }
        entry.counted = hits;
        entry.told = Some(Instant::now());
        let because = Some(Because::Rule(&entry.rule));
        match entry.what {
            Refusable::Program => {
                let about = About { pid, exe: &entry.path, count, ..About::default() };
                self.warden.told(Action::Hold, because, Outcome::Done, &about, Some("by its file"));
            }
            Refusable::Socket => {
                let exe = crate::proc::exe_of(pid).unwrap_or_default();
                let about = About { pid, exe: &exe, endpoint: Some(&entry.path), count, ..About::default() };
                self.warden.told(Action::Deny, because, Outcome::Done, &about, None);
            }
        }
    }

    /// Says once of a rule that it does nothing.
    fn fail(&mut self, rule: &str, path: &str, outcome: Outcome, why: &str) {
        if self.failed.insert(rule.to_owned()) {
            let about = About { endpoint: Some(path), ..About::default() };
            self.warden.told(Action::Deny, Some(Because::Rule(rule)), outcome, &about, Some(why));
        }
    }
}

/// The file at this very path, and the rule that refuses it whoever starts it.
fn known_by_file(guard: &Guard, own: &Own, reader: &ProcReader, path: &str) -> Option<(Inode, String)> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty()).ok()?);
    // What somebody else calls so, in a place of their own, is another file here.
    let link = format!("/proc/self/fd/{}", file.as_raw_fd());
    let metadata = file.metadata().ok()?;
    if std::fs::read_link(link).ok()? != Path::new(path) || !metadata.is_file() {
        return None;
    }
    let inode = Inode::of(&file).ok()?;
    // By another name it may be something the rule does not mean.
    if !inode.has_one_name() || file_of(&file).is_none_or(|file| own.is_file(file)) {
        return None;
    }
    let now = Timestamp::now();
    let mut decided = guard.at_any_exec(path, None, now);
    let sha256;
    if decided == AtExec::NeedsHash {
        sha256 = reader.sha256_of(file.try_clone().ok()?, std::process::id())?;
        // Where it is not remembered the file may be another one by its very next start.
        reader.known_sha256(&file)?;
        decided = guard.at_any_exec(path, Some(&sha256), now);
    }
    match decided {
        AtExec::Refuse(decision) if decision.is_real && Inode::of(&file).ok()? == inode => {
            match decision.because {
                Because::Rule(name) => Some((inode, name.to_owned())),
                Because::Order(_) => None,
            }
        }
        AtExec::Refuse(_) | AtExec::Run | AtExec::NeedsHash => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use super::*;
    use crate::guard::{Evidence, RuleSpec, Rules};
    use crate::inventory::AllowSpec;

    fn guard(sha256: Option<String>) -> Guard {
        let program =
            AllowSpec { name: "r".to_owned(), exe: Some("/**".to_owned()), sha256, ..AllowSpec::default() };
        let evidence = Some(Evidence::Nothing);
        let rule =
            RuleSpec { program, socket: None, client: None, evidence, risk: None, action: Action::Hold };
        let rules = Rules::compile(&[rule]).unwrap();
        Guard { mode: crate::guard::Mode::Enforce, rules, ..Guard::default() }
    }

    #[test]
    fn a_program_is_known_by_a_file_of_one_name_at_this_very_path() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        let at = |name: &str| dir.join(name).to_str().unwrap().to_owned();
        let (own, reader) = (Own::find(), ProcReader::new());
        let known = |guard: &Guard, path: &str| known_by_file(guard, &own, &reader, path);
        let any = guard(None);
        let mut file = File::create(at("program")).unwrap();
        file.write_all(b"abc").unwrap();
        let (inode, rule) = known(&any, &at("program")).unwrap();
        assert_eq!((inode, rule.as_str()), (Inode::of(&file).unwrap(), "r"));
        assert!(known(&Guard::default(), &at("program")).is_none());

        // SHA-256 of what is in it, and of something else.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let is_roots = nix::unistd::geteuid().is_root();
        assert_eq!(known(&guard(Some(abc.to_owned())), &at("program")).is_some(), is_roots);
        let mode = |mode| std::fs::Permissions::from_mode(mode);
        // Change times move with the kernel's tick: until this one has, what was hashed before is remembered.
        let changed = || file.metadata().map(|file| (file.ctime(), file.ctime_nsec())).unwrap();
        let before = changed();
        while changed() == before {
            std::fs::set_permissions(at("program"), mode(0o666)).unwrap();
        }
        assert!(known(&guard(Some(abc.to_owned())), &at("program")).is_none(), "others write to it unseen");
        std::fs::set_permissions(at("program"), mode(0o644)).unwrap();
        assert!(known(&guard(Some("ab".repeat(32))), &at("program")).is_none());

        std::os::unix::fs::symlink(at("program"), at("link")).unwrap();
        nix::unistd::mkfifo(at("pipe").as_str(), nix::sys::stat::Mode::S_IRWXU).unwrap();
        for not_it in [at("link"), at("none"), at("pipe"), at("."), "/usr/bin/env".to_owned() + "/"] {
            assert!(known(&any, &not_it).is_none(), "{not_it}");
        }
        let own_program = std::env::current_exe().unwrap();
        assert!(known(&any, own_program.to_str().unwrap()).is_none(), "the agent itself");
        std::fs::hard_link(at("program"), at("other")).unwrap();
        assert!(known(&any, &at("program")).is_none(), "it has another name");
    }
}
