//! Paths and URIs of files, read without a file system.
//!
//! `..`, `.`, repeated and backward slashes and `file:` are resolved as text. Symbolic links, the working directory and
//! what `~` stands for cannot be known here: a server that follows links can reach elsewhere, whatever a policy says.
//! A relative path that does not climb is taken to lie in none of the absolute directories a policy names.

use percent_encoding::percent_decode_str;

/// Other forms of a text that is a path or a URI.
#[derive(Debug, Default)]
pub(super) struct Forms {
    /// That mean the same.
    pub(super) same: Vec<String>,
    /// That it can mean, depending on where it is used.
    pub(super) possible: Vec<String>,
}

impl Forms {
    /// There are none.
    pub(super) fn is_empty(&self) -> bool {
        self.same.is_empty() && self.possible.is_empty()
    }
}

/// The forms of `text`; none for what is no path.
pub(super) fn forms(text: &str) -> Forms {
    let mut forms = Forms::default();
    if let Some(path) = file_path(text) {
        let path = shorten(&path);
        // Not the same where a match permits: who allows `file:///srv/*` means URIs.
        forms.same = vec![format!("file://{path}")];
        forms.possible = vec![path];
    } else if let Some((origin, path)) = split_uri(text) {
        let path = if path.is_empty() { String::new() } else { shorten(path) };
        forms.same = vec![format!("{}{path}", origin.to_lowercase())];
    } else if text.starts_with(['/', '\\', '.', '~']) || text.contains("..") {
        let path = shorten(text);
        forms.possible = climbs_to(&path).map(str::to_owned).into_iter().collect();
        forms.same = vec![path];
    } else if text.contains(['/', '\\']) {
        forms.possible = vec![shorten(text)];
    }
    forms
}

/// The absolute path a relative one reaches when it is used from the root, or deep enough below it.
fn climbs_to(path: &str) -> Option<&str> {
    let mut rest = path;
    while let Some(behind) = rest.strip_prefix("../") {
        rest = behind;
    }
    // With the slash before what is left.
    (rest.len() < path.len()).then(|| path.get(path.len() - rest.len() - 1..)).flatten()
}

/// The path of a `file:` URI: with any host, or none.
pub(crate) fn file_path(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once(':')?;
    if !scheme.trim_start().eq_ignore_ascii_case("file") {
        return None;
    }
    let rest = rest.replace('\\', "/");
    let path = match rest.strip_prefix("//") {
        Some(rest) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
        None => rest.as_str(),
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    Some(if path.starts_with('/') { path.to_owned() } else { format!("/{path}") })
}

/// What `text` is to a reader of URLs by the web's standard (<https://url.spec.whatwg.org/>: `URL` of JavaScript, `AnyUrl` of
/// pydantic), where that is something else: without tabs and line ends, with host, port, slashes and path written the one way
/// there is. Percent-decoded once.
pub(super) fn as_url(text: &str) -> Forms {
    let mut forms = Forms::default();
    let Some(url) = has_scheme(text).then(|| url::Url::parse(text).ok()).flatten() else { return forms };
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (read, known) = (decoded(url.as_str()), decoded(text));
    if read.eq_ignore_ascii_case(&known) {
        return forms;
    }
    // A host alone has an empty path to some, and to others the root.
    let host =
        read.strip_suffix('/').filter(|_| url.path() == "/" && url.query().or(url.fragment()).is_none());
    match host.map(str::to_owned) {
        Some(host) => {
            forms.possible.push(read);
            if !host.eq_ignore_ascii_case(&known) {
                forms.same.push(host);
            }
        }
        None => forms.same.push(read),
    }
    forms
}

/// It begins with a scheme and a colon, as far as such readers care.
fn has_scheme(text: &str) -> bool {
    let text = text.trim_start_matches(|character| character <= ' ').as_bytes();
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.\t\n\r".contains(&byte);
    let end = text.iter().position(|byte| !is_part(*byte));
    text.first().is_some_and(u8::is_ascii_alphabetic) && end.and_then(|end| text.get(end)) == Some(&b':')
}

/// Scheme and authority, and the rest, of a URI with an authority.
fn split_uri(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    if scheme.is_empty() || !scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    {
        return None;
    }
    let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    text.split_at_checked(scheme.len() + "://".len() + authority)
}

/// `path` without `.`, `..`, and empty levels, with forward slashes; `..` only at the start of a relative one.
pub(crate) fn shorten(path: &str) -> String {
    let path = path.replace('\\', "/");
    let absolute = path.starts_with('/');
    let mut levels: Vec<&str> = Vec::new();
    for level in path.split('/') {
        match level {
            "" | "." => {}
            ".." => match levels.last() {
                Some(&"..") => levels.push(".."),
                Some(_) => {
                    levels.pop();
                }
                None if absolute => {}
                None => levels.push(".."),
            },
            other => levels.push(other),
        }
    }
    let joined = levels.join("/");
    match (absolute, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

/// A directory for `under`, in its shortest form.
#[derive(Debug, Clone)]
pub(super) struct Directory {
    exact: Box<str>,
    folded: Box<str>,
}

impl Directory {
    pub(super) fn new(written: &str) -> Self {
        let path = file_path(written).unwrap_or_else(|| written.to_owned());
        let path = shorten(&path);
        Self { folded: super::text::fold(&path).into(), exact: path.into() }
    }

    /// The path `text`, as it came, is this directory or lies in it.
    pub(super) fn holds(&self, text: &str) -> bool {
        is_under(&path_of(text), &self.exact)
    }

    /// The same for a folded reading.
    pub(super) fn holds_folded(&self, text: &str) -> bool {
        is_under(&path_of(text), &self.folded)
    }

    /// The path may lie in it, depending on what cannot be known: the working directory, or whose home `~` is.
    pub(super) fn may_hold(&self, text: &str) -> bool {
        let path = path_of(text);
        if let Some(reached) = climbs_to(&path) {
            return is_under(reached, &self.folded) || reached.ends_with("/..");
        }
        let Some(home) = path.strip_prefix('~') else { return path == ".." && self.exact.starts_with('/') };
        let tail = home.find('/').and_then(|at| home.get(at..)).unwrap_or_default();
        let mut levels = self.folded.split('/').skip(1);
        let in_home = match levels.next() {
            Some("" | "home" | "users") => levels.next().map(|_user| ()),
            Some("root") => Some(()),
            Some(_) => return false,
            None => None,
        };
        let Some(()) = in_home else { return self.folded.starts_with('/') };
        let below: String = levels.flat_map(|level| ["/", level]).collect();
        below.is_empty() || is_under(tail, &below)
    }
}

fn path_of(text: &str) -> String {
    shorten(&file_path(text).unwrap_or_else(|| text.to_owned()))
}

fn is_under(path: &str, directory: &str) -> bool {
    match path.strip_prefix(directory) {
        Some(rest) => rest.is_empty() || rest.starts_with('/') || directory.ends_with('/'),
        // Everything relative that does not climb lies in the working directory.
        None => directory == "." && !path.starts_with(['/', '~']) && path != ".." && !path.starts_with("../"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_shortened_as_text() {
        for (path, short) in [
            ("/srv/../etc//passwd", "/etc/passwd"),
            ("/../../x", "/x"),
            ("a/./b/", "a/b"),
            ("a/../../b", "../b"),
            ("..\\..\\x", "../../x"),
            ("", "."),
            ("/", "/"),
        ] {
            assert_eq!(shorten(path), short, "{path}");
        }
    }

    #[test]
    fn file_uris_are_paths() {
        for (uri, path) in [
            ("file:///etc/passwd", "/etc/passwd"),
            ("file://localhost/etc/passwd", "/etc/passwd"),
            ("FILE:/etc/passwd?x#y", "/etc/passwd"),
            ("file:etc", "/etc"),
            ("file:\\\\host\\etc", "/etc"),
            ("file://host", "/"),
        ] {
            assert_eq!(file_path(uri).as_deref(), Some(path), "{uri}");
        }
        assert_eq!(file_path("files:/x"), None);
    }

    #[test]
    fn urls_are_read_as_the_web_does() {
        for (text, same) in [
            ("sec\tret://data/x", "secret://data/x"),
            ("file:///srv/.\t./etc/shadow", "file:///etc/shadow"),
            (" https:internal.example/x", "https://internal.example/x"),
            ("https:/internal.example/x", "https://internal.example/x"),
            ("https:\\\\internal.example/x", "https://internal.example/x"),
            ("https://@internal.example:443/x", "https://internal.example/x"),
            ("http://0x7f.1/x", "http://127.0.0.1/x"),
            ("http://2130706433", "http://127.0.0.1"),
            ("no\nte:a", "note:a"),
        ] {
            assert_eq!(as_url(text).same, [same], "{text:?}");
        }
        assert_eq!(as_url("https://host").possible, ["https://host/"]);
        for text in
            ["https://host", "HTTPS://Host/A b%20é?q=ü#x", "/a:b", "two words: x", "c:\\x", ":x", "", "1:2"]
        {
            assert_eq!(as_url(text).same, [""; 0], "{text:?}");
        }
    }

    #[test]
    fn directories_hold_what_lies_in_them() {
        for (directory, path, expected) in [
            ("/srv/data", "/srv/data", true),
            ("/srv/data/", "/srv/data/a", true),
            ("/srv/data", "/srv/database", false),
            ("/srv/data", "/srv/data/../x", false),
            ("/", "/x", true),
            ("/", "x", false),
            ("docs", "./docs/a", true),
            (".", "docs/a", true),
            (".", "../a", false),
            ("~/.ssh", "~/.ssh/id", true),
            ("/srv", "file:///srv/a", true),
        ] {
            assert_eq!(Directory::new(directory).holds(path), expected, "{directory} {path}");
        }
        for (directory, path, expected) in [
            ("/etc", "../../etc/passwd", true),
            ("/etc", "x/../../y", false),
            ("/home/ann/.ssh", "~/.ssh/id", true),
            ("/home/ann/.ssh", "~/notes", false),
            ("/root", "~/x", true),
            ("/home", "~ann/x", true),
            ("/", "~", true),
            ("/etc", "~/x", false),
        ] {
            assert_eq!(Directory::new(directory).may_hold(path), expected, "{directory} {path}");
        }
    }
}
