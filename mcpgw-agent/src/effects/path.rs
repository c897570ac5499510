//! Paths, out of the parts the kernel told them in.

/// A place as a record has it: names from the innermost directory outwards, each ended by a NUL, and a text that goes on
/// from there.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// The names.
    pub directories: &'a [u8],
    /// The text, perhaps with a NUL at its end.
    pub text: &'a [u8],
}

/// The path, made absolute and without empty, `.` and `..` steps. What is no UTF-8 is replaced. The root is `/`.
#[must_use]
pub fn joined(part: Part<'_>) -> String {
    let text = part.text.split(|byte| *byte == 0).next().unwrap_or_default();
    let directories = part.directories.strip_suffix(b"\0").unwrap_or(part.directories);
    let is_absolute = text.starts_with(b"/") || directories.is_empty();
    let outwards = directories.split(|byte| *byte == 0).filter(|_| !is_absolute);
    let mut steps: Vec<&[u8]> = outwards.collect();
    steps.reverse();
    // A directory's own name may hold anything but a slash; only what was asked for has steps to take.
    for step in text.split(|byte| *byte == b'/') {
        match step {
            b"" | b"." => {}
            b".." => drop(steps.pop()),
            step => steps.push(step),
        }
    }
    if is_absolute && text.is_empty() {
        return "/".to_owned();
    }
    let mut path = String::new();
    for step in steps {
        path.push('/');
        path.push_str(&String::from_utf8_lossy(step));
    }
    if path.is_empty() { "/".to_owned() } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_put_together_from_its_end() {
        let path = |directories: &str, text: &str| {
            joined(Part { directories: directories.as_bytes(), text: text.as_bytes() })
        };
        assert_eq!(path("id\0.ssh\0ann\0home\0", ""), "/home/ann/.ssh/id");
        assert_eq!(path("", ""), "/");
        assert_eq!(path("ann\0home\0", "a/./b//../c\0"), "/home/ann/a/c");
        assert_eq!(path("ann\0home\0", "../../../etc/passwd\0"), "/etc/passwd");
        assert_eq!(path("ann\0home\0", "/etc//shadow\0"), "/etc/shadow");
        assert_eq!(path("", "/..\0"), "/");
        assert_eq!(path("a b\u{1}\0", "\0"), "/a b\u{1}");
    }
}
