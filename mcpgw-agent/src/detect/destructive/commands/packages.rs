//! Packages: taken off a system, taken off a registry.

use super::arguments::Arguments;
use super::rows::{Row, row, with};
use crate::detect::destructive::act::Act;

const PILLAR: Act = Act::high("package_removal", "removes what the system rests on");
const PURGE: Act =
    Act { score: 0.55, ..Act::medium("package_removal", "removes packages with their configuration") };
const REMOVE: Act = Act::low("package_removal", "removes packages");
const UNPUBLISH: Act = Act::high("package_unpublish", "takes away what others depend on");

/// Rows of this kind.
pub(super) const ROWS: &[Row] = &[
    row("npm|pnpm|yarn", "unpublish", UNPUBLISH),
    row("npm|pnpm", "deprecate", Act::low("package_unpublish", "marks what others depend on")),
    row("npm", "owner|org|team|access rm|destroy|revoke", UNPUBLISH),
    row("npm", "dist-tag rm", Act::low("package_unpublish", "changes what others get")),
    row("cargo", "yank", UNPUBLISH),
    row("gem", "yank", UNPUBLISH),
    row("dotnet|nuget", "nuget delete", UNPUBLISH),
    row("nuget", "delete", UNPUBLISH),
    row("dart|flutter|pub", "uploader remove", UNPUBLISH),
    row("vsce|ovsx", "unpublish", UNPUBLISH),
    row("pod", "trunk delete|deprecate", UNPUBLISH),
    row("hex|mix", "hex.retire", UNPUBLISH),
    with("rpm", "", "-e|--erase --nodeps", PILLAR),
    with("dpkg", "", "-P|--purge", PURGE),
    with("dpkg", "", "--force-all|--force-depends|--force-remove-essential", PILLAR),
    with("pip|pip3|uv", "uninstall|pip", "-y|--yes -r|--requirement", PURGE),
    with("conda|mamba|micromamba", "remove|uninstall", "--all", PURGE),
    row("conda|mamba|micromamba", "env remove", PURGE),
    with("brew", "uninstall|remove|rm", "--force|--ignore-dependencies", PURGE),
    with("flatpak", "uninstall|remove", "--all|--delete-data", PURGE),
    with("gem", "uninstall", "-a|--all", PURGE),
    with("snap", "remove", "--purge", PURGE),
    row("choco|scoop|winget", "uninstall all|*", REMOVE),
    row("rustup", "self uninstall", PURGE),
    with("nix-collect-garbage", "", "-d|--delete-old", REMOVE),
    row("volta|nvm|pyenv|asdf", "uninstall", REMOVE),
];

/// What a system does not run without.
const PILLARS: &[&str] = &[
    "libc6",
    "glibc",
    "libc",
    "bash",
    "coreutils",
    "systemd",
    "dpkg",
    "apt",
    "rpm",
    "dnf",
    "yum",
    "sudo",
    "openssh-server",
    "util-linux",
    "init",
    "grub",
    "grub2",
    "grub-pc",
    "kernel",
    "python3",
    "python3-minimal",
    "base-files",
    "libstdc++6",
    "musl",
    "busybox",
    "pacman",
    "network-manager",
    "networkmanager",
    "ubuntu-desktop",
    "gnome-shell",
    "udev",
    "openssl",
    "libssl3",
    "initramfs-tools",
    "filesystem",
];

/// The package managers of systems.
pub(super) fn judge(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let verb = arguments.first();
    let short =
        arguments.name == "pacman" && arguments.texts().next().is_some_and(|word| word.starts_with("-R"));
    let removes = matches!(
        verb,
        "remove" | "purge" | "autoremove" | "erase" | "autopurge" | "del" | "rm" | "uninstall"
    ) || short;
    if !removes || arguments.any(&["-s", "-d", "--assumeno", "-p", "--print"]) {
        return None;
    }
    let pillar = arguments.plain().skip(usize::from(!short)).any(|name| {
        PILLARS.contains(&name)
            || name.starts_with("linux-image")
            || name.starts_with("kernel-")
            || matches!(name, "*" | "'*'" | ".*")
            || name == "linux"
    });
    let forced = short
        && arguments
            .texts()
            .next()
            .is_some_and(|word| word.contains("dd") || word.contains("cn") || word.contains("sc"));
    match () {
        () if pillar => Some(PILLAR),
        () if arguments.any(&["--allow-remove-essential", "--allow-downgrades", "--force-yes"]) || forced => {
            Some(PILLAR)
        }
        () if arguments.many => Some(PURGE),
        () if verb == "purge" || arguments.long("purge") && !verb.starts_with("auto") => Some(PURGE),
        () => Some(REMOVE),
    }
}

/// pip, where it takes away everything.
pub(super) fn pip(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let wide =
        arguments.many || arguments.texts().any(|word| word.starts_with("$(") || word.starts_with("<("));
    (arguments.first() == "uninstall" && wide).then_some(PURGE)
}
