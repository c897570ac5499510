//! Spellings of steps upwards, and paths that are none.

use std::sync::LazyLock;

use super::*;
use crate::detect::Inspector;
use crate::detect::tests::argument;

static ONLY: LazyLock<Inspector> = LazyLock::new(|| Inspector::new(vec![Box::new(Traversal)]));

/// Kind and score of what is found in the argument `key`, through the engine's readings.
fn found(key: &str, text: &str) -> Option<(&'static str, f32)> {
    argument(&ONLY, key, text)
}

#[test]
fn steps_upwards_are_found_however_they_are_spelled() {
    for text in [
        "../../etc/passwd",
        "../../../secret",
        "..\\..\\windows\\win.ini",
        "..\\../..\\../x",
        "a/../../../../etc/passwd",
        "./.././../etc/shadow",
        "/srv/app/../../etc/passwd",
        "C:\\app\\..\\..\\Windows\\system32\\config",
        "C:..\\..\\Windows\\win.ini",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e/%2e%2e/etc/passwd",
        "%2e%2e%2f%2e%2e%2fetc",
        "..%252f..%252fetc",
        "%252e%252e%252fetc",
        "%25252e%25252e%25252fetc",
        "..%5c..%5cboot.ini",
        "..%c0%af..%c0%afetc/passwd",
        "%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd",
        "%e0%80%ae%e0%80%ae/etc/passwd",
        "%f0%80%80%ae%f0%80%80%ae/etc/passwd",
        "..%c1%9c..%c1%9cwindows",
        "%u002e%u002e%u2215etc",
        "%u002e%u002e/etc/passwd",
        "%%32%65%%32%65/etc/passwd",
        "．．/．．/etc/passwd",
        "..／..／etc／passwd",
        "․․/․․/etc/passwd",
        "‥/‥/etc/passwd",
        "..∕..∕etc/passwd",
        "..⁄..⁄..⁄x",
        "..＼..＼windows",
        ".\u{200b}./.\u{200b}./etc/passwd",
        "....//....//etc/passwd",
        "..../..../x",
        ".../...//.../...//etc/passwd",
        "..././/..././/x",
        "..;/..;/manager/html",
        ".. /.. /etc/passwd",
        "&#46;&#46;/&#46;&#46;/etc/passwd",
        "\\u002e\\u002e/\\u002e\\u002e/etc/passwd",
        "file.txt\0.png",
        "file.txt%00.png",
        "../../etc/passwd\0.jpg",
        "/proc/self/root/etc/passwd",
        "/proc/1/root/etc/passwd",
        "/proc/self/cwd/../x",
        "/proc/self/task/1/environ",
        "/dev/fd/3",
        "/srv/../proc/self/fd/3",
        "\\\\evil.example\\share\\x",
        "\\\\?\\C:\\Windows\\x",
        "\\\\.\\PhysicalDrive0",
        "web.config::$DATA",
        "file:///srv/docs/../../etc/passwd",
        "file:///srv/docs/%2e%2e/%2e%2e/etc/passwd",
        "file:///srv/docs/..%2f..%2fetc/passwd",
        "file://evil/share/x",
        "FILE:../../etc/passwd",
        "docs://guide/../../../etc/passwd",
        "docs://../../etc/passwd",
        "https://example.com/get?file=../../../etc/passwd",
        "https://example.com/get?file=..%2f..%2f..%2fetc%2fpasswd",
    ] {
        let found = found("path", text);
        assert!(found.is_some_and(|(_, score)| score >= 0.5), "{text:?} {found:?}");
    }
}

#[test]
fn ordinary_paths_are_no_attack() {
    for text in [
        "src/main.rs",
        "./src/../Cargo.toml",
        "../sibling/file.rs",
        "/srv/app/src/../Cargo.toml",
        "/home/ann/My%20Documents/a b.txt",
        "C:\\Users\\ann\\notes.txt",
        "C:\\new\\table\\x.txt",
        "docs/a..b/c...txt",
        "./...",
        "v1.0...v1.1",
        "src/[...slug]/page.tsx",
        "/proc/cpuinfo",
        "/proc/1234/status",
        "/dev/null",
        "//srv/data/x",
        "~/notes/100%.md",
        "file:///srv/docs/readme%20first.md",
        "file:///C:/Users/ann/x.txt",
        "file://localhost/srv/x",
        "https://example.com/a/../b",
        "https://example.com/?q=a%2Fb..c",
        "docs://guide/intro",
        "",
    ] {
        let found = found("path", text);
        assert!(found.is_none_or(|(_, score)| score < 0.5), "{text:?} {found:?}");
    }
}

#[test]
fn only_what_is_a_path_is_read_as_one() {
    let climbing = "../../../../etc/passwd";
    for key in ["content", "code", "query", "command", "message", "description", "new_string", "pattern"] {
        assert_eq!(found(key, climbing), None, "{key}");
    }
    for key in ["path", "filename", "target_file", "sourcePath", "uri", "input"] {
        assert!(found(key, climbing).is_some_and(|(_, score)| score >= 0.5), "{key}");
    }
    for text in ["import x from '../../../../etc/x'", "see ../../../../etc/passwd for it", "../../lib/x"] {
        assert_eq!(found("input", text), None, "{text}");
    }
}

#[test]
fn a_long_text_costs_little_and_is_no_path() {
    let long = "../".repeat(MAX_BYTES);
    assert_eq!(found("path", &long), None);
    let padded = format!("{}../../../etc/passwd", "./".repeat(2000));
    assert!(found("path", &padded).is_some_and(|(_, score)| score >= 0.8));
}

proptest::proptest! {
    #[test]
    fn any_text_is_read(text in "[./%\\\\a-f0-9:;\\x00u$~ ．‥é]{0,60}") {
        let mut hits = Vec::new();
        let place = Place { surface: Surface::Arguments, role: Role::Argument, key: "path", tool: None };
        Traversal.find(&text, &place, &Noticed { needles: &[], digits: &[], tokens: &[], words: &[], respaced: false, may_have_at: true }, &mut hits);
        proptest::prop_assert!(hits.len() <= 1);
        proptest::prop_assert!(hits.iter().all(|hit| hit.range == (0..text.len()) && (0.0..=1.0).contains(&hit.score)));
    }
}

#[test]
fn a_short_text_has_the_parts_a_long_one_has() {
    for part in ["..", "proc/", "/proc/", "/dev/fd", "::$", "\u{2025}", "a/b", "plain"] {
        let long = format!("{part}{}", "/a".repeat(50));
        assert_eq!(has_part(part), !matches!(part, "a/b" | "plain"), "{part}");
        assert_eq!(has_part(part), has_part(&long), "{part}");
    }
}
