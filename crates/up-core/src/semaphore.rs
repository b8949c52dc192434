//! A few at a time, the most urgent first.

#[cfg(not(test))]
use std::sync::Mutex;
use std::{cmp::Reverse, collections::BinaryHeap, sync::Arc, time::Duration};

#[cfg(test)]
use shuttle::sync::Mutex;
use tokio::sync::oneshot;

/// Who goes first: the one with the longest work ahead, and among equals the one with the lower number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Urgency(Duration, Reverse<usize>);

impl Urgency {
    /// Goes before all others.
    pub const MOST: Self = Self(Duration::MAX, Reverse(0));

    /// `ahead` is the work that waits for it, `number` its own.
    pub fn new(ahead: Duration, number: usize) -> Self {
        Self(ahead, Reverse(number))
    }
}

/// Grants a bounded number of slots; of those who wait, to the most urgent, and among equals to who came first.
#[derive(Debug)]
pub struct PrioritySemaphore(Mutex<State>);

#[derive(Debug)]
struct State {
    free: usize,
    /// How many have had to wait so far.
    came: u64,
    waiting: BinaryHeap<Waiter>,
}

/// One of them; given back when dropped.
#[derive(Debug)]
pub struct Permit(Arc<PrioritySemaphore>);

#[derive(Debug)]
struct Waiter {
    urgency: (Urgency, Reverse<u64>),
    wake: oneshot::Sender<()>,
}

impl PrioritySemaphore {
    /// So many, but one at least.
    pub fn new(free: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State { free: free.max(1), came: 0, waiting: BinaryHeap::new() })))
    }

    /// Waits for a slot.
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

/// A place among those who wait; hands on what it was granted and never took.
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
        // A waiter that has gone away does not take the slot: offer it to the next.
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

/// Every lock and every thread here is shuttle's: it tries out in which order things may happen.
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

    /// Looks for its turn at most so often, and then goes away without a word.
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

    fn takers_come_and_go() {
        const SLOTS: usize = 2;
        let semaphore = PrioritySemaphore::new(SLOTS);
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
                        assert!(busy.fetch_add(1, Ordering::SeqCst) < SLOTS, "one too many");
                        thread::yield_now();
                        busy.fetch_sub(1, Ordering::SeqCst);
                        drop(permit);
                    }
                })
            })
            .collect();
        takers.into_iter().for_each(|taker| taker.join().expect("no taker fails"));
        assert_eq!(semaphore.0.lock().unwrap().free, SLOTS, "a slot was lost");
    }

    #[test]
    fn no_slot_is_lost_or_given_twice_whoever_goes_away_when() {
        shuttle::check_random(takers_come_and_go, RUNS);
        shuttle::check_pct(takers_come_and_go, RUNS, 3);
    }

    #[test]
    fn of_those_who_wait_the_one_with_the_longest_way_goes_first() {
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
