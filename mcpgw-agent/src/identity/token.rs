//! Tokens: JWTs of one issuer, for one audience, signed with what the configuration allows.

use std::sync::Arc;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::jwks::{KeySet, Source};
use super::keys::{ROLES_MAX, is_name};
use super::{IdentityError, Why};
use crate::config;
use crate::secret;

/// Least and most bytes of a shared secret: what is shorter than a hash can be guessed from one token.
const SECRET_MIN: usize = 32;
const SECRET_MAX: usize = 4096;
/// Clocks may differ by so much, in seconds.
const LEEWAY: u64 = 60;

/// Subject, roles, and all claims.
pub(super) type Verified = (Box<str>, Vec<Box<str>>, Map<String, Value>);

/// Verifies tokens.
pub(super) struct Tokens {
    issuer: Box<str>,
    roles_claim: Box<str>,
    validation: Validation,
    source: Source,
}

impl Tokens {
    pub(super) fn open(config: &config::Jwt) -> Result<Self, IdentityError> {
        let algorithms: Vec<Algorithm> = config.algorithms.iter().copied().map(algorithm).collect();
        let mut validation = Validation::new(algorithms.first().copied().unwrap_or_default());
        validation.algorithms = algorithms;
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_issuer(&[&config.issuer]);
        validation.set_audience(&config.audience);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let source = match &config.keys {
            config::JwtKeys::Secret(source) => {
                let text = secret::read(source, SECRET_MAX)?;
                if text.len() < SECRET_MIN {
                    return Err(IdentityError::NoKeys);
                }
                Source::fixed(KeySet::secret(DecodingKey::from_secret(text.as_bytes())))
            }
            config::JwtKeys::File(path) => Source::file(path)?,
            config::JwtKeys::Url { url, ca } => Source::url(url, ca.as_deref())?,
        };
        Ok(Self {
            issuer: config.issuer.as_str().into(),
            roles_claim: config.roles_claim.as_str().into(),
            validation,
            source,
        })
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Keeps the key set fresh until `ending`.
    pub(super) async fn refresh(&self, ending: &CancellationToken) {
        self.source.refresh(ending).await;
    }

    /// # Errors
    /// What is wrong with the token.
    pub(super) fn verify(&self, token: &[u8]) -> Result<Verified, Why> {
        let header = decode_header(token).map_err(|_malformed| Why::Malformed)?;
        if header.crit.is_some() {
            // Something that has to be understood, and is not here.
            return Err(Why::Malformed);
        }
        if !self.validation.algorithms.contains(&header.alg) {
            return Err(Why::Algorithm);
        }
        let keys: Arc<KeySet> = self.source.current();
        let Some(key) = keys.find(header.kid.as_deref(), header.alg) else {
            self.source.ask_again();
            return Err(Why::UnknownKey);
        };
        // The library wants all algorithms of one family with the key's.
        let validation = Validation { algorithms: vec![header.alg], ..self.validation.clone() };
        let claims =
            decode::<Map<String, Value>>(token, key, &validation).map_err(|error| why(error.kind()))?.claims;
        let subject = claims.get("sub").and_then(Value::as_str).filter(|subject| is_name(subject));
        let subject = subject.ok_or(Why::Subject)?.into();
        let roles = match claims.get(&*self.roles_claim) {
            Some(Value::String(role)) => vec![role.as_str()],
            Some(Value::Array(roles)) => roles.iter().filter_map(Value::as_str).collect(),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => Vec::new(),
        };
        if roles.len() > ROLES_MAX || !roles.iter().all(|role| is_name(role)) {
            // Some of them only would be another principal.
            return Err(Why::Roles);
        }
        let roles = roles.into_iter().map(Into::into).collect();
        Ok((subject, roles, claims))
    }
}

fn algorithm(word: config::JwtAlgorithm) -> Algorithm {
    match word {
        config::JwtAlgorithm::Hs256 => Algorithm::HS256,
        config::JwtAlgorithm::Rs256 => Algorithm::RS256,
        config::JwtAlgorithm::Ps256 => Algorithm::PS256,
        config::JwtAlgorithm::Es256 => Algorithm::ES256,
        config::JwtAlgorithm::Es384 => Algorithm::ES384,
        config::JwtAlgorithm::EdDsa => Algorithm::EdDSA,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the library may know more reasons")]
fn why(error: &ErrorKind) -> Why {
    match error {
        ErrorKind::InvalidSignature => Why::Signature,
        ErrorKind::ExpiredSignature => Why::Expired,
        ErrorKind::ImmatureSignature => Why::NotYet,
        ErrorKind::InvalidIssuer => Why::Issuer,
        ErrorKind::InvalidAudience => Why::Audience,
        ErrorKind::InvalidAlgorithm => Why::Algorithm,
        _ => Why::Malformed,
    }
}
