//! Data carried out in what looks like something else.
//!
//! In what a server sends: images and links whose URL carries data, for a client that shows an image has fetched it. In what a
//! client sends: URLs that carry data or lead to a place where anybody can collect it, names of machines that are data,
//! commands that send away what is kept secret, and whole conversations. What a URL carries is judged by what it decodes
//! to and what its members are called, not by length alone: signatures, badges and searches are long, too. Whether data
//! came out of an earlier answer cannot be known here.

mod data;
mod host;
mod label;
mod link;
mod talk;
#[cfg(test)]
mod tests;
mod upload;

use std::cell::LazyCell;
use std::ops::Range;

use super::member::Member;
use super::{Detector, Hit, Noticed, Place, Severity, Surface, TextDetector};
use crate::mcp::Role;
use host::Collector;
use link::{Carrier, Link};

const HTTPS: usize = 0;
const HTTP: usize = 1;
/// Up to here needles begin URLs.
const URLS: usize = 6;

/// The detector of data that is carried out.
#[derive(Debug, Clone, Copy, Default)]
pub struct Exfiltration;

impl TextDetector for Exfiltration {
    fn detector(&self) -> Detector {
        Detector::Exfiltration
    }

    fn needles(&self) -> &'static [&'static str] {
        &[
            "https://",
            "http://",
            // Without a scheme, where something is fetched all the same.
            "](//",
            "=\"//",
            "='//",
            "url(//",
            "assistant:",
            "user:",
            "human:",
            "system:",
        ]
    }

    fn is_for(&self, surface: Surface) -> bool {
        surface != Surface::Definition
    }

    fn find(&self, text: &str, place: &Place<'_>, noticed: &Noticed<'_>, hits: &mut Vec<Hit>) {
        match place.surface {
            Surface::Content if noticed.needles.is_empty() => {}
            Surface::Content if matches!(place.role, Role::Prose | Role::Structured | Role::Error) => {
                let has_images = LazyCell::new(|| text.contains("!["));
                each_url(text, noticed, |at| {
                    let link = Link::in_content(text, at, || *has_images)?;
                    hits.extend(told(&link));
                    Some(link.range.end)
                });
            }
            Surface::Arguments if matches!(place.role, Role::Argument | Role::Uri) => {
                sent(text, place, noticed, hits)
            }
            Surface::Content | Surface::Arguments | Surface::Definition => {}
        }
    }
}

/// Shows `look` where each URL begins that is not within the last one.
fn each_url(text: &str, noticed: &Noticed<'_>, mut look: impl FnMut(usize) -> Option<usize>) {
    let mut end = 0;
    for nominee in noticed.needles.iter().filter(|nominee| nominee.needle < URLS) {
        let at = match nominee.needle {
            HTTPS | HTTP => nominee.at,
            _ => nominee.at + link::slashes(text.get(nominee.at..).unwrap_or_default()).unwrap_or(0),
        };
        if at >= end {
            end = look(at).unwrap_or(at);
        }
    }
}

/// What a server says is shown to somebody.
fn told(link: &Link<'_>) -> Option<Hit> {
    let load = data::of(link);
    let is_image = link.carrier == Carrier::Image;
    if load.is_none() && link.carrier == Carrier::Plain {
        return None;
    }
    let is_anybodys = host::collector(link.host(), link.path()) == Some(Collector::Anybodys);
    let score = match (link.carrier, load) {
        (Carrier::Image, _) if is_anybodys => 0.85,
        (Carrier::Link, Some(_)) if is_anybodys => 0.75,
        (Carrier::Plain, Some(_)) if is_anybodys => 0.45,
        (Carrier::Link, None) if is_anybodys => 0.3,
        (Carrier::Image, Some(load)) => load.shown,
        (Carrier::Link, Some(load)) => load.linked,
        (Carrier::Plain, Some(load)) => load.linked.min(0.3),
        (Carrier::Image | Carrier::Link | Carrier::Plain, None) => 0.0,
    };
    let named = label::judge(link.host()).map_or(0.0, |score| if is_image { score } else { score - 0.3 });
    let (kind, severity, why) = if is_image {
        let why = "an image whose address carries data: whoever shows it sends it";
        ("image_with_data", Severity::High, why)
    } else {
        ("link_with_data", Severity::Medium, "a link whose address carries data")
    };
    hit(kind, severity, score.max(named), link.range.clone(), why)
}

/// What a client sends a server.
fn sent(text: &str, place: &Place<'_>, noticed: &Noticed<'_>, hits: &mut Vec<Hit>) {
    let member = if place.role == Role::Uri { Member::Address } else { Member::of(place.key) };
    each_url(text, noticed, |at| {
        let link = Link::in_argument(text, at)?;
        let is_whole = text.get(..at).is_some_and(|before| before.trim().is_empty());
        let is_mentioned = match member {
            Member::Document | Member::Pattern => true,
            Member::Other => !is_whole,
            Member::Command | Member::Path | Member::Address | Member::Host | Member::Name => false,
        };
        hits.extend(judge_sent(&link, is_mentioned));
        Some(link.range.end)
    });
    match member {
        Member::Command => {
            hits.extend(upload::find(text));
            hits.extend(label::in_command(text));
        }
        Member::Other if !place.key.is_empty() && !text.contains('\n') => hits.extend(upload::find(text)),
        Member::Host | Member::Address if text.len() <= 253 && !text.contains('/') => {
            let why = "the name of a machine that is data: looking it up sends it";
            let score = label::judge(text.trim()).unwrap_or(0.0);
            hits.extend(hit("dns_data", Severity::High, score, 0..text.len(), why));
        }
        Member::Document
        | Member::Pattern
        | Member::Path
        | Member::Host
        | Member::Address
        | Member::Name
        | Member::Other => {}
    }
    hits.extend(talk::find(text, place.key, noticed));
}

fn judge_sent(link: &Link<'_>, is_mentioned: bool) -> Option<Hit> {
    let load = data::of(link);
    let less = |score: f32| if is_mentioned { score / 2.0 } else { score };
    if let Some(collector) = host::collector(link.host(), link.path()) {
        let why = "an address where what is sent can be collected";
        let score = match (collector, load) {
            (Collector::Anybodys, Some(_)) => 0.9,
            (Collector::Anybodys, None) => 0.7,
            (Collector::Somebodys, Some(_)) => 0.6,
            (Collector::Somebodys, None) => 0.5,
        };
        return hit("collector_url", Severity::High, less(score), link.range.clone(), why);
    }
    if let Some(score) = label::judge(link.host()) {
        let why = "the name of a machine that is data: looking it up sends it";
        return hit("dns_data", Severity::High, less(score), link.range.clone(), why);
    }
    let load = load?;
    hit(
        "url_with_data",
        Severity::Medium,
        less(load.sent),
        link.range.clone(),
        "an address that carries data",
    )
}

/// What is not worth a word is none.
fn hit(
    kind: &'static str,
    severity: Severity,
    score: f32,
    range: Range<usize>,
    why: &'static str,
) -> Option<Hit> {
    (score > 0.1).then_some(Hit { kind, severity, score, range, why })
}
