//! `gateway.auth`, as it is written.

use serde::Deserialize;

use crate::yaml::At;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::config) struct AuthSection {
    pub(in crate::config) api_keys_file: Option<At<String>>,
    pub(in crate::config) jwt: Option<At<JwtSection>>,
    pub(in crate::config) resource: Option<At<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::config) struct JwtSection {
    pub(in crate::config) issuer: At<String>,
    pub(in crate::config) audience: Vec<At<String>>,
    pub(in crate::config) jwks_url: Option<At<String>>,
    pub(in crate::config) jwks_file: Option<At<String>>,
    pub(in crate::config) secret_file: Option<At<String>>,
    pub(in crate::config) secret_env: Option<At<String>>,
    pub(in crate::config) ca: Option<At<String>>,
    pub(in crate::config) algorithms: Option<Vec<At<AlgorithmWord>>>,
    pub(in crate::config) roles_claim: Option<At<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(in crate::config) enum AlgorithmWord {
    #[serde(rename = "HS256")]
    Hs256,
    #[serde(rename = "RS256")]
    Rs256,
    #[serde(rename = "PS256")]
    Ps256,
    #[serde(rename = "ES256")]
    Es256,
    #[serde(rename = "ES384")]
    Es384,
    #[serde(rename = "EdDSA")]
    EdDsa,
}
