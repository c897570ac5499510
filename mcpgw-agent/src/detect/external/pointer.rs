//! JSON pointers (RFC 6901).

use crate::json::Value;

/// A way to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer(Vec<Box<str>>);

impl Pointer {
    /// Reads `/a/b/0`; the empty text is the whole. `None` where `text` is no pointer.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let Some(rest) = text.strip_prefix('/') else { return text.is_empty().then(|| Self(Vec::new())) };
        rest.split('/').map(token).collect::<Option<_>>().map(Self)
    }

    /// The value there.
    pub(super) fn find<'d>(&self, value: Value<'d>) -> Option<Value<'d>> {
        self.0.iter().try_fold(value, |value, token| {
            if value.is_array() {
                let is_index = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit());
                return value.elements().nth(token.parse().ok().filter(|_| is_index)?);
            }
            value.get(token)
        })
    }
}

fn token(text: &str) -> Option<Box<str>> {
    let mut parts = text.split('~');
    let mut token = parts.next()?.to_owned();
    for part in parts {
        let (letter, rest) = part.split_at_checked(1)?;
        token.push(match letter {
            "0" => '~',
            "1" => '/',
            _ => return None,
        });
        token.push_str(rest);
    }
    Some(token.into())
}
