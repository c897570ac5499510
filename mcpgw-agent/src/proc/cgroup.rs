//! What `/proc/PID/cgroup` says of where a process belongs: its systemd unit and its container. Pure.
//!
//! Only names that a manager gave count. Below a unit or container the tree may be delegated, and whoever it
//! was delegated to can name a group after somebody else's unit or container. So the path is read from the
//! top, stops at the first unit, and what an unprivileged user's own manager named is shown under that
//! manager: `user@1000.service/NAME`. A container in a container is shown as `OUTER/INNER`.

use super::text::lossy;

/// Containers within containers shown at most.
const MAX_NESTING: usize = 4;
/// Length of the ids that container engines give.
const ID_LENGTH: usize = 64;

/// Where a process belongs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Cgroup {
    /// The path: of the unified hierarchy where that is in use, else of systemd's, else of a controller.
    pub(super) path: String,
    /// The path in the unified hierarchy, where there is one.
    pub(super) unified: Option<String>,
    /// Container id or machine name.
    pub(super) container: Option<String>,
    /// systemd unit.
    pub(super) unit: Option<String>,
}

/// Parses `/proc/PID/cgroup`, of either version or both.
pub(super) fn parse(text: &[u8]) -> Cgroup {
    let mut unified = None;
    let mut systemd = None;
    let mut controllers = Vec::new();
    for line in text.split(|&byte| byte == b'\n') {
        let mut parts = line.splitn(3, |&byte| byte == b':');
        let (Some(id), Some(names), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let path = lossy(path);
        match (id, names) {
            (b"0", b"") => unified = Some(path),
            (_, b"name=systemd") => systemd = Some(path),
            _ => controllers.push(path),
        }
    }
    let managed: Vec<&str> = [&unified, &systemd].into_iter().flatten().map(String::as_str).collect();
    let all = || managed.iter().copied().chain(controllers.iter().map(String::as_str));
    Cgroup {
        path: all().find(|path| *path != "/").or(all().next()).unwrap_or_default().to_owned(),
        container: all().find_map(container),
        // A controller's hierarchy of version 1 holds no units of its own.
        unit: managed.iter().find_map(|path| unit(path)),
        unified: unified.clone(),
    }
}

/// The unit a path belongs to: below slices, the first segment that is a unit.
fn unit(path: &str) -> Option<String> {
    let (name, rest) = first_unit(path)?;
    let own = if is_user_manager(name) { first_unit(rest) } else { None };
    Some(match own {
        Some((own, _)) => format!("{}/{}", unescape(name), unescape(own)),
        None => unescape(name),
    })
}

/// The first segment that is no slice, where that is a unit's name; and the path below it.
fn first_unit(path: &str) -> Option<(&str, &str)> {
    let mut rest = path.trim_start_matches('/');
    loop {
        let (segment, below) = rest.split_once('/').unwrap_or((rest, ""));
        if is_unit(segment) {
            return Some((segment, below));
        }
        if below.is_empty() || !(segment.ends_with(".slice") || segment == "..") {
            return None;
        }
        rest = below;
    }
}

fn is_unit(segment: &str) -> bool {
    [".service", ".scope", ".socket", ".mount", ".swap"]
        .iter()
        .any(|suffix| segment.len() > suffix.len() && segment.ends_with(suffix))
}

/// `user@UID.service`: a manager that takes its orders from an unprivileged user.
fn is_user_manager(unit: &str) -> bool {
    unit.starts_with("user@")
}

/// The containers a path goes through, outermost first.
fn container(path: &str) -> Option<String> {
    let mut names = Vec::new();
    let mut manager = None;
    let mut before = "";
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        if names.is_empty() && is_user_manager(segment) {
            manager = Some(segment.to_owned());
        } else if let Some(name) = container_name(segment, before) {
            names.push(name);
        }
        if names.len() == MAX_NESTING {
            break;
        }
        before = segment;
    }
    if names.is_empty() {
        return None;
    }
    Some(manager.into_iter().chain(names).collect::<Vec<_>>().join("/"))
}

/// The container one segment stands for; `before` is the segment above it.
fn container_name(segment: &str, before: &str) -> Option<String> {
    if is_id(segment) {
        return Some(segment.to_owned());
    }
    if let Some(name) = segment.strip_prefix("lxc.payload.") {
        return nonempty(name);
    }
    if matches!(before, "lxc" | "lxc.payload") {
        return nonempty(segment);
    }
    if let Some(scope) = segment.strip_suffix(".scope") {
        return match scope.strip_prefix("machine-") {
            Some(machine) => nonempty(machine),
            None => prefixed_id(scope, '-'),
        };
    }
    if let Some(machine) =
        segment.strip_prefix("systemd-nspawn@").and_then(|rest| rest.strip_suffix(".service"))
    {
        return nonempty(machine);
    }
    // `libpod-ID` of podman without systemd; `SLICE:cri-containerd:ID` of containerd with systemd's driver.
    prefixed_id(segment, '-').or_else(|| prefixed_id(segment, ':'))
}

/// The id in `docker-ID`, `cri-containerd-ID`, ... but not `libpod-conmon-ID`, which is the engine's own
/// process watching the container from outside.
fn prefixed_id(name: &str, separator: char) -> Option<String> {
    let (engine, id) = name.rsplit_once(separator)?;
    (is_id(id) && !engine.ends_with("conmon")).then(|| id.to_owned())
}

fn is_id(text: &str) -> bool {
    text.len() == ID_LENGTH && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn nonempty(name: &str) -> Option<String> {
    (!name.is_empty()).then(|| unescape(name))
}

/// Undoes systemd's `\xHH`; what would not be UTF-8 then stays as it is.
fn unescape(name: &str) -> String {
    if !name.contains("\\x") {
        return name.to_owned();
    }
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        match rest.strip_prefix(b"\\x").and_then(hex_byte) {
            Some(byte) => {
                bytes.push(byte);
                rest = rest.get(4..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| name.to_owned())
}

/// The byte that the first two characters write in hexadecimal.
fn hex_byte(digits: &[u8]) -> Option<u8> {
    let digits = digits.get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests;
