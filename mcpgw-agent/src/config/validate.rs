//! File form to run form: every value checked, every problem collected.

mod gateway;
mod guard;
mod guardrail;
mod identity;
mod ship;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use globset::GlobBuilder;

use super::error::{Problem, ProblemKind};
use super::file::{
    AdminSection, AllowEntry, File, Format, HostSection, MessagesEntry, ObserveSection, ObserveWord,
    RingsSection, SwitchWord, TlsEntry, TlsWord,
};
use super::run::{Admin, Config, Host, Log, LogFormat, Observe, Rings};
use super::unit;
use crate::inventory::{AllowSpec, FollowSpec};
use crate::yaml::At;

/// Characters of a name at most.
const MAX_NAME: usize = 128;
/// Rules at most.
const MAX_RULES: usize = 1000;
/// Least and most bytes of a ring buffer: a page, and what a kernel will still give.
const RING_BYTES: (u64, u64) = (4096, 1 << 28);
/// Least and most bytes tapped of a stream: below this no handshake fits.
const TAP_BYTES: (u64, u64) = (4096, 16 << 20);

/// Least and most calls of a tool during which nothing is new to it.
const LEARNING_CALLS: (u64, u64) = (0, 1_000_000);

/// Checks a file.
pub(super) fn validate(file: File) -> Result<Config, Vec<Problem>> {
    let mut check = Check::default();
    let config = Config {
        source: None,
        allow: check.allow(file.allow),
        observe: check.observe(&file.observe),
        admin: check.admin(&file.admin),
        host: check.host(&file.host),
        gateway: check.gateway(&file.gateway),
        log: Log { format: file.log.format.map_or(LogFormat::default(), LogFormat::from) },
    };
    if check.problems.is_empty() {
        return Ok(config);
    }
    check.problems.sort_by_key(|problem| problem.place.map(|place| (place.line, place.column)));
    Err(check.problems)
}

impl From<Format> for LogFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Text => Self::Text,
            Format::Json => Self::Json,
        }
    }
}

/// The problems found so far.
#[derive(Default)]
struct Check {
    problems: Vec<Problem>,
}

impl Check {
    fn problem<T>(&mut self, key: &str, value: &At<T>, kind: ProblemKind) {
        self.problems.push(Problem { key: key.to_owned(), place: value.place, kind });
    }

    /// The value of `given`, or `default` where it is not given or wrong.
    fn value<T, U>(
        &mut self,
        key: &str,
        given: Option<&At<T>>,
        default: U,
        parse: impl FnOnce(&T) -> Result<U, ProblemKind>,
    ) -> U {
        let Some(given) = given else { return default };
        match parse(&given.value) {
            Ok(value) => value,
            Err(kind) => {
                self.problem(key, given, kind);
                default
            }
        }
    }

    fn allow(&mut self, entries: Vec<At<AllowEntry>>) -> Vec<AllowSpec> {
        if let Some(first_beyond) = entries.get(MAX_RULES) {
            let kind = out_of_range(&entries.len(), &0, &MAX_RULES);
            self.problem("allow", first_beyond, kind);
        }
        let mut names = BTreeSet::new();
        let mut rules = Vec::new();
        for (index, entry) in entries.into_iter().take(MAX_RULES).enumerate() {
            let rule = self.rule(&format!("allow[{index}]"), &entry);
            if !names.insert(rule.name.clone()) {
                self.problem(
                    &format!("allow[{index}].name"),
                    &entry.value.name,
                    ProblemKind::Duplicate(rule.name),
                );
                continue;
            }
            rules.push(rule);
        }
        rules
    }

    fn rule(&mut self, at: &str, entry: &At<AllowEntry>) -> AllowSpec {
        let AllowEntry { name, exe, sha256, command, user, container, unit, cgroup } = &entry.value;
        let criteria = [exe, sha256, command, user, container, unit, cgroup];
        if criteria.iter().all(|criterion| criterion.is_none()) {
            self.problem(at, entry, ProblemKind::EmptyRule(name.value.clone()));
        }
        let key = |field: &str| format!("{at}.{field}");
        let glob = |by_level: bool| move |text: &String| glob(text, by_level).map(Some);
        AllowSpec {
            name: self.value(&key("name"), Some(name), name.value.clone(), |text| self::name(text)),
            exe: self.value(&key("exe"), exe.as_ref(), None, |text| exe_glob(text)),
            sha256: self.value(&key("sha256"), sha256.as_ref(), None, |text| hash(text).map(Some)),
            command: self.value(&key("command"), command.as_ref(), None, glob(false)),
            user: self.value(&key("user"), user.as_ref(), None, |text| self::name(text).map(Some)),
            container: self.value(&key("container"), container.as_ref(), None, glob(false)),
            unit: self.value(&key("unit"), unit.as_ref(), None, glob(false)),
            cgroup: self.value(&key("cgroup"), cgroup.as_ref(), None, glob(true)),
        }
    }

    fn observe(&mut self, section: &ObserveSection) -> Observe {
        let default = Observe::default();
        let ObserveSection { stdio, http, tap_budget_bytes, silent_after, give_up_after, keep_ended } =
            section;
        Observe {
            stdio: stdio.unwrap_or(default.stdio),
            http: http.unwrap_or(default.http),
            tap_budget_bytes: self.value(
                "observe.tap-budget-bytes",
                tap_budget_bytes.as_ref(),
                default.tap_budget_bytes,
                |&bytes| size(bytes, TAP_BYTES),
            ),
            silent_after: self.period(
                "observe.silent-after",
                silent_after,
                default.silent_after,
                SECONDS_TO_DAY,
            ),
            give_up_after: self.period(
                "observe.give-up-after",
                give_up_after,
                default.give_up_after,
                SECONDS_TO_DAY,
            ),
            keep_ended: self.period(
                "observe.keep-ended",
                keep_ended,
                default.keep_ended,
                (Duration::ZERO, WEEK),
            ),
        }
    }

    fn admin(&mut self, section: &AdminSection) -> Admin {
        let default = Admin::default();
        let expose = section.metrics_expose.unwrap_or(false);
        Admin {
            metrics_address: self.value(
                "admin.metrics-address",
                section.metrics_address.as_ref(),
                default.metrics_address,
                |text| address(text, expose),
            ),
            socket_group: self.value(
                "admin.socket-group",
                section.socket_group.as_ref(),
                default.socket_group,
                |text| name(text),
            ),
        }
    }

    fn host(&mut self, section: &HostSection) -> Host {
        let default = Host::default();
        let HostSection {
            scan_interval,
            disabled_hooks,
            effects,
            effects_learning,
            guard,
            client_files,
            client_homes,
            observe,
            messages_of,
            rings,
            tls,
            tls_of,
        } = section;
        let mut hooks = BTreeSet::new();
        for (index, hook) in disabled_hooks.iter().enumerate() {
            if is_hook(&hook.value) {
                hooks.insert(hook.value.clone());
            } else {
                self.problem(
                    &format!("host.disabled-hooks[{index}]"),
                    hook,
                    ProblemKind::Hook(hook.value.clone()),
                );
            }
        }
        let interval = (Duration::from_millis(100), Duration::from_secs(3600));
        Host {
            scan_interval: self.period("host.scan-interval", scan_interval, default.scan_interval, interval),
            disabled_hooks: hooks,
            effects: effects.map_or(default.effects, |word| word == SwitchWord::On),
            effects_learning: self.value(
                "host.effects-learning",
                effects_learning.as_ref(),
                default.effects_learning,
                |&calls| size(calls, LEARNING_CALLS),
            ),
            guard: self.guard(guard),
            client_homes: client_homes
                .iter()
                .enumerate()
                .map(|(index, home)| {
                    self.value(&format!("host.client-homes[{index}]"), Some(home), PathBuf::new(), |path| {
                        let is_absolute = Path::new(path).is_absolute();
                        is_absolute
                            .then(|| path.into())
                            .ok_or_else(|| ProblemKind::RelativePath(path.clone()))
                    })
                })
                .collect(),
            client_files: client_files.map_or(default.client_files, |word| word == SwitchWord::On),
            messages: observe.map_or(default.messages, |word| word == ObserveWord::Messages),
            messages_of: self.messages_of(messages_of),
            tls: tls.map_or(default.tls, |word| word == TlsWord::Clients),
            tls_of: self.tls_of(tls_of),
            rings: self.rings(rings),
        }
    }

    fn messages_of(&mut self, entries: &[At<MessagesEntry>]) -> Vec<FollowSpec> {
        if let Some(first_beyond) = entries.get(MAX_RULES) {
            let kind = out_of_range(&entries.len(), &0, &MAX_RULES);
            self.problem("host.messages-of", first_beyond, kind);
        }
        let mut specs = Vec::new();
        for (index, entry) in entries.iter().take(MAX_RULES).enumerate() {
            let at = format!("host.messages-of[{index}]");
            let MessagesEntry { name, exe, command } = &entry.value;
            if name.is_none() && exe.is_none() && command.is_none() {
                self.problem(&at, entry, ProblemKind::NamesNobody);
            }
            let free = |text: &String| glob(text, false).map(Some);
            specs.push(FollowSpec {
                name: self.value(&format!("{at}.name"), name.as_ref(), None, free),
                exe: self.value(&format!("{at}.exe"), exe.as_ref(), None, |text| exe_glob(text)),
                command: self.value(&format!("{at}.command"), command.as_ref(), None, free),
            });
        }
        specs
    }

    fn tls_of(&mut self, entries: &[At<TlsEntry>]) -> Vec<FollowSpec> {
        if let Some(first_beyond) = entries.get(MAX_RULES) {
            let kind = out_of_range(&entries.len(), &0, &MAX_RULES);
            self.problem("host.tls-of", first_beyond, kind);
        }
        let mut specs = Vec::new();
        for (index, entry) in entries.iter().take(MAX_RULES).enumerate() {
            let at = format!("host.tls-of[{index}]");
            let TlsEntry { exe, command } = &entry.value;
            if exe.is_none() && command.is_none() {
                self.problem(&at, entry, ProblemKind::NamesNobody);
            }
            specs.push(FollowSpec {
                name: None,
                exe: self.value(&format!("{at}.exe"), exe.as_ref(), None, |text| exe_glob(text)),
                command: self.value(&format!("{at}.command"), command.as_ref(), None, |text| {
                    glob(text, false).map(Some)
                }),
            });
        }
        specs
    }

    fn rings(&mut self, section: &RingsSection) -> Rings {
        let default = Rings::default();
        let RingsSection { lifecycle_bytes, streams_bytes, tcp_bytes } = section;
        let mut ring = |key: &str, given: &Option<At<u64>>, default| {
            self.value(&format!("host.rings.{key}"), given.as_ref(), default, |&bytes| {
                let bytes = size(bytes, RING_BYTES)?;
                if bytes.is_power_of_two() {
                    Ok(bytes)
                } else {
                    Err(ProblemKind::PowerOfTwo(u64::from(bytes)))
                }
            })
        };
        Rings {
            lifecycle_bytes: ring("lifecycle-bytes", lifecycle_bytes, default.lifecycle_bytes),
            streams_bytes: ring("streams-bytes", streams_bytes, default.streams_bytes),
            tcp_bytes: ring("tcp-bytes", tcp_bytes, default.tcp_bytes),
        }
    }

    fn period(
        &mut self,
        key: &str,
        given: &Option<At<String>>,
        default: Duration,
        (least, most): (Duration, Duration),
    ) -> Duration {
        self.value(key, given.as_ref(), default, |text| {
            let duration = unit::duration(text).ok_or_else(|| ProblemKind::Duration(text.clone()))?;
            if (least..=most).contains(&duration) {
                return Ok(duration);
            }
            Err(out_of_range(text, &unit::show(least), &unit::show(most)))
        })
    }
}

const WEEK: Duration = Duration::from_secs(7 * 86_400);
const SECONDS_TO_DAY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(86_400));

fn out_of_range(value: &dyn ToString, least: &dyn ToString, most: &dyn ToString) -> ProblemKind {
    ProblemKind::Range { value: value.to_string(), least: least.to_string(), most: most.to_string() }
}

fn size(bytes: u64, (least, most): (u64, u64)) -> Result<u32, ProblemKind> {
    let fits = u32::try_from(bytes).ok().filter(|_| (least..=most).contains(&bytes));
    fits.ok_or_else(|| out_of_range(&bytes, &least, &most))
}

/// The address, or `None` for `off`.
fn address(text: &str, expose: bool) -> Result<Option<SocketAddr>, ProblemKind> {
    if text == "off" {
        return Ok(None);
    }
    let address: SocketAddr = text.parse().map_err(|_invalid| ProblemKind::Address(text.to_owned()))?;
    if address.ip().to_canonical().is_loopback() || expose {
        return Ok(Some(address));
    }
    Err(ProblemKind::Exposed(address))
}

fn glob(text: &str, by_level: bool) -> Result<String, ProblemKind> {
    let error = |error: String| ProblemKind::Glob { glob: text.to_owned(), error };
    if text.trim().is_empty() {
        return Err(error("it is empty".to_owned()));
    }
    let built = GlobBuilder::new(text).literal_separator(by_level).build();
    built.map(|_| text.to_owned()).map_err(|invalid| error(invalid.kind().to_string()))
}

fn exe_glob(text: &str) -> Result<Option<String>, ProblemKind> {
    if text.starts_with('/') || text.starts_with("**") {
        return glob(text, true).map(Some);
    }
    Err(ProblemKind::RelativePath(text.to_owned()))
}

fn hash(text: &str) -> Result<String, ProblemKind> {
    let hash = text.to_ascii_lowercase();
    let valid = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    if valid { Ok(hash) } else { Err(ProblemKind::Sha256(text.to_owned())) }
}

fn name(text: &str) -> Result<String, ProblemKind> {
    let length = text.chars().count();
    let valid = !text.trim().is_empty() && length <= MAX_NAME && !text.chars().any(char::is_control);
    if valid { Ok(text.to_owned()) } else { Err(ProblemKind::Name(text.to_owned())) }
}

fn is_hook(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':' | b'/');
    !text.is_empty() && text.len() <= MAX_NAME && text.bytes().all(allowed)
}
