//! A place among those whose calls are made: given up while a call waits for its turn.

use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use tokio::sync::watch;
use up_core::{HeldPermit, NotSent, Permit, PrioritySemaphore, Urgency};

use crate::Stop;

/// A slot, as long as calls are made.
pub(crate) struct StepPermit {
    semaphore: Arc<PrioritySemaphore>,
    urgency: Urgency,
    stop: watch::Receiver<Stop>,
    permit: Mutex<Option<Permit>>,
}

impl StepPermit {
    pub(crate) async fn take(
        semaphore: &Arc<PrioritySemaphore>,
        urgency: Urgency,
        stop: watch::Receiver<Stop>,
    ) -> Arc<Self> {
        let permit = Mutex::new(Some(semaphore.take(urgency).await));
        Arc::new(Self { semaphore: semaphore.clone(), urgency, stop, permit })
    }

    fn put(&self, permit: Option<Permit>) {
        *self.permit.lock().expect("no panic while held") = permit;
    }
}

impl HeldPermit for StepPermit {
    fn urgency(&self) -> Urgency {
        self.urgency
    }

    fn without_permit<'a>(&'a self, wait: BoxFuture<'a, ()>) -> BoxFuture<'a, Result<(), NotSent>> {
        Box::pin(async move {
            self.put(None);
            let mut stop = self.stop.clone();
            tokio::select! {
                () = wait => {}
                Ok(_) = stop.wait_for(|stop| *stop != Stop::No) => return Err(NotSent),
            }
            // Its turn is now: sent later, it would come together with the next.
            self.put(Some(self.semaphore.take(Urgency::MOST).await));
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::future::join;
    use shuttle::future::block_on;
    use tokio::sync::oneshot;
    use up_core::{with_permit, without_permit};

    use super::*;

    const RUNS: usize = 100;

    async fn only_place(stop: &watch::Sender<Stop>) -> (Arc<PrioritySemaphore>, Arc<StepPermit>) {
        let semaphore = PrioritySemaphore::new(1);
        let permit = StepPermit::take(&semaphore, Urgency::new(Duration::ZERO, 0), stop.subscribe()).await;
        (semaphore, permit)
    }

    #[test]
    fn what_waits_for_its_turn_lets_others_work() {
        let wait = || {
            block_on(async {
                let stop = watch::Sender::new(Stop::No);
                let (semaphore, permit) = only_place(&stop).await;
                let (done, other_is_done) = oneshot::channel();
                let waits =
                    with_permit(permit, without_permit(async { other_is_done.await.expect("the other one works") }));
                let other = async {
                    let _slot = semaphore.take(Urgency::new(Duration::ZERO, 1)).await;
                    done.send(()).expect("somebody waits");
                };
                assert!(join(waits, other).await.0.is_ok());
                drop(semaphore.take(Urgency::new(Duration::ZERO, 2)).await);
            });
        };
        shuttle::check_random(wait, RUNS);
    }

    #[test]
    fn what_waits_for_its_turn_is_not_sent_once_the_run_is_to_end() {
        let wait = || {
            block_on(async {
                let stop = watch::Sender::new(Stop::No);
                let (_, permit) = only_place(&stop).await;
                let waits = with_permit(permit, without_permit(std::future::pending()));
                let end = async { stop.send_replace(Stop::Finish) };
                assert!(join(waits, end).await.0.is_err());
            });
        };
        shuttle::check_random(wait, RUNS);
    }
}
