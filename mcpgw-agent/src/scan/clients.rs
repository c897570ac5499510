//! The servers in the configuration files of MCP clients.
//!
//! Only those of the user: what lies in a project came with it, and is read where that is asked for. Nothing is expanded:
//! what stands for a secret is left out. TOML and YAML are made JSON, so that there is one way to read all of them.

mod comments;
mod form;

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use url::Url;

use super::Target;
use crate::effects::clients::{PROJECT, USER};
use crate::json::{Document, Value};
use form::document;

/// Bytes of a file.
const FILE_MAX: u64 = 16 << 20;
/// Servers of all files.
const SERVERS_MAX: usize = 1000;

/// A server of a client.
#[derive(Debug, Clone)]
pub struct Configured {
    /// What the client calls it.
    pub name: String,
    /// The file it stands in.
    pub file: PathBuf,
    /// How it is started or reached.
    pub target: Target,
}

/// All servers in the files below `home`, and in those of the project at `project` where there is one. Files that
/// cannot be read are in the second list, with why.
#[must_use]
pub fn configured(home: &Path, project: Option<&Path>) -> (Vec<Configured>, Vec<(PathBuf, String)>) {
    let mut servers = Vec::new();
    let mut failed = Vec::new();
    let below = |root: &Path, list: &[(&str, &'static str)]| {
        list.iter().map(|(path, member)| (root.join(path), *member)).collect::<Vec<_>>()
    };
    let mut files = below(home, &USER);
    files.extend(project.into_iter().flat_map(|project| below(project, &PROJECT)));
    for (path, member) in files {
        match load(&path) {
            Ok(None) => {}
            Ok(Some(document)) => of_file(document.root(), member, &path, &mut servers),
            Err(why) => failed.push((path, why)),
        }
    }
    servers.truncate(SERVERS_MAX);
    (servers, failed)
}

fn load(path: &Path) -> Result<Option<Document>, String> {
    let Ok(metadata) = path.metadata() else { return Ok(None) };
    if !metadata.is_file() {
        return Err("it is no regular file".to_owned());
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(FILE_MAX).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    document(path, bytes).map(Some)
}

fn of_file(root: Value<'_>, member: &str, path: &Path, servers: &mut Vec<Configured>) {
    let projects = root.get("projects").into_iter().flat_map(Value::members).map(|(_, project)| project);
    for holder in std::iter::once(root).chain(projects) {
        let all = holder.get(member);
        let named = all.into_iter().flat_map(Value::members);
        let listed = all.into_iter().flat_map(Value::elements);
        let listed = listed.filter_map(|entry| Some((entry.get("name")?, entry)));
        for (name, entry) in named.chain(listed) {
            let name = name.as_str().unwrap_or_default().into_owned();
            if let Some(target) = target(entry)
                && servers.len() < SERVERS_MAX
            {
                servers.push(Configured { name, file: path.to_owned(), target });
            }
        }
    }
}

fn target(entry: Value<'_>) -> Option<Target> {
    let is = |member: &str, wanted| entry.get(member).and_then(Value::as_bool) == Some(wanted);
    if is("disabled", true) || is("enabled", false) {
        return None;
    }
    let text = |member: &str| entry.get(member).and_then(Value::as_str);
    if let Some(url) = ["url", "serverUrl", "httpUrl", "uri"].into_iter().find_map(text) {
        let headers = entry.get("headers").or_else(|| entry.get("http_headers"));
        let header = headers.and_then(|headers| headers.get("Authorization"));
        let header = header.and_then(Value::as_str).filter(|value| !is_placeholder(value));
        let authorization = header.map(std::borrow::Cow::into_owned);
        return Some(Target::Url { url: Url::parse(&url).ok()?, authorization });
    }
    let strings = |value: Value<'_>| -> Vec<OsString> {
        value.elements().filter_map(Value::as_str).map(|word| word.into_owned().into()).collect()
    };
    let command = entry.get("command").or_else(|| entry.get("cmd"))?;
    let mut words = strings(command);
    words.extend(command.as_str().map(|word| word.into_owned().into()));
    words.extend(entry.get("args").map(strings).unwrap_or_default());
    let words = unwrapped(words);
    let variables = ["env", "environment", "envs"].into_iter().find_map(|member| entry.get(member));
    let environment = variables.into_iter().flat_map(Value::members).filter_map(|(name, value)| {
        let value = value.as_str().filter(|value| !is_placeholder(value))?;
        Some((name.as_str()?.into_owned().into(), value.into_owned().into()))
    });
    let environment = environment.collect();
    let directory =
        text("cwd").map(|path| PathBuf::from(path.into_owned())).filter(|path| path.is_absolute());
    (!words.is_empty()).then_some(Target::Command { words, environment, directory })
}

/// `${input:key}`, `${TOKEN}`: the client knows what stands there.
fn is_placeholder(value: &str) -> bool {
    value.contains("${")
}

/// The server behind our own wrap.
fn unwrapped(words: Vec<OsString>) -> Vec<OsString> {
    let is_ours = words
        .first()
        .is_some_and(|first| Path::new(first).file_name().is_some_and(|name| name == "mcpgw-agent"))
        && words.get(1).is_some_and(|word| word == "wrap");
    match words.iter().position(|word| word == "--") {
        Some(at) if is_ours => words.into_iter().skip(at + 1).collect(),
        Some(_) | None => words,
    }
}

#[cfg(test)]
mod tests;
