//! The rings of the probes, read in order of importance; none where there are no probes.

use std::io;

use crate::kernel::{Kernel, KernelEvent, Readers};

/// The readers, if there are any.
#[derive(Debug)]
pub(super) struct Rings {
    readers: Option<Readers>,
    /// What each ring brought; one a reader, since all three are waited for at once.
    brought: [Vec<KernelEvent>; 3],
}

impl Rings {
    /// Takes the readers out of `kernel`.
    pub(super) fn take(kernel: Option<&mut Kernel>) -> Self {
        Self { readers: kernel.and_then(Kernel::take_readers), brought: Default::default() }
    }

    /// Waits for records and appends them to `events`: who started comes before what they said. Loses nothing when
    /// dropped half way.
    ///
    /// # Errors
    /// A ring cannot be waited for.
    pub(super) async fn next(&mut self, events: &mut Vec<KernelEvent>) -> io::Result<()> {
        let Some(Readers { lifecycle, streams, tcp }) = &mut self.readers else {
            return std::future::pending().await;
        };
        let [first, second, third] = &mut self.brought;
        tokio::select! {
            biased;
            read = lifecycle.next(first) => read?,
            read = streams.next(second) => read?,
            read = tcp.next(third) => read?,
        }
        for brought in &mut self.brought {
            events.append(brought);
        }
        Ok(())
    }
}
