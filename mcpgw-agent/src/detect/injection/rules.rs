//! What is explicit: classes of words close together, whatever the language. Length takes nothing off here.

use std::ops::Range;

use super::lexicon::class::{
    ALL, BEFORE, DROP, INFORM, MENTION, NOT, REVEAL, RULES, SECRET, TELL, USER, WHAT, YOUR,
};
use super::words::Token;

/// Tokens before and behind an order in which a word that speaks of attacks makes it a mention.
const AROUND: usize = 24;
/// What a mention takes off.
const MENTIONED: f32 = 0.5;

/// What is explicit.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// See [`Hit::kind`](crate::detect::Hit::kind).
    pub kind: &'static str,
    /// See [`Hit::score`](crate::detect::Hit::score).
    pub score: f32,
    /// Bytes of the text.
    pub range: Range<usize>,
    /// See [`Hit::why`](crate::detect::Hit::why).
    pub why: &'static str,
}

/// What of a word counts beside its classes.
#[derive(Debug, Clone, Copy)]
struct Word {
    start: usize,
    end: usize,
    is_ascii: bool,
}

/// Looks at one text, token by token.
#[derive(Debug, Default)]
pub struct Rules {
    /// The number of the next token.
    number: usize,
    /// For each class the last token of it, counted from 1, and its first byte.
    last: [(usize, usize); 32],
    /// The last thing not to be told.
    concealed: (usize, usize),
    /// Found, and may yet turn out to be a mention; with the token it was found at.
    pending: Option<(Order, usize)>,
    best: Option<Order>,
    mentions: usize,
}

impl Rules {
    /// The next token, with its classes.
    #[inline(always)]
    pub fn step(&mut self, token: &Token, classes: u32) {
        self.number += 1;
        if classes != 0 {
            self.word(Word { start: token.start, end: token.end, is_ascii: token.is_ascii }, classes);
        }
    }

    /// The surest order of the text.
    #[must_use]
    pub fn best(&mut self) -> Option<Order> {
        self.settle();
        if self.mentions > 4
            && self.mentions * 64 > self.number
            && let Some(best) = &mut self.best
        {
            best.score -= MENTIONED;
        }
        self.best.take()
    }

    fn word(&mut self, word: Word, classes: u32) {
        self.mentions += usize::from(classes & MENTION != 0);
        if classes & MENTION != 0
            && let Some((order, at)) = &mut self.pending
            && self.number - *at <= AROUND
        {
            order.score -= MENTIONED;
            self.settle();
        }
        if classes & INFORM != 0
            && let Some(start) = self.near(NOT, 3)
        {
            self.concealed = (self.number, start);
        }
        if let Some(order) = self.order(word, classes) {
            self.found(order);
        }
        let mut rest = classes;
        while rest != 0 {
            let bit = rest.trailing_zeros();
            if let Some(last) = usize::try_from(bit).ok().and_then(|bit| self.last.get_mut(bit)) {
                *last = (self.number, word.start);
            }
            rest &= rest - 1;
        }
    }

    /// The order that ends with this token.
    fn order(&self, word: Word, classes: u32) -> Option<Order> {
        let found = |kind, score, start, why| Some(Order { kind, score, range: start..word.end, why });
        if classes & RULES != 0 {
            if let Some(start) = self.near(DROP, 7) {
                if self.near(BEFORE, 6).is_some_and(|before| start < before) {
                    return found("override", 0.9, start, "tells the model to drop what it was told before");
                }
                if self.near(YOUR, 4).is_some_and(|your| start < your)
                    && self.near(ALL, 5).is_some_and(|all| start < all)
                {
                    return found("override", 0.8, start, "tells the model to drop what it was told");
                }
            }
            let asked = self.near(REVEAL | WHAT, 6);
            if let (Some(start), Some(your)) = (asked, self.near(YOUR, 3))
                && start < your
            {
                return found("reveal", 0.6, start, "asks for what the model was told");
            }
        }
        if classes & BEFORE != 0
            && let (Some(start), Some(all)) = (self.near(DROP, 4), self.near(ALL, 4))
            && start < all
        {
            return found("override", 0.7, start, "tells the model to drop what it was told before");
        }
        // Languages whose verb comes last.
        if classes & DROP != 0
            && !word.is_ascii
            && let (Some(start), Some(_)) = (self.near(BEFORE, 9), self.near(RULES, 6))
        {
            return found("override", 0.9, start, "tells the model to drop what it was told before");
        }
        if classes & SECRET != 0
            && let (Some(start), Some(your)) = (self.near(REVEAL | TELL | WHAT, 5), self.near(YOUR, 2))
            && start < your
            // `Never share your password` is advice.
            && self.near(NOT, 8).is_none_or(|not| not > start)
        {
            return found("reveal", 0.6, start, "asks the model for a secret");
        }
        let (number, start) = self.concealed;
        if classes & USER != 0 && number > 0 && self.number - number <= 5 {
            return found("conceal", 0.75, start, "tells the model to keep something from the user");
        }
        None
    }

    /// Where the last word of one of the `classes` begins, if it is no more than so many tokens back.
    fn near(&self, classes: u32, tokens: usize) -> Option<usize> {
        let (mut last, mut rest) = ((0, 0), classes);
        while rest != 0 {
            let of = usize::try_from(rest.trailing_zeros()).ok().and_then(|bit| self.last.get(bit));
            last = last.max(of.copied().unwrap_or_default());
            rest &= rest - 1;
        }
        (last.0 > 0 && self.number - last.0 <= tokens).then_some(last.1)
    }

    fn found(&mut self, mut order: Order) {
        if self.near(MENTION, AROUND).is_some() {
            order.score -= MENTIONED;
        }
        if self
            .pending
            .as_ref()
            .is_none_or(|(pending, at)| self.number - at > AROUND || order.score > pending.score)
        {
            self.settle();
            self.pending = Some((order, self.number));
        }
    }

    /// What is pending is as sure as it will be.
    fn settle(&mut self) {
        if let Some((order, _)) = self.pending.take()
            && self.best.as_ref().is_none_or(|best| order.score > best.score)
        {
            self.best = Some(order);
        }
    }
}
