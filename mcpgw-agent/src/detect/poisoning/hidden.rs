//! Text that a person does not see and a model reads.

use std::ops::Range;

use crate::detect::Severity;

/// Blanks in a row that push what follows out of sight.
const BLANKS_MIN: usize = 80;
/// Line breaks in a row that do.
const LINES_MIN: usize = 10;

/// Something hidden: kind, severity, score, where, why.
pub(super) type Hidden = (&'static str, Severity, f32, Range<usize>, &'static str);

/// What a character hides by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Veil {
    Tag,
    Selector,
    ZeroWidth,
    /// Between letters of scripts that need it, or in an emoji, it is no veil.
    Joiner,
    Override,
    Embedding,
    Mark,
    Escape,
    Control,
    Filler,
}

fn veil(character: char) -> Option<Veil> {
    Some(match character {
        '\u{e0000}'..='\u{e007f}' => Veil::Tag,
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' | '\u{180b}'..='\u{180d}' => Veil::Selector,
        '\u{200c}' | '\u{200d}' => Veil::Joiner,
        '\u{ad}'
        | '\u{34f}'
        | '\u{180e}'
        | '\u{200b}'
        | '\u{2060}'..='\u{2064}'
        | '\u{206a}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{1bca0}'..='\u{1bca3}' => Veil::ZeroWidth,
        '\u{202d}' | '\u{202e}' => Veil::Override,
        '\u{202a}'..='\u{202c}' | '\u{2066}'..='\u{2069}' => Veil::Embedding,
        '\u{200e}' | '\u{200f}' | '\u{61c}' => Veil::Mark,
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{2800}' | '\u{17b4}' | '\u{17b5}' => {
            Veil::Filler
        }
        '\u{1b}' | '\u{9b}' => Veil::Escape,
        '\t' | '\n' | '\r' => return None,
        other if other.is_control() => Veil::Control,
        _ => return None,
    })
}

/// Shows `found` what is hidden in `text`: of each kind its first run.
pub(super) fn hidden(text: &str, mut found: impl FnMut(Hidden)) {
    if !text.is_ascii()
        || text.bytes().any(|byte| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r') || byte == 0x7f)
    {
        veiled(text, &mut found);
    }
    blanks(text, &mut found);
    comments(text, &mut found);
}

fn veiled(text: &str, found: &mut impl FnMut(Hidden)) {
    let is_right_to_left = text.chars().any(|character| matches!(character, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}'));
    let mut before = None;
    let mut run: Option<(Veil, Range<usize>, usize)> = None;
    let mut told: Vec<&'static str> = Vec::new();
    let mut tell = |run: (Veil, Range<usize>, usize)| {
        let hidden = weigh(run, is_right_to_left);
        if let Some(hidden) = hidden
            && !told.contains(&hidden.0)
        {
            told.push(hidden.0);
            found(hidden);
        }
    };
    let mut visible = 0_usize;
    for (at, character) in text.char_indices() {
        let here = at..at + character.len_utf8();
        let Some(veil) = veil(character) else {
            visible += 1;
            // One invisible character between each two letters is a run as well.
            if visible > 2
                && let Some(run) = run.take()
            {
                tell(run);
            }
            before = Some(character);
            continue;
        };
        let next = text.get(here.end..).and_then(|rest| rest.chars().next());
        if is_needed(veil, before, next) || at == 0 && character == '\u{feff}' {
            continue;
        }
        visible = 0;
        run = match run.take() {
            Some((kind, range, count)) if kind == veil => Some((kind, range.start..here.end, count + 1)),
            other => {
                if let Some(run) = other {
                    tell(run);
                }
                Some((veil, here, 1))
            }
        };
    }
    if let Some(run) = run {
        tell(run);
    }
}

/// Writing needs it: joiners in emoji and in scripts that join, a selector behind an emoji, tags of a flag.
fn is_needed(veil: Veil, before: Option<char>, next: Option<char>) -> bool {
    match veil {
        Veil::Joiner => {
            let joins = |character: Option<char>| {
                character.is_some_and(|character| matches!(character, '\u{600}'..='\u{dff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{18af}') || is_emoji(character))
            };
            joins(before) && (joins(next) || next.is_none_or(|next| !next.is_ascii_alphanumeric()))
        }
        // A second selector stands behind the same character: only one is needed.
        Veil::Selector => before.is_some_and(|before| {
            is_emoji(before)
                || matches!(before, '\u{2e80}'..='\u{9fff}' | '\u{1800}'..='\u{18af}' | '#' | '*' | '0'..='9')
        }) && next.is_none_or(|next| self::veil(next) != Some(Veil::Selector)),
        Veil::Tag => before == Some('\u{1f3f4}'),
        Veil::ZeroWidth
        | Veil::Override
        | Veil::Embedding
        | Veil::Mark
        | Veil::Escape
        | Veil::Control
        | Veil::Filler => false,
    }
}

fn is_emoji(character: char) -> bool {
    matches!(character, '\u{a9}' | '\u{ae}' | '\u{203c}'..='\u{3299}' | '\u{1f000}'..='\u{1faff}' | '\u{fe0f}')
}

fn weigh((veil, range, count): (Veil, Range<usize>, usize), is_right_to_left: bool) -> Option<Hidden> {
    let (kind, severity, score, why) = match veil {
        Veil::Tag => {
            ("unicode_tags", Severity::Critical, 0.95, "it holds tag characters: text that nothing shows")
        }
        Veil::Selector => (
            "variation_selectors",
            Severity::High,
            if count > 1 { 0.9 } else { 0.5 },
            "it holds variation selectors where nothing varies",
        ),
        Veil::ZeroWidth | Veil::Joiner => (
            "zero_width",
            Severity::High,
            if count > 2 { 0.9 } else { 0.6 },
            "it holds characters without width",
        ),
        Veil::Filler => ("filler", Severity::High, 0.7, "it holds characters that look like nothing"),
        Veil::Override => ("bidi", Severity::High, 0.9, "it turns the direction of text around"),
        Veil::Embedding => (
            "bidi",
            Severity::High,
            if is_right_to_left { 0.3 } else { 0.75 },
            "it sets the direction of text apart",
        ),
        Veil::Mark => (
            "bidi",
            Severity::Medium,
            if is_right_to_left { 0.1 } else { 0.5 },
            "it marks the direction of text that has one",
        ),
        Veil::Escape => ("terminal_escape", Severity::High, 0.9, "it holds escape sequences of a terminal"),
        Veil::Control => ("control_characters", Severity::High, 0.75, "it holds control characters"),
    };
    Some((kind, severity, score, range, why))
}

/// Runs of blanks, or of line breaks, with something behind them.
fn blanks(text: &str, found: &mut impl FnMut(Hidden)) {
    let why = "what follows is pushed out of sight";
    if !may_have_run(text) {
        return;
    }
    let (mut start, mut columns, mut lines) = (0, 0, 0);
    for (at, character) in text.char_indices() {
        match character {
            '\n' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                lines += 1;
                columns = 0;
            }
            '\t' => columns += 4,
            _ if character.is_whitespace() => columns += 1,
            _ => {
                // The cells of a table are padded.
                let is_cell =
                    character == '|' || text.get(..start).is_some_and(|before| before.ends_with('|'));
                if columns >= BLANKS_MIN && !is_cell || lines >= LINES_MIN {
                    found(("padding", Severity::High, 0.65, start..at, why));
                    return;
                }
                (start, columns, lines) = (at + character.len_utf8(), 0, 0);
            }
        }
    }
}

/// Two blanks of ASCII stand side by side, or there may be others. Without a branch: compilers make it one of vectors.
fn may_have_run(text: &str) -> bool {
    let is_blank = |byte: u8| (byte <= b' ') | (byte >= 0x80);
    let bytes = text.as_bytes();
    let pairs = bytes.iter().zip(bytes.get(1..).unwrap_or_default());
    bytes.len() >= LINES_MIN && pairs.fold(false, |any, (one, two)| any | (is_blank(*one) & is_blank(*two)))
}

/// Comments of HTML and Markdown.
fn comments(text: &str, found: &mut impl FnMut(Hidden)) {
    let why = "it holds a comment that nothing shows";
    // Most texts have neither byte, and nothing is sought faster.
    if memchr::memchr2(b'<', b'[', text.as_bytes()).is_none() {
        return;
    }
    for (open, close) in [("<!--", "-->"), ("[//]: #", "\n"), ("[comment]: #", "\n")] {
        let Some(start) = text.find(open) else { continue };
        let rest = text.get(start + open.len()..).unwrap_or_default();
        let length = rest.find(close).unwrap_or(rest.len());
        let words = rest.get(..length).unwrap_or_default().split_whitespace().count();
        let score = if words > 2 { 0.7 } else { 0.3 };
        let end = (start + open.len() + length + close.len()).min(text.len());
        found(("comment", Severity::High, score, start..end, why));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn what_has_no_run_has_no_padding(text in "([a-c]{1,3}( |\\t|\n|\u{b}|\u{2003}|\u{2028}){0,14}){1,3}[|a]?") {
            let mut found = 0;
            blanks(&text, &mut |_| found += 1);
            proptest::prop_assert!(may_have_run(&text) || found == 0);
            // What the gate lets pass by, every run of ten and more among it, is looked at.
            let runs = text.split(|letter: char| !letter.is_whitespace()).map(|run| run.chars().count()).max();
            proptest::prop_assert!(may_have_run(&text) || runs.unwrap_or(0) < 2 || text.len() < LINES_MIN);
        }
    }
}
