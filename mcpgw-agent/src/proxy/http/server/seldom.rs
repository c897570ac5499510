//! A future that is seldom ready, beside one that is polled all the time.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// Polls `F` only where it asked for it. What waits for a signal that all connections share takes a lock that all share
/// with every poll.
pub(super) struct Seldom<F> {
    future: Pin<Box<F>>,
    asked: Arc<Asked>,
    waker: Waker,
}

struct Asked {
    is_woken: AtomicBool,
    task: Mutex<Waker>,
}

impl<F> Seldom<F> {
    pub(super) fn new(future: F) -> Self {
        let task = Mutex::new(Waker::noop().clone());
        // Nobody has polled it yet.
        let asked = Arc::new(Asked { is_woken: AtomicBool::new(true), task });
        Self { future: Box::pin(future), waker: Waker::from(Arc::clone(&asked)), asked }
    }
}

impl<F: Future> Future for Seldom<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        this.asked.asks(cx.waker());
        // After the task is known: what wakes it from here on is not missed.
        if !this.asked.is_woken.swap(false, Ordering::AcqRel) {
            return Poll::Pending;
        }
        this.future.as_mut().poll(&mut Context::from_waker(&this.waker))
    }
}

impl Asked {
    /// `task` is what is to be woken.
    fn asks(&self, task: &Waker) {
        let mut known = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.will_wake(task) {
            known.clone_from(task);
        }
    }
}

impl Wake for Asked {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_woken.store(true, Ordering::Release);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).clone();
        task.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio_util::sync::CancellationToken;

    use super::*;

    #[test]
    fn it_is_polled_at_first_and_when_it_asked_for_it() {
        let mut polls = 0;
        let mut kept = None;
        let counting = poll_fn(|cx: &mut Context<'_>| {
            polls += 1;
            kept = Some(cx.waker().clone());
            if polls == 2 { Poll::Ready(()) } else { Poll::Pending }
        });
        let mut seldom = Seldom::new(counting);
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..3 {
            assert!(Pin::new(&mut seldom).poll(&mut cx).is_pending());
        }
        seldom.waker.wake_by_ref();
        assert!(Pin::new(&mut seldom).poll(&mut cx).is_ready());
        drop(seldom);
        assert!(polls == 2 && kept.is_some());
    }

    #[tokio::test]
    async fn who_waits_is_woken() {
        let token = CancellationToken::new();
        let (ours, ended) = (token.clone(), Seldom::new(token.clone().cancelled_owned()));
        let other = tokio::join!(ended, async move {
            tokio::task::yield_now().await;
            ours.cancel();
        });
        assert_eq!(other, ((), ()));
    }
}
