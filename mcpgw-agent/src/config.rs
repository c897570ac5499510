//! The configuration file: typed once, validated once.
//!
//! ```text
//! file ─▶ load (who may write it) ─▶ yaml ─▶ file form (strict keys) ─▶ validate ─▶ Config (run form)
//! ```
//!
//! The daemon and `config check` take this one way, so what the check accepts is what runs. A file with any
//! problem at all is refused as a whole, with every problem named at its line. Docs: `docs/configuration.md`.

mod dirs;
mod error;
mod file;
mod gateway;
mod guard;
mod guardrail;
mod identity;
mod load;
mod run;
mod ship;
mod unit;
mod validate;

pub use dirs::Dirs;
pub use error::{ConfigError, Problem, ProblemKind};
pub use gateway::{Audit, Gateway, GatewayLimits, Indexing, Pins};
pub use guard::Guard;
pub use guardrail::{BreakerSettings, Guardrail, Preset, SecretHeader, SecretSource};
pub use identity::{Auth, Jwt, JwtAlgorithm, JwtKeys};
pub use load::DEFAULT_PATH;
pub(crate) use load::read_text;
pub use run::{Admin, Config, Host, Log, LogFormat, Observe, Rings};
pub use ship::{Receiver, Shipper, SyslogAddress};
pub(crate) use unit::{duration as read_duration, show as shown};

#[cfg(test)]
mod tests;
