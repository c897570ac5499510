//! Cutting a stream of bytes into lines.

use bytes::Bytes;

use crate::proxy::room::{Share, Taken};

/// A part of the stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A line with its end (LF or CR LF), if it has one.
    Line(Bytes),
    /// The start of a line that is over the limit, or that there is no more room for, and has not ended.
    Start(Bytes),
    /// More of that line.
    More(Bytes),
    /// The rest of that line with its end.
    Rest(Bytes),
}

/// Cuts lines out of what is read. Holds an unfinished line, and never more than the limit, or than there is room for, and
/// what is read at a time.
#[derive(Debug)]
pub(super) struct Lines {
    /// The line that has not ended; takes memory as it grows and gives it away with the line.
    unfinished: Vec<u8>,
    /// What that line has of `share`.
    taken: Taken,
    share: Share,
    limit: usize,
    /// The line under way is over the limit.
    long: bool,
}

impl Lines {
    pub(super) fn new(limit: usize, share: Share) -> Self {
        Self { unfinished: Vec::new(), taken: share.nothing(), share, limit, long: false }
    }

    /// Cuts up what was read next. One copy for all whole lines in it.
    pub(super) fn feed(&mut self, read: &[u8], pieces: &mut Vec<Piece>) {
        let mut rest = read;
        if self.long || !self.unfinished.is_empty() {
            let Some(end) = memchr::memchr(b'\n', rest) else { return self.go_on(rest, pieces) };
            let (head, tail) = rest.split_at_checked(end + 1).unwrap_or((rest, &[]));
            rest = tail;
            pieces.push(if self.long {
                self.long = false;
                Piece::Rest(Bytes::copy_from_slice(head))
            } else {
                self.unfinished.extend_from_slice(head);
                Piece::Line(self.give())
            });
        }
        let whole = memchr::memrchr(b'\n', rest).map_or(0, |last| last + 1);
        let (lines, unfinished) = rest.split_at_checked(whole).unwrap_or((rest, &[]));
        if !lines.is_empty() {
            // With a byte to spare it can be shared from the start; a full one would have to be made so when it is cut.
            let mut copy = Vec::with_capacity(lines.len() + 1);
            copy.extend_from_slice(lines);
            let mut lines = Bytes::from(copy);
            while let Some(end) = memchr::memchr(b'\n', &lines) {
                pieces.push(Piece::Line(lines.split_to(end + 1)));
            }
        }
        if !unfinished.is_empty() {
            self.go_on(unfinished, pieces);
        }
    }

    /// What is left when the stream has ended: a line without an end.
    pub(super) fn finish(&mut self) -> Option<Piece> {
        if std::mem::take(&mut self.long) {
            return Some(Piece::Rest(Bytes::new()));
        }
        (!self.unfinished.is_empty()).then(|| Piece::Line(self.give()))
    }

    /// Bytes of memory it holds.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.unfinished.capacity()
    }

    fn go_on(&mut self, part: &[u8], pieces: &mut Vec<Piece>) {
        if self.long {
            return pieces.push(Piece::More(Bytes::copy_from_slice(part)));
        }
        self.unfinished.extend_from_slice(part);
        let has_room = self.taken.grow_to(self.unfinished.capacity()).is_ok();
        if self.unfinished.len() > self.limit || !has_room {
            self.long = true;
            pieces.push(Piece::Start(self.give()));
        }
    }

    /// The unfinished line, with the room it has.
    fn give(&mut self) -> Bytes {
        let taken = std::mem::replace(&mut self.taken, self.share.nothing());
        taken.hold(std::mem::take(&mut self.unfinished).into())
    }
}

/// What of `line` is no text: LF or CR LF (or the CR of one whose LF never came).
pub(super) fn end_of(line: &[u8]) -> &'static [u8] {
    match line {
        [.., b'\r', b'\n'] => b"\r\n",
        [.., b'\n'] => b"\n",
        [.., b'\r'] => b"\r",
        _ => b"",
    }
}

/// It holds no message: blanks at most.
pub(super) fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::room::{Room, Whose};

    fn share(room: &Room) -> Share {
        room.share(Whose::User(1))
    }

    fn cut(limit: usize, reads: &[&str]) -> Vec<Piece> {
        let (mut lines, mut pieces) = (Lines::new(limit, share(&Room::new(limit))), Vec::new());
        reads.iter().for_each(|read| lines.feed(read.as_bytes(), &mut pieces));
        pieces.extend(lines.finish());
        pieces
    }

    fn line(text: &'static str) -> Piece {
        Piece::Line(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn lines_are_the_same_however_they_are_read() {
        let text = "one\ntwo\r\n\n  \nthree";
        let whole = [line("one\n"), line("two\r\n"), line("\n"), line("  \n"), line("three")];
        assert_eq!(cut(100, &[text]), whole);
        let bytes: Vec<String> = text.chars().map(String::from).collect();
        let bytes: Vec<&str> = bytes.iter().map(String::as_str).collect();
        assert_eq!(cut(100, &bytes), whole);
        for at in 0..text.len() {
            let (head, tail) = text.split_at(at);
            assert_eq!(cut(100, &[head, tail]), whole, "cut at {at}");
        }
    }

    #[test]
    fn a_line_over_the_limit_is_not_kept() {
        let b = |text: &'static str| Bytes::from_static(text.as_bytes());
        let long = [Piece::Start(b("bbbb")), Piece::More(b("bbb")), Piece::Rest(b("b\n"))];
        let pieces = cut(3, &["a\nbb", "bb", "bbb", "b\nc\n"]);
        assert_eq!(pieces.first(), Some(&line("a\n")));
        assert_eq!(pieces[1..4], long);
        assert_eq!(pieces[4..], [line("c\n")]);
        // And one that never ends has an end all the same.
        assert_eq!(cut(3, &["bbbb"]), [Piece::Start(b("bbbb")), Piece::Rest(b(""))]);
    }

    #[test]
    fn a_line_there_is_no_room_for_is_not_kept_either() {
        let (limit, room) = (1 << 20, Room::of(2));
        let (mut one, mut other) = (Lines::new(limit, share(&room)), Lines::new(limit, share(&room)));
        let (mut pieces, mut others) = (Vec::new(), Vec::new());
        for _ in 0..2 {
            one.feed(&[b'x'; 65536], &mut pieces);
            other.feed(&[b'y'; 65536], &mut others);
        }
        assert_eq!((pieces.len(), others.len()), (0, 1));
        assert!(matches!(others.pop(), Some(Piece::Start(start)) if start.len() == 2 * 65536));
        one.feed(b"\n", &mut pieces);
        let line = pieces.pop();
        other.feed(b"y\nshort\n", &mut others);
        let short = Piece::Line(Bytes::from_static(b"short\n"));
        assert_eq!(others.split_off(0), [Piece::Rest(Bytes::from_static(b"y\n")), short]);
        // For as long as the line is held.
        (0..2).for_each(|_| other.feed(&[b'y'; 65536], &mut others));
        assert!(matches!(others.pop(), Some(Piece::Start(_))));
        other.feed(b"\n", &mut others);
        drop(line);
        others.clear();
        (0..2).for_each(|_| other.feed(&[b'y'; 65536], &mut others));
        assert_eq!(others, []);
    }

    #[test]
    fn the_end_is_no_text() {
        for (text, end) in [("a", "\n"), ("a", "\r\n"), ("a", ""), ("a", "\r"), ("a\r", "\r\n"), ("", "\n")] {
            assert_eq!(end_of(format!("{text}{end}").as_bytes()), end.as_bytes(), "{text:?}");
        }
        assert!(is_blank(b"") && is_blank(b" \t\r\n") && !is_blank(b"\0"));
    }
}
