//! A thread that does something at a steady beat, also where nothing else happens.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The thread. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Beat {
    over: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Beat {
    /// Calls `act` every `period`.
    pub(super) fn start(period: Duration, act: impl Fn() + Send + 'static) -> io::Result<Self> {
        let over = Arc::new((Mutex::new(false), Condvar::new()));
        let ours = Arc::clone(&over);
        let thread = thread::Builder::new().name("audit-beat".to_owned()).spawn(move || {
            let (flag, told) = &*ours;
            loop {
                let began = Instant::now();
                let mut is_over = flag.lock().unwrap_or_else(PoisonError::into_inner);
                while !*is_over && began.elapsed() < period {
                    let left = period.saturating_sub(began.elapsed());
                    is_over = told.wait_timeout(is_over, left).unwrap_or_else(PoisonError::into_inner).0;
                }
                if *is_over {
                    return;
                }
                drop(is_over);
                act();
            }
        })?;
        Ok(Self { over, thread: Some(thread) })
    }
}

impl Drop for Beat {
    fn drop(&mut self) {
        let (flag, told) = &*self.over;
        *flag.lock().unwrap_or_else(PoisonError::into_inner) = true;
        told.notify_all();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that seals the audit log died");
        }
    }
}
