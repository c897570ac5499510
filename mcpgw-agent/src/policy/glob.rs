//! Globs: `*` is any characters, `/` included; `?` is one character; everything else is itself. The whole text counts.
//!
//! No classes and no escapes, as knorq's mcpgw has it. Unlike there no length is too long to match, and matching is
//! linear in the text: pieces between the stars are searched for, leftmost first, and never searched for again.

use memchr::memmem::Finder;

use super::text::fold;

/// Characters of a glob at most.
const MAX_LENGTH: usize = 4096;

/// A glob.
#[derive(Debug, Clone)]
pub(super) struct Glob {
    written: Box<str>,
    exact: Pieces,
    /// For texts that are folded; `None` where it is the same.
    folded: Option<Pieces>,
}

/// What comparing a text with `globs` costs, in looks.
pub(super) fn looks(globs: &[Glob]) -> usize {
    1 + globs.len() / 4
}

impl Glob {
    pub(super) fn new(written: &str) -> Result<Self, String> {
        if written.is_empty() {
            return Err("an empty glob matches only what is empty: leave it out".to_owned());
        }
        if written.chars().count() > MAX_LENGTH {
            return Err(format!("a glob is longer than {MAX_LENGTH} characters"));
        }
        let as_folded = fold_around_wildcards(written);
        let folded = (as_folded != written).then(|| Pieces::new(&as_folded));
        Ok(Self { written: written.into(), exact: Pieces::new(written), folded })
    }

    /// As it is written.
    pub(super) fn as_str(&self) -> &str {
        &self.written
    }

    /// `text` as it came.
    pub(super) fn matches(&self, text: &str) -> bool {
        self.exact.matches(text)
    }

    /// Folded texts have to match something else than texts as they came.
    pub(super) fn is_folded_otherwise(&self) -> bool {
        self.folded.is_some()
    }

    /// `text`, which is folded.
    pub(super) fn matches_folded(&self, text: &str) -> bool {
        self.folded.as_ref().unwrap_or(&self.exact).matches(text)
    }
}

/// Folds what stands between wildcards, so that folding makes no wildcards.
fn fold_around_wildcards(written: &str) -> String {
    let mut out = String::with_capacity(written.len());
    for part in written.split_inclusive(['*', '?']) {
        let (literal, wildcard) = match part.strip_suffix(['*', '?']) {
            Some(literal) => (literal, part.get(literal.len()..).unwrap_or_default()),
            None => (part, ""),
        };
        out.push_str(&fold(literal).replace(['*', '?'], "\u{fffd}"));
        out.push_str(wildcard);
    }
    out
}

/// What stands before, between and behind the stars.
#[derive(Debug, Clone)]
struct Pieces {
    first: Piece,
    /// `None` where there is no star.
    rest: Option<(Box<[Piece]>, Piece)>,
}

impl Pieces {
    fn new(glob: &str) -> Self {
        let mut pieces: Vec<Piece> = glob.split('*').map(Piece::new).collect();
        let last = if pieces.len() > 1 { pieces.pop() } else { None };
        let mut pieces = pieces.into_iter();
        let first = pieces.next().unwrap_or_else(|| Piece::new(""));
        let rest = last.map(|last| (pieces.filter(|piece| !piece.is_empty()).collect(), last));
        Self { first, rest }
    }

    fn matches(&self, text: &str) -> bool {
        let Some(mut text) = self.first.strip_start(text) else { return false };
        let Some((middle, last)) = &self.rest else { return text.is_empty() };
        for piece in middle {
            let Some(behind) = piece.find(text) else { return false };
            text = behind;
        }
        last.ends(text)
    }
}

/// Characters in a row.
#[derive(Debug, Clone)]
enum Piece {
    Literal(Box<str>, Box<Finder<'static>>),
    /// With `?`, which is `None`.
    Wild(Box<[Option<char>]>),
}

impl Piece {
    fn new(text: &str) -> Self {
        if text.contains('?') {
            return Self::Wild(
                text.chars().map(|character| (character != '?').then_some(character)).collect(),
            );
        }
        Self::Literal(text.into(), Box::new(Finder::new(text.as_bytes()).into_owned()))
    }

    fn is_empty(&self) -> bool {
        matches!(self, Self::Literal(text, _) if text.is_empty())
    }

    /// What follows the piece at the start of `text`.
    fn strip_start<'t>(&self, text: &'t str) -> Option<&'t str> {
        match self {
            Self::Literal(literal, _) => text.strip_prefix(&**literal),
            Self::Wild(characters) => {
                let mut rest = text.chars();
                let fits = characters
                    .iter()
                    .all(|wanted| rest.next().is_some_and(|found| wanted.is_none_or(|w| w == found)));
                fits.then_some(rest.as_str())
            }
        }
    }

    /// What follows the leftmost place of the piece in `text`.
    fn find<'t>(&self, text: &'t str) -> Option<&'t str> {
        match self {
            Self::Literal(literal, finder) => {
                finder.find(text.as_bytes()).and_then(|at| text.get(at + literal.len()..))
            }
            Self::Wild(_) => {
                text.char_indices().find_map(|(at, _)| self.strip_start(text.get(at..).unwrap_or_default()))
            }
        }
    }

    fn ends(&self, text: &str) -> bool {
        match self {
            Self::Literal(literal, _) => text.ends_with(&**literal),
            Self::Wild(characters) => {
                let start = text.char_indices().rev().nth(characters.len().saturating_sub(1));
                start.and_then(|(at, _)| self.strip_start(text.get(at..)?)).is_some_and(str::is_empty)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(glob: &str, text: &str) -> bool {
        Glob::new(glob).unwrap().matches(text)
    }

    /// By the definition.
    fn reference(glob: &[char], text: &[char]) -> bool {
        match (glob, text) {
            ([], _) => text.is_empty(),
            (['*', rest @ ..], _) => (0..=text.len()).any(|skip| reference(rest, &text[skip..])),
            (['?', rest @ ..], [_, behind @ ..]) => reference(rest, behind),
            ([first, rest @ ..], [found, behind @ ..]) => first == found && reference(rest, behind),
            ([_, ..], []) => false,
        }
    }

    #[test]
    fn stars_cross_levels_and_question_marks_are_one_character() {
        for (glob, text, expected) in [
            ("*", "", true),
            ("/etc/*", "/etc/a/b", true),
            ("/etc/*", "/etc", false),
            ("*.env", ".env", true),
            ("a?c", "aéc", true),
            ("a?c", "ac", false),
            ("*?", "", false),
            ("ab*ab", "ab", false),
            ("*aab*", "aaab", true),
            ("[ab]", "a", false),
            ("\\*", "*", false),
            ("Read", "read", false),
        ] {
            assert_eq!(matches(glob, text), expected, "{glob} {text}");
        }
        assert!(matches("*", &"x".repeat(1 << 20)));
        assert!(Glob::new("").is_err() && Glob::new(&"a".repeat(5000)).is_err());
    }

    #[test]
    fn folded_globs_are_for_folded_texts() {
        let glob = Glob::new("SUDO ＊*").unwrap();
        assert!(glob.matches_folded("sudo \u{fffd}x") && !glob.matches_folded("sudo x"));
        assert!(!glob.matches("sudo *"));
    }

    #[test]
    fn many_stars_cost_no_more_than_the_text_is_long() {
        // By backtracking this would not end in this universe's time.
        let glob = format!("{}b", "a*".repeat(200));
        assert!(!matches(&glob, &"a".repeat(1 << 20)));
        assert!(matches(&format!("{glob}*"), &format!("{}b", "a".repeat(1 << 20))));
    }

    proptest! {
        #[test]
        fn it_equals_the_definition(glob in "[ab*?]{1,8}", text in "[abé]{0,8}") {
            let (g, t): (Vec<char>, Vec<char>) = (glob.chars().collect(), text.chars().collect());
            prop_assert_eq!(matches(&glob, &text), reference(&g, &t));
        }
    }
}
