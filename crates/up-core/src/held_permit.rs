//! What whoever makes a call gives back while the call waits for its turn.

use std::sync::Arc;

use futures_util::{FutureExt, future::BoxFuture};

use crate::Urgency;

tokio::task_local! {
    static HOLD: Arc<dyn HeldPermit>;
}

/// The calls were to end before this one had its turn: it was not sent.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the run is to end, and the call was not sent")]
pub struct NotSent;

/// What is held while calls are made, so that only so many are made at once.
pub trait HeldPermit: Send + Sync {
    /// How urgent the calls are.
    fn urgency(&self) -> Urgency;

    /// Gives it back for the time of `wait`, and then holds it again.
    ///
    /// # Errors
    /// Where the run ends before that.
    fn without_permit<'a>(&'a self, wait: BoxFuture<'a, ()>) -> BoxFuture<'a, Result<(), NotSent>>;
}

/// How urgent the calls are that are made here. Looks go before all else: many wait for one.
pub fn urgency() -> Urgency {
    HOLD.try_with(|hold| hold.urgency()).unwrap_or(Urgency::MOST)
}

/// Does `work`, whose calls wait [`without_permit`] of what `hold` is.
pub async fn with_permit<T>(hold: Arc<dyn HeldPermit>, work: impl Future<Output = T>) -> T {
    HOLD.scope(hold, work).await
}

/// Waits for something that is no answer, before a call is sent: meanwhile others may use what the caller holds. What need
/// not be waited for goes on at once.
///
/// # Errors
/// Where the run ends before that.
pub async fn without_permit(wait: impl Future<Output = ()> + Send) -> Result<(), NotSent> {
    let mut wait: BoxFuture<'_, ()> = Box::pin(wait);
    if (&mut wait).now_or_never().is_some() {
        return Ok(());
    }
    match HOLD.try_with(Arc::clone) {
        Ok(hold) => hold.without_permit(wait).await,
        Err(_) => {
            wait.await;
            Ok(())
        }
    }
}
