//! How bad findings are.

use super::super::Severity;

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
