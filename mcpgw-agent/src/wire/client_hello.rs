//! The host a client of TLS asks for, as its first message says in the clear (RFC 8446 §4.1.2, RFC 6066 §3).

/// Record of the handshake; its first message; the extension; a host's name in it.
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_NAME: usize = 0;
const HOST_NAME: u8 = 0;
/// Bytes of a host's name.
const MAX_NAME: usize = 255;

/// The name in the TLS handshake that `bytes` begin; `None` where there is none, or not in these bytes.
#[must_use]
pub fn server_name(bytes: &[u8]) -> Option<String> {
    let mut hello = Bytes(bytes);
    if hello.byte()? != HANDSHAKE {
        return None;
    }
    // Its version and length; a hello that goes on in another record is read as far as this one goes.
    hello.take(2)?;
    let length = hello.number(2)?;
    hello = Bytes(hello.0.get(..length).unwrap_or(hello.0));
    if hello.byte()? != CLIENT_HELLO {
        return None;
    }
    // Length, version, random number.
    hello.take(3 + 2 + 32)?;
    // Session, cipher suites, compressions.
    for width in [1, 2, 1] {
        let length = hello.number(width)?;
        hello.take(length)?;
    }
    let length = hello.number(2)?;
    let mut extensions = Bytes(hello.0.get(..length).unwrap_or(hello.0));
    loop {
        let kind = extensions.number(2)?;
        let length = extensions.number(2)?;
        let content = extensions.take(length)?;
        if kind == SERVER_NAME {
            return name(content);
        }
    }
}

/// The host in a list of names.
fn name(list: &[u8]) -> Option<String> {
    let mut list = Bytes(list);
    let length = list.number(2)?;
    let mut names = Bytes(list.take(length)?);
    loop {
        let kind = names.byte()?;
        let length = names.number(2)?;
        let name = names.take(length)?;
        if kind == HOST_NAME {
            let is_plain = |byte: &u8| byte.is_ascii_graphic();
            let fits = (1..=MAX_NAME).contains(&name.len()) && name.iter().all(is_plain);
            return fits.then(|| String::from_utf8_lossy(name).to_ascii_lowercase());
        }
    }
}

/// What is left to read.
#[derive(Debug, Clone, Copy)]
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    /// A number of `width` bytes, the highest first.
    fn number(&mut self, width: usize) -> Option<usize> {
        Some(self.take(width)?.iter().fold(0, |number, byte| (number << 8) | usize::from(*byte)))
    }
}

#[cfg(test)]
mod tests;
