//! Interrupts the work on a stack.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::watch;

use crate::Failure;

/// Ends the work on one stack. Clones are one interrupt.
///
/// Before anything is changed, the first [`Interrupt::send`] ends the work at once. While a plan is applied, the first
/// lets the calls in flight end and sends no others; the second abandons them.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<InterruptState>);

#[derive(Debug, Default)]
struct InterruptState {
    /// How often it was sent.
    sent: watch::Sender<usize>,
    is_running: AtomicBool,
}

/// The work ends by itself after an interrupt, as long as this exists.
#[derive(Debug)]
pub struct Running<'a>(&'a Interrupt);

impl Interrupt {
    /// Asks the work to end.
    pub fn send(&self) {
        self.0.sent.send_modify(|sent| *sent += 1);
    }

    /// True while the work ends by itself after an interrupt: a plan that is applied waits for the calls in flight.
    pub fn is_running(&self) -> bool {
        self.0.is_running.load(Ordering::SeqCst)
    }

    /// Ends once it was sent so many `times`.
    pub async fn sent(&self, times: usize) {
        // It cannot fail: the sender lives as long as `self`.
        let _ = self.0.sent.subscribe().wait_for(|sent| *sent >= times).await;
    }

    /// How often it was sent until now.
    pub(crate) fn count(&self) -> usize {
        *self.0.sent.borrow()
    }

    /// Does `work`, which changes nothing in AWS, unless it is interrupted.
    pub(crate) async fn or<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        tokio::select! {
            biased;
            () = self.sent(1) => Err(Failure::interrupted()),
            result = work => result,
        }
    }

    /// Marks that the work ends by itself after an interrupt, until the result is dropped.
    pub fn run(&self) -> Running<'_> {
        self.0.is_running.store(true, Ordering::SeqCst);
        Running(self)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.0.is_running.store(false, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reason;

    #[tokio::test]
    async fn an_interrupt_ends_the_work_it_is_for_and_no_other() {
        let (one, other) = (Interrupt::default(), Interrupt::default());
        one.send();
        let ended = one.or(async { Ok(()) }).await;
        assert_eq!(ended.unwrap_err().reason, Reason::Interrupted);
        assert!(other.or(async { Ok(()) }).await.is_ok());
    }
}
