//! A semaphore that grants permits by urgency.

#[cfg(not(test))]
use std::sync::Mutex;
use std::{cmp::Reverse, collections::BinaryHeap, sync::Arc, time::Duration};

#[cfg(test)]
use shuttle::sync::Mutex;
use tokio::sync::oneshot;

/// The urgency of a caller: the longest remaining chain of steps comes first, and among equals the lower step number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Urgency(Duration, Reverse<usize>);

impl Urgency {
    /// More urgent than all others.
    pub const MOST: Self = Self(Duration::MAX, Reverse(0));

    /// `ahead` is the duration of the steps that depend on the caller's, `number` its index.
    pub fn new(ahead: Duration, number: usize) -> Self {
        Self(ahead, Reverse(number))
    }
}

/// Grants a bounded number of permits, to the most urgent waiter first, and among equals to the one that came first.
#[derive(Debug)]
pub struct PrioritySemaphore(Mutex<SemaphoreState>);

#[derive(Debug)]
struct SemaphoreState {
    free: usize,
    /// The number of callers that had to wait so far.
    came: u64,
    waiting: BinaryHeap<Waiter>,
}

/// A permit; released when dropped.
#[derive(Debug)]
pub struct Permit(Arc<PrioritySemaphore>);

#[derive(Debug)]
struct Waiter {
    urgency: (Urgency, Reverse<u64>),
    wake: oneshot::Sender<()>,
}

impl PrioritySemaphore {
    /// A semaphore with this many permits, at least one.
    pub fn new(free: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(SemaphoreState { free: free.max(1), came: 0, waiting: BinaryHeap::new() })))
    }

    /// Waits for a permit.
    pub async fn take(self: &Arc<Self>, urgency: Urgency) -> Permit {
        let turn = {
            let mut state = self.0.lock().expect("no panic while held");
            if state.free > 0 {
                state.free -= 1;
                None
            } else {
                let (wake, turn) = oneshot::channel();
                state.came += 1;
                let urgency = (urgency, Reverse(state.came));
                state.waiting.push(Waiter { urgency, wake });
                Some(turn)
            }
        };
        if let Some(turn) = turn {
            let mut turn = Turn { semaphore: self, granted: turn };
            // The sender is dropped only after it has sent.
            (&mut turn.granted).await.expect("a waiter is woken before it is forgotten");
        }
        Permit(self.clone())
    }
}

/// A waiter's entry in the queue; a permit that was granted but not taken goes to the next one.
struct Turn<'a> {
    semaphore: &'a Arc<PrioritySemaphore>,
    granted: oneshot::Receiver<()>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.granted.close();
        if self.granted.try_recv().is_ok() {
            drop(Permit(self.semaphore.clone()));
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.0.0.lock().expect("no panic while held");
        // A cancelled waiter does not take the permit: it is offered to the next one.
        while let Some(next) = state.waiting.pop() {
            if next.wake.send(()).is_ok() {
                return;
            }
        }
        state.free += 1;
    }
}

impl PartialEq for Waiter {
    fn eq(&self, other: &Self) -> bool {
        self.urgency == other.urgency
    }
}

impl Eq for Waiter {}

impl PartialOrd for Waiter {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiter {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.urgency.cmp(&other.urgency)
    }
}

/// All locks and threads in these tests are shuttle's, which tries different interleavings.
#[cfg(test)]
mod tests {
    use std::{future::poll_fn, pin::pin, task::Poll};

    use shuttle::{
        future::block_on,
        rand::{Rng, thread_rng},
        sync::atomic::{AtomicUsize, Ordering},
        thread,
    };

    use super::*;

    const RUNS: usize = 500;

    /// Polls at most `patience` times, and is then cancelled.
    async fn take_or_leave(semaphore: &Arc<PrioritySemaphore>, step: usize, mut patience: usize) -> Option<Permit> {
        let mut take = pin!(semaphore.take(Urgency::new(Duration::from_secs(step as u64 % 3), step)));
        poll_fn(|cx| {
            if patience == 0 {
                return Poll::Ready(None);
            }
            patience -= 1;
            cx.waker().wake_by_ref();
            take.as_mut().poll(cx).map(Some)
        })
        .await
    }

    fn check_random_cancellations() {
        const PERMITS: usize = 2;
        let semaphore = PrioritySemaphore::new(PERMITS);
        let busy = Arc::new(AtomicUsize::new(0));
        let takers: Vec<_> = (0..6)
            .map(|step| {
                let (semaphore, busy) = (semaphore.clone(), busy.clone());
                thread::spawn(move || {
                    let patience = thread_rng().gen_range(1..4);
                    let permit = block_on(async {
                        if step % 2 == 0 {
                            take_or_leave(&semaphore, step, patience).await
                        } else {
                            Some(semaphore.take(Urgency::new(Duration::from_secs(1), step)).await)
                        }
                    });
                    if let Some(permit) = permit {
                        assert!(busy.fetch_add(1, Ordering::SeqCst) < PERMITS, "one too many");
                        thread::yield_now();
                        busy.fetch_sub(1, Ordering::SeqCst);
                        drop(permit);
                    }
                })
            })
            .collect();
        takers.into_iter().for_each(|taker| taker.join().expect("no taker fails"));
        assert_eq!(semaphore.0.lock().unwrap().free, PERMITS, "a slot was lost");
    }

    #[test]
    fn no_permit_is_lost_or_granted_twice_whatever_is_cancelled() {
        shuttle::check_random(check_random_cancellations, RUNS);
        shuttle::check_pct(check_random_cancellations, RUNS, 3);
    }

    #[test]
    fn the_waiter_with_the_longest_remaining_chain_goes_first() {
        let queue = || {
            let semaphore = PrioritySemaphore::new(1);
            let served = Arc::new(Mutex::new(vec![]));
            let first = block_on(semaphore.take(Urgency::new(Duration::ZERO, 9)));
            let takers: Vec<_> = [(0, 1), (1, 5), (2, 3), (3, 5)]
                .map(|(step, ahead)| {
                    let (semaphore, served) = (semaphore.clone(), served.clone());
                    thread::spawn(move || {
                        let _slot = block_on(semaphore.take(Urgency::new(Duration::from_secs(ahead), step)));
                        served.lock().unwrap().push(step);
                    })
                })
                .into();
            while semaphore.0.lock().unwrap().waiting.len() < 4 {
                thread::yield_now();
            }
            drop(first);
            takers.into_iter().for_each(|taker| taker.join().expect("no taker fails"));
            assert_eq!(*served.lock().unwrap(), [1, 3, 2, 0]);
        };
        shuttle::check_random(queue, RUNS);
    }
}
