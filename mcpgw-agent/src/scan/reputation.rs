//! What registries say of a package: how old it is, who keeps it, how many use it.
//!
//! Nobody is asked unless that is wanted, and what was heard is kept for a day. A registry that does not answer says
//! nothing good and nothing bad.

mod ask;
mod cache;
mod facts;
mod places;

pub use facts::Facts;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use super::package::{Ecosystem, Package};

/// How long what was heard counts.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// Where to ask. Who is not named is not asked.
#[derive(Debug, Clone, Default)]
pub struct Registries {
    /// Metadata of npm packages: `/NAME` behind it.
    pub npm: Option<Url>,
    /// That of the packages of single scopes, `@scope`.
    pub npm_scopes: Vec<(String, Url)>,
    /// Downloads of npm packages: `/downloads/point/last-month/NAME` behind it.
    pub npm_downloads: Option<Url>,
    /// The index of Python packages, as pip is told of it: `/NAME/` behind it, and metadata at `/pypi/NAME/json` behind
    /// what is before its `/simple`.
    pub pypi: Option<Url>,
    /// Downloads of Python packages: `/api/packages/NAME/recent` behind it.
    pub pypi_downloads: Option<Url>,
    /// Where what was heard is kept; nowhere where there is no such place.
    pub cache: Option<PathBuf>,
}

impl Registries {
    /// These; those that are missing are the ones npm and pip are told of, by the environment, of which `variable` gives one,
    /// or by files of the user whose directory is `home`.
    #[must_use]
    pub fn or_found(self, home: Option<&Path>, variable: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let (npm, npm_scopes) = match self.npm {
            Some(named) => (Some(named), Vec::new()),
            None => places::npm(home, variable),
        };
        let pypi = self.pypi.or_else(|| places::pip(home, variable));
        Self { npm, npm_scopes, pypi, ..self }
    }

    /// The registry that has `package`.
    fn of(&self, package: &Package) -> Option<&Url> {
        match package.ecosystem {
            Ecosystem::Npm => {
                let scope = package.name.split_once('/').map(|(scope, _)| scope);
                let own = self.npm_scopes.iter().rev().find(|(name, _)| Some(&**name) == scope);
                own.map(|(_, url)| url).or(self.npm.as_ref())
            }
            Ecosystem::PyPi => self.pypi.as_ref(),
        }
    }

    fn downloads_of(&self, package: &Package) -> Option<&Url> {
        match package.ecosystem {
            Ecosystem::Npm => self.npm_downloads.as_ref(),
            Ecosystem::PyPi => self.pypi_downloads.as_ref(),
        }
    }
}

/// How a registry is named, for whoever asked without one.
fn how(ecosystem: Ecosystem) -> &'static str {
    match ecosystem {
        Ecosystem::Npm => {
            "no registry is named: `--npm-registry`, `npm_config_registry` or `registry=` in .npmrc names one"
        }
        Ecosystem::PyPi => {
            "no index is named: `--pypi-index`, `PIP_INDEX_URL` or `index-url` in pip.conf names one"
        }
    }
}

/// What a registry says of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nobody was asked, or there is no package.
    Unknown,
    /// Nobody could be asked, and this is what to do about it.
    Unnamed(&'static str),
    /// It does not answer.
    Unreachable(String),
    /// It has no such package.
    Missing,
    /// It has it.
    Known(Facts),
}

impl Standing {
    /// Its word in reports.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Unknown | Self::Unnamed(_) => "unknown",
            Self::Unreachable(_) => "unreachable",
            Self::Missing => "missing",
            Self::Known(_) => "known",
        }
    }
}

/// Asks for a package, or remembers.
pub(super) fn ask(package: &Package, registries: &Registries) -> Standing {
    let Some(registry) = registries.of(package) else { return Standing::Unnamed(how(package.ecosystem)) };
    let key = format!("{} {} {registry}", package.ecosystem.as_str(), package.name);
    if let Some(facts) = registries.cache.as_deref().and_then(|cache| cache::read(cache, &key, KEPT)) {
        return Standing::Known(facts);
    }
    let standing = ask::ask(package, registry, registries.downloads_of(package));
    if let (Standing::Known(facts), Some(cache)) = (&standing, registries.cache.as_deref()) {
        // Not to remember costs a question.
        cache::write(cache, &key, facts).unwrap_or_default();
    }
    standing
}
