//! Whether a condition narrows anything down.

use super::token::{Kind, Token};

/// Parentheses within one another.
const MAX_DEPTH: u8 = 8;

/// Whether a condition holds for every row: `1=1`, `true`, `x = x`, or one of these after `or`.
pub(super) fn is_always_true(tokens: &[Token<'_>], depth: u8) -> bool {
    let tokens = unwrapped(tokens);
    if tokens.is_empty() || depth > MAX_DEPTH {
        return false;
    }
    parts(tokens, "or").any(|either| parts(either, "and").all(|both| holds(unwrapped(both), depth)))
}

/// The pieces between a keyword, at this depth of parentheses.
fn parts<'t, 'a>(tokens: &'t [Token<'a>], word: &'static str) -> impl Iterator<Item = &'t [Token<'a>]> {
    let mut depth = 0_usize;
    let mut between = false;
    tokens.split(move |token| {
        match token.text.as_ref() {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        // The `and` of `between` joins no conditions.
        between = between && !(depth == 0 && token.is("and")) || token.is("between");
        depth == 0 && token.is(word) && !(word == "and" && between)
    })
}

/// Without the parentheses around all of it.
fn unwrapped<'t, 'a>(mut tokens: &'t [Token<'a>]) -> &'t [Token<'a>] {
    while let [first, inner @ .., last] = tokens {
        let mut depth = 1_i32;
        let closes_early = inner.iter().any(|token| {
            depth += i32::from(token.text == "(") - i32::from(token.text == ")");
            depth == 0
        });
        if first.text != "(" || last.text != ")" || closes_early {
            break;
        }
        tokens = inner;
    }
    tokens
}

fn holds(tokens: &[Token<'_>], depth: u8) -> bool {
    let value = |token: &Token<'_>| {
        matches!(token.kind, Kind::Number | Kind::Text) || token.is("true") || token.is("null")
    };
    match tokens {
        [one] => {
            one.is("true")
                || one.kind == Kind::Number && one.text.chars().any(|digit| digit != '0' && digit != '.')
        }
        [not, rest @ ..] if not.is("not") => matches!(rest, [one] if one.is("false") || one.text == "0"),
        [left, equals, right] if equals.text == "=" || equals.is("like") => {
            left.text.eq_ignore_ascii_case(&right.text) || right.text == "'%'" && equals.is("like")
        }
        [left, equals, again, right] if equals.text == "=" && again.text == "=" => left.text == right.text,
        [left, first, second, right]
            if first.text == "<" && second.text == ">" || first.text == "!" && second.text == "=" =>
        {
            value(left) && value(right) && left.text != right.text
        }
        [left, more, right] if more.text == ">" || more.text == "<" => {
            let number =
                |token: &Token<'_>| token.text.parse::<f64>().ok().filter(|_| token.kind == Kind::Number);
            match (number(left), number(right)) {
                // Keys that count up are never less.
                (None, Some(right)) => more.text == ">" && right == 0.0 && is_key(&left.text),
                (Some(left), Some(right)) => {
                    if more.text == ">" {
                        left > right
                    } else {
                        left < right
                    }
                }
                _ => false,
            }
        }
        [_, is, not, null] if is.is("is") && not.is("not") && null.is("null") => true,
        [exists, open, select, ..] if exists.is("exists") && open.text == "(" && select.is("select") => {
            !tokens.iter().any(|token| token.is("where") || token.is("from"))
        }
        _ if tokens.first().is_some_and(|token| token.text == "(") => {
            is_always_true(tokens, depth + 1) && unwrapped(tokens).len() < tokens.len()
        }
        _ => false,
    }
}

/// Whether a column is called what keys that count up are.
fn is_key(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase();
    last == "id" || last == "rowid" || last.ends_with("_id")
}
