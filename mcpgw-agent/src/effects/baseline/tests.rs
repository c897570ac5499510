//! What is learned, and what is new.

use bytes::Bytes;

use super::*;
use crate::effects::tests::opened;
use crate::effects::{Ledger, Measure, Protocol};
use crate::inventory::BootTime;
use crate::json::{Document, Limits};

const LEARNING: u32 = 3;

fn did(act: Act) -> SideEffect {
    SideEffect { act, ..opened("/", Access::Read) }
}

fn connects(to: &str) -> SideEffect {
    did(Act::Connect { to: to.parse().unwrap(), protocol: Protocol::Tcp })
}

fn runs(path: &str) -> SideEffect {
    did(Act::Exec { path: path.to_owned(), arguments: Vec::new() })
}

fn words(odd: &[Odd]) -> Vec<&'static str> {
    odd.iter().map(|odd| odd.what.as_str()).collect()
}

/// What `effects` come to as a call's, of which `usual` is known.
fn during(usual: &Baseline, tool: &str, effects: &[SideEffect]) -> Collected {
    let mut ledger = Ledger::default();
    let measure = Measure { usual: Some(usual), learning: LEARNING, rules: None };
    assert!(ledger.opened(1, "a", tool, BootTime(0)));
    for effect in effects {
        assert_eq!(ledger.happened(effect, &measure), None);
    }
    ledger.closed(1, "a").unwrap().done
}

/// A call of `tool` that does this, let through.
fn call(usual: &mut Baseline, tool: &str, effects: &[SideEffect]) -> Collected {
    let done = during(usual, tool, effects);
    usual.learn(tool, &done, |_| false);
    done
}

/// It was called often enough for something to be new.
fn learned(tool: &str) -> Baseline {
    let mut usual = Baseline::default();
    for _ in 0..LEARNING {
        call(&mut usual, tool, &[connects("192.0.2.1:443"), runs("/usr/bin/git")]);
    }
    usual
}

#[test]
fn what_a_tool_never_did_is_new_once_it_is_known_what_it_does() {
    let mut usual = Baseline::default();
    for number in 0..LEARNING {
        let done = call(&mut usual, "t", &[connects(&format!("192.0.2.{number}:443")), runs("/usr/bin/git")]);
        assert_eq!(done.odd, []);
    }
    let done = call(&mut usual, "t", &[connects("192.0.2.0:443"), runs("/usr/bin/git")]);
    assert_eq!(done.odd, []);
    let done = call(&mut usual, "t", &[connects("198.51.100.7:25"), runs("/bin/sh"), runs("/bin/sh")]);
    let counts: Vec<_> = done.odd.iter().map(|odd| (odd.what, odd.count)).collect();
    assert_eq!(counts, [(Oddity::NewDestination, 1), (Oddity::NewProgram, 2)]);
    assert_eq!(done.kept[0].odd, [Oddity::NewDestination]);
    assert_eq!(call(&mut usual, "t", &[connects("198.51.100.7:25"), runs("/bin/sh")]).odd, []);
    let other = during(&usual, "u", &[connects("203.0.113.1:1")]);
    assert_eq!(other.odd, [], "another tool learns anew");
}

#[test]
fn what_was_refused_stays_new() {
    let mut usual = learned("t");
    for _ in 0..2 {
        let done = during(&usual, "t", &[connects("198.51.100.7:25"), runs("/bin/sh")]);
        assert_eq!(done.odd.len(), 2);
        usual.learn("t", &done, |what| what == Oddity::NewDestination);
        if usual.tools["t"].programs.contains("/bin/sh") {
            break;
        }
    }
    let again = during(&usual, "t", &[connects("198.51.100.7:25"), runs("/bin/sh")]);
    assert_eq!(again.odd.iter().map(|odd| odd.what).collect::<Vec<_>>(), [Oddity::NewDestination]);
}

#[test]
fn sensitive_paths_are_found_at_once_every_time_and_are_worse_the_first() {
    let mut usual = Baseline::default();
    let key = opened("/home/ann/.ssh/id_ed25519", Access::Read);
    let severities: Vec<_> =
        (0..3).map(|_| call(&mut usual, "t", std::slice::from_ref(&key)).odd[0].severity).collect();
    assert_eq!(severities, [Severity::High, Severity::Medium, Severity::Medium]);
    let kept: Vec<_> = usual.tools["t"].sensitive().collect();
    assert_eq!(kept, [("/home/ann/.ssh/id_ed25519", Use { read: true, write: false })]);
    assert!(usual.tools["t"].paths().is_empty());
}

#[test]
fn what_may_be_several_tools_is_known_where_any_knows_it_and_learned_for_none() {
    let usual = learned("t");
    let sure = usual.odd(&connects("192.0.2.1:443"), &["t"], LEARNING);
    assert_eq!(words(&sure), [""; 0]);
    let mut both = usual.clone();
    for _ in 0..LEARNING {
        call(&mut both, "u", &[]);
    }
    assert_eq!(words(&both.odd(&connects("192.0.2.1:443"), &["u"], LEARNING)), ["new_destination"]);
    assert_eq!(words(&both.odd(&connects("192.0.2.1:443"), &["t", "u"], LEARNING)), [""; 0]);
    let new = connects("203.0.113.9:9");
    assert_eq!(words(&both.odd(&new, &["t", "u"], LEARNING)), ["new_destination"]);
    let mut ledger = Ledger::default();
    for (id, tool) in [("a", "t"), ("b", "u")] {
        assert!(ledger.opened(1, id, tool, BootTime(0)));
    }
    ledger.happened(&new, &Measure { usual: Some(&both), learning: LEARNING, rules: None });
    both.learn("t", &ledger.closed(1, "a").unwrap().done, |_| false);
    assert_eq!(words(&both.odd(&new, &["t", "u"], LEARNING)), [""; 0]);
    assert_eq!(words(&both.odd(&new, &["t"], LEARNING)), ["new_destination"], "of one it is still new");
}

#[test]
fn what_is_nobodys_is_learned_while_the_first_calls_of_all_are() {
    let mut usual = Baseline::default();
    assert_eq!(usual.odd(&runs("/usr/bin/node"), &[], LEARNING), []);
    let mut ledger = Ledger::default();
    ledger.happened(&runs("/usr/bin/node"), &Measure::default());
    usual.learn(NO_TOOL, &ledger.take_stray().unwrap().done, |_| false);
    for _ in 0..LEARNING {
        call(&mut usual, "t", &[]);
    }
    assert_eq!(usual.odd(&runs("/usr/bin/node"), &[], LEARNING), []);
    assert_eq!(words(&usual.odd(&runs("/bin/sh"), &[], LEARNING)), ["new_program"]);
}

#[test]
fn a_flood_does_not_hide_what_is_odd() {
    let usual = learned("t");
    let mut all: Vec<_> = (0..200).map(|number| opened(&format!("/srv/x{number}"), Access::Read)).collect();
    all.push(opened("/home/ann/.ssh/id_rsa", Access::Read));
    all.push(connects("203.0.113.9:9"));
    let done = during(&usual, "t", &all);
    assert_eq!((done.kept.len(), done.beside.len(), done.more), (super::super::KEPT_MAX, 2, 136));
    assert_eq!(done.odd.len(), 2);
}

#[test]
fn it_is_bounded_whatever_a_server_does() {
    let mut usual = Baseline::default();
    for tool in 0..400 {
        let name = "x".repeat(200);
        let effects: Vec<_> = (0..60)
            .map(|number| opened(&format!("/{tool}{name}/{number}{name}/{number}{name}"), Access::Read))
            .collect();
        call(&mut usual, &format!("tool{tool}"), &effects);
    }
    assert!(usual.is_full() && usual.tools.len() <= TOOLS_MAX && usual.bytes <= BYTES_MAX + (64 << 10));
    let mut text = "{".to_owned();
    usual.write(&mut text);
    text.push('}');
    assert!(text.len() < 8 << 20, "{}", text.len());
}

#[test]
fn what_is_written_is_read_again_and_nothing_else_is() {
    let mut usual = learned("t\"x");
    call(&mut usual, "", &[opened("/home/ann/.env", Access::ReadWrite), opened("/srv/a b", Access::Write)]);
    let text = |usual: &Baseline| {
        let mut text = "{".to_owned();
        usual.write(&mut text);
        text.push('}');
        text
    };
    let read = |text: &str| {
        let document = Document::parse(Bytes::copy_from_slice(text.as_bytes()), &Limits::default()).unwrap();
        Baseline::read(document.root())
    };
    let written = text(&usual);
    let again = read(&written).unwrap();
    assert_eq!(text(&again), written);
    assert_eq!((again.calls(), again.tools().count()), (usual.calls(), usual.tools().count()));
    for (from, to) in [
        ("\"calls\":3,\"tools\"", "\"calls\":-3,\"tools\""),
        ("tcp:192.0.2.1:443", "tcp:192.0.2.1"),
        ("rw /home", "x /home"),
        ("\"programs\":[\"", "\"programs\":[1,\""),
        ("\"paths\":", "\"pathz\":"),
    ] {
        assert!(written.contains(from), "{from} is not in {written}");
        assert!(read(&written.replacen(from, to, 1)).is_err(), "{to}");
    }
}
