//! What kind of program a name stands for, as far as it takes scripts or starts others.

use super::prefix::Prefix;

/// How a program takes scripts or starts others.
#[derive(Debug, Clone, Copy)]
pub(in crate::detect::destructive) enum Program {
    /// Starts what follows its own words.
    Prefix(Prefix),
    /// Reads a script of sh: `-c`, a here-document, what is piped to it.
    Shell,
    Cmd,
    PowerShell,
    /// Its words are a script.
    Eval,
    /// Its first word is a script: `trap`, `watch`.
    First,
    Alias,
    /// `su -c`, `script -c`.
    Su,
    Xargs,
    Find,
    Ssh,
    /// `docker exec`, `kubectl exec`.
    Container,
    /// Reads a program of another language: `-c`, `-e`.
    Code,
    /// Reads SQL or commands of a data store.
    Database,
    Crontab,
    /// `forfiles /c`.
    ForFiles,
    /// `for x in …`.
    For,
    /// `function name`.
    Function,
}

/// Names, and what they are.
pub(in crate::detect::destructive) const PROGRAMS: &[(&str, Program)] = &[
    ("sh|bash|zsh|dash|ksh|ash|fish|csh|tcsh|rbash|mksh|at|batch", Program::Shell),
    ("cmd", Program::Cmd),
    ("powershell|pwsh", Program::PowerShell),
    ("eval|invoke-expression|iex|source|.", Program::Eval),
    ("trap|watch", Program::First),
    ("alias", Program::Alias),
    ("su|runuser|script|vagrant", Program::Su),
    ("xargs|gxargs", Program::Xargs),
    ("find|gfind|fd|fdfind", Program::Find),
    ("ssh|plink|autossh|mosh", Program::Ssh),
    (
        "docker|podman|nerdctl|kubectl|k|oc|lxc|docker-compose|incus|crictl|k3s|microk8s|minikube",
        Program::Container,
    ),
    (
        "python|pypy|perl|ruby|node|nodejs|php|lua|deno|bun|irb|ipython|awk|gawk|mawk|osascript|tclsh|elixir|rails|\
         groovy|rscript|py",
        Program::Code,
    ),
    (
        "psql|mysql|mariadb|sqlite|sqlite3|mongo|mongosh|redis-cli|valkey-cli|keydb-cli|cqlsh|clickhouse-client|\
         clickhouse|sqlcmd|bq|duckdb|snowsql|sqlplus|cockroach|isql|osql|invoke-sqlcmd|usql|pgcli|mycli|litecli|\
         mssql-cli|influx|cypher-shell|trino|presto|beeline|hive|spark-sql|impala-shell|wrangler|db2|mysqlsh|turso|\
         vsql|ysqlsh|dolt|snow",
        Program::Database,
    ),
    ("crontab", Program::Crontab),
    ("forfiles", Program::ForFiles),
    ("for|foreach|select", Program::For),
    ("function", Program::Function),
    (
        "nohup|setsid|command|builtin|busybox|toybox|unbuffer|chronic|fakeroot|dbus-run-session|torsocks|proxychains|\
         proxychains4|pkexec|winpty|call|then|do|else|elif|if|while|until|!|{|}|coproc|unshare|numactl|start|runas|\
         start-process|try|finally|catch",
        prefix("", 0),
    ),
    ("gosu|su-exec|chrt|chroot|taskset", prefix("", 1)),
    ("sudo", prefix("ughpCTUrtDR", 0)),
    ("doas|env", prefix("uC", 0)),
    ("exec", prefix("a", 0)),
    ("time|gtime", prefix("fo", 0)),
    ("nice|gnice", prefix("n", 0)),
    ("ionice", prefix("cnpP", 0)),
    ("timeout|gtimeout", prefix("ks", 1)),
    ("stdbuf", prefix("ioe", 0)),
    ("strace|ltrace", prefix("opePEsSau", 0)),
    ("caffeinate", prefix("tw", 0)),
    ("systemd-run", prefix("upEMHp", 0)),
    ("flock", prefix("wE", 1)),
    ("screen", prefix("S", 0)),
    ("tmux", prefix("LSfnsct", 1)),
    ("xvfb-run", prefix("nsefw", 0)),
    ("sshpass", prefix("pfPe", 0)),
    ("npx|bunx|pnpx", prefix("p", 0)),
    ("wsl", prefix("due", 0)),
    ("nsenter", prefix("tSG", 0)),
    ("parallel", prefix("jNnISP", 0)),
    ("bundle|poetry|pipenv|uv|pdm|rye|pixi|hatch", prefix("", 1)),
];

const fn prefix(valued: &'static str, own: usize) -> Program {
    Program::Prefix(Prefix { valued, own })
}
