//! What registries say of a package: how old it is, who keeps it, how many use it.
//!
//! Nobody is asked unless that is wanted, and what was heard is kept for a day. A registry that does not answer says
//! nothing good and nothing bad.

mod ask;
mod cache;
mod facts;

pub use facts::Facts;

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::package::Package;

/// How long what was heard counts.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// Where to ask.
#[derive(Debug, Clone)]
pub struct Registries {
    /// Metadata of npm packages: `/NAME` behind it.
    pub npm: Url,
    /// Downloads of npm packages: `/downloads/point/last-month/NAME` behind it.
    pub npm_downloads: Url,
    /// Metadata of Python packages: `/pypi/NAME/json` behind it.
    pub pypi: Url,
    /// Downloads of Python packages: `/api/packages/NAME/recent` behind it.
    pub pypi_downloads: Url,
    /// Where what was heard is kept; nowhere where there is no such place.
    pub cache: Option<PathBuf>,
}

/// What a registry says of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nobody was asked, or there is no package.
    Unknown,
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
            Self::Unknown => "unknown",
            Self::Unreachable(_) => "unreachable",
            Self::Missing => "missing",
            Self::Known(_) => "known",
        }
    }
}

/// Asks for a package, or remembers.
pub(super) fn ask(package: &Package, registries: &Registries) -> Standing {
    let key = format!("{} {} {}", package.ecosystem.as_str(), package.name, registries.npm);
    if let Some(facts) = registries.cache.as_deref().and_then(|cache| cache::read(cache, &key, KEPT)) {
        return Standing::Known(facts);
    }
    let standing = ask::ask(package, registries);
    if let (Standing::Known(facts), Some(cache)) = (&standing, registries.cache.as_deref()) {
        // Not to remember costs a question.
        cache::write(cache, &key, facts).unwrap_or_default();
    }
    standing
}
