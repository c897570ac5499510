//! What setup does next, for invented machines.

use super::*;

fn compiler(core: bool) -> Option<Compiler> {
    Some(Compiler { minor: 96, llvm: 22, core })
}

fn root_on_debian() -> Facts {
    Facts { root: true, apt: true, ..Facts::default() }
}

fn step(facts: &Facts, done: &[Step]) -> Step {
    match next(facts, None, done) {
        Next::Do(step) => step,
        other @ (Next::Ready(_) | Next::Stuck(_)) => panic!("expected a step, got {other:?}"),
    }
}

fn ready(facts: &Facts, only: Option<Way>) -> Way {
    match next(facts, only, &[]) {
        Next::Ready(toolchain) => toolchain.way,
        other @ (Next::Do(_) | Next::Stuck(_)) => panic!("expected a toolchain, got {other:?}"),
    }
}

#[test]
fn a_fresh_debian_gets_debians_packages_then_llvm_then_the_linker() {
    let mut facts = root_on_debian();
    let Step::Apt { packages } = step(&facts, &[]) else { panic!() };
    assert_eq!(packages, DEBIAN_PACKAGES);

    facts.debian = compiler(true);
    let Step::Apt { packages } = step(&facts, &[]) else { panic!() };
    assert!(packages.contains(&"llvm-22-dev".to_owned()), "{packages:?}");

    facts.llvm = vec![22];
    facts.link_tools = true;
    assert_eq!(step(&facts, &[]), Step::Linker { llvm: 22 });

    facts.linkers = vec![(22, "/x".into())];
    assert_eq!(ready(&facts, None), Way::Debian);
}

#[test]
fn nightly_comes_first_and_debian_when_its_source_cannot_be_had() {
    let mut facts = Facts { nightly: compiler(false), ..root_on_debian() };
    assert_eq!(step(&facts, &[]), Step::RustSrc);
    assert!(matches!(step(&facts, &[Step::RustSrc]), Step::Apt { .. }));

    facts.nightly = compiler(true);
    facts.debian = compiler(true);
    facts.linkers = vec![(22, "/x".into())];
    assert_eq!(ready(&facts, None), Way::Nightly);
    assert_eq!(ready(&facts, Some(Way::Debian)), Way::Debian);
}

#[test]
fn a_complete_way_is_taken_before_the_first_one_is_worked_on() {
    let facts = Facts {
        nightly: compiler(false),
        debian: compiler(true),
        linkers: vec![(22, "/x".into())],
        ..root_on_debian()
    };
    assert_eq!(ready(&facts, None), Way::Debian);
}

#[test]
fn a_linker_for_another_llvm_is_not_taken() {
    let facts = Facts {
        debian: compiler(true),
        linkers: vec![(21, "/x".into())],
        llvm: vec![21, 22],
        link_tools: true,
        ..root_on_debian()
    };
    assert_eq!(step(&facts, &[]), Step::Linker { llvm: 22 });
}

#[test]
fn a_linker_somebody_installed_is_taken() {
    let facts = Facts { nightly: compiler(true), foreign_linker: Some("/y".into()), ..Facts::default() };
    assert_eq!(ready(&facts, None), Way::Nightly);
}

#[test]
fn who_may_not_install_packages_is_told_the_commands() {
    for (root, apt) in [(false, true), (true, false)] {
        let facts = Facts { root, apt, ..Facts::default() };
        let Next::Stuck(advice) = next(&facts, None, &[]) else { panic!() };
        assert!(advice.contains("apt-get install --no-install-recommends rustc-web cargo-web"), "{advice}");
        assert!(advice.contains("rustup toolchain install nightly"), "{advice}");
    }
}

#[test]
fn who_may_not_install_packages_still_builds_the_linker() {
    let facts = Facts { debian: compiler(true), llvm: vec![22], link_tools: true, ..Facts::default() };
    assert_eq!(step(&facts, &[]), Step::Linker { llvm: 22 });
}

#[test]
fn an_old_or_too_new_compiler_is_left_alone() {
    for (minor, llvm) in [(85, 19), (110, 24)] {
        let facts = Facts { nightly: Some(Compiler { minor, llvm, core: true }), ..Facts::default() };
        assert!(matches!(next(&facts, None, &[]), Next::Stuck(_)));
    }
}

#[test]
fn a_step_that_changed_nothing_is_not_repeated() {
    let facts = root_on_debian();
    let done = [step(&facts, &[])];
    assert!(matches!(next(&facts, None, &done), Next::Stuck(_)));
}
