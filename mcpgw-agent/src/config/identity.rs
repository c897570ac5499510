//! How clients of `proxy` are authenticated: run form.

use std::path::PathBuf;

use url::Url;

use super::SecretSource;

/// Who may ask. Without keys and tokens nobody is authenticated.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Auth {
    /// The file with the hashes of keys.
    pub api_keys_file: Option<PathBuf>,
    /// Which tokens are taken.
    pub jwt: Option<Jwt>,
    /// What the gateway calls itself to authorization servers; `None` for its address as the client knows it.
    pub resource: Option<String>,
}

/// Which tokens are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwt {
    /// Whose.
    pub issuer: String,
    /// For whom: one of these.
    pub audience: Vec<String>,
    /// What they are verified with.
    pub keys: JwtKeys,
    /// Signed how.
    pub algorithms: Vec<JwtAlgorithm>,
    /// The claim with the roles.
    pub roles_claim: String,
}

/// What tokens are verified with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JwtKeys {
    /// A key set that is fetched, and certificates to believe beside the system's.
    Url {
        /// Where.
        url: Url,
        /// Certificates, PEM.
        ca: Option<PathBuf>,
    },
    /// A key set in a file.
    File(PathBuf),
    /// A secret shared with the issuer.
    Secret(SecretSource),
}

/// How a token may be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JwtAlgorithm {
    /// HMAC with SHA-256, under a shared secret.
    Hs256,
    /// RSA, PKCS #1.
    Rs256,
    /// RSA, PSS.
    Ps256,
    /// ECDSA on P-256.
    Es256,
    /// ECDSA on P-384.
    Es384,
    /// Ed25519.
    EdDsa,
}
