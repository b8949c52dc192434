//! Releases a caller's permit while its call waits for the rate limiter.

use std::sync::Arc;

use futures_util::{FutureExt, future::BoxFuture};

use crate::Urgency;

tokio::task_local! {
    static HOLD: Arc<dyn HeldPermit>;
}

/// The run ended before the call got its turn: it was not sent.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the run is to end, and the call was not sent")]
pub struct NotSent;

/// A permit that is held while calls are made, which limits their number.
pub trait HeldPermit: Send + Sync {
    /// How urgent the calls are.
    fn urgency(&self) -> Urgency;

    /// Releases the permit during `wait`, and then takes it again.
    ///
    /// # Errors
    /// The run ends before that.
    fn without_permit<'a>(&'a self, wait: BoxFuture<'a, ()>) -> BoxFuture<'a, Result<(), NotSent>>;
}

/// The urgency of the current calls. Observations come first: many steps wait for one.
pub fn urgency() -> Urgency {
    HOLD.try_with(|hold| hold.urgency()).unwrap_or(Urgency::MOST)
}

/// Runs `work`; its calls release `hold` while they wait [`without_permit`].
pub async fn with_permit<T>(hold: Arc<dyn HeldPermit>, work: impl Future<Output = T>) -> T {
    HOLD.scope(hold, work).await
}

/// Waits before a call is sent; meanwhile others may use the caller's permit. A wait that is already over returns at
/// once.
///
/// # Errors
/// The run ends before that.
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
