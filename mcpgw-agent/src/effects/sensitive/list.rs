//! The list, but for the configuration files of MCP clients, which have one of their own.

use crate::detect::Severity::{self, Critical, High, Low, Medium};

/// Where in a path a text must stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// At its end.
    End,
    /// Anywhere but there: something is below it.
    Within,
    /// At its beginning.
    Start,
    /// It is all of it.
    Whole,
}

use Place::{End, Start, Whole, Within};

/// Where, what, how bad it is to read it, and to write it.
type Rule = (Place, &'static str, Option<Severity>, Option<Severity>);

/// What holds secrets: reading it is what matters.
const fn secret(place: Place, text: &'static str) -> Rule {
    (place, text, Some(High), Some(High))
}

/// What others run or trust: writing it is what matters.
const fn trusted(place: Place, text: &'static str) -> Rule {
    (place, text, None, Some(Critical))
}

/// What says much about somebody.
const fn telling(place: Place, text: &'static str) -> Rule {
    (place, text, Some(Medium), Some(Medium))
}

pub(super) const LIST: &[Rule] = &[
    // Keys to other machines.
    (Within, "/.ssh/", Some(High), Some(Critical)),
    (Within, "/.gnupg/private-keys-v1.d/", Some(High), Some(High)),
    secret(End, "/.gnupg/secring.gpg"),
    secret(Start, "/etc/ssh/ssh_host_"),
    secret(Start, "/etc/ssl/private/"),
    // Clouds.
    secret(End, "/.aws/credentials"),
    secret(Within, "/.aws/sso/cache/"),
    secret(Within, "/.aws/cli/cache/"),
    secret(End, "/.azure/accessTokens.json"),
    secret(End, "/.azure/msal_token_cache.json"),
    secret(End, "/.azure/msal_token_cache.bin"),
    secret(End, "/gcloud/application_default_credentials.json"),
    secret(End, "/gcloud/credentials.db"),
    secret(End, "/gcloud/access_tokens.db"),
    secret(Within, "/gcloud/legacy_credentials/"),
    secret(End, "/.config/doctl/config.yaml"),
    secret(End, "/.config/hcloud/cli.toml"),
    secret(Within, "/.oci/"),
    secret(End, "/.terraform.d/credentials.tfrc.json"),
    secret(End, "/.vault-token"),
    // Clusters and containers.
    secret(End, "/.kube/config"),
    secret(Start, "/etc/kubernetes/"),
    secret(Start, "/etc/rancher/"),
    secret(Start, "/run/secrets/"),
    secret(Start, "/var/run/secrets/"),
    secret(End, "/.docker/config.json"),
    secret(End, "/containers/auth.json"),
    // Forges and registries. Its own configuration is read by every start of a package manager.
    secret(End, "/.git-credentials"),
    secret(End, "/.config/git/credentials"),
    secret(End, "/.netrc"),
    secret(End, "/_netrc"),
    secret(End, "/.config/gh/hosts.yml"),
    secret(End, "/.config/glab-cli/config.yml"),
    (End, "/.npmrc", Some(Low), Some(High)),
    secret(End, "/.pypirc"),
    secret(End, "/.cargo/credentials"),
    secret(End, "/.cargo/credentials.toml"),
    secret(End, "/.gem/credentials"),
    secret(End, "/.m2/settings.xml"),
    secret(End, "/.composer/auth.json"),
    // Databases.
    secret(End, "/.pgpass"),
    secret(End, "/.my.cnf"),
    secret(End, "/.mylogin.cnf"),
    // Assistants.
    secret(End, "/.claude/.credentials.json"),
    secret(End, "/.codex/auth.json"),
    secret(End, "/.gemini/oauth_creds.json"),
    secret(Within, "/.config/github-copilot/"),
    secret(Within, "/.mcp-auth/"),
    trusted(End, "/.claude/settings.json"),
    trusted(End, "/.claude/settings.local.json"),
    // Stores of passwords, and purses.
    secret(Within, "/.local/share/keyrings/"),
    secret(Within, "/.local/share/kwalletd/"),
    secret(Within, "/.password-store/"),
    secret(Within, "/.config/Bitwarden/"),
    secret(End, ".kdbx"),
    secret(End, "/wallet.dat"),
    secret(Within, "/.electrum/wallets/"),
    secret(Within, "/.ethereum/keystore/"),
    secret(End, "/.config/solana/id.json"),
    // Browsers.
    secret(Within, "/.mozilla/firefox/"),
    secret(Within, "/.config/google-chrome/"),
    secret(Within, "/.config/chromium/"),
    secret(Within, "/.config/BraveSoftware/"),
    secret(Within, "/.config/microsoft-edge/"),
    secret(Within, "/.config/vivaldi/"),
    secret(Within, "/.config/opera/"),
    secret(Within, "/snap/firefox/common/.mozilla/"),
    // What was typed.
    telling(End, "/.bash_history"),
    telling(End, "/.zsh_history"),
    telling(End, "/.python_history"),
    telling(End, "/.node_repl_history"),
    telling(End, "/.psql_history"),
    telling(End, "/.mysql_history"),
    telling(End, "/fish/fish_history"),
    // The system's own.
    (Whole, "/etc/shadow", Some(High), Some(Critical)),
    (Whole, "/etc/shadow-", Some(High), Some(Critical)),
    (Whole, "/etc/gshadow", Some(High), Some(Critical)),
    (Whole, "/etc/gshadow-", Some(High), Some(Critical)),
    (Start, "/etc/sudoers", Some(High), Some(Critical)),
    (Start, "/dev/sd", Some(High), Some(Critical)),
    (Start, "/dev/nvme", Some(High), Some(Critical)),
    (Start, "/dev/vd", Some(High), Some(Critical)),
    (Whole, "/dev/mem", Some(High), Some(Critical)),
    (Whole, "/proc/kcore", Some(High), None),
    trusted(Whole, "/etc/passwd"),
    trusted(Whole, "/etc/group"),
    trusted(Whole, "/etc/hosts"),
    trusted(Whole, "/etc/resolv.conf"),
    trusted(Whole, "/etc/nsswitch.conf"),
    trusted(Start, "/etc/pam.d/"),
    trusted(Start, "/etc/ld.so."),
    trusted(Start, "/etc/apt/"),
    trusted(Start, "/etc/ca-certificates"),
    trusted(Start, "/usr/local/share/ca-certificates/"),
    trusted(Start, "/usr/bin/"),
    trusted(Start, "/usr/sbin/"),
    trusted(Start, "/bin/"),
    trusted(Start, "/sbin/"),
    trusted(Start, "/usr/local/bin/"),
    trusted(Start, "/usr/local/sbin/"),
    // What shells start with.
    trusted(End, "/.bashrc"),
    trusted(End, "/.bash_profile"),
    trusted(End, "/.bash_login"),
    trusted(End, "/.bash_logout"),
    trusted(End, "/.profile"),
    trusted(End, "/.zshrc"),
    trusted(End, "/.zshenv"),
    trusted(End, "/.zprofile"),
    trusted(End, "/.zlogin"),
    trusted(End, "/.zlogout"),
    trusted(End, "/.config/fish/config.fish"),
    trusted(Within, "/.config/fish/conf.d/"),
    trusted(Within, "/.config/environment.d/"),
    trusted(Whole, "/etc/profile"),
    trusted(Start, "/etc/profile.d/"),
    trusted(Whole, "/etc/bash.bashrc"),
    trusted(Start, "/etc/zsh/"),
    trusted(Whole, "/etc/environment"),
    // What is started at a time, at login or with the machine.
    trusted(Start, "/etc/cron"),
    trusted(Whole, "/etc/anacrontab"),
    trusted(Start, "/var/spool/cron/"),
    trusted(Start, "/var/spool/at/"),
    trusted(Start, "/etc/systemd/"),
    trusted(Start, "/run/systemd/system/"),
    trusted(Start, "/usr/lib/systemd/"),
    trusted(Start, "/lib/systemd/"),
    trusted(Within, "/.config/systemd/user/"),
    trusted(Within, "/.local/share/systemd/user/"),
    trusted(Within, "/.config/autostart/"),
    trusted(Start, "/etc/xdg/autostart/"),
    trusted(Start, "/etc/init.d/"),
    trusted(Whole, "/etc/rc.local"),
    trusted(Start, "/etc/udev/rules.d/"),
    // What git runs.
    trusted(Within, "/.git/hooks/"),
    trusted(End, "/.gitconfig"),
    trusted(End, "/.config/git/config"),
];
