//! Checks on the sources themselves: their size, their documentation and what they must not do.

use super::Finding;
use super::code::{code_only, line_of, words};
use super::tree::{Tree, is_test_file, without_tests};

/// Lines a file may have besides its tests.
const LONGEST_LINES: usize = 500;
/// Where the agent prints for people; everything else logs or returns.
const PRINTERS: [&str; 1] = ["mcpgw-agent/src/cli/output.rs"];

/// Every module says what it is for. `x/tests.rs` is for testing `x`.
pub(super) fn module_documentation(tree: &Tree) -> Vec<Finding> {
    let first =
        |text: &str| text.lines().find(|line| !line.is_empty() && !line.starts_with("#!")).map(str::to_owned);
    tree.rust()
        .filter(|(path, _)| !path.ends_with("/tests.rs"))
        .filter(|(_, text)| first(text).is_none_or(|line| !line.starts_with("//!")))
        .map(|(path, _)| {
            Finding::at(path, 1, "a module opens with `//!`: what it is for and what it must never do")
        })
        .collect()
}

/// A file is one noun, and fits in a reader's head.
pub(super) fn file_length(tree: &Tree) -> Vec<Finding> {
    tree.rust()
        .filter(|(path, _)| !is_test_file(path))
        .map(|(path, text)| (path, without_tests(text).lines().count()))
        .filter(|(_, lines)| *lines > LONGEST_LINES)
        .map(|(path, lines)| {
            Finding::at(path, lines, format!("{lines} lines, more than {LONGEST_LINES}: split it"))
        })
        .collect()
}

/// A parent module stands beside its folder.
pub(super) fn no_mod_rs(tree: &Tree) -> Vec<Finding> {
    tree.rust()
        .filter(|(path, _)| path.ends_with("/mod.rs") && !path.starts_with("tests/"))
        .map(|(path, _)| Finding::at(path, 1, "`x.rs` beside `x/`, not `x/mod.rs`"))
        .collect()
}

/// `unsafe` is for the probes, and for telling aya that a record of the contract is plain bytes.
pub(super) fn unsafe_code(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.rust().filter(|(path, _)| !path.starts_with("mcpgw-ebpf/")) {
        let code = code_only(text);
        for at in words(&code, "unsafe") {
            let line = code.get(at..).and_then(|rest| rest.lines().next()).unwrap_or("");
            let plain_bytes =
                path.starts_with("mcpgw-common/") && line.starts_with("unsafe impl") && line.contains("Pod");
            if !plain_bytes {
                findings.push(Finding::at(path, line_of(&code, at), "`unsafe` outside mcpgw-ebpf"));
            }
        }
    }
    findings
}

/// Every task has an owner, so that shutting down can wait for it.
pub(super) fn spawning(tree: &Tree) -> Vec<Finding> {
    let files = tree.agent_code().filter(|(path, _)| *path != "mcpgw-agent/src/tasks.rs");
    find_words(
        files,
        &["tokio::spawn", "task::spawn", "task::spawn_local"],
        "only tasks.rs spawns: use `Tasks`",
    )
}

/// What a person sees comes from one place.
pub(super) fn printing(tree: &Tree) -> Vec<Finding> {
    let files = tree.agent_code().filter(|(path, _)| !PRINTERS.contains(path));
    find_words(files, &["print!", "println!", "eprint!", "eprintln!"], "only cli/output.rs prints")
}

fn find_words<'a>(
    files: impl Iterator<Item = (&'a str, String)>,
    wanted: &[&str],
    message: &str,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, code) in files {
        for word in wanted {
            let lines = words(&code, word).map(|at| line_of(&code, at));
            findings.extend(lines.map(|line| Finding::at(path, line, format!("`{word}`: {message}"))));
        }
    }
    findings
}

/// What is not finished is an issue, not a comment.
pub(super) fn markers(tree: &Tree) -> Vec<Finding> {
    // Written in two halves so that this file does not find itself.
    let markers = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
    let mut findings = Vec::new();
    for (path, text) in tree.all().filter(|(path, _)| !is_foreign(path)) {
        for marker in markers {
            let lines = words(text, marker).map(|at| line_of(text, at));
            findings.extend(
                lines.map(|line| Finding::at(path, line, format!("`{marker}`: finish it or open an issue"))),
            );
        }
    }
    findings
}

/// Lines end where they end, and files with a newline.
pub(super) fn white_space(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.all().filter(|(path, _)| !is_foreign(path)) {
        for (number, line) in (1..).zip(text.split('\n')) {
            if line.ends_with([' ', '\t', '\r']) {
                findings.push(Finding::at(path, number, "white space at the end of the line"));
            }
        }
        if !text.is_empty() && !text.ends_with('\n') {
            findings.push(Finding::at(path, text.lines().count(), "no newline at the end of the file"));
        }
    }
    findings
}

/// Text that others wrote, that programs write, or that tests need as it is.
fn is_foreign(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.starts_with("LICENSE")
        || name.ends_with(".lock")
        || name == "package-lock.json"
        || path.contains("/fixtures/")
        || path.contains("/corpus/")
        || name.ends_with(".snap")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(findings: Vec<Finding>) -> Vec<usize> {
        findings.into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_module_without_documentation_is_found() {
        let tree = Tree::of(&[
            ("a.rs", "#![no_std]\n\n//! A.\n"),
            ("b.rs", "use x;\n//! B.\n"),
            ("c.rs", ""),
            ("b/tests.rs", "x"),
        ]);
        let found: Vec<_> = module_documentation(&tree).into_iter().map(|finding| finding.path).collect();
        assert_eq!(found, ["b.rs", "c.rs"]);
    }

    #[test]
    fn tests_do_not_make_a_file_long() {
        let body = "fn a() {}\n".repeat(LONGEST_LINES);
        let with_tests = format!("{body}#[cfg(test)]\nmod tests {{\n{body}}}\n");
        let too_long = format!("{body}fn b() {{}}\n");
        let tree = Tree::of(&[("a.rs", &with_tests), ("b.rs", &too_long), ("x/tests.rs", &too_long)]);
        let found: Vec<_> = file_length(&tree).into_iter().map(|finding| finding.path).collect();
        assert_eq!(found, ["b.rs"]);
    }

    #[test]
    fn unsafe_is_found_in_code_only() {
        let text = "#![forbid(unsafe_code)]\n// unsafe\nfn a() { unsafe { b() } }\n";
        let pod = "unsafe impl aya::Pod for A {}\nunsafe impl Send for A {}\n";
        let tree = Tree::of(&[("a.rs", text), ("mcpgw-ebpf/src/a.rs", text), ("mcpgw-common/src/a.rs", pod)]);
        assert_eq!(lines(unsafe_code(&tree)), [3, 2]);
    }

    #[test]
    fn printing_and_spawning_have_their_places() {
        let text = "fn a() {\n    println!();\n    tokio::spawn(b());\n    eprint_it!();\n}\n\
                    #[cfg(test)]\nmod tests {\n    println!();\n}\n";
        let tree = Tree::of(&[
            ("mcpgw-agent/src/a.rs", text),
            ("mcpgw-agent/src/cli/output.rs", "println!()"),
            ("mcpgw-agent/src/tasks.rs", "tokio::spawn(x)"),
            ("mcpgw-agent/src/a/tests.rs", text),
        ]);
        assert_eq!(lines(printing(&tree)), [2]);
        assert_eq!(lines(spawning(&tree)), [3]);
    }

    #[test]
    fn markers_are_words() {
        let text = format!("a\nb {}: c\n{}ES\n", concat!("TO", "DO"), concat!("FIX", "ME"));
        assert_eq!(lines(markers(&Tree::of(&[("a.md", &text), ("x/fixtures/a", &text)]))), [2]);
    }

    #[test]
    fn white_space_is_found_where_it_is() {
        assert_eq!(lines(white_space(&Tree::of(&[("a.md", "a\nb \n\tc\nd\r\ne")]))), [2, 4, 5]);
        assert!(white_space(&Tree::of(&[("a.md", "a\n\nb\n"), ("LICENSE", "a ")])).is_empty());
    }
}
