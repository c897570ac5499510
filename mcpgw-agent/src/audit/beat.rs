//! A thread that does something again and again, also where nothing else happens.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The thread. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Beat {
    over: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Beat {
    /// Calls `act` after `pause`, and again after each pause that it asks for.
    pub(super) fn start(
        name: &'static str,
        mut pause: Duration,
        mut act: impl FnMut() -> Duration + Send + 'static,
    ) -> io::Result<Self> {
        let over = Arc::new((Mutex::new(false), Condvar::new()));
        let ours = Arc::clone(&over);
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
            let (flag, told) = &*ours;
            loop {
                let is_over = flag.lock().unwrap_or_else(PoisonError::into_inner);
                let waited = told.wait_timeout_while(is_over, pause, |is_over| !*is_over);
                if *waited.unwrap_or_else(PoisonError::into_inner).0 {
                    return;
                }
                pause = act();
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
        let Some(thread) = self.thread.take() else { return };
        let name = thread.thread().name().unwrap_or_default().to_owned();
        if thread.join().is_err() {
            tracing::error!(thread = name, "a thread of the audit log died");
        }
    }
}
