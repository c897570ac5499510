use proptest::prelude::*;

use super::*;

/// What follows the name in `/proc/PID/stat`, with parent 7, `flags` and start time 4242.
fn tail(flags: u64) -> String {
    format!(
        " S 7 1 1 0 -1 {flags} 1 0 0 0 0 0 0 0 20 0 1 0 4242 3000000 900 18446744073709551615 1 2 140722\n"
    )
}

#[test]
fn a_stat_line_gives_parent_and_start() {
    let text = format!("12 (cat){}", tail(4_194_560));
    let stat = stat(text.as_bytes()).unwrap();
    assert_eq!(
        stat,
        Stat {
            comm: "cat".into(),
            state: b'S',
            ppid: 7,
            kernel_thread: false,
            start_ticks: 4242,
            start_stack: 140_722
        }
    );
    assert!(!stat.is_zombie());
}

#[test]
fn a_name_made_to_look_like_fields_fools_nobody() {
    for name in ["a) Z 1 1 1 (b", ") ) )", "\n\u{1b}[31mred", "", "(", "x) S 99 0 0 0 0 0"] {
        let text = format!("12 ({name}){}", tail(0));
        let stat = stat(text.as_bytes()).unwrap();
        assert_eq!((stat.comm.as_str(), stat.ppid, stat.start_ticks), (name, 7, 4242));
    }
}

#[test]
fn kernel_threads_are_told_by_their_flag() {
    assert!(stat(format!("2 (kthreadd){}", tail(2_129_984)).as_bytes()).unwrap().kernel_thread);
    assert!(!stat(format!("2 (kthreadd){}", tail(4_194_560)).as_bytes()).unwrap().kernel_thread);
}

#[test]
fn cut_or_empty_stat_lines_are_nothing() {
    let whole = format!("12 (cat){}", tail(0));
    let start = whole.find("4242").unwrap();
    for end in 0..start {
        assert_eq!(stat(&whole.as_bytes()[..end]), None, "the first {end} bytes");
    }
}

#[test]
fn the_real_uid_is_the_first_of_four() {
    assert_eq!(real_uid(b"Name:\tx\nUmask:\t0022\nUid:\t1000\t0\t0\t0\nGid:\t5\t5\t5\t5\n"), Some(1000));
    // The kernel writes a newline in a name as `\n`, two characters.
    assert_eq!(real_uid(b"Name:\ta\\nUid:\t0\nUid:\t33\t33\t33\t33\n"), Some(33));
    assert_eq!(real_uid(b"Uid:\t-1\n"), None);
    assert_eq!(real_uid(b""), None);
}

#[test]
fn io_counts_what_system_calls_moved() {
    assert_eq!(io_bytes(b"rchar: 10\nwchar: 5\nsyscr: 1\nread_bytes: 4096\n"), Some(15));
    assert_eq!(io_bytes(b"rchar: 18446744073709551615\nwchar: 5\n"), Some(u64::MAX));
    assert_eq!(io_bytes(b"rchar: 10\n"), None);
}

#[test]
fn command_lines() {
    let table: &[(&[u8], &[&str], bool)] = &[
        (b"", &[], false),
        (b"\0\0\0", &[], false),
        (b"node\0server.js\0", &["node", "server.js"], false),
        (b"node\0\0--flag\0", &["node", "", "--flag"], false),
        (b"nginx: master process\0\0\0\0\0", &["nginx: master process"], false),
        (b"no terminator", &["no terminator"], false),
        (b"bad\xff\0\x1b[2J\nx\0", &["bad\u{fffd}", "\u{1b}[2J\nx"], false),
        (b"0123456789abcdef\0ghijklmnopqrstuvwxyz\0", &["0123456789abcdef", "ghijklmnopqrstu"], true),
    ];
    for (text, args, cut) in table {
        let expected: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        assert_eq!(argv(text, 32), (expected, *cut), "{text:?}");
    }
    let (args, cut) = argv(&b"x\0".repeat(MAX_ARGS + 1), usize::MAX);
    assert_eq!((args.len(), cut), (MAX_ARGS, true));
}

#[test]
fn the_unified_hierarchy_is_found_wherever_it_is_mounted() {
    let hybrid = b"24 30 0:22 / /sys rw shared:7 - sysfs sysfs rw\n\
        35 25 0:30 / /sys/fs/cgroup/unified rw,nosuid shared:10 - cgroup2 cgroup2 rw\n\
        36 25 0:31 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n";
    assert_eq!(cgroup2_mount(hybrid).as_deref(), Some("/sys/fs/cgroup/unified"));
    assert_eq!(cgroup2_mount(b"35 25 0:30 /a /mnt rw - cgroup2 cgroup2 rw\n"), None);
    assert_eq!(cgroup2_mount(b"35 25 0:30 / /mnt/cgroup2 rw - ext4 cgroup2 rw\n"), None);
    assert_eq!(cgroup2_mount(b"\xff\n"), None);
}

#[test]
fn links_of_anonymous_files() {
    assert_eq!(bracketed(b"pipe:[81234]", "pipe"), Some(81234));
    assert_eq!(bracketed(b"socket:[1]", "socket"), Some(1));
    assert_eq!(bracketed(b"socket:[1]", "pipe"), None);
    assert_eq!(bracketed(b"pipe:[]", "pipe"), None);
    assert_eq!(bracketed(b"pipe:[99999999999999999999]", "pipe"), None);
    assert_eq!(bracketed(b"/tmp/pipe:[12]", "pipe"), None);
}

#[test]
fn a_variable_that_is_not_whole_is_none() {
    let all = b"PATH=/bin\0HOMER=x\0HOME=/home/ann\0HOME=/second\0";
    let at = |limit| variable(all, "HOME", limit);
    for (limit, home) in [
        (100, Some("/home/ann")),
        (all.len(), Some("/home/ann")),
        // Ten and eight bytes come before it, and it has fifteen itself.
        (33, Some("/home/ann")),
        (32, None),
        (20, None),
        (0, None),
    ] {
        assert_eq!(at(limit), home.map(str::as_bytes), "{limit}");
    }
    assert_eq!(variable(b"", "HOME", 10), None);
    assert_eq!(variable(b"HOME=", "HOME", 10), Some(&b""[..]));
}

proptest! {
    #[test]
    fn no_bytes_make_a_parser_panic(text in proptest::collection::vec(any::<u8>(), 0..300), limit in 0usize..300) {
        let _seen = (stat(&text), real_uid(&text), io_bytes(&text), bracketed(&text, "pipe"));
        let (args, _cut) = argv(&text, limit);
        prop_assert!(args.iter().map(String::len).sum::<usize>() <= 3 * limit);
    }

    #[test]
    fn any_name_leaves_the_fields_alone(name in proptest::collection::vec(any::<u8>(), 0..64)) {
        let mut text = b"12 (".to_vec();
        text.extend(&name);
        text.extend(b")");
        text.extend(tail(0).as_bytes());
        let stat = stat(&text).unwrap();
        prop_assert_eq!((stat.ppid, stat.start_ticks), (7, 4242));
        prop_assert_eq!(stat.comm, lossy(&name));
    }
}
