//! Which registries this user has: where npm and pip are told of them. No registry is known without being named.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use url::Url;

/// Bytes of a settings file.
const FILE_MAX: u64 = 256 << 10;

/// npm's registry for all packages, and those for single scopes, `@scope` with theirs.
pub(super) type NpmRegistries = (Option<Url>, Vec<(String, Url)>);

/// A URL that can be asked. Names and passwords in it are for whoever installs.
pub(super) fn usable(text: &str) -> Option<Url> {
    let mut url = Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    url.host_str()?;
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some(url)
}

/// What the environment says, else the user's `.npmrc`.
pub(super) fn npm(home: Option<&Path>, variable: &dyn Fn(&str) -> Option<OsString>) -> NpmRegistries {
    let named = ["npm_config_registry", "NPM_CONFIG_REGISTRY"].into_iter().find_map(variable);
    let file = ["npm_config_userconfig", "NPM_CONFIG_USERCONFIG"].into_iter().find_map(variable);
    let file = file.map(PathBuf::from).or_else(|| Some(home?.join(".npmrc")));
    let (registry, scopes) = file.and_then(|file| read(&file)).map(|text| npmrc(&text)).unwrap_or_default();
    (named.and_then(|url| usable(url.to_str()?)).or(registry), scopes)
}

fn npmrc(text: &str) -> NpmRegistries {
    let mut all: NpmRegistries = (None, Vec::new());
    for (key, value) in settings(text) {
        let value = value.trim_matches(['"', '\'']);
        match (key, key.strip_suffix(":registry").filter(|scope| scope.starts_with('@'))) {
            ("registry", _) => all.0 = usable(value),
            (_, Some(scope)) => all.1.extend(usable(value).map(|url| (scope.to_owned(), url))),
            (_, None) => {}
        }
    }
    all
}

/// What the environment says, else pip's settings of the user, else of the machine.
pub(super) fn pip(home: Option<&Path>, variable: &dyn Fn(&str) -> Option<OsString>) -> Option<Url> {
    if let Some(url) = variable("PIP_INDEX_URL") {
        return usable(url.to_str()?);
    }
    let settings = variable("XDG_CONFIG_HOME").map(PathBuf::from).or_else(|| Some(home?.join(".config")));
    let files = [
        variable("PIP_CONFIG_FILE").map(PathBuf::from),
        settings.map(|settings| settings.join("pip/pip.conf")),
        home.map(|home| home.join(".pip/pip.conf")),
        Some("/etc/pip.conf".into()),
    ];
    files.into_iter().flatten().find_map(|file| pip_conf(&read(&file)?))
}

fn pip_conf(text: &str) -> Option<Url> {
    let (_, global) = text.split_once("[global]")?;
    let global = global.split("\n[").next()?;
    let mut settings = settings(global);
    settings.find(|(key, _)| key.replace('_', "-") == "index-url").and_then(|(_, value)| usable(value))
}

/// Lines `KEY = VALUE` but those that are comments.
fn settings(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';']));
    lines.filter_map(|line| line.split_once('=')).map(|(key, value)| (key.trim(), value.trim()))
}

fn read(path: &Path) -> Option<String> {
    let file = File::open(path).ok()?;
    file.metadata().ok().filter(std::fs::Metadata::is_file)?;
    let mut text = String::new();
    file.take(FILE_MAX).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(url: Option<&Url>) -> Option<&str> {
        url.map(Url::as_str)
    }

    #[test]
    fn registries_are_those_npm_and_pip_use() {
        let dir = tempfile::tempdir().unwrap();
        let nothing = |_: &str| None::<OsString>;
        let none = npm(Some(dir.path()), &nothing);
        assert_eq!((none.0, none.1.len()), (None, 0));
        std::fs::write(
            dir.path().join(".npmrc"),
            "# registry=http://no.example/\n; registry=http://no.example/\nregistry = \"http://n.example/npm/\"\n\
             @ours:registry=https://ann:secret@o.example\n//o.example/:_authToken=x\n@bad:registry=file:///x\n",
        )
        .unwrap();
        let (registry, scopes) = npm(Some(dir.path()), &nothing);
        assert_eq!(shown(registry.as_ref()), Some("http://n.example/npm/"));
        assert_eq!(scopes, [("@ours".to_owned(), Url::parse("https://o.example/").unwrap())]);
        let said = |name: &str| {
            matches!(name, "npm_config_registry" | "PIP_INDEX_URL")
                .then(|| OsString::from("http://e.example/"))
        };
        assert_eq!(shown(npm(Some(dir.path()), &said).0.as_ref()), Some("http://e.example/"));
        assert_eq!(shown(pip(None, &said).as_ref()), Some("http://e.example/"));
        let file = dir.path().join("own.conf");
        std::fs::write(&file, "[install]\nindex-url = http://no.example/\n[global]\n# c\nindex_url = http://p.example/simple\n[x]\n").unwrap();
        let named = |name: &str| (name == "PIP_CONFIG_FILE").then(|| file.clone().into_os_string());
        assert_eq!(shown(pip(None, &named).as_ref()), Some("http://p.example/simple"));
        assert_eq!(pip_conf("[install]\nindex-url = http://no.example/\n"), None);
        assert_eq!(pip_conf("[global]\n[install]\nindex-url = http://no.example/\n"), None);
    }
}
