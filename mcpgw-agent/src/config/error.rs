//! What can be wrong with a configuration, and how that reads.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::yaml::{self, Fault, FaultKind, Place, Placed};

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Somebody else could decide what this agent, run by root, overlooks.
    #[error(
        "`{}` is writable by others than root (mode {mode:04o}, owner {owner}), and the agent runs as root: \
         try `chmod go-w` and `chown root`", path.display()
    )]
    Writable {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// User id of its owner.
        owner: u32,
    },
    /// No configuration is that long.
    #[error("`{}` is longer than {max_bytes} bytes", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The bound.
        max_bytes: u64,
    },
    /// Not UTF-8.
    #[error("`{}` is not UTF-8 text", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// The file says something that cannot be done. Its message has a line for each problem and shows where.
    #[error("{}", yaml::render(path, text, problems))]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What it holds.
        text: String,
        /// What is wrong with it, by line; at least one.
        problems: Vec<Problem>,
    },
    /// An environment variable names no usable directory.
    #[error("`{variable}` is set to `{}`, {problem}", value.display())]
    Directory {
        /// The variable.
        variable: &'static str,
        /// Its value.
        value: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// One thing wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, as `admin.metrics-address` or `allow[2].exe`; empty where the place says it.
    pub key: String,
    /// Where in the file, where that is known.
    pub place: Option<Place>,
    /// What.
    pub kind: ProblemKind,
}

impl Placed for Problem {
    fn place(&self) -> Option<Place> {
        self.place
    }
}

impl From<Fault> for Problem {
    fn from(Fault { place, kind }: Fault) -> Self {
        let kind = match kind {
            FaultKind::Yaml(message) => ProblemKind::Yaml(message),
            FaultKind::UnknownKey { key, meant, expected } => {
                ProblemKind::UnknownKey { key, meant, expected }
            }
        };
        Self { key: String::new(), place, kind }
    }
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProblemKind {
    /// Not YAML, or of another type than the key takes.
    #[error("{0}")]
    Yaml(String),
    /// A key that does not exist.
    #[error(
        "unknown key `{key}`{}", meant.as_ref().map_or_else(|| format!(", expected one of: {expected}"),
        |meant| format!(", did you mean `{meant}`?"))
    )]
    UnknownKey {
        /// As written.
        key: String,
        /// The key it resembles.
        meant: Option<String>,
        /// Keys that exist there.
        expected: String,
    },
    /// An entry that names nothing.
    #[error("it names no server: give `name`, `exe` or `command`")]
    NamesNobody,
    /// Not a number with a unit.
    #[error("`{0}` is no duration: write a whole number and a unit, as `500ms`, `30s`, `5m`, `2h` or `1d`")]
    Duration(String),
    /// Too short or too long.
    #[error("{value} is out of range: from {least} to {most}")]
    Range {
        /// As written.
        value: String,
        /// The least possible.
        least: String,
        /// The most possible.
        most: String,
    },
    /// A ring buffer's size must be one.
    #[error("{0} is no power of two")]
    PowerOfTwo(u64),
    /// Not an IP address and port.
    #[error(
        "`{0}` is no address: write an IP address and a port, as `127.0.0.1:9464` or `[::1]:9464`, or `off`"
    )]
    Address(String),
    /// Metrics tell what runs on the host to whoever can reach the port.
    #[error("`{0}` can be reached from other hosts: set `admin.metrics-expose: true` if it should be")]
    Exposed(SocketAddr),
    /// A pattern does not compile.
    #[error("`{glob}` is no glob: {error}")]
    Glob {
        /// As written.
        glob: String,
        /// What the glob compiler says.
        error: String,
    },
    /// A pattern of paths that can match none.
    #[error("`{0}` matches no path: an executable's path starts with `/`")]
    RelativePath(String),
    /// A file that depends on where the agent was started.
    #[error("`{0}` is no absolute path")]
    File(String),
    /// Not 64 hexadecimal digits.
    #[error("`{0}` is no SHA-256: 64 hexadecimal digits are")]
    Sha256(String),
    /// Empty, too long, or with control characters.
    #[error("`{0}` is no name: 1 to 128 characters that can be printed")]
    Name(String),
    /// Not the name of a hook.
    #[error("`{0}` is no hook's name: `mcpgw-agent doctor` lists them")]
    Hook(String),
    /// Two rules of one name.
    #[error("an earlier rule is called `{0}`")]
    Duplicate(String),
    /// A guardrail that cannot be asked as it is written.
    #[error("{0}")]
    Guardrail(&'static str),
    /// Something that cannot be as it is written.
    #[error("{0}")]
    Wrong(&'static str),
    /// Two guardrails of one name.
    #[error("an earlier guardrail is called `{0}`")]
    GuardrailTwice(String),
    /// Not a template.
    #[error("{0}")]
    Template(String),
    /// Not a JSON pointer.
    #[error("`{0}` is no JSON pointer: it is empty or starts with `/`, as `/results/0`")]
    Pointer(String),
    /// Not a plain word.
    #[error("`{0}` is no plain word: 1 to 64 letters, digits, `_` and `-`")]
    Word(String),
    /// A rule that would allow everything.
    #[error("rule `{0}` names nothing to match and would allow every server")]
    EmptyRule(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            write!(f, "{}", self.kind)
        } else {
            write!(f, "{}: {}", self.key, self.kind)
        }
    }
}
