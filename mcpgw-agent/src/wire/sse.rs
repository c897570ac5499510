//! Server-sent events: lines (LF, CRLF or CR) of fields, an event at each blank line.
//!
//! Lines that are no fields are passed over, so the same reader finds events in a stream that is joined in its
//! middle, chunk sizes between them included.

use super::value::Found;

/// What an event calls itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Name {
    /// `message`, another name, or none.
    #[default]
    Message,
    /// `endpoint`: the HTTP+SSE transport's first.
    Endpoint,
}

/// Reads events.
#[derive(Debug, Default)]
pub(super) struct Events {
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    name: Name,
    /// The last byte was a CR: an LF now belongs to it.
    after_cr: bool,
    /// The event is too long, or has a gap: nothing counts up to the next blank line.
    skip: bool,
}

impl Events {
    /// Bytes held.
    pub(super) fn buffered(&self) -> usize {
        self.line.capacity().saturating_add(self.data.capacity())
    }

    /// Bytes are missing: the event at hand means nothing.
    pub(super) fn resync(&mut self) {
        *self = Self { skip: true, ..Self::default() };
    }

    /// Takes bytes; each event that is complete goes to `event`.
    pub(super) fn feed(&mut self, bytes: &[u8], limit: usize, event: &mut dyn FnMut(Name, Found<'_>)) {
        let mut rest = bytes;
        if self.after_cr && !rest.is_empty() {
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
            self.after_cr = false;
        }
        while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (line, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
            rest = match after {
                [b'\r', b'\n', rest @ ..] | [_, rest @ ..] => rest,
                [] => &[],
            };
            self.after_cr = after == b"\r";
            if self.line.is_empty() {
                self.end_of_line(line, limit, event);
            } else {
                self.keep(line, limit, event);
                let line = std::mem::take(&mut self.line);
                self.end_of_line(&line, limit, event);
            }
        }
        self.keep(rest, limit, event);
    }

    /// The stream ended; an event without its blank line counts, as many readers have it.
    pub(super) fn finish(&mut self, limit: usize, event: &mut dyn FnMut(Name, Found<'_>)) {
        let line = std::mem::take(&mut self.line);
        self.end_of_line(&line, limit, event);
        self.end_of_line(&[], limit, event);
    }

    /// Adds to the incomplete line.
    fn keep(&mut self, bytes: &[u8], limit: usize, event: &mut dyn FnMut(Name, Found<'_>)) {
        let held = self.line.len().saturating_add(self.data.len());
        if self.skip {
            // Only whether the line is blank matters.
            if self.line.is_empty() && !bytes.is_empty() {
                self.line.push(b':');
            }
        } else if held.saturating_add(bytes.len()) > limit {
            self.overflow(event);
            self.line.push(b':');
        } else {
            self.line.extend_from_slice(bytes);
        }
    }

    fn overflow(&mut self, event: &mut dyn FnMut(Name, Found<'_>)) {
        self.resync();
        event(Name::Message, Found::Oversized);
    }

    fn end_of_line(&mut self, line: &[u8], limit: usize, event: &mut dyn FnMut(Name, Found<'_>)) {
        if line.is_empty() {
            return self.dispatch(event);
        }
        if self.skip {
            return;
        }
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (field, value) = line.split_at_checked(colon).unwrap_or((line, &[]));
        let value = value.get(1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"event" => self.name = if value == b"endpoint" { Name::Endpoint } else { Name::Message },
            b"data" => self.add_data(value, limit, event),
            _ => {}
        }
    }

    fn add_data(&mut self, value: &[u8], limit: usize, event: &mut dyn FnMut(Name, Found<'_>)) {
        if self.data.len().saturating_add(value.len()) >= limit {
            return self.overflow(event);
        }
        if self.has_data {
            self.data.push(b'\n');
        }
        self.has_data = true;
        self.data.extend_from_slice(value);
    }

    fn dispatch(&mut self, event: &mut dyn FnMut(Name, Found<'_>)) {
        let data = std::mem::take(&mut self.data);
        let name = std::mem::take(&mut self.name);
        self.has_data = false;
        self.skip = false;
        // An event with empty data is R4's priming event or a keep-alive.
        if !data.is_empty() {
            event(name, Found::Value(&data));
        }
    }
}
