//! The file as such: where it is, who may write it, and that nothing in it does harm.

use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use proptest::prelude::*;

use super::*;

#[test]
fn nothing_of_the_file_reaches_the_terminal_as_control() {
    let text = "admin:\n  metrics-address: \"\\e[31mred\" # \u{202e}\u{9b}x\n";
    let shown = parse(text).unwrap_err().to_string();
    assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
    assert!(!shown.contains('\u{202e}'));
    let many = format!("allow:\n{}", "- name: 'x'\n".repeat(500));
    let shown = parse(&many).unwrap_err().to_string();
    assert!(shown.lines().count() < 150, "{}", shown.lines().count());
}

#[test]
fn a_named_file_must_exist_and_the_default_need_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent.yaml");
    assert!(matches!(Config::load(Some(&path)), Err(ConfigError::Read { .. })));
    assert_eq!(Config::read_if_there(&path).unwrap(), Config::default());

    fs::write(&path, "log: {format: json}\n").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let config = Config::load(Some(&path)).unwrap();
    assert_eq!((config.log.format, config.source.as_deref()), (LogFormat::Json, Some(path.as_path())));
    assert_eq!(Config::read_if_there(&path).unwrap(), config);

    fs::write(&path, "log: {format: xml}\n").unwrap();
    assert!(matches!(Config::read_if_there(&path), Err(ConfigError::Invalid { .. })));
    fs::write(&path, b"log: \xff\n").unwrap();
    assert!(matches!(Config::load(Some(&path)), Err(ConfigError::NotText { .. })));
    fs::write(&path, "#".repeat((1 << 20) + 1)).unwrap();
    assert!(matches!(Config::load(Some(&path)), Err(ConfigError::TooLong { .. })));
    assert!(matches!(Config::load(Some(dir.path())), Err(ConfigError::Read { .. })));
}

#[test]
fn run_by_root_only_root_may_write_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent.yaml");
    fs::write(&path, "").unwrap();
    for (mode, fine) in [(0o600, true), (0o644, true), (0o664, false), (0o646, false), (0o666, false)] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let metadata = File::open(&path).unwrap().metadata().unwrap();
        let by_root = load::check_owner(&path, &metadata, 0);
        assert_eq!(by_root.is_ok(), fine && metadata.uid() == 0, "{mode:o}");
        assert!(load::check_owner(&path, &metadata, 1000).is_ok());
        if nix::unistd::geteuid().is_root() {
            assert_eq!(Config::load(Some(&path)).is_ok(), fine, "{mode:o}");
        }
    }
    if nix::unistd::geteuid().is_root() {
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::chown(&path, Some(1000), None).unwrap();
        assert!(matches!(Config::load(Some(&path)), Err(ConfigError::Writable { owner: 1000, .. })));
    }
}

#[test]
fn directories_come_from_the_environment() {
    let dirs = |runtime: &str, state: &str| {
        let (runtime, state) = (OsString::from(runtime), OsString::from(state));
        Dirs::from_vars(move |variable| match variable {
            "MCPGW_RUNTIME_DIR" => Some(runtime.clone()),
            "MCPGW_STATE_DIR" => Some(state.clone()),
            _ => None,
        })
    };
    assert_eq!(Dirs::from_vars(|_| None).unwrap(), Dirs::default());
    assert_eq!(dirs("", "").unwrap(), Dirs::default());
    let both = dirs("/tmp/r", "/tmp/s").unwrap();
    assert_eq!(
        (both.control_socket().to_str(), both.state.to_str()),
        (Some("/tmp/r/control.sock"), Some("/tmp/s"))
    );
    assert!(matches!(dirs("r", ""), Err(ConfigError::Directory { variable: "MCPGW_RUNTIME_DIR", .. })));
    assert!(matches!(dirs("", "./s"), Err(ConfigError::Directory { variable: "MCPGW_STATE_DIR", .. })));
    let fits = format!("/{}", "d".repeat(107 - 1 - "/control.sock".len()));
    assert!(dirs(&fits, "").is_ok());
    assert!(dirs(&format!("{fits}d"), "").is_err());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        if let Err(error) = parse(&text) {
            let _shown = error.to_string();
        }
    }

    #[test]
    fn nor_does_text_that_looks_like_a_file(
        lines in proptest::collection::vec("( {0,4})(- )?(allow|host|rings|admin|name|exe|metrics-address|x)?(:)?( [a-z0-9:\\[{&*'\"]{0,6})?", 0..12),
    ) {
        if let Err(error) = parse(&lines.join("\n")) {
            let _shown = error.to_string();
        }
    }
}
