//! Programs whose arguments, not their name, say what runs, and how to find it among them.

/// What a runner starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Starts {
    /// Another program.
    Program,
    /// A container's image.
    Image,
    /// A package, module or script.
    Script,
}

/// How a runner's command line is read. Options written `--option=value` need no mention.
#[derive(Debug)]
pub(super) struct Runner {
    names: &'static [&'static str],
    pub(super) starts: Starts,
    /// Its own commands, which are not yet the program.
    commands: &'static [&'static str],
    /// It runs something only where one of its commands is given.
    needs_command: bool,
    /// Options whose value is not the program.
    with_value: &'static [&'static str],
    /// Options whose value is the program.
    program: &'static [&'static str],
    /// Options whose value is code, which has no name.
    code: &'static [&'static str],
}

const BASE: Runner = Runner {
    names: &[],
    starts: Starts::Script,
    commands: &[],
    needs_command: false,
    with_value: &[],
    program: &[],
    code: &[],
};

static RUNNERS: [Runner; 11] = [
    Runner {
        names: &["npx", "npm", "pnpm", "pnpx", "yarn", "bunx", "bun"],
        commands: &["exec", "x", "dlx", "run", "start"],
        with_value: &[
            "-p",
            "--package",
            "--registry",
            "--prefix",
            "-w",
            "--workspace",
            "-C",
            "--dir",
            "--cwd",
            "--cache",
            "--userconfig",
        ],
        code: &["-c", "--call", "-e", "--eval"],
        ..BASE
    },
    Runner {
        names: &["deno"],
        commands: &["run", "serve", "x"],
        needs_command: true,
        with_value: &[
            "-c",
            "--config",
            "--import-map",
            "--cert",
            "--ext",
            "--location",
            "--seed",
            "--preload",
        ],
        ..BASE
    },
    Runner {
        names: &["node", "nodejs", "tsx", "ts-node"],
        commands: &["watch"],
        with_value: &[
            "-r",
            "--require",
            "--import",
            "--loader",
            "--experimental-loader",
            "--env-file",
            "-C",
            "--conditions",
            "--tsconfig",
            "--title",
        ],
        code: &["-e", "--eval", "-p", "--print", "-pe"],
        ..BASE
    },
    Runner {
        names: &["uvx", "uv", "pipx"],
        commands: &["run", "tool"],
        with_value: &[
            "--from",
            "--with",
            "--with-editable",
            "--with-requirements",
            "--directory",
            "--project",
            "-p",
            "--python",
            "--index",
            "--default-index",
            "-i",
            "--index-url",
            "--extra-index-url",
            "--env-file",
            "--extra",
            "--group",
            "--spec",
            "--cache-dir",
            "--config-file",
        ],
        program: &["-m", "--module"],
        ..BASE
    },
    Runner {
        names: &["python", "python2", "python3", "pypy", "pypy3"],
        with_value: &["-W", "-X", "--check-hash-based-pycs"],
        program: &["-m"],
        code: &["-c"],
        ..BASE
    },
    Runner {
        names: &["mcp", "fastmcp"],
        commands: &["run", "dev"],
        needs_command: true,
        with_value: &["--with", "-w", "--with-editable", "-e", "--transport", "-t", "--host", "--port", "-p"],
        ..BASE
    },
    Runner { names: &["ruby"], with_value: &["-I", "-r", "-C"], code: &["-e"], ..BASE },
    Runner {
        names: &["java"],
        with_value: &["-cp", "-classpath", "--class-path", "-p", "--module-path", "--add-modules"],
        program: &["-jar", "-m", "--module"],
        ..BASE
    },
    Runner {
        names: &["docker", "podman", "nerdctl"],
        starts: Starts::Image,
        commands: &["container", "run"],
        needs_command: true,
        with_value: &[
            "-e",
            "--env",
            "--env-file",
            "-v",
            "--volume",
            "--mount",
            "--tmpfs",
            "--name",
            "--network",
            "--net",
            "--network-alias",
            "--add-host",
            "--dns",
            "-p",
            "--publish",
            "-u",
            "--user",
            "-w",
            "--workdir",
            "-l",
            "--label",
            "--entrypoint",
            "--platform",
            "--pull",
            "-m",
            "--memory",
            "--cpus",
            "-c",
            "--cpu-shares",
            "--cap-add",
            "--cap-drop",
            "--security-opt",
            "--device",
            "--gpus",
            "-h",
            "--hostname",
            "--ipc",
            "--pid",
            "--userns",
            "--restart",
            "--runtime",
            "--shm-size",
            "--stop-signal",
            "--ulimit",
            "--log-driver",
            "--log-opt",
            "--cidfile",
            "--context",
            "-H",
            "--host",
        ],
        ..BASE
    },
    Runner {
        names: &["env"],
        starts: Starts::Program,
        with_value: &["-u", "--unset", "-C", "--chdir"],
        code: &["-S", "--split-string"],
        ..BASE
    },
    Runner {
        names: &["tini", "dumb-init", "docker-init", "catatonit"],
        starts: Starts::Program,
        with_value: &["-p", "-e", "--rewrite", "-r"],
        ..BASE
    },
];

impl Runner {
    /// The runner a program of this file name is.
    pub(super) fn of(name: &str) -> Option<&'static Self> {
        // python3.12 is python3.
        let is_version = |end: &str| end == "exe" || end.chars().all(|c| c.is_ascii_digit() || c == '.');
        let name = name.split_once('.').filter(|(_, end)| is_version(end)).map_or(name, |(name, _)| name);
        RUNNERS.iter().find(|runner| runner.names.contains(&name))
    }

    /// What it starts, by the next of its arguments; `None` where that is nothing, or code. `words` go on after it.
    pub(super) fn argument<'a>(&self, words: &mut impl Iterator<Item = &'a str>) -> Option<&'a str> {
        let mut commanded = !self.needs_command;
        while let Some(word) = words.next() {
            if self.program.contains(&word) {
                return words.next();
            }
            if self.code.contains(&word) || self.is_cluster_of_code(word) {
                return None;
            }
            if self.with_value.contains(&word) {
                words.next();
            } else if self.commands.contains(&word) {
                commanded = true;
            } else if !word.starts_with('-') && !self.is_assignment(word) {
                return commanded.then_some(word);
            }
        }
        None
    }

    /// Short options written as one, the last of which is `-c`: `-uc`.
    fn is_cluster_of_code(&self, word: &str) -> bool {
        let letters = word.strip_prefix('-').and_then(|word| word.strip_suffix('c'));
        self.code.contains(&"-c") && letters.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_alphabetic()))
    }

    fn is_assignment(&self, word: &str) -> bool {
        self.starts == Starts::Program && word.contains('=')
    }
}
