//! What findings are called, how bad they are, and what stands in a secret's place.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::super::Severity;
use super::vendor::VENDORS;
use super::{bare, formats};

/// What is not in a table.
const OTHER: &[&str] = &[
    "api_key",
    "password",
    "salt",
    "private_key",
    "pgp_private_key",
    "connection_string",
    "url_credential",
    "webhook_url",
    "signed_url",
    "basic_credentials",
    "kubernetes_secret",
    "json_web_key",
    "azure_client_secret",
];

static PLACEHOLDERS: LazyLock<BTreeMap<&'static str, Box<str>>> = LazyLock::new(|| {
    let tables = formats::all().map(|format| format.kind).chain(VENDORS.iter().map(|vendor| vendor.kind));
    let kinds = tables.chain(bare::INFIXES.iter().map(|infix| infix.kind)).chain(OTHER.iter().copied());
    kinds.map(|kind| (kind, format!("<{}>", kind.to_ascii_uppercase()).into())).collect()
});

/// What is put in the place of a secret of this kind: `<GITHUB_TOKEN>` for `github_token`; `<SECRET>` for a kind this
/// detector has not.
#[must_use]
pub fn placeholder(kind: &str) -> &'static str {
    PLACEHOLDERS.get(kind).map_or("<SECRET>", |placeholder| placeholder)
}

/// Keys that open everything are worse than keys that open something; what is only an identifier is neither.
pub(super) fn severity(kind: &str) -> Severity {
    match kind {
        "private_key"
        | "pgp_private_key"
        | "aws_access_key_id"
        | "aws_secret_access_key"
        | "connection_string"
        | "age_secret_key"
        | "1password_token"
        | "vault_token"
        | "google_oauth_token"
        | "github_token"
        | "gitlab_token" => Severity::Critical,
        "salt"
        | "mailgun_public_key"
        | "flutterwave_public_key"
        | "twilio_account_sid"
        | "adobe_client_id"
        | "square_application_id"
        | "newrelic_browser_key" => Severity::Low,
        "api_key" | "password" | "signed_url" | "jwt" | "kubernetes_secret" => Severity::Medium,
        _ => Severity::High,
    }
}

/// Why a finding of this kind is one.
pub(super) fn why(kind: &str) -> &'static str {
    match kind {
        "private_key" | "pgp_private_key" => "a private key written out",
        "password" => "a value given to the name of a password",
        "api_key" => "a random value given to the name of a key or token",
        "salt" => "a value given to the name of a salt",
        "connection_string" | "url_credential" => "an address with a password in it",
        "webhook_url" => "an address that lets whoever has it write",
        "signed_url" => "an address with a signature in it",
        "basic_credentials" => "a name and a password given to a command",
        "json_web_key" => "the private member of a JSON web key",
        "kubernetes_secret" => "a value of a Kubernetes secret",
        _ => "made as this provider's credentials are",
    }
}

/// The needle of a prefix or mark. Leaks the copy in lower case where it has capitals: once for each of a fixed table.
pub(super) fn lower(text: &'static str) -> &'static str {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) { text.to_ascii_lowercase().leak() } else { text }
}
