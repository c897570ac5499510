//! Policy files and the scenario files beside them.

use std::fs;
use std::path::{Path, PathBuf};

use super::scenario::{self, EffectScenario, Scenario};
use crate::cli::error::CliError;
use crate::config::read_text;
use crate::policy::Policy;
use crate::reload::ReloadError;
use crate::yaml;

/// What a policy's scenarios are called: `default.test.yaml` beside `default.yaml`.
const SCENARIOS: &str = "test";

/// A policy and the text it was made of.
#[derive(Debug)]
pub(in crate::cli) struct PolicyFile {
    pub(super) path: PathBuf,
    pub(super) text: String,
    pub(in crate::cli) policy: Policy,
}

impl PolicyFile {
    /// Reads the file at `path` as the gateway would.
    ///
    /// # Errors
    /// What the gateway would say.
    pub(super) fn read(path: &Path) -> Result<Self, ReloadError> {
        let text = read_text(path)?;
        let policy = Policy::parse(&text)
            .map_err(|error| ReloadError::Policy { path: path.to_owned(), error: Box::new(error) })?;
        Ok(Self { path: path.to_owned(), text, policy })
    }

    /// [`read`](Self::read); every error is a failure, with code 1.
    pub(in crate::cli) fn open(path: &Path) -> Result<Self, CliError> {
        Self::read(path).map_err(CliError::failure)
    }

    /// The scenario file beside it, where there is one.
    pub(super) fn scenarios_beside(&self) -> Option<PathBuf> {
        beside(&self.path).filter(|path| path.exists())
    }
}

/// Where the scenarios of the policy at `path` belong.
pub(super) fn beside(path: &Path) -> Option<PathBuf> {
    let stem = path.file_stem()?.to_str()?;
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("yaml");
    Some(path.with_file_name(format!("{stem}.{SCENARIOS}.{extension}")))
}

/// Reads the scenario file at `path`.
///
/// # Errors
/// It cannot be read, or has a problem.
pub(super) fn read_scenarios(path: &Path) -> Result<(Vec<Scenario>, Vec<EffectScenario>), CliError> {
    // Nothing depends on who may write it.
    let text = fs::read_to_string(path).map_err(|source| {
        CliError::failure(anyhow::Error::new(source).context(format!("cannot read `{}`", path.display())))
    })?;
    scenario::read_all(&text)
        .map_err(|problems| CliError::failure(anyhow::anyhow!(yaml::render(path, &text, &problems))))
}

/// The policies in the directory at `path`, by name: YAML files that hold no scenarios.
///
/// # Errors
/// It cannot be read.
pub(super) fn policies_in(path: &Path) -> Result<Vec<PathBuf>, CliError> {
    let unreadable = |source| {
        CliError::failure(anyhow::Error::new(source).context(format!("cannot read `{}`", path.display())))
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_yaml = name.ends_with(".yaml") || name.ends_with(".yml");
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        if is_yaml && !stem.ends_with(&format!(".{SCENARIOS}")) && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
