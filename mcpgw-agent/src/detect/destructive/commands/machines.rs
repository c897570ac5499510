//! Machines that go down, or do not come up again.

use super::arguments::Arguments;
use super::rows::{Row, row, with};
use crate::detect::destructive::act::Act;

pub(super) const SHUTDOWN: Act = Act::high("shutdown", "stops or restarts the machine");
pub(super) const SYSRQ: Act =
    Act::critical("shutdown", "stops, kills or restarts at once, through the kernel");
const KERNEL: Act = Act::medium("kernel_change", "takes away parts of the kernel or what starts it");

/// Rows of this kind.
pub(super) const ROWS: &[Row] = &[
    with("init|telinit", "", "0|6|1|s|S", SHUTDOWN),
    with("kexec", "", "-e|--exec", SHUTDOWN),
    with("rmmod", "", "-f|--force", KERNEL),
    with("modprobe", "", "-r|--remove", Act::low("kernel_change", "takes away a part of the kernel")),
    with("efibootmgr", "", "-B|--delete-bootnum|-O", KERNEL),
    with("nvram", "", "-c", KERNEL),
    row(
        "csrutil",
        "disable|clear|authenticated-root",
        Act::medium("security_disabled", "turns protection off"),
    ),
    with(
        "spctl",
        "",
        "--master-disable|--global-disable|--disable",
        Act::medium("security_disabled", "turns protection off"),
    ),
    with(
        "spctl",
        "",
        "--master-disable|--global-disable",
        Act::medium("security_disabled", "turns protection off"),
    ),
    row("setenforce", "0|permissive", Act::medium("security_disabled", "turns protection off")),
    row("aa-teardown|aa-disable|aa-complain", "", Act::medium("security_disabled", "turns protection off")),
    with(
        "sysctl",
        "",
        "kernel.sysrq=1|kernel.panic*|kernel.randomize_va_space=0",
        Act::low("kernel_change", "changes the kernel"),
    ),
    row("ipmitool", "power|chassis off|cycle|reset|power", SHUTDOWN),
    with("racadm", "serveraction", "", SHUTDOWN),
    row("pmset", "sleepnow|restoredefaults", Act::low("shutdown", "puts the machine to sleep")),
    row("rundll32", "user32.dll,exitwindowsex|user32.dll,lockworkstation", SHUTDOWN),
    row("fdesetup", "disable|remove", Act::medium("security_disabled", "turns protection off")),
    with("dracut|grub-install|update-initramfs", "", "-d", KERNEL),
];

/// shutdown, reboot, halt, poweroff: not where they only ask or call it off, and not in a sentence.
pub(super) fn shutdown(arguments: &Arguments<'_, '_>) -> Option<Act> {
    if arguments.any(&["-c", "/a", "-a", "--show", "-w", "-k", "--wtmp-only", "--help"])
        && arguments.name != "halt"
    {
        return None;
    }
    let sentence = arguments.plain().take(12).any(|word| {
        let when = word.starts_with('+')
            || word.starts_with('/')
            || word.starts_with(|letter: char| letter.is_ascii_digit());
        !when
            && !matches!(word, "now" | "force")
            && !arguments.any(&["-h", "-r", "-P", "-H", "-p", "-m", "-t", "/s", "/r"])
    });
    let says_when =
        arguments.name != "shutdown" || !arguments.words.is_empty() || arguments.simple.words.len() > 1;
    match () {
        () if sentence => None,
        () if says_when => Some(SHUTDOWN),
        () => Some(Act { score: 0.55, ..SHUTDOWN }),
    }
}

/// modules such as `exit` of a session manager have no words.
pub(super) fn logoff(arguments: &Arguments<'_, '_>) -> Option<Act> {
    (arguments.words.len() <= 2).then_some(Act::medium("shutdown", "ends a session with all that runs in it"))
}
