//! Tests of the whole detector.
use super::*;
use crate::detect::{Nominations, Nominator};
use crate::mcp::Role;

fn hits(text: &str, key: &str) -> Vec<Hit> {
    let place = Place { surface: Surface::Arguments, role: Role::Argument, key, tool: None };
    let mut noticed = Nominations::default();
    Nominator::new(&[&Destructive]).scan(text, &mut noticed);
    let mut hits = Vec::new();
    Destructive.find(text, &place, &noticed.of(0), &mut hits);
    for hit in &hits {
        assert!(text.get(hit.range.clone()).is_some(), "{text:?} {hit:?}");
    }
    hits
}

#[test]
fn what_removes_everything_is_found_however_it_is_wrapped() {
    for text in [
        "rm -rf /",
        "sudo sh -c 'rm -rf /home/ann'",
        "x='rm -rf /'; $x",
        "DROP TABLE invoices;",
        "git push -f origin main",
    ] {
        assert!(hits(text, "").iter().any(|hit| hit.score >= 0.5), "{text}");
    }
    for text in [
        "echo 'rm -rf /'",
        "rm -rf node_modules",
        "git push --force --dry-run",
        "SELECT 'DROP TABLE invoices'",
    ] {
        assert!(hits(text, "").iter().all(|hit| hit.score < 0.5), "{text}");
    }
}
