//! What each hook is for, whether it works here, and what to do if not.

/// A place in the kernel where a probe of ours may sit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// Short name, used in status, metrics and to leave it out.
    pub name: &'static str,
    /// What came of it.
    pub state: HookState,
    /// What is lost without it.
    pub provides: &'static str,
    /// What a person can do about it; empty where it works.
    pub remedy: String,
}

/// What came of a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookState {
    /// It works.
    Attached {
        /// A remark, such as `on demand`; may be empty.
        note: &'static str,
    },
    /// It was not tried.
    Skipped {
        /// Why.
        why: String,
    },
    /// It was tried and refused.
    Failed {
        /// By what.
        error: String,
    },
}

impl Hook {
    /// Without it, processes or listeners come and go unseen until `/proc` is read again.
    #[must_use]
    pub fn tells_of_processes(&self) -> bool {
        [EXEC.name, FORK.name, EXIT.name, SOCKETS.name].contains(&self.name)
    }
}

impl Hook {
    /// It tells what processes do to files and sockets.
    #[must_use]
    pub fn tells_of_effects(&self) -> bool {
        EFFECTS.iter().any(|kind| kind.name == self.name)
    }
}

impl Hook {
    /// Only policies need it that say what servers may do; what such a policy lacks here is said of the policy.
    #[must_use]
    pub fn is_for_policies(&self) -> bool {
        RULES.iter().any(|kind| kind.name == self.name)
    }
}

impl Hook {
    /// It reads what processes say over TLS.
    #[must_use]
    pub fn reads_tls(&self) -> bool {
        TLS.iter().any(|kind| kind.name == self.name)
    }

    /// It makes better what works without it.
    #[must_use]
    pub fn is_extra(&self) -> bool {
        self.name == GUARD_EXEC.name
    }
}

impl HookState {
    /// Note, reason or error.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Attached { note } => note,
            Self::Skipped { why } => why,
            Self::Failed { error } => error,
        }
    }

    /// It works.
    #[must_use]
    pub fn is_attached(&self) -> bool {
        matches!(self, Self::Attached { .. })
    }
}

/// Name and purpose of a hook.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) provides: &'static str,
}

pub(super) const EXEC: Kind = Kind {
    name: "exec",
    provides: "servers are seen the moment they start; without it they appear with the next scan of /proc",
};
pub(super) const FORK: Kind = Kind {
    name: "fork",
    provides: "children of a wrapper (npx, sh, uv) are followed; without it they are found at their next exec or scan",
};
pub(super) const EXIT: Kind = Kind {
    name: "exit",
    provides: "servers leave the list when they end; without it, with the next scan of /proc",
};
pub(super) const SOCKETS: Kind = Kind {
    name: "sockets",
    provides: "listeners and connections are tied to their processes at once; without it, by polling sock_diag",
};
pub(super) const STDIO_TAP: Kind = Kind {
    name: "stdio-tap",
    provides: "servers on stdio are confirmed by what they say; without it they stay candidates",
};
pub(super) const HTTP_IN: Kind = Kind {
    name: "http-in",
    provides: "requests to HTTP servers are seen; without it they are known by their answers only",
};
pub(super) const HTTP_OUT: Kind = Kind {
    name: "http-out",
    provides: "answers of HTTP servers are seen; without it their name, version and tools stay unknown",
};

pub(super) const FILE_EFFECTS: Kind = Kind {
    name: "file-effects",
    provides: "files a tool call opens, moves and removes are told; without it they are not",
};
pub(super) const IO_URING_EFFECTS: Kind = Kind {
    name: "io-uring-effects",
    provides: "the same where a server asks for it through io_uring; without it that goes unseen",
};
pub(super) const ADDRESS_EFFECTS: Kind = Kind {
    name: "address-effects",
    provides: "addresses a tool call connects to and listens at are told; without it they are not",
};

pub(super) const CONNECT_RULES: Kind = Kind {
    name: "connect-rules",
    provides: "servers connect where policy lets them and nowhere else; without it that is held to TCP ports at most",
};

pub(super) const FILE_RULES: Kind = Kind {
    name: "file-rules",
    provides: "servers that `wrap` did not start open, change and remove the files policy lets them; without it they do as they like",
};
pub(super) const EXEC_RULES: Kind =
    Kind { name: "exec-rules", provides: "the same of the programs they run" };
pub(super) const SOCKET_RULES: Kind =
    Kind { name: "socket-rules", provides: "the same of where they connect and listen" };
/// Those that hold servers to policies.
pub(super) const RULES: [Kind; 4] = [CONNECT_RULES, FILE_RULES, EXEC_RULES, SOCKET_RULES];

pub(super) const GUARD_CONNECT: Kind = Kind {
    name: "guard-connect",
    provides: "connections to servers past the gateway are denied or steered; without it they are not",
};

pub(super) const GUARD_EXEC: Kind = Kind {
    name: "guard-exec",
    provides: "programs known by their file are refused also where the agent does not answer; without it by its answer alone",
};
pub(super) const GUARD_UNIX: Kind = Kind {
    name: "guard-unix",
    provides: "connections to Unix-socket servers are denied; without it they are not",
};

pub(super) const TLS_READ: Kind = Kind {
    name: "tls-read",
    provides: "what clients say to servers elsewhere is read at their TLS libraries; without it it is not",
};
pub(super) const TLS_HELLO: Kind =
    Kind { name: "tls-hello", provides: "where clients connect over TLS is told; without it it is not" };

/// Those that read what processes say over TLS.
pub(super) const TLS: [Kind; 2] = [TLS_READ, TLS_HELLO];

/// Those that tell what processes do to files and sockets.
pub(super) const EFFECTS: [Kind; 3] = [FILE_EFFECTS, IO_URING_EFFECTS, ADDRESS_EFFECTS];

/// Every hook there is, in the order they are shown.
pub(super) const ALL: [Kind; 19] = [
    EXEC,
    FORK,
    EXIT,
    SOCKETS,
    STDIO_TAP,
    HTTP_IN,
    HTTP_OUT,
    FILE_EFFECTS,
    IO_URING_EFFECTS,
    ADDRESS_EFFECTS,
    CONNECT_RULES,
    GUARD_CONNECT,
    GUARD_EXEC,
    GUARD_UNIX,
    FILE_RULES,
    EXEC_RULES,
    SOCKET_RULES,
    TLS_READ,
    TLS_HELLO,
];

impl Kind {
    /// Not tried, since the configuration wants it so.
    pub(super) fn left_out(self) -> Hook {
        let is_of_effects = EFFECTS.iter().any(|kind| kind.name == self.name);
        self.skipped(
            "left out by configuration",
            if self.name == GUARD_CONNECT.name {
                "name rules that deny or steer in `host.guard`, and leave it out of the list of disabled hooks"
            } else if TLS.iter().any(|kind| kind.name == self.name) {
                "set `host.tls: clients` or name programs in `host.tls-of`, and leave it out of the list of disabled hooks"
            } else if self.name == GUARD_EXEC.name {
                "name rules that hold in `host.guard`, and leave it out of the list of disabled hooks"
            } else if self.name == GUARD_UNIX.name {
                "name rules with `socket` in `host.guard`, and leave it out of the list of disabled hooks"
            } else if RULES.iter().any(|kind| kind.name == self.name && kind.name != CONNECT_RULES.name) {
                "name a policy with such rules under `effects`, and leave it out of the list of disabled hooks"
            } else if is_of_effects {
                "set `host.effects: on`, and leave it out of the list of disabled hooks"
            } else {
                "remove it from the list of disabled hooks"
            },
        )
    }

    pub(super) fn attached(self, note: &'static str) -> Hook {
        self.with(HookState::Attached { note }, String::new())
    }

    pub(super) fn skipped(self, why: impl Into<String>, remedy: impl Into<String>) -> Hook {
        self.with(HookState::Skipped { why: why.into() }, remedy.into())
    }

    pub(super) fn failed(self, error: impl Into<String>) -> Hook {
        let error = error.into();
        let remedy = remedy(&error);
        self.with(HookState::Failed { error }, remedy)
    }

    fn with(self, state: HookState, remedy: String) -> Hook {
        Hook { name: self.name, state, provides: self.provides, remedy }
    }
}

/// What usually helps against an error of `bpf(2)`, judged by its text, which is all that is left of it here.
fn remedy(error: &str) -> String {
    let error = error.to_ascii_lowercase();
    if error.contains("make the cgroup") {
        "run the agent as root, with the cgroup hierarchy writable (systemd: `ProtectControlGroups=no` and CAP_DAC_OVERRIDE); \
         in a container mount it so"
    } else if error.contains("os error 1)") || error.contains("os error 13)") || error.contains("permission") {
        "run the agent as root, or with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN; in a container also check seccomp, \
         kernel lockdown and kernel.unprivileged_bpf_disabled"
    } else if error.contains("os error 12)") {
        "raise the memory limit of the agent's cgroup or make the rings smaller"
    } else if error.contains("pid namespace") {
        "run the agent on the host, or in a container that shares the host's pid namespace"
    } else if error.contains("without probes") {
        "build it with `cargo xtask build`"
    } else if error.contains("os error 2)") || error.contains("os error 22)") || error.contains("os error 524)") {
        "this kernel lacks the hook: Linux 5.10 or newer with BPF, tracepoints and cgroup BPF is needed"
    } else {
        "run the agent with RUST_LOG=debug for the verifier's log and report it with `uname -r`"
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_reasons() {
        let hook = EXEC.attached("on demand");
        assert_eq!((hook.state.is_attached(), hook.state.reason()), (true, "on demand"));
        assert!(hook.remedy.is_empty());
        let hook = FORK.skipped("left out", "put it back");
        assert_eq!(
            (hook.state.is_attached(), hook.state.reason(), hook.remedy.as_str()),
            (false, "left out", "put it back")
        );
    }

    #[test]
    fn an_error_brings_its_remedy() {
        assert!(EXEC.failed("bpf_prog_load: Operation not permitted (os error 1)").remedy.contains("root"));
        assert!(EXEC.failed("Cannot allocate memory (os error 12)").remedy.contains("memory"));
        assert!(EXEC.failed("No such file or directory (os error 2)").remedy.contains("5.10"));
        assert!(EXEC.failed("something else").remedy.contains("RUST_LOG"));
    }

    #[test]
    fn names_differ() {
        let mut names: Vec<_> = ALL.iter().map(|kind| kind.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }
}
