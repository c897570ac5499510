//! Five kernels' offsets, and this one's.

use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::kernel::btf::VMLINUX;
use crate::kernel::btf::tests::{Builder, Member};

const FIXTURE: &str = include_str!("../fixtures/offsets.txt");

/// Kernel → structure → member → offset.
fn kernels() -> BTreeMap<&'static str, BTreeMap<&'static str, BTreeMap<&'static str, u32>>> {
    let mut kernels: BTreeMap<_, BTreeMap<_, BTreeMap<_, _>>> = BTreeMap::new();
    for line in FIXTURE.lines().filter(|line| !line.starts_with('#')) {
        let (kernel, rest) = line.split_once('/').unwrap();
        let (path, offset) = rest.split_once('=').unwrap();
        let (structure, member) = path.split_once('.').unwrap();
        let members = kernels.entry(kernel).or_default().entry(structure).or_default();
        members.insert(member, offset.parse().unwrap());
    }
    kernels
}

/// BTF with these structures, and a `sock` that holds `sock_common`.
fn synthetic(structures: &BTreeMap<&'static str, BTreeMap<&'static str, u32>>) -> Btf {
    let mut builder = Builder::new(true);
    let int = builder.int();
    let path = builder.structure("path", 16, &[("mnt", int, 0, 0), ("dentry", int, 64, 0)]);
    let name = builder.structure("qstr", 16, &[("hash", int, 0, 0), ("name", int, 64, 0)]);
    let ns = builder.structure("ns_common", 24, &[("inum", int, 128, 0)]);
    let common = members(&structures["sock_common"], int, path, name, ns);
    let common = builder.structure("sock_common", 136, &common);
    for (structure, fields) in structures {
        let mut fields = members(fields, int, path, name, ns);
        if *structure == "sock" {
            fields.push(("__sk_common", common, 0, 0));
        }
        builder.structure(structure, 10_000, &fields);
    }
    Btf::parse(builder.finish()).unwrap()
}

fn members<'a>(fields: &BTreeMap<&'a str, u32>, int: u32, path: u32, name: u32, ns: u32) -> Vec<Member<'a>> {
    let kind = |member| match member {
        "f_path" => path,
        "d_name" => name,
        "ns" => ns,
        _ => int,
    };
    fields.iter().map(|(member, offset)| (*member, kind(*member), offset * 8, 0)).collect()
}

#[test]
fn five_kernels_resolve_to_what_they_have() {
    let kernels = kernels();
    assert_eq!(kernels.len(), 5);
    for (kernel, structures) in &kernels {
        let btf = synthetic(structures);
        for (structure, members) in structures {
            for (member, offset) in members {
                assert_eq!(
                    btf.offset(&format!("{structure}.{member}")).unwrap(),
                    *offset,
                    "{kernel} {structure}.{member}"
                );
            }
        }
        let offsets = Resolved::new(&btf).offsets;
        let task = &structures["task_struct"];
        assert_eq!(offsets.task_tgid, task["tgid"], "{kernel}");
        assert_eq!(offsets.task_start_boottime, task["start_boottime"], "{kernel}");
        assert_eq!(offsets.file_dentry, structures["file"]["f_path"] + 8, "{kernel}");
        assert_eq!(offsets.mnt_ns_inum, structures["mnt_namespace"]["ns"] + 16, "{kernel}");
        assert_eq!(offsets.sock_family, structures["sock_common"]["skc_family"], "{kernel}");
        assert_eq!(offsets.upid_size, ABSENT, "{kernel}: the fixture has no upid");
    }
}

#[test]
fn each_hook_misses_what_it_needs_and_nothing_else() {
    let kernels = kernels();
    let mut structures = kernels["6.18.44"].clone();
    structures.get_mut("task_struct").unwrap().remove("files");
    let resolved = Resolved::new(&synthetic(&structures));
    assert_eq!(resolved.offsets.task_files, ABSENT);
    assert!(resolved.obstacle(TAP).unwrap().contains("task_struct.files"));
    assert_eq!(resolved.obstacle(0), None);
    // The fixture lists no member of `inet_sock_set_state`'s, so that hook is missing too, and says which.
    assert!(resolved.obstacle(SOCK).unwrap().contains("sock.sk_protocol"));
    assert!(resolved.details_missing().any(|why| why.contains("exit_code")));
}

#[test]
fn without_btf_every_hook_says_why() {
    let error = Btf::read(Path::new("/nonexistent/btf")).unwrap_err();
    let resolved = Resolved::nothing(&error);
    for hook in [EXEC, FORK, EXIT, SOCK, TAP] {
        assert!(resolved.obstacle(hook).unwrap().contains("/nonexistent/btf"));
    }
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
    let release = nix::sys::utsname::uname().unwrap().release().to_string_lossy().into_owned();
    let kernels = kernels();
    let Some((kernel, structures)) = kernels.iter().find(|(kernel, _)| release.starts_with(**kernel)) else {
        println!("skipped: no fixture for {release}");
        return;
    };
    for (structure, members) in structures {
        for (member, offset) in members {
            assert_eq!(
                btf.offset(&format!("{structure}.{member}")).unwrap(),
                *offset,
                "{kernel} {structure}.{member}"
            );
        }
    }
}
