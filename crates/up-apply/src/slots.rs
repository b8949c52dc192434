//! A few calls at a time, the most urgent first.

use std::{cmp::Reverse, collections::BinaryHeap, sync::Mutex, time::Duration};

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
            // The sender is dropped only after it has sent.
            turn.await.expect("a waiter is woken before it is forgotten");
        }
        Slot(self)
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
