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

pub(super) use kinds::KINDS;

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use bare::{Infix, NEEDLE_MIN};
use format::Format;
use grammar::{Value, Via};
use vendor::Vendor;
use word::Word;

use super::{Detector, Hit, Nominee, Noticed, Place, TextDetector};

/// A value is looked at so often for the names that stand in it. Text made to cost time has one in every few bytes.
const NAMES_MAX: usize = 4;
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
    /// A JSON web key.
    WebKey,
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
        ("\"kty\"", Rule::WebKey),
        ("kind: secret", Rule::Manifest),
        ("\"kind\": \"secret\"", Rule::Manifest),
    ]);
    rules
});

/// Its tokens have no digit: nothing else finds them.
static HUGGINGFACE: LazyLock<Vec<&'static Format>> =
    LazyLock::new(|| formats::all().filter(|format| format.prefix == "hf_").collect());

static HUGGINGFACE_PREFIX: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("hf_"));
/// No shorter text holds one.
const HUGGINGFACE_MIN: usize = 37;

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
        let member = member(text, place.key);
        let has_prefix = text.len() >= HUGGINGFACE_MIN;
        if member.is_none() && noticed.needles.is_empty() && noticed.tokens.is_empty() && !has_prefix {
            return;
        }
        let first = hits.len();
        let mut search = Search { text, hits, first, done: Done::default() };
        if let Some(member) = member {
            search.member(member);
        }
        for nominee in noticed.needles {
            search.nominee(*nominee);
        }
        for run in noticed.tokens {
            bare::find(text, run, &mut |(range, kind, score)| search.hit(range, kind, score));
        }
        if has_prefix {
            for at in HUGGINGFACE_PREFIX.find_iter(text.as_bytes()) {
                search.huggingface(at);
            }
        }
    }
}

/// The text is the value of a member: the member's name is what it is given to.
fn member(text: &str, key: &str) -> Option<header::Member> {
    if key.len() < 2 || text.len() < 4 || !header::may_be_secret(key) {
        return None;
    }
    let value = text.trim_ascii();
    let is_one = (4..=grammar::VALUE_MAX).contains(&value.len())
        && memchr::memchr2(b' ', b'\n', value.as_bytes()).is_none();
    if is_one { header::member(key) } else { None }
}

/// The search of one text.
struct Search<'a, 'h> {
    text: &'a str,
    hits: &'h mut Vec<Hit>,
    /// Hits before are another search's.
    first: usize,
    done: Done,
}

/// How far was looked already, by each kind of rule that looks far: nothing is looked at again and again.
#[derive(Debug, Default)]
struct Done {
    /// The last token of some format.
    token: Range<usize>,
    /// The end of the last run of bytes tokens are made of.
    run: usize,
    /// The end of the last value, and how many names were met in it.
    value: usize,
    names: usize,
    /// The end of the last pieces that were put together.
    joined: usize,
    /// Ends of windows.
    block: usize,
    manifest: usize,
    web_key: usize,
}

impl Search<'_, '_> {
    /// The text is the value of such a member.
    fn member(&mut self, found: header::Member) {
        let value = self.text.trim_ascii();
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
            Rule::Format(format) => self.format(format, at),
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
            Rule::Pem if at >= self.done.block => {
                if let Some((range, kind)) = block::pem(self.text, at) {
                    self.done.block = range.end;
                    self.hit(range, kind, 0.95);
                }
            }
            Rule::Putty if at >= self.done.block => {
                if let Some(range) = block::putty(self.text, at) {
                    self.done.block = range.end;
                    self.hit(range, "private_key", 0.95);
                }
            }
            Rule::Pem | Rule::Putty => {}
            Rule::Curl => {
                header::curl(bytes, word.end, &mut |range| self.hit(range, "basic_credentials", 0.7));
            }
            Rule::Manifest if at >= self.done.manifest => {
                self.done.manifest = at + header::MANIFEST_MAX;
                header::manifest(bytes, &word, &mut |range| self.hit(range, "kubernetes_secret", 0.6));
            }
            Rule::WebKey if at >= self.done.web_key => {
                self.done.web_key = at + header::MANIFEST_MAX;
                header::web_key(bytes, at, &mut |range| self.hit(range, "json_web_key", 0.9));
            }
            Rule::Manifest | Rule::WebKey => {}
        }
    }

    fn format(&mut self, format: &'static Format, at: usize) {
        // What stands in a token is part of it; another format may know more of the same.
        if self.done.token.contains(&at) && at != self.done.token.start {
            return;
        }
        if let Some((range, score)) = format.at(self.text, at) {
            self.done.token = range.start..range.end.max(self.done.token.end);
            self.hit(range, format.kind, score);
            return;
        }
        let bytes = self.text.as_bytes();
        if at >= self.done.run {
            self.done.run = at + alphabet::run(bytes, at, alphabet::TOKEN, usize::MAX);
        }
        if at < self.done.joined {
            return;
        }
        if let Some((end, whole)) = split::joined(format, bytes, at, self.done.run) {
            self.done.joined = end;
            whole.into_iter().for_each(|range| self.hit(range, format.kind, 0.7));
        }
    }

    /// Whether the name at `at` is to be looked at: not, where it stands in a value in which many were met.
    fn is_due(&mut self, at: usize) -> bool {
        if at >= self.done.value {
            self.done.names = 0;
        }
        self.done.names += 1;
        self.done.names <= NAMES_MAX
    }

    /// Remembers where a value ends that is given to a name outside of any.
    fn seen(&mut self, value: Option<Value>) -> Option<Value> {
        if let Some(value) = &value
            && self.done.names == 1
        {
            self.done.value = value.range.end;
        }
        value.filter(|value| value.range.len() < grammar::VALUE_MAX)
    }

    fn vendor(&mut self, vendor: &'static Vendor, word: Range<usize>) {
        if !self.is_due(word.start) {
            return;
        }
        let bytes = self.text.as_bytes();
        let name = grammar::name(bytes, &word);
        let Some(value) = self.seen(grammar::value(bytes, &name)) else { return };
        if bytes.get(value.range.clone()).is_some_and(|value| vendor.fits(value)) {
            self.hit(value.range, vendor.kind, 0.75);
        }
    }

    fn word(&mut self, word: Word, needle: &str, at: Range<usize>) {
        let bytes = self.text.as_bytes();
        // A needle may take a part of the sign with it.
        let letters = needle.trim_end_matches(['=', ':', '"', '\'', ' ']).len();
        if letters <= 5 && !grammar::begins_word(bytes, at.start) || !self.is_due(at.start) {
            return;
        }
        let name = grammar::name(bytes, &(at.start..at.start + letters));
        let Some(mut value) = self.seen(grammar::value(bytes, &name)) else { return };
        if value.call {
            let Some(fallback) = header::fallback(bytes, value.range.end) else { return };
            value = fallback;
        }
        let Some(given) = bytes.get(value.range.clone()) else { return };
        if !value.quoted && grammar::is_code(bytes, &value.range) {
            return;
        }
        let written = value.quoted || self.is_written(&name, &value);
        let plain = match value.via {
            Via::Prose => word == Word::Key,
            Via::Beside => word != Word::Password || !value::is_outright(given),
            Via::Sign | Via::Neighbour | Via::Blank => false,
        };
        let Some(score) = word.judge(given, written) else { return };
        if !plain && !bytes.get(name.clone()).is_some_and(|name| word::is_about(name, word)) {
            let connection =
                word != Word::Salt && !value.quoted && address::is_paired(bytes, &name, &value.range);
            let range = if connection { address::pairs(bytes, &value.range) } else { value.range };
            self.done.value = self.done.value.max(range.end);
            self.hit(range, word.kind(), score);
        }
    }

    /// Whether an unquoted value stands where no code does: in settings, options, sentences.
    fn is_written(&self, name: &Range<usize>, value: &Value) -> bool {
        let between = self.text.as_bytes().get(name.end..value.range.start).unwrap_or_default();
        value.via != Via::Sign || between.len() <= 2
    }

    fn huggingface(&mut self, at: usize) {
        for format in HUGGINGFACE.iter() {
            if let Some((range, score)) = format.at(self.text, at) {
                self.hit(range, format.kind, score);
            }
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
