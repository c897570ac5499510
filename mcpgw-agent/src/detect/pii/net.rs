//! Addresses of networks and of their devices.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use super::scene::Scene;
use super::topic::Topics;

/// Longest text of an address of version 6.
const LONGEST: usize = 45;
const WHY: &str = "an address of a network";

/// Looks for an address of version 4 whose first digit is at `start`.
pub(super) fn ipv4(scene: &mut Scene<'_, '_>, start: usize) -> bool {
    let rest = scene.bytes.get(start..scene.bytes.len().min(start + 16)).unwrap_or_default();
    if !rest.iter().take(4).any(|byte| *byte == b'.') || start < scene.colons || !begins(scene, start) {
        return false;
    }
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
    let length = if length > 0 && rest.get(length - 1) == Some(&b'.') { length - 1 } else { length };
    let Some(address) = scene.text.get(start..start + length).and_then(|text| text.parse::<Ipv4Addr>().ok())
    else {
        return false;
    };
    let end = start + length;
    if scene.byte(end).is_some_and(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)) {
        return false;
    }
    let range = start..with_prefix(scene, end);
    let personal = !(address.is_loopback()
        || address.is_unspecified()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || is_service(address));
    let score = score(scene, &range, personal, address.is_private() || address.is_link_local());
    scene.add("ip_address", score, range, WHY);
    true
}

/// Resolvers and the like, which belong to no person.
fn is_service(address: Ipv4Addr) -> bool {
    let [first, .., last] = address.octets();
    matches!(address.octets(), [8, 8, 8 | 4, 8 | 4] | [1, 1 | 0, 1 | 0, 1] | [9, 9, 9, 9])
        || first == 0
        || first >= 240
        || last == 0
}

fn score(scene: &mut Scene<'_, '_>, range: &Range<usize>, personal: bool, private: bool) -> f32 {
    let near = scene.near(range);
    let whole = scene.is_whole(range);
    if near.meets(Topics::VERSION) && !near.meets(Topics::IP) {
        0.2
    } else if near.meets(Topics::LOCAL) && !near.meets(Topics::IP) {
        0.3
    } else if private {
        if whole { 0.5 } else { 0.4 }
    } else if personal {
        0.7
    } else {
        0.3
    }
}

fn begins(scene: &Scene<'_, '_>, start: usize) -> bool {
    scene.before(start).is_none_or(|byte| !byte.is_ascii_alphanumeric() && !b"_.-".contains(&byte))
        && !(scene.before(start) == Some(b'/')
            && start
                .checked_sub(2)
                .and_then(|at| scene.byte(at))
                .is_some_and(|byte| byte.is_ascii_alphanumeric()))
}

/// Where `/24` behind an address ends, if it is there.
fn with_prefix(scene: &Scene<'_, '_>, end: usize) -> usize {
    if scene.byte(end) != Some(b'/') {
        return end;
    }
    let digits = scene
        .bytes
        .get(end + 1..)
        .unwrap_or_default()
        .iter()
        .take(4)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if (1..=3).contains(&digits) { end + 1 + digits } else { end }
}

/// Looks for an address of version 6 or of a device around a word of one to four hexadecimal digits that has a colon,
/// a hyphen or a dot beside it.
pub(super) fn hexadecimal(scene: &mut Scene<'_, '_>, word: &Range<usize>) {
    let sides = [scene.before(word.start), scene.byte(word.end)];
    if sides.contains(&Some(b':')) && word.start >= scene.colons && ipv6(scene, word) {
        return;
    }
    if !scene.begins(word.start) {
        return;
    }
    let (groups, size, separator) = match (word.len(), sides.get(1)) {
        (2, Some(Some(separator @ (b':' | b'-')))) => (6, 2, *separator),
        (4, Some(Some(b'.'))) => (3, 4, b'.'),
        _ => return,
    };
    let range = word.start..word.start + groups * (size + 1) - 1;
    let Some(found) = scene.bytes.get(range.clone()) else { return };
    let is_device = found.iter().enumerate().all(|(index, byte)| {
        if index % (size + 1) == size { *byte == separator } else { byte.is_ascii_hexdigit() }
    });
    let digits = || found.iter().filter(|byte| **byte != separator);
    let real = digits().any(|byte| *byte != b'0') && digits().any(|byte| !matches!(byte, b'f' | b'F'));
    let letters = separator != b'.' || digits().any(|byte| !byte.is_ascii_digit());
    if is_device && real && letters && scene.ends(range.end) {
        scene.add("mac_address", 0.7, range, "an address of a device");
    }
}

fn ipv6(scene: &mut Scene<'_, '_>, word: &Range<usize>) -> bool {
    let is_part = |byte: &&u8| byte.is_ascii_hexdigit() || **byte == b':' || **byte == b'.';
    let least = word.start.saturating_sub(LONGEST).max(scene.colons.min(word.start));
    let before = scene.bytes.get(least..word.start).unwrap_or_default();
    let start = word.start - before.iter().rev().take_while(is_part).count();
    let rest = scene.bytes.get(start..scene.bytes.len().min(start + LONGEST + 1)).unwrap_or_default();
    let length = rest.iter().take_while(is_part).count();
    let colons = rest.iter().take(length).filter(|byte| **byte == b':').count();
    scene.colons = start + length;
    if length > LONGEST || colons < 2 {
        return false;
    }
    let kept = rest
        .get(..length)
        .unwrap_or_default()
        .iter()
        .rposition(|byte| byte.is_ascii_hexdigit())
        .map_or(0, |last| last + 1);
    let end = if rest.get(..length).is_some_and(|found| found.ends_with(b"::")) {
        start + length
    } else {
        start + kept
    };
    let Some(address) = scene.text.get(start..end).and_then(|text| text.parse::<Ipv6Addr>().ok()) else {
        return false;
    };
    let clean = |byte: Option<u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric() && byte != b'_');
    if !clean(scene.before(start)) || !clean(scene.byte(end)) {
        return false;
    }
    let range = start..with_prefix(scene, end);
    let mapped = address.to_ipv4_mapped();
    let local = address.is_unicast_link_local()
        || address.is_unique_local()
        || mapped.is_some_and(|four| four.is_private());
    let personal = !(address.is_loopback() || address.is_unspecified() || address.is_multicast());
    let found = scene.bytes.get(start..end).unwrap_or_default();
    // `::1` and the like are of every machine.
    if found.iter().filter(|byte| byte.is_ascii_hexdigit()).count() >= 5 {
        let score = score(scene, &range, personal, local);
        scene.add("ip_address", score, range, WHY);
    }
    true
}
