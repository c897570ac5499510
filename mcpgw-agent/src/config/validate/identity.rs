//! `gateway.auth`.

use url::Url;

use super::super::error::ProblemKind;
use super::super::file::identity::{AlgorithmWord, AuthSection, JwtSection};
use super::super::guardrail::SecretSource;
use super::super::identity::{Auth, Jwt, JwtAlgorithm, JwtKeys};
use super::Check;
use super::guardrail::{MAX_WORDS, is_loopback};
use crate::yaml::At;

/// Bytes of a claim's name, of an issuer and of an audience at most.
const MAX_NAME: usize = 256;
/// Labels of claims at most.
const MAX_LABELS: usize = 16;

impl Check {
    pub(super) fn auth(&mut self, section: &AuthSection) -> Auth {
        let AuthSection { api_keys_file, jwt, resource } = section;
        Auth {
            api_keys_file: self.path("gateway.auth.api-keys-file", api_keys_file),
            jwt: jwt.as_ref().and_then(|jwt| self.jwt(jwt)),
            resource: self.value("gateway.auth.resource", resource.as_ref(), None, |text| {
                let is_url = Url::parse(text).is_ok_and(|url| {
                    matches!(url.scheme(), "http" | "https") && url.has_host() && url.fragment().is_none()
                });
                // It stands in a header, between quotation marks.
                let is_plain =
                    text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
                let wrong = ProblemKind::Wrong("it must be the URL clients know the gateway by");
                (is_url && is_plain).then(|| Some(text.clone())).ok_or(wrong)
            }),
        }
    }

    pub(super) fn label_claims(&mut self, claims: &[At<String>]) -> Vec<Box<str>> {
        if let Some(first_beyond) = claims.get(MAX_LABELS) {
            let kind = super::out_of_range(&claims.len(), &0, &MAX_LABELS);
            self.problem("gateway.audit.label-claims", first_beyond, kind);
        }
        for claim in claims {
            if let Err(kind) = named(&claim.value) {
                self.problem("gateway.audit.label-claims", claim, kind);
            }
        }
        claims.iter().map(|claim| claim.value.as_str().into()).collect()
    }

    fn jwt(&mut self, section: &At<JwtSection>) -> Option<Jwt> {
        let JwtSection { issuer, audience, algorithms, roles_claim, .. } = &section.value;
        let at = "gateway.auth.jwt";
        let issuer = self.value(&format!("{at}.issuer"), Some(issuer), String::new(), |text| named(text));
        if audience.is_empty() || audience.len() > MAX_WORDS {
            let kind = super::out_of_range(&audience.len(), &1, &MAX_WORDS);
            self.problem(&format!("{at}.audience"), section, kind);
        }
        for one in audience {
            if let Err(kind) = named(&one.value) {
                self.problem(&format!("{at}.audience"), one, kind);
            }
        }
        let keys = self.jwt_keys(at, section)?;
        let is_shared = matches!(keys, JwtKeys::Secret(_));
        let algorithms = match algorithms {
            Some(algorithms) if !algorithms.is_empty() => {
                // A public key everybody has is no secret to take HMACs under.
                let fits = |word: AlgorithmWord| (word == AlgorithmWord::Hs256) == is_shared;
                for word in algorithms.iter().filter(|word| !fits(word.value)) {
                    let what = "HS256 is for a secret, and the others are for key sets";
                    self.problem(&format!("{at}.algorithms"), word, ProblemKind::Wrong(what));
                }
                algorithms.iter().map(|word| word.value.into()).collect()
            }
            Some(_) | None if is_shared => vec![JwtAlgorithm::Hs256],
            Some(_) | None => {
                vec![JwtAlgorithm::Rs256, JwtAlgorithm::Ps256, JwtAlgorithm::Es256, JwtAlgorithm::EdDsa]
            }
        };
        Some(Jwt {
            issuer,
            audience: audience.iter().map(|one| one.value.clone()).collect(),
            keys,
            algorithms,
            roles_claim: self.value(
                &format!("{at}.roles-claim"),
                roles_claim.as_ref(),
                "roles".to_owned(),
                |text| named(text),
            ),
        })
    }

    fn jwt_keys(&mut self, at: &str, section: &At<JwtSection>) -> Option<JwtKeys> {
        let JwtSection { jwks_url, jwks_file, secret_file, secret_env, ca, .. } = &section.value;
        let ca = self.path(&format!("{at}.ca"), ca);
        let file = self.path(&format!("{at}.jwks-file"), jwks_file).map(JwtKeys::File);
        let secret = self.path(&format!("{at}.secret-file"), secret_file).map(SecretSource::File);
        let secret_env =
            secret_env.as_ref().map(|variable| SecretSource::Environment(variable.value.clone()));
        let url = self.value(&format!("{at}.jwks-url"), jwks_url.as_ref(), None, |text| {
            let url = Url::parse(text)
                .ok()
                .filter(|url| url.has_host() && url.username().is_empty() && url.password().is_none());
            // Whoever can answer in the issuer's stead says who everybody is.
            let url =
                url.filter(|url| url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url)));
            url.map(Some)
                .ok_or(ProblemKind::Wrong("it must be `https`, or `http` on loopback, and name a host"))
        });
        if jwks_url.is_some() && url.is_none() {
            return None;
        }
        let url = url.map(|url| JwtKeys::Url { url, ca });
        let mut given =
            [url, file, secret.map(JwtKeys::Secret), secret_env.map(JwtKeys::Secret)].into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(keys), None) => Some(keys),
            (_, _) => {
                let what = "it needs one of `jwks-url`, `jwks-file`, `secret-file` and `secret-env`";
                self.problem(at, section, ProblemKind::Wrong(what));
                None
            }
        }
    }
}

fn named(text: &str) -> Result<String, ProblemKind> {
    let fits = !text.is_empty() && text.len() <= MAX_NAME && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
        .ok_or(ProblemKind::Wrong("it must have 1 to 256 bytes, none of them a control character"))
}

impl From<AlgorithmWord> for JwtAlgorithm {
    fn from(word: AlgorithmWord) -> Self {
        match word {
            AlgorithmWord::Hs256 => Self::Hs256,
            AlgorithmWord::Rs256 => Self::Rs256,
            AlgorithmWord::Ps256 => Self::Ps256,
            AlgorithmWord::Es256 => Self::Es256,
            AlgorithmWord::Es384 => Self::Es384,
            AlgorithmWord::EdDsa => Self::EdDsa,
        }
    }
}
