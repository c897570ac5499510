//! The one writer of a descriptor.

use std::io::IoSlice;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use bytes::Bytes;
use rustix::io::{Errno, writev};

use super::custody::{ATOMIC_BYTES, Custody};
use super::wait::wait_writable;

/// Parts handed to the kernel at once (its own limit is 1024).
const PARTS: usize = 128;
/// Parts of one message, and some more.
const FEW: usize = 4;
/// Bytes gathered before they are written: what a pipe holds.
const GATHER_BYTES: usize = 64 * 1024;

/// Gathers lines and writes them, as few writes as possible and none copied.
#[derive(Debug)]
pub(super) struct Out {
    sink: OwnedFd,
    parts: Vec<Bytes>,
    bytes: usize,
    mid_line: bool,
    custody: Option<Arc<Custody>>,
}

impl Out {
    pub(super) fn new(sink: OwnedFd) -> Self {
        Self { sink, parts: Vec::new(), bytes: 0, mid_line: false, custody: None }
    }

    pub(super) fn take_custody(&mut self, custody: Arc<Custody>) {
        self.custody = Some(custody);
    }

    /// Adds bytes as they are.
    pub(super) fn push(&mut self, part: Bytes) {
        if let Some(last) = part.last() {
            self.mid_line = *last != b'\n';
            self.bytes += part.len();
            self.parts.push(part);
        }
    }

    /// Adds a line of our own. Where the line before has no end (and will get none), it gets one.
    pub(super) fn line(&mut self, line: Bytes) {
        if self.mid_line {
            self.push(Bytes::from_static(b"\n"));
        }
        self.push(line);
        self.push(Bytes::from_static(b"\n"));
    }

    /// What was added so far ends within a line.
    pub(super) fn mid_line(&self) -> bool {
        self.mid_line
    }

    /// So much that it may be written in parts.
    pub(super) fn is_divisible(&self) -> bool {
        self.bytes > ATOMIC_BYTES || self.mid_line
    }

    /// Enough is gathered.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= GATHER_BYTES || self.parts.len() >= PARTS - 2
    }

    /// Writes all that was added, blocking; also where the other holder of the open file has made it non-blocking.
    ///
    /// # Errors
    /// Nobody reads any more.
    pub(super) fn flush(&mut self) -> Result<(), Errno> {
        // Mostly there is one line and its end.
        let mut few = [IoSlice::new(&[]); FEW];
        let mut many = Vec::new();
        let mut left = match few.get_mut(..self.parts.len()) {
            Some(few) => {
                few.iter_mut().zip(&self.parts).for_each(|(slice, part)| *slice = IoSlice::new(part));
                few
            }
            None => {
                many.extend(self.parts.iter().map(|part| IoSlice::new(part)));
                many.as_mut_slice()
            }
        };
        let mut outcome = Ok(());
        while let Some(some) = left.get(..left.len().min(PARTS)).filter(|some| !some.is_empty()) {
            match self.write(some) {
                Ok(written) => IoSlice::advance_slices(&mut left, written),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => outcome = self.wait_writable(),
                Err(error) => outcome = Err(error),
            }
            if outcome.is_err() {
                break;
            }
        }
        self.parts.clear();
        self.bytes = 0;
        outcome
    }

    fn write(&self, parts: &[IoSlice<'_>]) -> Result<usize, Errno> {
        if self.custody.is_some() { Custody::write(self.as_fd(), parts) } else { writev(&self.sink, parts) }
    }

    fn wait_writable(&self) -> Result<(), Errno> {
        match &self.custody {
            Some(custody) => custody.wait_writable(self.as_fd()),
            None => wait_writable(self.as_fd()),
        }
    }
}

impl AsFd for Out {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.sink.as_fd()
    }
}
