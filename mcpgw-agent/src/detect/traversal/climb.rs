//! Which way the levels of a path lead.

use super::{Found, TRICK, high, medium};

/// What the steps of a path come to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Climb {
    is_absolute: bool,
    /// Levels it leads above where it begins; for an absolute one, levels it names and leaves again.
    up: usize,
    /// An absolute path that leaves every level it named.
    reaches_root: bool,
    /// It ends where systems and people keep what is nobody else's concern.
    is_sensitive: bool,
    /// It may.
    may_be_sensitive: bool,
    /// Steps that are some only after they have been cleaned.
    tricks: bool,
}

/// First levels below the root that are the system's.
const SYSTEM: &[&str] = &[
    "etc",
    "proc",
    "root",
    "windows",
    "winnt",
    "boot",
    "boot.ini",
    "sys",
    "system32",
    "program files",
    "programdata",
    "web-inf",
];
/// First levels below the root that projects have, too.
const TOP: &[&str] = &["home", "users", "var", "usr", "dev", "opt", "bin", "sbin", "private"];
/// Names that are kept from others wherever they are.
const KEPT: &[&str] = &[
    ".ssh",
    ".aws",
    ".gnupg",
    ".kube",
    ".netrc",
    ".bash_history",
    "id_rsa",
    "id_ed25519",
    "passwd",
    "shadow",
    "win.ini",
    "authorized_keys",
    "wp-config.php",
];
/// The same, where projects have some of their own.
const OWN: &[&str] = &[".env", ".git", ".docker", ".npmrc", "credentials"];

/// A drive's letter and what follows.
pub(super) fn drive(path: &str) -> Option<&str> {
    let (letter, rest) = path.split_at_checked(1)?;
    rest.strip_prefix(':').filter(|_| letter.bytes().all(|byte| byte.is_ascii_alphabetic()))
}

impl Climb {
    /// Of a path with slashes of either kind.
    pub(super) fn of(path: &str) -> Self {
        let rest = drive(path).unwrap_or(path);
        let mut climb = Self { is_absolute: rest.starts_with(['/', '\\']), ..Self::default() };
        let (mut depth, mut deepest, mut left) = (0_usize, 0_usize, 0_usize);
        let mut reached: Option<&str> = None;
        let mut before = "";
        for level in rest.split(['/', '\\']) {
            let bare = bare(level);
            // Whoever takes `../` out of these once leaves some.
            let is_trick = bare == "...."
                || before == "..." && matches!(bare, "." | "...")
                || bare == ".." && bare.len() < level.len();
            climb.tricks |= is_trick;
            before = bare;
            match bare {
                "" | "." | "..." => {}
                ".." | "...." => {
                    reached = None;
                    match depth.checked_sub(1) {
                        Some(above) => {
                            depth = above;
                            left = left.max(deepest - depth);
                            climb.reaches_root |= depth == 0 && climb.is_absolute;
                        }
                        None => climb.up += 1,
                    }
                }
                name => {
                    depth += 1;
                    deepest = deepest.max(depth);
                    let first = *reached.get_or_insert(name);
                    climb.is_sensitive |= is_one_of(KEPT, name) || is_one_of(SYSTEM, first);
                    climb.may_be_sensitive |= is_one_of(OWN, name) || is_one_of(TOP, first);
                }
            }
        }
        climb.reaches_root &= deepest > 0;
        if climb.is_absolute {
            // Above the root is the root.
            climb.reaches_root |= climb.up > 0 && deepest > 0;
            climb.up = climb.up.max(left);
        }
        climb
    }

    /// It leads above where it begins, or out of what it names.
    pub(super) fn is_climbing(self) -> bool {
        self.up > 0 || self.tricks
    }

    pub(super) fn judge(self) -> Option<Found> {
        if self.tricks {
            return Some(TRICK);
        }
        let system =
            |score| high("system_traversal", score, "a path that climbs to what is the system's, or a key");
        let above = |score| medium("path_traversal", score, "a path that climbs out of where it begins");
        Some(match (self.is_absolute, self.up) {
            (_, 0) => return None,
            (true, up) if self.reaches_root && self.is_sensitive => system(if up > 1 { 0.85 } else { 0.7 }),
            (true, 2..) if self.reaches_root => above(0.6),
            (true, _) => above(0.3),
            (false, _) if self.is_sensitive => system(0.9),
            (false, 3..) if self.may_be_sensitive => system(0.85),
            (false, 3..) => above(0.8),
            (false, _) if self.may_be_sensitive => above(0.6),
            (false, 2) => above(0.5),
            (false, _) => above(0.4),
        })
    }
}

/// A level without what some systems cut off: blanks at its end, a NUL and what follows, parameters.
fn bare(level: &str) -> &str {
    let end = level.find(['\0', ';']).unwrap_or(level.len());
    level.get(..end).unwrap_or(level).trim_end()
}

fn is_one_of(names: &[&str], name: &str) -> bool {
    names.iter().any(|other| other.eq_ignore_ascii_case(name))
}
