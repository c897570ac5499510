//! Who a client of `proxy` is: what it shows is verified here, and what is known of it afterwards is a [`Principal`].
//!
//! ```text
//! X-API-Key, Authorization: ApiKey …     ─▶ keys: hashes in a file       ─┐
//! Authorization: Bearer …                ─▶ token: signature, then claims ─┼▶ Principal: subject, roles, labels
//! X-MCPGW-Label-…                        ─▶ labels                        ─┘
//! nothing, or what does not verify       ─▶ failures: counted, recorded, slowed down
//! ```
//!
//! Nothing of what a client shows goes on to the server, into a record, a log line or an error.

mod failures;
mod jwks;
mod keys;
mod labels;
mod metrics;
#[cfg(test)]
mod tests;
mod token;

use std::net::IpAddr;
use std::sync::Arc;

use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use crate::audit::AuditLog;
use crate::config;
use crate::policy::Principal;
use crate::secret::SecretError;
use crate::tasks::Tasks;

pub use failures::Why;
pub(crate) use metrics::AuthMetrics;

use failures::Failures;
use keys::Keys;
use token::Tokens;

/// Where a key may stand.
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// Longest credential, in bytes.
const LONGEST: usize = 16 << 10;

/// Why nobody can be authenticated.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A secret cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A line of the file with the keys.
    #[error("line {line} of `{path}` is no key: write a name, the key's SHA-256 in hexadecimal, and roles")]
    Key {
        /// The file.
        path: std::path::PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// The key set cannot be used.
    #[error("the key set has no key to verify with")]
    NoKeys,
    /// The key set's host cannot be asked.
    #[error("the key set cannot be fetched")]
    Fetch(#[from] crate::fetch::FetchError),
}

/// What a request is refused with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It showed nothing, or nothing that verifies: 401.
    Unauthorized(Why),
    /// Too much failed from where it comes: 429.
    Slower,
}

/// Says who clients are.
pub struct Authenticator {
    keys: Keys,
    tokens: Option<Tokens>,
    label_claims: Box<[Box<str>]>,
    resource: Option<Box<str>>,
    failures: Failures,
    metrics: AuthMetrics,
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authenticator").finish_non_exhaustive()
    }
}

impl Authenticator {
    /// Reads keys, secrets and key sets. `None` where the configuration wants nobody authenticated.
    ///
    /// # Errors
    /// [`IdentityError`]
    pub fn open(config: &config::Auth, labels: &[Box<str>]) -> Result<Option<Self>, IdentityError> {
        if config.api_keys_file.is_none() && config.jwt.is_none() {
            return Ok(None);
        }
        let keys = config.api_keys_file.as_deref().map(Keys::load).transpose()?.unwrap_or_default();
        let tokens = config.jwt.as_ref().map(Tokens::open).transpose()?;
        Ok(Some(Self {
            keys,
            tokens,
            label_claims: labels.into(),
            resource: config.resource.as_deref().map(Into::into),
            failures: Failures::default(),
            metrics: AuthMetrics::new(),
        }))
    }

    /// What it counts.
    pub(crate) fn metrics(&self) -> &AuthMetrics {
        &self.metrics
    }

    /// Keeps the key set fresh and brings failures on record, until `tasks` end.
    pub fn start(self: &Arc<Self>, audit: &Arc<AuditLog>, tasks: &Tasks) {
        let (own, audit, ending) = (Arc::clone(self), Arc::clone(audit), tasks.token().clone());
        tasks.spawn("failed authentications", async move { own.failures.report(&audit, &ending).await });
        if self.tokens.is_some() {
            let (own, ending) = (Arc::clone(self), tasks.token().clone());
            tasks.spawn("key set", async move {
                if let Some(tokens) = &own.tokens {
                    tokens.refresh(&ending).await;
                }
            });
        }
    }

    /// Who sends a request with `headers` from `remote`.
    ///
    /// # Errors
    /// [`Refusal`]; it is counted, and on record.
    pub fn identify(
        &self,
        headers: &HeaderMap,
        remote: IpAddr,
        audit: &AuditLog,
    ) -> Result<Principal, Refusal> {
        let shown = credential(headers);
        let digest = shown.as_ref().ok().map(|shown| self.failures.digest(shown.bytes()));
        if !self.failures.admits(remote, digest) {
            self.metrics.count("slowed-down");
            return Err(Refusal::Slower);
        }
        match shown.and_then(|shown| self.verify(&shown, headers)) {
            Ok(principal) => {
                self.metrics.count("ok");
                self.failures.succeeded(digest);
                Ok(principal)
            }
            Err(why) => {
                self.metrics.count(why.as_str());
                self.failures.failed(remote, why, audit);
                Err(Refusal::Unauthorized(why))
            }
        }
    }

    /// The document that says where tokens for this gateway are to be had (RFC 9728), where any are taken. `base` is the
    /// gateway's address as the client knows it, such as `https://gateway.example`.
    #[must_use]
    pub fn metadata(&self, base: &str) -> Option<String> {
        let tokens = self.tokens.as_ref()?;
        let document = serde_json::json!({
            "resource": self.resource.as_deref().map_or_else(|| format!("{base}/mcp"), str::to_owned),
            "authorization_servers": [tokens.issuer()],
            "bearer_methods_supported": ["header"],
        });
        Some(document.to_string())
    }

    /// The value of `WWW-Authenticate` on a refusal.
    #[must_use]
    pub fn challenge(&self, base: &str, why: Why) -> String {
        if self.tokens.is_none() {
            return "ApiKey".to_owned();
        }
        let origin = self.resource.as_deref().and_then(|resource| url::Url::parse(resource).ok());
        let origin = origin.map(|url| url.origin().ascii_serialization());
        let origin = origin.as_deref().unwrap_or(base);
        let error = if why == Why::Missing { "" } else { r#", error="invalid_token""# };
        format!(r#"Bearer resource_metadata="{origin}/.well-known/oauth-protected-resource"{error}"#)
    }

    fn verify(&self, shown: &Shown, headers: &HeaderMap) -> Result<Principal, Why> {
        let (subject, roles, claims) = match shown {
            Shown::Key(key) => {
                let (name, roles) = self.keys.find(key.as_bytes()).ok_or(Why::UnknownKey)?;
                (name, roles, serde_json::Map::new())
            }
            Shown::Token(token) => self.tokens.as_ref().ok_or(Why::Scheme)?.verify(token.as_bytes())?,
        };
        let labels = labels::of(&claims, &self.label_claims, headers);
        Ok(Principal { subject: Some(subject), roles, labels })
    }
}

/// What a client shows.
enum Shown {
    Key(HeaderValue),
    Token(HeaderValue),
}

impl Shown {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Key(value) | Self::Token(value) => value.as_bytes(),
        }
    }
}

/// The one credential of a request. Two could be two clients'.
fn credential(headers: &HeaderMap) -> Result<Shown, Why> {
    let mut keys = headers.get_all(API_KEY).iter();
    let mut authorizations = headers.get_all(AUTHORIZATION).iter();
    let shown = match (keys.next(), authorizations.next(), keys.next(), authorizations.next()) {
        (None, None, None, None) => return Err(Why::Missing),
        (Some(key), None, None, None) => Shown::Key(key.clone()),
        (None, Some(value), None, None) => {
            let text = value.as_bytes();
            let blank = text.iter().position(|byte| *byte == b' ').ok_or(Why::Malformed)?;
            let (scheme, rest) = text.split_at(blank);
            let rest = HeaderValue::from_bytes(rest.trim_ascii()).map_err(|_invalid| Why::Malformed)?;
            match scheme {
                scheme if scheme.eq_ignore_ascii_case(b"bearer") => Shown::Token(rest),
                scheme if scheme.eq_ignore_ascii_case(b"apikey") => Shown::Key(rest),
                _ => return Err(Why::Scheme),
            }
        }
        (_, _, _, _) => return Err(Why::Malformed),
    };
    let length = shown.bytes().len();
    if length == 0 || length > LONGEST { Err(Why::Malformed) } else { Ok(shown) }
}
