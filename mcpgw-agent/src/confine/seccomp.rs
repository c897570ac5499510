//! System calls no confined server has: ways around what confines it, and ways to change the host.

use std::collections::BTreeMap;

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, sock_filter,
};

use super::ConfineError;

/// What a filter keeps from whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Filtered {
    /// Connections are limited: sockets other than TCP and UDP are ways around that.
    pub(super) connections: bool,
    /// No datagrams may be sent.
    pub(super) datagrams: bool,
    /// Nobody may be listened to, also not at a port nobody asked for.
    pub(super) listening: bool,
    /// Nothing may be written: neither may owners, modes, times and the like.
    pub(super) attributes: bool,
    /// No file may be given another name.
    pub(super) links: bool,
    /// Programs are limited: files without a place are a way around that.
    pub(super) programs: bool,
}

/// Refused with `EPERM`.
const REFUSED: &[libc::c_long] = &[
    // Work for the kernel that system calls and what watches them do not see.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    // Other processes' memory and files.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_process_madvise,
    libc::SYS_kcmp,
    // Another view of files, in which a path means something else.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_open_by_handle_at,
    libc::SYS_fanotify_init,
    // The kernel itself.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_syslog,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    // The user's keys.
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
];

/// Change what is said of files, not what is in them.
const ATTRIBUTES: &[libc::c_long] = &[
    libc::SYS_chmod,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchmodat2,
    libc::SYS_chown,
    libc::SYS_fchown,
    libc::SYS_lchown,
    libc::SYS_fchownat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    SYS_SETXATTRAT,
    SYS_REMOVEXATTRAT,
    SYS_FILE_SETATTR,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_futimesat,
    libc::SYS_utimensat,
];
/// `arch/x86/entry/syscalls/syscall_64.tbl`
const SYS_SETXATTRAT: libc::c_long = 463;
const SYS_REMOVEXATTRAT: libc::c_long = 466;
const SYS_FILE_SETATTR: libc::c_long = 469;
/// The same by a request of `ioctl`: flags of files, such as that they cannot be changed.
const FS_IOC_SETFLAGS: u64 = 0x4008_6602;
const FS_IOC_FSSETXATTR: u64 = 0x401c_5820;

/// Flags of `clone` that make namespaces.
const NAMESPACES: [i32; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];
/// Numbers of system calls from here on are those of 32-bit pointers (x32), which no list here means.
const X32: u32 = 0x4000_0000;
/// `include/linux/net.h`
const SOCK_DCCP: i32 = 6;
/// Kinds of socket, without their flags.
const KIND_OF_SOCKET: u64 = 0xf;

/// Filters every system call of this thread and all it will start, for good.
///
/// # Errors
/// [`ConfineError::Kernel`]
pub(super) fn apply(filtered: Filtered) -> Result<(), ConfineError> {
    let refused = program(refused(filtered)?, libc::EPERM)?;
    // As a kernel that has them not: whoever asks tries the older call.
    let absent = program(absent(filtered), libc::ENOSYS)?;
    for program in [foreign(), refused, absent] {
        seccompiler::apply_filter(&program).map_err(ConfineError::kernel("filter system calls"))?;
    }
    Ok(())
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn program(rules: Rules, errno: i32) -> Result<BpfProgram, ConfineError> {
    let action = SeccompAction::Errno(errno.unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, action, TargetArch::x86_64);
    filter.and_then(TryInto::try_into).map_err(failed)
}

fn failed(error: seccompiler::BackendError) -> ConfineError {
    ConfineError::kernel("filter system calls")(error)
}

fn absent(filtered: Filtered) -> Rules {
    let mut rules = Rules::from([(libc::SYS_clone3, Vec::new())]);
    if filtered.programs {
        rules.insert(libc::SYS_memfd_create, Vec::new());
        rules.insert(libc::SYS_execveat, Vec::new());
    }
    rules
}

fn refused(filtered: Filtered) -> Result<Rules, ConfineError> {
    let mut rules: Rules = REFUSED.iter().map(|number| (*number, Vec::new())).collect();
    let namespaces = NAMESPACES.map(|flag| rule(&[has_bits(0, flag.unsigned_abs().into())?]));
    rules.insert(libc::SYS_clone, namespaces.into_iter().collect::<Result<_, _>>()?);
    // Typing for the user, at a terminal somebody started the server from.
    let [typed, console] =
        [libc::TIOCSTI, libc::TIOCLINUX].map(|request| is(1, request & u64::from(u32::MAX)));
    let mut requests = vec![rule(&[typed?])?, rule(&[console?])?];
    let more = [
        (filtered.attributes, ATTRIBUTES),
        (filtered.links, &[libc::SYS_link, libc::SYS_linkat]),
        (filtered.listening, &[libc::SYS_listen]),
    ];
    let more = more.into_iter().filter(|(is_kept, _)| *is_kept).flat_map(|(_, numbers)| numbers);
    rules.extend(more.map(|number| (*number, Vec::new())));
    if filtered.attributes {
        requests.push(rule(&[is(1, FS_IOC_SETFLAGS)?])?);
        requests.push(rule(&[is(1, FS_IOC_FSSETXATTR)?])?);
    }
    rules.insert(libc::SYS_ioctl, requests);
    if filtered.connections {
        sockets(&mut rules, filtered.datagrams)?;
    }
    Ok(rules)
}

/// Leaves Unix, TCP and UDP sockets and those that ask the kernel for addresses.
fn sockets(rules: &mut Rules, no_datagrams: bool) -> Result<(), ConfineError> {
    let [unix, v4, v6, netlink] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK]
        .map(|family| u64::from(family.unsigned_abs()));
    let mut sockets = vec![rule(&[isnt(0, unix)?, isnt(0, v4)?, isnt(0, v6)?, isnt(0, netlink)?])?];
    let [any, tcp, udp] = [libc::IPPROTO_IP, libc::IPPROTO_TCP, libc::IPPROTO_UDP]
        .map(|protocol| u64::from(protocol.unsigned_abs()));
    for family in [v4, v6] {
        sockets.push(rule(&[is(0, family)?, isnt(2, any)?, isnt(2, tcp)?, isnt(2, udp)?])?);
        // Protocol 0 is SCTP for packets in sequence, and DCCP has a kind of its own.
        let kinds = [libc::SOCK_RAW, libc::SOCK_RDM, libc::SOCK_SEQPACKET, SOCK_DCCP, libc::SOCK_DGRAM];
        for kind in kinds.into_iter().filter(|kind| *kind != libc::SOCK_DGRAM || no_datagrams) {
            sockets.push(rule(&[is(0, family)?, has(1, KIND_OF_SOCKET, u64::from(kind.unsigned_abs()))?])?);
        }
    }
    rules.insert(libc::SYS_socket, sockets);
    // Sending with it connects, which Landlock does not see.
    let fast = u64::from(libc::MSG_FASTOPEN.unsigned_abs());
    for (number, flags) in [(libc::SYS_sendto, 3), (libc::SYS_sendmsg, 2), (libc::SYS_sendmmsg, 3)] {
        rules.insert(number, vec![rule(&[has_bits(flags, fast)?])?]);
    }
    Ok(())
}

/// Refuses numbers of x32, whatever they mean.
fn foreign() -> BpfProgram {
    let load = u16::try_from(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS).unwrap_or_default();
    let jump = u16::try_from(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K).unwrap_or_default();
    let ret = u16::try_from(libc::BPF_RET | libc::BPF_K).unwrap_or_default();
    vec![
        // The call's number is the first of what a filter sees.
        sock_filter { code: load, jt: 0, jf: 0, k: 0 },
        sock_filter { code: jump, jt: 0, jf: 1, k: X32 },
        sock_filter { code: ret, jt: 0, jf: 0, k: libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs() },
        sock_filter { code: ret, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW },
    ]
}

fn rule(conditions: &[SeccompCondition]) -> Result<SeccompRule, ConfineError> {
    SeccompRule::new(conditions.to_vec()).map_err(failed)
}

fn is(argument: u8, value: u64) -> Result<SeccompCondition, ConfineError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value).map_err(failed)
}

fn isnt(argument: u8, value: u64) -> Result<SeccompCondition, ConfineError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, value).map_err(failed)
}

fn has(argument: u8, mask: u64, value: u64) -> Result<SeccompCondition, ConfineError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(mask), value)
        .map_err(failed)
}

fn has_bits(argument: u8, bits: u64) -> Result<SeccompCondition, ConfineError> {
    has(argument, bits, bits)
}
