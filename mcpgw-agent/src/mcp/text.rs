//! The values of one JSON text. Usually one object; a batch is an array of them; some peers write several objects
//! without anything between.

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess};

use super::facts::Envelope;
use super::lenient::{Lenient, element, take};
use super::likeness::judge;
use super::{Likeness, Peek};

/// Bytes of the longest text that is looked at.
pub const MAX_TEXT_BYTES: usize = 1024 * 1024;
/// Messages kept of one text; a longer batch gives only what speaks for MCP, up to twice as many.
const MAX_MESSAGES: usize = 128;
/// Values looked at that follow one another in one text.
const MAX_VALUES: usize = 128;

/// What a text turned out to be.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reading {
    /// Its JSON-RPC messages.
    pub messages: Vec<Peek>,
    /// Complete JSON objects and arrays in it, messages or not; 0 means it is not JSON.
    pub values: usize,
    /// Offset of the first byte after the last complete value; blanks and a line end may follow it.
    pub end: usize,
}

/// The messages of a JSON text; `None` where it holds none.
#[must_use]
pub fn peek(text: &[u8]) -> Option<Vec<Peek>> {
    Some(read(text).messages).filter(|messages| !messages.is_empty())
}

/// Reads a text of at most [`MAX_TEXT_BYTES`]; leading blanks and a byte order mark are no obstacle.
#[must_use]
pub fn read(text: &[u8]) -> Reading {
    let bare = text.trim_ascii_start();
    let bare = bare.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bare).trim_ascii_start();
    let mut reading = Reading::default();
    if text.len() > MAX_TEXT_BYTES || !matches!(bare.first(), Some(b'{' | b'[')) {
        return reading;
    }
    let mut values = serde_json::Deserializer::from_slice(bare).into_iter::<Document>();
    while reading.values < MAX_VALUES {
        match values.next() {
            Some(Ok(document)) if document.structured => {
                reading.values = reading.values.saturating_add(1);
                reading.end = text.len().saturating_sub(bare.len()).saturating_add(values.byte_offset());
                for message in document.messages {
                    keep(&mut reading.messages, message);
                }
            }
            Some(Ok(_) | Err(_)) | None => break,
        }
    }
    reading
}

fn keep(messages: &mut Vec<Peek>, message: Peek) {
    let room = if message.mcp == Likeness::Strong { MAX_MESSAGES.saturating_mul(2) } else { MAX_MESSAGES };
    if messages.len() < room {
        messages.push(message);
    }
}

/// One value of a text.
#[derive(Debug, Default)]
struct Document {
    /// An object or array.
    structured: bool,
    messages: Vec<Peek>,
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        take(deserializer)
    }
}

impl<'de> Lenient<'de> for Document {
    fn map<A: MapAccess<'de>>(&mut self, map: A) -> Result<(), A::Error> {
        self.structured = true;
        let mut envelope = Envelope::default();
        envelope.map(map)?;
        self.messages.extend(judge(envelope));
        Ok(())
    }

    fn seq<A: SeqAccess<'de>>(&mut self, mut seq: A) -> Result<(), A::Error> {
        self.structured = true;
        while let Some(envelope) = element::<Envelope, A>(&mut seq)? {
            if let Some(message) = judge(envelope) {
                keep(&mut self.messages, message);
            }
            if self.messages.len() >= MAX_MESSAGES.saturating_mul(2) {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
            }
        }
        Ok(())
    }
}
