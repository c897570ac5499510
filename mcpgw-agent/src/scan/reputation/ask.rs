//! Asking a registry, and reading what it answers.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::header::{ACCEPT, HOST, USER_AGENT};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::{Facts, Standing};
use crate::json::{Document, Limits, Value};
use crate::scan::http::{Client, address};
use crate::scan::package::{Ecosystem, Package};
use crate::scan::wire::Fault;

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of an answer.
const ANSWER_MAX: usize = 32 << 20;
/// What a name may have as it is; the rest is escaped, the `/` of a scope above all.
const NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'@').remove(b'~');

pub(super) fn ask(package: &Package, registry: &Url, downloads: Option<&Url>) -> Standing {
    let name = utf8_percent_encode(&package.name, NAME).to_string();
    let (about, downloads) = match package.ecosystem {
        Ecosystem::Npm => (
            behind(registry, &name),
            downloads.and_then(|url| behind(url, &format!("downloads/point/last-month/{name}"))),
        ),
        Ecosystem::PyPi => (
            without_simple(registry).and_then(|site| behind(&site, &format!("pypi/{name}/json"))),
            downloads.and_then(|url| behind(url, &format!("api/packages/{name}/recent"))),
        ),
    };
    let Some(about) = about else { return Standing::Unreachable("its address is none".to_owned()) };
    let document = match get(&about) {
        Ok(Some(document)) => document,
        Ok(None) if package.ecosystem == Ecosystem::PyPi => return listed(registry, &package.name),
        Ok(None) => return Standing::Missing,
        Err(why) => return Standing::Unreachable(why),
    };
    let now = Timestamp::now();
    let mut facts = match package.ecosystem {
        Ecosystem::Npm => of_npm(document.root(), now),
        Ecosystem::PyPi => of_pypi(document.root(), now),
    };
    // That nobody counts says nothing.
    facts.downloads = downloads.and_then(|url| get(&url).ok().flatten()).and_then(|document| {
        let root = document.root();
        let data = root.get("data").and_then(|data| data.get("last_month"));
        root.get("downloads").or(data)?.as_number()?.parse().ok()
    });
    Standing::Known(facts)
}

/// Not every index has metadata: a package is missing only where it is not listed either.
fn listed(index: &Url, name: &str) -> Standing {
    let mut normal = String::new();
    for part in name.split(['-', '_', '.']).filter(|part| !part.is_empty()) {
        normal.push_str(if normal.is_empty() { "" } else { "-" });
        normal.push_str(&part.to_ascii_lowercase());
    }
    let name = utf8_percent_encode(&normal, NAME).to_string();
    match behind(index, &format!("{name}/")).map(|url| fetch(&url)) {
        Some(Ok(None)) => Standing::Missing,
        Some(Err(why)) => Standing::Unreachable(why),
        Some(Ok(Some(_))) | None => Standing::Unreachable("its index has no metadata".to_owned()),
    }
}

/// The site of an index that pip is told of.
fn without_simple(index: &Url) -> Option<Url> {
    let text = index.as_str().trim_end_matches('/');
    Url::parse(text.strip_suffix("/simple").unwrap_or(text)).ok()
}

fn behind(base: &Url, path: &str) -> Option<Url> {
    Url::parse(&format!("{}/{path}", base.as_str().trim_end_matches('/'))).ok()
}

/// The JSON at `url`; nothing where there is none.
fn get(url: &Url) -> Result<Option<Document>, String> {
    let Some(whole) = fetch(url)? else { return Ok(None) };
    let limits = Limits { bytes: ANSWER_MAX, ..Limits::default() };
    Document::parse(whole.into(), &limits).map(Some).map_err(|error| error.to_string())
}

/// What is at `url`; nothing where there is nothing.
fn fetch(url: &Url) -> Result<Option<Vec<u8>>, String> {
    let say = |fault: Fault| fault.to_string();
    let deadline = Instant::now() + PATIENCE;
    let client = Client::new(url.scheme() == "https").map_err(|error| error.to_string())?;
    let (host, target) = address(url);
    let request = Request::get(target)
        .header(HOST, host)
        .header(ACCEPT, "application/json")
        .header(USER_AGENT, concat!("mcpgw-agent/", env!("CARGO_PKG_VERSION")))
        .body(Full::new(Bytes::new()))
        .map_err(|error| error.to_string())?;
    let response = client.send(url, request, deadline).map_err(say)?;
    let status = response.status().as_u16();
    if matches!(status, 404 | 410) {
        return Ok(None);
    }
    if status != 200 {
        return Err(Fault::Status(status).to_string());
    }
    client.whole(&mut response.into_body(), ANSWER_MAX, deadline).map(Some).map_err(say)
}

/// Days from `time` until `now`; nothing of what is no time.
fn days(time: &str, now: Timestamp) -> Option<u64> {
    let time: Timestamp = time.parse().ok()?;
    u64::try_from(now.as_second().saturating_sub(time.as_second()) / 86_400).ok()
}

pub(super) fn of_npm(root: Value<'_>, now: Timestamp) -> Facts {
    let time = root.get("time");
    let at = |name: &str| days(&time?.get(name)?.as_str()?, now);
    let latest = root.get("dist-tags").and_then(|tags| tags.get("latest")).and_then(Value::as_str);
    let newest = latest.and_then(|latest| root.get("versions")?.get(&latest));
    let count =
        |member: &str| root.get(member).map(|list| list.members().count().max(list.elements().count()));
    Facts {
        age_days: at("created"),
        last_days: at("modified"),
        releases: count("versions").and_then(|count| u64::try_from(count).ok()).unwrap_or(0),
        maintainers: count("maintainers").and_then(|count| u64::try_from(count).ok()),
        downloads: None,
        is_withdrawn: newest
            .is_some_and(|newest| newest.get("deprecated").is_some_and(|word| word.as_bool() != Some(false))),
        has_repository: root.get("repository").is_some_and(|repository| !repository.is_null()),
    }
}

pub(super) fn of_pypi(root: Value<'_>, now: Timestamp) -> Facts {
    let mut releases = 0;
    let (mut first, mut last) = (None::<u64>, None::<u64>);
    for (_, files) in root.get("releases").into_iter().flat_map(Value::members) {
        let times = files.elements().filter_map(|file| {
            let time = file.get("upload_time_iso_8601")?.as_str()?;
            days(&time, now)
        });
        let Some(age) = times.max() else { continue };
        releases += 1;
        first = Some(first.map_or(age, |first| first.max(age)));
        last = Some(last.map_or(age, |last| last.min(age)));
    }
    let info = root.get("info");
    let is = |member: &str| {
        info.and_then(|info| info.get(member)).is_some_and(|value| value.as_bool() == Some(true))
    };
    let urls = info.and_then(|info| info.get("project_urls")).map(|urls| urls.members().count());
    let page = info.and_then(|info| info.get("home_page")).and_then(Value::as_str);
    Facts {
        age_days: first,
        last_days: last,
        releases,
        maintainers: None,
        downloads: None,
        is_withdrawn: is("yanked"),
        has_repository: urls.is_some_and(|count| count > 0) || page.is_some_and(|page| !page.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Document {
        Document::parse(Bytes::copy_from_slice(text.as_bytes()), &Limits::default()).unwrap()
    }

    #[test]
    fn what_registries_answer_is_read() {
        let now: Timestamp = "2026-11-21T00:00:00Z".parse().unwrap();
        let npm = parse(
            r#"{"dist-tags":{"latest":"2.0.0"},"versions":{"1.0.0":{},"2.0.0":{"deprecated":"use b"}},
            "time":{"created":"2026-11-01T00:00:00.000Z","modified":"2026-11-20T00:00:00.000Z"},
            "maintainers":[{"name":"a"},{"name":"b"}],"repository":{"url":"git+https://h/r.git"}}"#,
        );
        let facts = of_npm(npm.root(), now);
        assert_eq!((facts.age_days, facts.last_days, facts.releases), (Some(20), Some(1), 2));
        assert_eq!((facts.maintainers, facts.is_withdrawn, facts.has_repository), (Some(2), true, true));
        let pypi = parse(
            r#"{"info":{"yanked":false,"project_urls":null,"home_page":""},"releases":{"0":[],
            "1":[{"upload_time_iso_8601":"2025-11-21T00:00:00.000000Z"}],
            "2":[{"upload_time_iso_8601":"2026-11-11T00:00:00Z"}]}}"#,
        );
        let facts = of_pypi(pypi.root(), now);
        assert_eq!((facts.age_days, facts.last_days, facts.releases), (Some(365), Some(10), 2));
        assert_eq!((facts.maintainers, facts.is_withdrawn, facts.has_repository), (None, false, false));
        assert_eq!(of_npm(parse("[]").root(), now), Facts::default());
    }
}
