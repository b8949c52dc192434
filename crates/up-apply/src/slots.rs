//! A few calls at a time, the most urgent first.

#[cfg(not(test))]
use std::sync::Mutex;
use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

#[cfg(test)]
use shuttle::sync::Mutex;
use tokio::sync::oneshot;

/// Grants a bounded number of slots; of those who wait, to the one with the longest work ahead.
#[derive(Debug)]
pub(crate) struct Slots(Mutex<State>);

#[derive(Debug)]
struct State {
    free: usize,
    waiting: BinaryHeap<Waiter>,
}

/// The right to make a call; gives it back when dropped.
#[derive(Debug)]
pub(crate) struct Slot<'a>(&'a Slots);

#[derive(Debug)]
struct Waiter {
    urgency: (Duration, Reverse<usize>),
    wake: oneshot::Sender<()>,
}

impl Slots {
    pub(crate) fn new(free: usize) -> Self {
        Self(Mutex::new(State { free: free.max(1), waiting: BinaryHeap::new() }))
    }

    /// Waits for a slot. `ahead` is the work that waits for this; among equals the lower `step` goes first.
    pub(crate) async fn take(&self, ahead: Duration, step: usize) -> Slot<'_> {
        let turn = {
            let mut state = self.0.lock().expect("no panic while held");
            if state.free > 0 {
                state.free -= 1;
                None
            } else {
                let (wake, turn) = oneshot::channel();
                state.waiting.push(Waiter { urgency: (ahead, Reverse(step)), wake });
                Some(turn)
            }
        };
        if let Some(turn) = turn {
            let mut turn = Turn { slots: self, granted: turn };
            // The sender is dropped only after it has sent.
            (&mut turn.granted).await.expect("a waiter is woken before it is forgotten");
        }
        Slot(self)
    }
}

/// A place among those who wait; hands on what it was granted and never took.
struct Turn<'a> {
    slots: &'a Slots,
    granted: oneshot::Receiver<()>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.granted.close();
        if self.granted.try_recv().is_ok() {
            drop(Slot(self.slots));
        }
    }
}

impl Drop for Slot<'_> {
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
    use std::{future::poll_fn, pin::pin, sync::Arc, task::Poll};

    use shuttle::{
        future::block_on,
        rand::{Rng, thread_rng},
        sync::atomic::{AtomicUsize, Ordering},
        thread,
    };

    use super::*;

    const RUNS: usize = 500;

    /// Looks for its turn at most so often, and then goes away without a word.
    async fn take_or_leave(slots: &Slots, step: usize, mut patience: usize) -> Option<Slot<'_>> {
        let mut take = pin!(slots.take(Duration::from_secs(step as u64 % 3), step));
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
        let slots = Arc::new(Slots::new(SLOTS));
        let busy = Arc::new(AtomicUsize::new(0));
        let takers: Vec<_> = (0..6)
            .map(|step| {
                let (slots, busy) = (slots.clone(), busy.clone());
                thread::spawn(move || {
                    let patience = thread_rng().gen_range(1..4);
                    let slot = block_on(async {
                        if step % 2 == 0 {
                            take_or_leave(&slots, step, patience).await
                        } else {
                            Some(slots.take(Duration::from_secs(1), step).await)
                        }
                    });
                    if let Some(slot) = slot {
                        assert!(busy.fetch_add(1, Ordering::SeqCst) < SLOTS, "one too many");
                        thread::yield_now();
                        busy.fetch_sub(1, Ordering::SeqCst);
                        drop(slot);
                    }
                })
            })
            .collect();
        takers.into_iter().for_each(|taker| taker.join().expect("no taker fails"));
        assert_eq!(slots.0.lock().unwrap().free, SLOTS, "a slot was lost");
    }

    #[test]
    fn no_slot_is_lost_or_given_twice_whoever_goes_away_when() {
        shuttle::check_random(takers_come_and_go, RUNS);
        shuttle::check_pct(takers_come_and_go, RUNS, 3);
    }

    #[test]
    fn of_those_who_wait_the_one_with_the_longest_way_goes_first() {
        let queue = || {
            let slots = Arc::new(Slots::new(1));
            let served = Arc::new(Mutex::new(vec![]));
            let first = block_on(slots.take(Duration::ZERO, 9));
            let takers: Vec<_> = [(0, 1), (1, 5), (2, 3), (3, 5)]
                .map(|(step, ahead)| {
                    let (slots, served) = (slots.clone(), served.clone());
                    thread::spawn(move || {
                        let _slot = block_on(slots.take(Duration::from_secs(ahead), step));
                        served.lock().unwrap().push(step);
                    })
                })
                .into();
            while slots.0.lock().unwrap().waiting.len() < 4 {
                thread::yield_now();
            }
            drop(first);
            takers.into_iter().for_each(|taker| taker.join().expect("no taker fails"));
            assert_eq!(*served.lock().unwrap(), [1, 3, 2, 0]);
        };
        shuttle::check_random(queue, RUNS);
    }
}
