//! Five kernels' offsets, and this one's.

use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::kernel::btf::VMLINUX;
use crate::kernel::btf::tests::Builder;

const FIXTURE: &str = include_str!("../fixtures/offsets.txt");

/// Member → offset, or structure → size; `None` for what the kernel does not have.
type Places = BTreeMap<&'static str, Option<u32>>;

fn kernels() -> BTreeMap<&'static str, Places> {
    let mut kernels: BTreeMap<_, Places> = BTreeMap::new();
    for line in FIXTURE.lines().filter(|line| !line.starts_with('#')) {
        let (kernel, rest) = line.split_once('/').unwrap();
        let (path, place) = rest.split_once('=').unwrap();
        let place = (place != "absent").then(|| place.parse().unwrap());
        kernels.entry(kernel).or_default().insert(path, place);
    }
    kernels
}

/// BTF with structures in which everything is where it should be.
fn synthetic(places: &Places) -> Btf {
    let mut structures: BTreeMap<&str, Vec<(&str, u32)>> = BTreeMap::new();
    let mut sizes = BTreeMap::new();
    for (path, place) in places {
        let Some(place) = *place else { continue };
        match path.split_once('.') {
            Some((structure, member)) => structures.entry(structure).or_default().push((member, place)),
            None => {
                sizes.insert(*path, place);
            }
        }
    }
    let mut builder = Builder::new(true);
    let int = builder.int();
    for (name, members) in structures {
        let size = sizes.get(name).copied().unwrap_or(10_000);
        structure(&mut builder, int, name, size, &members);
    }
    Btf::parse(builder.finish()).unwrap()
}

/// A structure with these members. One within another begins where that does, and what is in it is as far in as said.
fn structure(builder: &mut Builder, int: u32, name: &str, size: u32, members: &[(&str, u32)]) -> u32 {
    let mut inner: BTreeMap<&str, Vec<(&str, u32)>> = BTreeMap::new();
    let mut fields = Vec::new();
    for (path, place) in members {
        match path.split_once('.') {
            Some((first, rest)) => inner.entry(first).or_default().push((rest, *place)),
            None => fields.push((*path, int, place * 8, 0)),
        }
    }
    for (first, members) in inner {
        fields.push((first, structure(builder, int, "", size, &members), 0, 0));
    }
    builder.structure(name, size, &fields)
}

#[test]
fn five_kernels_resolve_to_what_they_have() {
    let kernels = kernels();
    assert_eq!(kernels.len(), 5);
    for (kernel, places) in &kernels {
        let mut resolved = Resolved::new(&synthetic(places));
        for field in FIELDS {
            let (Source::Member(path) | Source::Size(path)) = field.source else { continue };
            let known = kernels.values().any(|places| places.contains_key(path));
            let Some(place) = places.get(path) else {
                assert!(!known, "{kernel}: other kernels have a line for {path}, and this one has none");
                continue;
            };
            assert_eq!(*(field.place)(&mut resolved.offsets), place.unwrap_or(ABSENT), "{kernel} {path}");
        }
        for (_, why) in &resolved.missing {
            let absent = |(path, place): (&&str, &Option<u32>)| place.is_none() && why.contains(*path);
            let recorded = places.keys().any(|path| why.contains(&format!("`{path}`")));
            assert!(!recorded || places.iter().any(absent), "{kernel}: {why}");
        }
    }
}

#[test]
fn the_oldest_kernel_lacks_what_io_uring_was_asked_for_and_says_so() {
    let kernels = kernels();
    let (_, places) = kernels.iter().find(|(kernel, _)| kernel.starts_with("5.10")).unwrap();
    let resolved = Resolved::new(&synthetic(places));
    assert!(resolved.obstacle(URING).unwrap().contains("io_kiocb.cmd"));
    assert!(resolved.remedy().contains("newer kernel"));
}

#[test]
fn each_hook_misses_what_it_needs_and_nothing_else() {
    let mut places = kernels()["6.18.44"].clone();
    places.insert("task_struct.files", None);
    places.insert("sock.sk_protocol", None);
    places.insert("task_struct.exit_code", None);
    let resolved = Resolved::new(&synthetic(&places));
    assert_eq!(resolved.offsets.task_files, ABSENT);
    assert!(resolved.obstacle(TAP).unwrap().contains("task_struct.files"));
    assert_eq!(resolved.obstacle(FORK), None);
    assert!(resolved.obstacle(SOCK).unwrap().contains("sock.sk_protocol"));
    assert_eq!(resolved.obstacle(EXIT), None);
    assert!(resolved.details_missing().any(|why| why.contains("exit_code")));
}

#[test]
fn without_btf_every_hook_says_why() {
    let error = Btf::read(Path::new("/nonexistent/btf")).unwrap_err();
    let resolved = Resolved::nothing(&error);
    for hook in [EXEC, FORK, EXIT, SOCK, TAP] {
        assert!(resolved.obstacle(hook).unwrap().contains("/nonexistent/btf"));
    }
    assert!(resolved.remedy().contains("CONFIG_DEBUG_INFO_BTF"));
    assert_eq!(resolved.obstacle(0), None);
    assert_eq!(resolved.offsets, UNKNOWN);
}

#[test]
fn this_kernel_has_everything() {
    let Ok(btf) = Btf::read(Path::new(VMLINUX)) else {
        println!("skipped: no BTF at {VMLINUX}");
        return;
    };
    let resolved = Resolved::new(&btf);
    let all = EXEC | FORK | EXIT | SOCK | TAP;
    assert_eq!(resolved.obstacle(all), None);
    assert_eq!(resolved.details_missing().collect::<Vec<_>>(), Vec::<&str>::new());
    assert_eq!(resolved.offsets.upid_size, 16);
}
