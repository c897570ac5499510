//! The keys tokens are verified with, and where they come from.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use hyper::header::{ACCEPT, HeaderMap, HeaderValue};
use hyper::{Method, StatusCode};
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::IdentityError;
use crate::fetch::{Failure, Fetch};
use crate::secret::SecretError;

/// Longest key set, in bytes.
pub(super) const BYTES_MAX: usize = 256 << 10;
/// Most keys that are kept.
const KEYS_MAX: usize = 64;
/// A key set is fetched anew after this long.
const FRESH_FOR: Duration = Duration::from_secs(300);
/// A token with a key nobody knows has the key set fetched no more often than this.
const COOL_DOWN: Duration = Duration::from_secs(30);
/// The first pause after a fetch that failed while there is no key at all; it doubles up to the cool-down.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Keys to verify with.
#[derive(Default)]
pub(super) struct KeySet(Vec<Known>);

struct Known {
    id: Option<Box<str>>,
    algorithm: Option<Algorithm>,
    key: DecodingKey,
}

impl KeySet {
    /// One shared secret.
    pub(super) fn secret(key: DecodingKey) -> Self {
        Self(vec![Known { id: None, algorithm: None, key }])
    }

    /// The public keys of a JWK set that are for signatures. What is shared or unknown is passed over.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let set: serde_json::Value = serde_json::from_slice(text).ok()?;
        let keys = set.get("keys")?.as_array()?.iter().take(KEYS_MAX);
        // One by one: a key of a kind nobody here knows is no reason to go without the others.
        let known = keys.filter_map(|key| known(serde_json::from_value(key.clone()).ok()?));
        let known: Vec<Known> = known.collect();
        (!known.is_empty()).then_some(Self(known))
    }

    /// The key called `id`; where the token names none, the only one that fits.
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<&DecodingKey> {
        let fits = |known: &&Known| {
            known.key.family() == algorithm.family() && known.algorithm.is_none_or(|own| own == algorithm)
        };
        let mut fitting = self.0.iter().filter(fits);
        match id {
            Some(id) => fitting.find(|known| known.id.as_deref().is_none_or(|own| own == id)),
            None => fitting.next().filter(|_| fitting.next().is_none()),
        }
        .map(|known| &known.key)
    }
}

fn known(jwk: Jwk) -> Option<Known> {
    if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    let algorithm = match jwk.common.key_algorithm {
        // A key for something nobody here does.
        Some(algorithm) => Some(algorithm.to_string().parse().ok()?),
        None => None,
    };
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    // What whoever verifies can also sign with is no public key.
    let is_public = key.family() != AlgorithmFamily::Hmac;
    is_public.then(|| Known { id: jwk.common.key_id.map(Into::into), algorithm, key })
}

/// Where keys come from.
pub(super) struct Source {
    keys: ArcSwap<KeySet>,
    fetch: Option<Fetch>,
    asked: Notify,
}

impl Source {
    pub(super) fn fixed(keys: KeySet) -> Self {
        Self { keys: ArcSwap::from_pointee(keys), fetch: None, asked: Notify::new() }
    }

    pub(super) fn file(path: &Path) -> Result<Self, IdentityError> {
        let unreadable = |source| SecretError::Read { path: path.to_owned(), source };
        let text =
            crate::config::read_text(path).map_err(|error| unreadable(std::io::Error::other(error)))?;
        KeySet::parse(text.as_bytes()).map(Self::fixed).ok_or(IdentityError::NoKeys)
    }

    pub(super) fn url(url: &Url, ca: Option<&Path>) -> Result<Self, IdentityError> {
        Ok(Self { fetch: Some(Fetch::open(url, ca)?), ..Self::fixed(KeySet::default()) })
    }

    pub(super) fn current(&self) -> Arc<KeySet> {
        self.keys.load_full()
    }

    /// A token names a key that is not there: it may be new.
    pub(super) fn ask_again(&self) {
        self.asked.notify_one();
    }

    /// Fetches the key set, now and again, until `ending`. A fetch that fails leaves the keys there are.
    pub(super) async fn refresh(&self, ending: &CancellationToken) {
        let Some(fetch) = &self.fetch else { return };
        let mut pause = FIRST_PAUSE;
        loop {
            let fetched = tokio::select! {
                fetched = get(fetch) => fetched,
                () = ending.cancelled() => return,
            };
            match fetched.map(|text| text.and_then(|text| KeySet::parse(&text))) {
                Ok(Some(keys)) => {
                    self.keys.store(Arc::new(keys));
                    pause = COOL_DOWN;
                }
                Ok(None) => tracing::warn!("the key set that was fetched has no key to verify with"),
                Err(error) => tracing::warn!(%error, "the key set cannot be fetched"),
            }
            let rest = async {
                sleep(pause).await;
                if pause >= COOL_DOWN {
                    // Too late is no error: it is time anyway.
                    timeout(FRESH_FOR.saturating_sub(pause), self.asked.notified()).await.ok();
                }
            };
            tokio::select! {
                () = rest => {}
                () = ending.cancelled() => return,
            }
            pause = (pause * 2).min(COOL_DOWN);
        }
    }
}

/// The key set's text, where the answer is one.
async fn get(fetch: &Fetch) -> Result<Option<Bytes>, Failure> {
    let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
    let answer = fetch.ask(Method::GET, &headers, Bytes::new(), BYTES_MAX).await?;
    Ok((answer.status == StatusCode::OK).then_some(answer.body))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EC: &str = r#"{"kty":"EC","crv":"P-256","kid":"a","use":"sig","alg":"ES256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;

    #[test]
    fn only_public_keys_for_signatures_are_taken() {
        let set = |keys: &str| KeySet::parse(format!(r#"{{"keys":[{keys}]}}"#).as_bytes());
        let keys = set(&format!(r#"{{"kty":"oct","kid":"s","k":"AAAA"}},{{"kty":"new"}},{EC}"#)).unwrap();
        assert_eq!(keys.0.len(), 1);
        assert!(
            keys.find(Some("a"), Algorithm::ES256).is_some() && keys.find(None, Algorithm::ES256).is_some()
        );
        for (id, algorithm) in [
            ("b", Algorithm::ES256),
            ("a", Algorithm::ES384),
            ("a", Algorithm::RS256),
            ("a", Algorithm::HS256),
        ] {
            assert!(keys.find(Some(id), algorithm).is_none(), "{id} {algorithm:?}");
        }
        assert!(set(r#"{"kty":"oct","kid":"s","k":"AAAA"}"#).is_none());
        assert!(set(&EC.replace("\"sig\"", "\"enc\"")).is_none());
        let two = set(&format!("{EC},{}", EC.replace("\"a\"", "\"b\""))).unwrap();
        assert!(
            two.find(None, Algorithm::ES256).is_none() && two.find(Some("b"), Algorithm::ES256).is_some()
        );
    }
}
