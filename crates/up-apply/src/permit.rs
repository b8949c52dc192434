//! A step's permit to make calls, which is released while a call waits for the rate limiter.

use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use tokio::sync::watch;
use up_core::{HeldPermit, NotSent, Permit, PrioritySemaphore, Urgency};

use crate::Stop;

/// A permit of the semaphore, held while calls are made.
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
            // The rate limiter's token is valid now: a call sent later would come together with the next one.
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

    async fn only_permit(stop: &watch::Sender<Stop>) -> (Arc<PrioritySemaphore>, Arc<StepPermit>) {
        let semaphore = PrioritySemaphore::new(1);
        let permit = StepPermit::take(&semaphore, Urgency::new(Duration::ZERO, 0), stop.subscribe()).await;
        (semaphore, permit)
    }

    #[test]
    fn a_call_that_waits_for_the_rate_limiter_releases_its_permit() {
        let wait = || {
            block_on(async {
                let stop = watch::Sender::new(Stop::No);
                let (semaphore, permit) = only_permit(&stop).await;
                let (done, other_is_done) = oneshot::channel();
                let waits =
                    with_permit(permit, without_permit(async { other_is_done.await.expect("the other caller runs") }));
                let other = async {
                    let _slot = semaphore.take(Urgency::new(Duration::ZERO, 1)).await;
                    done.send(()).expect("the first caller waits");
                };
                assert!(join(waits, other).await.0.is_ok());
                drop(semaphore.take(Urgency::new(Duration::ZERO, 2)).await);
            });
        };
        shuttle::check_random(wait, RUNS);
    }

    #[test]
    fn a_call_that_waits_for_the_rate_limiter_is_not_sent_once_the_run_ends() {
        let wait = || {
            block_on(async {
                let stop = watch::Sender::new(Stop::No);
                let (_, permit) = only_permit(&stop).await;
                let waits = with_permit(permit, without_permit(std::future::pending()));
                let end = async { stop.send_replace(Stop::Finish) };
                assert!(join(waits, end).await.0.is_err());
            });
        };
        shuttle::check_random(wait, RUNS);
    }
}
