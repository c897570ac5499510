//! `gateway.guardrails`.

use std::collections::BTreeSet;
use std::time::Duration;

use hyper::header::HeaderName;
use url::{Host, Url};

use super::super::error::ProblemKind;
use super::super::file::guardrail::{
    AnswerSection, BreakerSection, DirectionWord, GuardrailEntry, HeaderEntry, OffsetsWord, OnFailureWord,
    PresetWord, SurfaceWord,
};
use super::super::guardrail::{BreakerSettings, Guardrail, Preset, SecretHeader, SecretSource};
use super::{Check, out_of_range, size};
use crate::detect::Surface;
use crate::detect::external::{Mapping, Pointer, Presidio, Template, Unit};
use crate::mcp::Direction;
use crate::yaml::At;

/// Guardrails at most: each is asked about every message.
const MAX_GUARDRAILS: usize = 16;
/// Kinds, entities and headers of one at most.
pub(super) const MAX_WORDS: usize = 64;
/// Bytes of a guardrail's name, of a kind and of an entity at most.
const MAX_WORD: usize = 64;
/// Least and most bytes of text in one request.
const TEXT_BYTES: (u64, u64) = (1024, 4 << 20);
const TEXT_BYTES_DEFAULT: u32 = 256 << 10;
/// Shortest and longest time-out: a message waits so long.
const TIMEOUT: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(30));
const TIMEOUT_DEFAULT: Duration = Duration::from_millis(500);
const FAILURES: (u64, u64) = (1, 1000);
const FAILURES_DEFAULT: u32 = 5;
const COOL_DOWN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(3600));
const COOL_DOWN_DEFAULT: Duration = Duration::from_secs(30);
/// Where Lasso is, and the header without which it answers nobody.
const LASSO_URL: &str = "https://server.lasso.security/gateway/v3/classify";
const LASSO_KEY: &str = "lasso-api-key";
/// Headers that are the connection's own.
const OURS: [&str; 8] = [
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "host",
    "te",
    "transfer-encoding",
    "upgrade",
];

impl Check {
    pub(super) fn guardrails(&mut self, entries: &[At<GuardrailEntry>]) -> Vec<Guardrail> {
        if let Some(first_beyond) = entries.get(MAX_GUARDRAILS) {
            self.problem(
                "gateway.guardrails",
                first_beyond,
                out_of_range(&entries.len(), &0, &MAX_GUARDRAILS),
            );
        }
        let mut names = BTreeSet::new();
        let mut guardrails = Vec::new();
        for (index, entry) in entries.iter().take(MAX_GUARDRAILS).enumerate() {
            let at = format!("gateway.guardrails[{index}]");
            if !names.insert(entry.value.name.value.clone()) {
                let name = &entry.value.name;
                self.problem(&format!("{at}.name"), name, ProblemKind::GuardrailTwice(name.value.clone()));
            }
            guardrails.extend(self.guardrail(&at, entry));
        }
        guardrails
    }

    /// `None` where something without which there is none is wrong.
    fn guardrail(&mut self, at: &str, entry: &At<GuardrailEntry>) -> Option<Guardrail> {
        let GuardrailEntry { name, ca, directions, surfaces, timeout, max_bytes, kinds, .. } = &entry.value;
        let key = |field: &str| format!("{at}.{field}");
        self.words(&key("kinds"), kinds);
        let name = self.value(&key("name"), Some(name), String::new(), |text| word(text));
        let max_bytes = self.value(&key("max-bytes"), max_bytes.as_ref(), TEXT_BYTES_DEFAULT, |&bytes| {
            size(bytes, TEXT_BYTES)
        });
        let timeout = self.period(&key("timeout"), timeout, TIMEOUT_DEFAULT, TIMEOUT);
        let breaker = self.breaker(&key("breaker"), &entry.value.breaker);
        let headers = self.headers(&key("headers"), &entry.value.headers);
        let ca = self.path(&key("ca"), ca);
        let preset = self.preset(at, entry);
        let url = self.url(at, entry)?;
        if entry.value.preset == PresetWord::Lasso && !headers.iter().any(|header| header.name == LASSO_KEY) {
            self.problem(at, entry, ProblemKind::Guardrail("Lasso needs the header `lasso-api-key`"));
        }
        if !headers.is_empty() && url.scheme() == "http" && !is_loopback(&url) {
            self.problem(at, entry, ProblemKind::Guardrail("secrets go to other hosts over `https` only"));
        }
        let direction = |word: &DirectionWord| match word {
            DirectionWord::C2s => Direction::ToServer,
            DirectionWord::S2c => Direction::ToClient,
        };
        let surface = |word: &SurfaceWord| match word {
            SurfaceWord::Arguments => Surface::Arguments,
            SurfaceWord::Content => Surface::Content,
            SurfaceWord::Definition => Surface::Definition,
        };
        let directions = directions.as_ref().map(|words| words.iter().map(direction).collect());
        let surfaces = surfaces.as_ref().map(|words| words.iter().map(surface).collect());
        let all = || vec![Surface::Arguments, Surface::Content, Surface::Definition];
        Some(Guardrail {
            name,
            preset: preset?,
            url,
            ca,
            directions: directions.unwrap_or_else(|| vec![Direction::ToServer, Direction::ToClient]),
            surfaces: surfaces.unwrap_or_else(all),
            timeout,
            max_bytes,
            headers,
            fails_closed: entry.value.on_failure != Some(OnFailureWord::Allow),
            breaker,
            kinds: kinds.iter().map(|kind| kind.value.clone()).collect(),
        })
    }

    fn url(&mut self, at: &str, entry: &At<GuardrailEntry>) -> Option<Url> {
        let Some(given) = &entry.value.url else {
            if entry.value.preset == PresetWord::Lasso {
                return Url::parse(LASSO_URL).ok();
            }
            self.problem(at, entry, ProblemKind::Guardrail("it has no `url`"));
            return None;
        };
        self.value(&format!("{at}.url"), Some(given), None, |text| {
            // What is wrong with it is not repeated: it may hold a password.
            let url = Url::parse(text).map_err(|_invalid| ProblemKind::Guardrail("it is no URL"))?;
            let is_plain = url.username().is_empty() && url.password().is_none();
            if !matches!(url.scheme(), "http" | "https") || url.host().is_none() || !is_plain {
                let what = "it must be `http` or `https`, name a host, and hold no user name or password";
                return Err(ProblemKind::Guardrail(what));
            }
            Ok(Some(url))
        })
    }

    fn preset(&mut self, at: &str, entry: &At<GuardrailEntry>) -> Option<Preset> {
        let GuardrailEntry { preset, language, entities, threshold, body, answer, .. } = &entry.value;
        if *preset != PresetWord::Presidio
            && (language.is_some() || threshold.is_some() || !entities.is_empty())
        {
            let what = "`language`, `entities` and `threshold` are for `presidio` only";
            self.problem(at, entry, ProblemKind::Guardrail(what));
        }
        if *preset != PresetWord::Generic && (body.is_some() || answer.is_some()) {
            self.problem(at, entry, ProblemKind::Guardrail("`body` and `answer` are for `generic` only"));
        }
        match preset {
            PresetWord::Presidio => {
                self.words(&format!("{at}.entities"), entities);
                let language =
                    self.value(&format!("{at}.language"), language.as_ref(), "en".into(), |text| {
                        word(text).map(|text| text.into())
                    });
                let threshold = self.value(&format!("{at}.threshold"), threshold.as_ref(), None, |&number| {
                    let within = (0.0..=1.0).contains(&number);
                    within
                        .then(|| Some(number.to_string().into()))
                        .ok_or_else(|| out_of_range(&number, &0, &1))
                });
                let entities = entities.iter().map(|entity| entity.value.as_str().into()).collect();
                Some(Preset::Presidio(Presidio { language, entities, threshold }))
            }
            PresetWord::Lasso => Some(Preset::Lasso),
            PresetWord::Generic => {
                let (Some(body), Some(answer)) = (body, answer) else {
                    self.problem(at, entry, ProblemKind::Guardrail("`generic` needs `body` and `answer`"));
                    return None;
                };
                let template = self.value(&format!("{at}.body"), Some(body), None, |text| {
                    Template::parse(text).map(Some).map_err(|error| ProblemKind::Template(error.to_string()))
                });
                let answer = self.answer(&format!("{at}.answer"), answer);
                template.map(|body| Preset::Generic { body, answer })
            }
        }
    }

    fn answer(&mut self, at: &str, section: &At<AnswerSection>) -> Mapping {
        let AnswerSection { findings, flagged, flagged_values, score, kind, start, end, offsets } =
            &section.value;
        if findings.is_none() && flagged.is_none() && score.is_none() {
            let what = "one of `findings`, `flagged` and `score` has to say whether there is anything";
            self.problem(at, section, ProblemKind::Guardrail(what));
        }
        let mut pointer = |key: &str, given: &Option<At<String>>| {
            self.value(&format!("{at}.{key}"), given.as_ref(), None, |text| {
                let pointer = Pointer::parse(text);
                pointer.map(Some).ok_or_else(|| ProblemKind::Pointer(text.clone()))
            })
        };
        let (start_at, end_at) = (pointer("start", start), pointer("end", end));
        let mapping = Mapping {
            findings: pointer("findings", findings),
            flagged: pointer("flagged", flagged),
            flagged_values: flagged_values.iter().map(|value| value.value.as_str().into()).collect(),
            score: pointer("score", score),
            kind: pointer("kind", kind),
            range: start_at.zip(end_at),
            unit: match offsets {
                None | Some(OffsetsWord::Characters) => Unit::Characters,
                Some(OffsetsWord::Utf16) => Unit::Utf16,
                Some(OffsetsWord::Bytes) => Unit::Bytes,
            },
        };
        if start.is_some() != end.is_some() {
            self.problem(at, section, ProblemKind::Guardrail("`start` and `end` need each other"));
        }
        mapping
    }

    fn breaker(&mut self, at: &str, section: &BreakerSection) -> BreakerSettings {
        let BreakerSection { failures, cool_down } = section;
        BreakerSettings {
            failures: self.value(&format!("{at}.failures"), failures.as_ref(), FAILURES_DEFAULT, |&number| {
                size(number, FAILURES)
            }),
            cool_down: self.period(&format!("{at}.cool-down"), cool_down, COOL_DOWN_DEFAULT, COOL_DOWN),
        }
    }

    pub(super) fn headers(&mut self, at: &str, entries: &[At<HeaderEntry>]) -> Vec<SecretHeader> {
        if let Some(first_beyond) = entries.get(MAX_WORDS) {
            self.problem(at, first_beyond, out_of_range(&entries.len(), &0, &MAX_WORDS));
        }
        let mut headers = Vec::new();
        for entry in entries.iter().take(MAX_WORDS) {
            let HeaderEntry { name, file, env } = &entry.value;
            let name = self.value(&format!("{at}.name"), Some(name), String::new(), |text| {
                let name = HeaderName::try_from(text.as_str()).ok().map(|name| name.as_str().to_owned());
                name.filter(|name| !OURS.contains(&&**name))
                    .ok_or(ProblemKind::Guardrail("it is no header that can be set"))
            });
            let file = self.path(&format!("{at}.file"), file).map(SecretSource::File);
            let env = env.as_ref().map(|variable| SecretSource::Environment(variable.value.clone()));
            match (file, env) {
                (Some(source), None) | (None, Some(source)) => headers.push(SecretHeader { name, source }),
                (Some(_), Some(_)) | (None, None) => {
                    self.problem(at, entry, ProblemKind::Guardrail("a header has either `file` or `env`"));
                }
            }
        }
        headers
    }

    fn words(&mut self, at: &str, words: &[At<String>]) {
        if let Some(first_beyond) = words.get(MAX_WORDS) {
            self.problem(at, first_beyond, out_of_range(&words.len(), &0, &MAX_WORDS));
        }
        for given in words {
            if let Err(kind) = word(&given.value) {
                self.problem(at, given, kind);
            }
        }
    }
}

/// A name that can stand in metrics, policies and records.
pub(super) fn word(text: &str) -> Result<String, ProblemKind> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !text.is_empty() && text.len() <= MAX_WORD && text.bytes().all(is_plain) {
        return Ok(text.to_owned());
    }
    Err(ProblemKind::Word(text.to_owned()))
}

pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
