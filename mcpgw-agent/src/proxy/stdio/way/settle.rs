//! What becomes of messages that waited for a person.

use std::time::Instant;

use rustix::io::Errno;

use super::Way;
use crate::proxy::stdio::parked::Parked;
use crate::verdict::Hold;

impl Way {
    /// Does what is decided on what waits.
    pub(super) fn settle_parked(&mut self) -> Result<(), Errno> {
        while let Some((parked, hold)) = self.parking.due(&self.waker, Instant::now()) {
            self.settle_one(&parked, hold);
            if self.out.is_full() {
                self.flush()?;
            }
        }
        self.flush()
    }

    /// The end: nothing waits any more.
    pub(super) fn clear_parking(&mut self, writes: bool) {
        while let Some(parked) = self.parking.pop() {
            self.settle_one(&parked, Hold::Ended);
        }
        if writes {
            // Whoever is gone need not be told.
            self.flush().ok();
        }
    }

    pub(super) fn settle_one(&mut self, parked: &Parked, hold: Hold) {
        let Parked { held, end } = parked;
        let passed = self.gate.settle(&self.party, held, hold).wait();
        if !passed.forward.is_empty() {
            self.sort(passed, end.clone());
            return;
        }
        self.note_answered(&passed);
        let approved = matches!(hold, Hold::Approved { .. });
        let mut session = self.party.session();
        // Whoever has the last words answers it otherwise, and sees our answer where it does not.
        if session.unheld(self.direction, held.message()) || approved {
            passed.to_sender.into_iter().for_each(|answer| self.other.post(answer));
            drop(session);
            passed.to_receiver.into_iter().for_each(|answer| self.out.line(answer));
        }
    }
}
