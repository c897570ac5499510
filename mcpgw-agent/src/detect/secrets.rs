//! Secrets: tokens of providers, private keys, passwords, credentials in addresses, random values with telling names.
//!
//! Four kinds of rule, all at places the nomination names: *formats* know a token by its prefix and make, *vendors* by a
//! name beside it and its length, *words* such as `password` by the value given to them, *addresses* by the login in them.

mod address;
mod alphabet;
mod bare;
mod block;
mod format;
mod formats;
mod grammar;
mod header;
mod kinds;
mod split;
mod value;
mod vendor;
mod word;

use std::ops::Range;
use std::sync::LazyLock;

use bare::{Infix, NEEDLE_MIN};
use format::Format;
use grammar::{Value, Via};
use vendor::Vendor;
use word::Word;

use super::{Detector, Hit, Nominee, Noticed, Place, TextDetector};

pub use kinds::placeholder;

/// Values are looked at until this many bytes of them were seen for each byte of the text. A text that has more of them
/// is made to cost time: only the beginnings of the others are looked at.
const FUEL: usize = 12;
/// A hit is compared with so many before it.
const COMPARED: usize = 8;

/// Finds secrets.
#[derive(Debug, Clone, Copy, Default)]
pub struct Secrets;

/// What a needle stands for.
#[derive(Debug, Clone, Copy)]
enum Rule {
    Format(&'static Format),
    Infix(&'static Infix),
    Vendor(&'static Vendor),
    Word(Word),
    /// `://`, where a scheme's end stands before.
    Address,
    /// An address that is a secret; so many bytes must follow.
    Webhook(usize),
    Signature,
    Pem,
    Putty,
    Curl,
    /// A manifest of a Kubernetes secret.
    Manifest,
}

static RULES: LazyLock<Vec<(&'static str, Rule)>> = LazyLock::new(|| {
    let lower = |text: &'static str| kinds::lower(text);
    let mut rules: Vec<(&'static str, Rule)> = Vec::new();
    let long = formats::all().filter(|format| format.prefix.len() >= NEEDLE_MIN);
    rules.extend(long.map(|format| (lower(format.prefix), Rule::Format(format))));
    rules.extend(bare::INFIXES.iter().map(|infix| (lower(infix.mark), Rule::Infix(infix))));
    rules.extend(vendor::VENDORS.iter().map(|vendor| (vendor.needle, Rule::Vendor(vendor))));
    rules.extend(word::WORDS.iter().map(|(needle, word)| (*needle, Rule::Word(*word))));
    rules.extend(header::WEBHOOKS.iter().map(|(needle, least)| (*needle, Rule::Webhook(*least))));
    rules.extend(header::SCHEMES.iter().map(|needle| (*needle, Rule::Address)));
    rules.extend([
        ("sig=", Rule::Signature),
        ("-----begin", Rule::Pem),
        ("private-lines:", Rule::Putty),
        ("curl ", Rule::Curl),
        ("kind: secret", Rule::Manifest),
        ("\"kind\": \"secret\"", Rule::Manifest),
    ]);
    rules
});

static NEEDLES: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| RULES.iter().map(|(needle, _)| *needle).collect());

impl TextDetector for Secrets {
    fn detector(&self) -> Detector {
        Detector::Secrets
    }

    fn needles(&self) -> &'static [&'static str] {
        &NEEDLES
    }

    fn find(&self, text: &str, place: &Place<'_>, noticed: &Noticed<'_>, hits: &mut Vec<Hit>) {
        let mut search = Search { text, hits, first: 0, fuel: text.len() * FUEL + 4096 };
        search.first = search.hits.len();
        search.member(place.key);
        for nominee in noticed.needles {
            search.nominee(*nominee);
        }
        for run in noticed.tokens {
            bare::find(text, run, &mut |(range, kind, score)| search.hit(range, kind, score));
        }
        for at in memchr::memmem::find_iter(text.as_bytes(), "hf_") {
            search.huggingface(at);
        }
    }
}

/// The search of one text.
struct Search<'a, 'h> {
    text: &'a str,
    hits: &'h mut Vec<Hit>,
    /// Hits before are another search's.
    first: usize,
    fuel: usize,
}

impl Search<'_, '_> {
    /// The text is the value of a member: the member's name is what it is given to.
    fn member(&mut self, key: &str) {
        let value = self.text.trim_ascii();
        if key.len() < 2 || value.len() < 4 || value.len() > grammar::VALUE_MAX || value.contains([' ', '\n'])
        {
            return;
        }
        let Some(found) = header::member(key) else { return };
        let start = self.text.len() - self.text.trim_ascii_start().len();
        let range = start..start + value.len();
        match found {
            header::Member::Vendor(vendor) if vendor.fits(value.as_bytes()) => {
                self.hit(range, vendor.kind, 0.8)
            }
            header::Member::Vendor(_) => {}
            header::Member::Word(word) => {
                if let Some(score) = word.judge(value.as_bytes(), true) {
                    self.hit(range, word.kind(), score);
                }
            }
        }
    }

    fn nominee(&mut self, nominee: Nominee) {
        let Some((needle, rule)) = RULES.get(nominee.needle) else { return };
        let bytes = self.text.as_bytes();
        let at = nominee.at;
        let word = at..at + needle.len();
        match *rule {
            Rule::Format(format) => match format.at(self.text, at) {
                Some((range, score)) => self.hit(range, format.kind, score),
                None => {
                    if let Some(range) = split::joined(format, bytes, at) {
                        self.hit(range, format.kind, 0.7);
                    }
                }
            },
            Rule::Infix(infix) => {
                if let Some(range) = infix.at(bytes, at) {
                    self.hit(range, infix.kind, 0.9);
                }
            }
            Rule::Vendor(vendor) => self.vendor(vendor, word),
            Rule::Word(kind) => self.word(kind, needle, word),
            Rule::Address => {
                if let Some((range, kind, score)) = address::login(bytes, word.end - 3) {
                    self.hit(range, kind, score);
                }
            }
            Rule::Webhook(least) => {
                if let Some(range) = address::webhook(bytes, &word, least) {
                    self.hit(range, "webhook_url", 0.8);
                }
            }
            Rule::Signature => {
                if let Some(range) = address::signed(bytes, at) {
                    self.hit(range, "signed_url", 0.8);
                }
            }
            Rule::Pem => {
                if let Some((range, kind)) = block::pem(self.text, at) {
                    self.hit(range, kind, 0.95);
                }
            }
            Rule::Putty => {
                if let Some(range) = block::putty(self.text, at) {
                    self.hit(range, "private_key", 0.95);
                }
            }
            Rule::Curl => {
                header::curl(bytes, word.end, &mut |range| self.hit(range, "basic_credentials", 0.7))
            }
            Rule::Manifest => {
                header::manifest(bytes, &word, &mut |range| self.hit(range, "kubernetes_secret", 0.6))
            }
        }
    }

    fn vendor(&mut self, vendor: &'static Vendor, word: Range<usize>) {
        let bytes = self.text.as_bytes();
        let name = grammar::name(bytes, &word);
        let Some(value) = self.spend(grammar::value(bytes, &name)) else { return };
        if bytes.get(value.range.clone()).is_some_and(|value| vendor.fits(value)) {
            self.hit(value.range, vendor.kind, 0.75);
        }
    }

    fn word(&mut self, word: Word, needle: &str, at: Range<usize>) {
        let bytes = self.text.as_bytes();
        // A needle may take a part of the sign with it.
        let letters = needle.trim_end_matches(['=', ':', '"', '\'', ' ']).len();
        let name = grammar::name(bytes, &(at.start..at.start + letters));
        let Some(mut value) = self.spend(grammar::value(bytes, &name)) else { return };
        if value.call {
            let Some(fallback) = header::fallback(bytes, value.range.end) else { return };
            value = fallback;
        }
        let Some(given) = bytes.get(value.range.clone()) else { return };
        let written = value.quoted || self.is_written(&name, &value);
        let plain = value.via == Via::Prose && word == Word::Key;
        if plain || bytes.get(name).is_some_and(|name| word::is_about(name, word)) {
            return;
        }
        if let Some(score) = word.judge(given, written) {
            let connection = word != Word::Salt && bytes.get(value.range.end) == Some(&b';') && !value.quoted;
            let range = if connection { address::pairs(bytes, &value.range) } else { value.range };
            self.hit(range, word.kind(), score);
        }
    }

    /// Whether an unquoted value stands where no code does: in settings, options, sentences.
    fn is_written(&self, name: &Range<usize>, value: &Value) -> bool {
        let between = self.text.as_bytes().get(name.end..value.range.start).unwrap_or_default();
        value.via != Via::Sign || between.len() <= 2
    }

    /// Counts what a value costs.
    fn spend(&mut self, value: Option<Value>) -> Option<Value> {
        let value = value?;
        let length = value.range.len();
        self.fuel = self.fuel.saturating_sub(length);
        (self.fuel > 0 || length <= 128).then_some(value)
    }

    fn huggingface(&mut self, at: usize) {
        let found = formats::all()
            .filter(|format| format.prefix == "hf_")
            .find_map(|format| Some((format.at(self.text, at)?, format.kind)));
        if let Some(((range, score), kind)) = found {
            self.hit(range, kind, score);
        }
    }

    /// Reports a secret, unless one was reported that holds it. What is part of it is forgotten.
    fn hit(&mut self, range: Range<usize>, kind: &'static str, score: f32) {
        if self.text.get(range.clone()).is_none() {
            return;
        }
        let from = self.first.max(self.hits.len().saturating_sub(COMPARED));
        let near = self.hits.get(from..).unwrap_or_default();
        // The more telling of two names for the same bytes stays.
        let known = |hit: &Hit| {
            let holds = hit.range.start <= range.start && range.end <= hit.range.end;
            holds && hit.score >= 0.5 && (hit.range != range || hit.score >= score)
        };
        if near.iter().any(known) {
            return;
        }
        for index in (from..self.hits.len()).rev() {
            let inner = self
                .hits
                .get(index)
                .is_some_and(|hit| range.start <= hit.range.start && hit.range.end <= range.end);
            if inner && score >= 0.5 {
                self.hits.remove(index);
            }
        }
        self.hits.push(Hit { kind, severity: kinds::severity(kind), score, range, why: kinds::why(kind) });
    }
}

#[cfg(test)]
mod tests;
