//! The words that say a secret follows, and the names in which they say nothing of the kind.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::value;

/// What a word promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Password,
    /// A token, a secret, an API key.
    Token,
    /// Some key: of a cache, a table, a cipher.
    Key,
    Salt,
}

impl Word {
    /// What a value given to such a name is called.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Token | Self::Key => "api_key",
            Self::Salt => "salt",
        }
    }

    /// How sure one is that a value given to such a name is a secret.
    pub(super) fn judge(self, value: &[u8], written: bool) -> Option<f32> {
        match self {
            Self::Password => value::password(value, written),
            Self::Token => value::token(value, true).or_else(|| secret(value, written)),
            Self::Key => value::token(value, false).or_else(|| value::is_licence(value).then_some(0.55)),
            Self::Salt => value::salt(value),
        }
    }
}

/// What is called a secret may be a password.
fn secret(value: &[u8], written: bool) -> Option<f32> {
    let has = |wanted: fn(&u8) -> bool| value.iter().any(wanted);
    // What is asked last costs most.
    let fits = written
        && value.len() >= 8
        && has(u8::is_ascii_digit)
        && (has(u8::is_ascii_uppercase) || has(u8::is_ascii_punctuation))
        && !value::is_wordy(value);
    if fits { value::password(value, written).map(|score| score - 0.1) } else { None }
}

/// Needles and what they promise. First letters that begin many words are left out. A needle may go on into the sign behind the name, where the name alone is too common.
pub(super) static WORDS: &[(&str, Word)] = &[
    ("password", Word::Password),
    ("passwd", Word::Password),
    ("passwort", Word::Password),
    ("passphrase", Word::Password),
    ("passcode", Word::Password),
    ("kennwort", Word::Password),
    ("ified by", Word::Password),
    ("convertto-securestring", Word::Password),
    ("sshpass -p", Word::Password),
    ("ntrase", Word::Password),
    ("wachtwoord", Word::Password),
    ("mot de passe", Word::Password),
    ("пароль", Word::Password),
    ("Пароль", Word::Password),
    ("비밀번호", Word::Password),
    ("비번", Word::Password),
    ("암호", Word::Password),
    ("密码", Word::Password),
    ("密碼", Word::Password),
    ("パスワード", Word::Password),
    ("senha=", Word::Password),
    ("senha:", Word::Password),
    ("pwd=", Word::Password),
    ("pwd:", Word::Password),
    ("pwd\"", Word::Password),
    ("pwd'", Word::Password),
    ("pwd =", Word::Password),
    ("pwd :", Word::Password),
    ("pwd ", Word::Password),
    ("pass=", Word::Password),
    ("pass:", Word::Password),
    ("pass\"", Word::Password),
    ("pass'", Word::Password),
    ("pass =", Word::Password),
    ("pass :", Word::Password),
    ("_pass", Word::Password),
    ("-pass", Word::Password),
    ("pw: ", Word::Password),
    (" pw:", Word::Password),
    ("/pw:", Word::Password),
    ("/pw :", Word::Password),
    (" pw :", Word::Password),
    (" pw=", Word::Password),
    ("_pw:", Word::Password),
    ("_pw=", Word::Password),
    ("_pw\"", Word::Password),
    ("_pw =", Word::Password),
    ("\"pw\"", Word::Password),
    (" pw ", Word::Password),
    ("secret", Word::Token),
    ("token", Word::Token),
    ("apikey", Word::Token),
    ("api_key", Word::Token),
    ("api-key", Word::Token),
    ("api key", Word::Token),
    ("appkey", Word::Token),
    ("app_key", Word::Token),
    ("app-key", Word::Token),
    ("access_key", Word::Token),
    ("access-key", Word::Token),
    ("access key", Word::Token),
    ("accesskey", Word::Token),
    ("auth_key", Word::Token),
    ("auth-key", Word::Token),
    ("authkey", Word::Token),
    ("credential", Word::Token),
    ("_creds", Word::Token),
    ("private_key", Word::Token),
    ("private-key", Word::Token),
    ("private key", Word::Token),
    ("privatekey", Word::Token),
    ("signing_key", Word::Token),
    ("signingkey", Word::Token),
    ("encryption_key", Word::Token),
    ("encryption-key", Word::Token),
    ("encryptionkey", Word::Token),
    ("master_key", Word::Token),
    ("masterkey", Word::Token),
    ("account_key", Word::Token),
    ("accountkey", Word::Token),
    ("ice_key", Word::Token),
    ("shared_key", Word::Token),
    ("sharedaccesskey", Word::Token),
    ("nse_key", Word::Token),
    ("nse key", Word::Token),
    ("nsekey", Word::Token),
    ("vation key", Word::Key),
    ("bearer", Word::Token),
    ("authorization", Word::Token),
    ("x-auth", Word::Token),
    ("oauth", Word::Token),
    ("_auth", Word::Key),
    ("-auth", Word::Key),
    ("auth=", Word::Key),
    ("auth:", Word::Key),
    ("auth\"", Word::Key),
    ("auth =", Word::Key),
    ("_key", Word::Key),
    ("-key", Word::Key),
    ("key=", Word::Key),
    ("key:", Word::Key),
    ("key\"", Word::Key),
    ("key'", Word::Key),
    ("key =", Word::Key),
    ("key :", Word::Key),
    ("_api", Word::Key),
    ("api\"", Word::Key),
    ("api =", Word::Key),
    ("api=", Word::Key),
    ("salt", Word::Salt),
    ("nonce", Word::Salt),
];

static NONE: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::new(NO_SECRET).ok());

/// Parts of names whose values are no secrets, whatever else the names say.
const NO_SECRET: &[&str] = &[
    "public",
    "pubkey",
    "pub_key",
    "tokenizer",
    "token_type",
    "tokentype",
    "tokens",
    "max_token",
    "page_token",
    "pagetoken",
    "next_token",
    "nexttoken",
    "continuationtoken",
    "continuation_token",
    "sync_token",
    "synctoken",
    "idempotency",
    "keyboard",
    "keyword",
    "monkey",
    "turkey",
    "primary",
    "foreign",
    "sort_key",
    "sortkey",
    "partition",
    "cache",
    "bucket",
    "object_key",
    "keyfile",
    "keystore",
    "key_store",
    "keyvault",
    "secretkeyref",
    "passwordless",
    "csrf",
    "xsrf",
    "key_id",
    "keyid",
    "key_name",
    "keyname",
    "key_path",
    "keypath",
    "key_size",
    "keysize",
    "key_len",
    "keylen",
    "key_type",
    "keytype",
    "key_pair",
    "keypair",
    "passthrough",
    "bypass",
    "compass",
    "issuekey",
    "issue_key",
    "project_key",
    "projectkey",
    "s3_key",
    "key_file",
    "sri",
    "etag",
    "fingerprint",
    "checksum",
    "digest",
    "sha256",
    "sha512",
    "sha1",
    "_hash",
    "hash_",
    "changetoken",
    "clienttoken",
    "client_token",
    "requesttoken",
    "request_token",
    "hashed",
    "cursor",
];

/// So many of those that follow hold for passwords too.
const SURE: usize = 14;

/// Ends of names that say something about a secret and not the secret.
const ABOUT: &[&str] = &[
    "_id",
    "_name",
    "_url",
    "_uri",
    "_path",
    "_file",
    "_type",
    "_len",
    "_length",
    "_size",
    "_count",
    "_ttl",
    "_limit",
    "_version",
    "_arn",
    "_field",
    "_header",
    "_param",
    "_prefix",
    "_regex",
    "_pattern",
    "_status",
    "_policy",
    "_hint",
    "_label",
    "_dir",
    "_format",
    "_index",
    "_class",
    "_provider",
    "_store",
    "_source",
    "_endpoint",
    "_budget",
    "_usage",
    "_expiry",
    "_expires",
    "_expires_in",
    "_at",
    "_method",
    "_mode",
    "_scope",
    "_scopes",
    "_version",
    "name",
    "url",
    "uri",
    "path",
    "file",
    "count",
    "length",
    "type",
    "-id",
    "-name",
    "-type",
    "-url",
];

/// By the byte before the last of such an end, a bit for each last byte; of both, the low five bits.
static ENDS: [u32; 32] = {
    let mut ends = [0_u32; 32];
    let mut rest = ABOUT;
    while let [end, more @ ..] = rest {
        if let [.., one, two] = end.as_bytes() {
            #[expect(clippy::indexing_slicing, reason = "at compile time, and five bits are less than 32")]
            {
                ends[(*one & 31) as usize] |= 1 << (*two & 31);
            }
        }
        rest = more;
    }
    ends
};

/// Whether a name says that no secret follows. `found` is the word in it.
pub(super) fn is_about(name: &[u8], word: Word) -> bool {
    let mut lower = [0_u8; 112];
    let count = name.len().min(lower.len());
    if let (Some(head), Some(from)) = (lower.get_mut(..count), name.get(..count)) {
        head.copy_from_slice(from);
        head.make_ascii_lowercase();
    }
    let name = lower.get(..count).unwrap_or_default();
    let about = |end: &&'static str| name.ends_with(end.as_bytes());
    let may_be_about = match name {
        [.., one, two] => ENDS.get(usize::from(*one & 31)).is_some_and(|ends| ends >> (*two & 31) & 1 == 1),
        _ => false,
    };
    NONE.as_ref().is_some_and(|parts| parts.is_match(name))
        || name.ends_with(b"keys") && word == Word::Key
        || memchr::memmem::find(name, b"author")
            .is_some_and(|at| !name.get(at + 6..).is_some_and(|rest| rest.starts_with(b"iz")))
        || may_be_about
            && ABOUT.iter().position(about).is_some_and(|index| word != Word::Password || index < SURE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_of_a_name_is_known() {
        for end in ABOUT {
            assert!(is_about(format!("secret{end}").as_bytes(), Word::Token), "{end}");
        }
        assert!(!is_about(b"secret", Word::Token) && !is_about(b"", Word::Token));
    }
}
