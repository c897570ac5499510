//! One event, as it reads, and as it is written to the client.

use bytes::{BufMut, Bytes, BytesMut};

use super::line::{BOM, Line, has_separator, lines, put, put_data};

/// A whole event, or what stands between events: comments, blank lines and the rest of a line end.
#[derive(Debug, Clone)]
pub struct Event {
    raw: Bytes,
    /// Where its fields start: behind a byte order mark.
    from: usize,
    data: Option<Bytes>,
    name: Option<Bytes>,
    id: Option<Bytes>,
    retry_ms: Option<u64>,
}

impl Event {
    /// Reads `raw`: whole lines, at most one event.
    pub(super) fn of(raw: Bytes, at_start: bool) -> Self {
        let from = if at_start && raw.starts_with(BOM) { BOM.len() } else { 0 };
        let mut event = Self { raw: raw.clone(), from, data: None, name: None, id: None, retry_ms: None };
        let mut joined: Option<BytesMut> = None;
        for (line, _) in lines(raw.get(from..).unwrap_or_default()) {
            match Line::of(line) {
                Line::Data(value) => match (&mut joined, event.data.take()) {
                    (None, None) => event.data = Some(raw.slice_ref(value)),
                    (None, Some(first)) => {
                        let mut data = BytesMut::from(&*first);
                        data.put_u8(b'\n');
                        data.put_slice(value);
                        joined = Some(data);
                    }
                    (Some(data), _) => {
                        data.put_u8(b'\n');
                        data.put_slice(value);
                    }
                },
                Line::Name(value) => event.name = Some(raw.slice_ref(value)),
                Line::Id(value) if !value.contains(&0) => event.id = Some(raw.slice_ref(value)),
                Line::Retry(value) => event.retry_ms = retry(value).or(event.retry_ms),
                Line::Blank | Line::Comment(_) | Line::Id(_) | Line::Unknown => {}
            }
        }
        event.data = joined.map(BytesMut::freeze).or(event.data);
        event
    }

    /// The values of its `data` fields, joined by line feeds; `None` where there is no such field, empty in a priming event.
    #[must_use]
    pub fn data(&self) -> Option<&Bytes> {
        self.data.as_ref()
    }

    /// The value of `event`, where it has one.
    #[must_use]
    pub fn name(&self) -> Option<&Bytes> {
        self.name.as_ref()
    }

    /// The value of `id`, where it has one that counts (one with a NUL does not).
    #[must_use]
    pub fn id(&self) -> Option<&Bytes> {
        self.id.as_ref()
    }

    /// The value of `retry` in milliseconds, where it has one that counts.
    #[must_use]
    pub fn retry_ms(&self) -> Option<u64> {
        self.retry_ms
    }

    /// Its comments, without their colons.
    pub fn comments(&self) -> impl Iterator<Item = &[u8]> {
        lines(self.fields()).filter_map(|(line, _)| match Line::of(line) {
            Line::Comment(text) => Some(text),
            Line::Blank | Line::Data(_) | Line::Name(_) | Line::Id(_) | Line::Retry(_) | Line::Unknown => {
                None
            }
        })
    }

    /// It is called `message` or nothing: its data, where not empty, is JSON-RPC.
    #[must_use]
    pub fn is_message(&self) -> bool {
        self.name.as_deref().is_none_or(|name| name.is_empty() || name == b"message")
    }

    /// It is called `endpoint`: its data is where HTTP+SSE clients post.
    #[must_use]
    pub fn is_endpoint(&self) -> bool {
        self.name.as_deref() == Some(b"endpoint")
    }

    /// Whether its data must be judged as a message: it is one, or it is called something else and a client that does not
    /// look at names would take it for one.
    #[must_use]
    pub fn is_to_be_judged(&self) -> bool {
        let Some(data) = self.data.as_ref().filter(|data| !data.is_empty()) else { return false };
        let data = data.strip_prefix(BOM).unwrap_or(data).trim_ascii_start();
        self.is_message() || matches!(data.first(), Some(b'{' | b'['))
    }

    /// The event as it was read, written anew.
    #[must_use]
    pub fn written(&self) -> Bytes {
        self.write(self.data.as_deref())
    }

    /// The same event with other data.
    #[must_use]
    pub fn with_data(&self, data: &[u8]) -> Bytes {
        self.write(Some(data))
    }

    /// Nothing goes on that was not read: no field nobody knows, no byte order mark, no line end but LF. In what is left
    /// readers that follow the standard less closely find no other event than this one.
    fn write(&self, data: Option<&[u8]>) -> Bytes {
        let mut event = BytesMut::with_capacity(self.raw.len().max(data.map_or(0, <[u8]>::len)) + 64);
        for comment in self.comments() {
            put(&mut event, b"", comment);
        }
        if let Some(name) = self.name.as_deref().filter(|name| !name.is_empty()) {
            put(&mut event, b"event", name);
        }
        if let Some(id) = &self.id {
            put(&mut event, b"id", id);
        }
        if let Some(retry) = self.retry_ms {
            put(&mut event, b"retry", retry.to_string().as_bytes());
        }
        if let Some(data) = data {
            put_data(&mut event, data);
        }
        if lines(self.fields()).any(|(line, _)| line.is_empty()) {
            event.put_u8(b'\n');
        }
        event.freeze()
    }

    /// Some readers would see other events in it, in text that nothing judges: they end lines at other characters too, pass
    /// over a byte order mark anywhere, or over blanks around a name. The data of a message is judged: it must be JSON,
    /// where those characters stand in strings only, and no event can stand in a string, whose quotes are escaped.
    pub(super) fn is_ambiguous(&self) -> bool {
        let is_blank = |c: char| c.is_whitespace() || c.is_control() || c == '\u{feff}';
        let name = self.name.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        if name.starts_with(is_blank) || name.ends_with(is_blank) {
            return true;
        }
        let unjudged = |line| !self.is_message() || !matches!(Line::of(line), Line::Data(_));
        lines(self.fields()).any(|(line, _)| line.starts_with(BOM) || (unjudged(line) && has_separator(line)))
    }

    fn fields(&self) -> &[u8] {
        self.raw.get(self.from..).unwrap_or_default()
    }
}

/// Digits only; a number too large for a `u64` is the largest there is.
fn retry(value: &[u8]) -> Option<u64> {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    digits.then(|| std::str::from_utf8(value).ok()?.parse().ok().or(Some(u64::MAX))).flatten()
}
