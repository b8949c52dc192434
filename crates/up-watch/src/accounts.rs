//! One look at a time in each account, and pauses for accounts that AWS throttles.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Mutex as AsyncMutex, OwnedMutexGuard},
    time::{Instant, sleep_until},
};

use crate::schedule::LONGEST_RETRY;

/// The pause after the first look that was throttled; each further one takes twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(60);

/// The accounts that stacks are in.
#[derive(Debug, Default)]
pub(crate) struct Accounts(Mutex<BTreeMap<String, Arc<AsyncMutex<Pause>>>>);

/// Looks of an account wait until this is over.
#[derive(Debug, Default)]
struct Pause {
    /// How many looks in a row were throttled.
    throttled: u32,
    until: Option<Instant>,
}

/// The right to look at an account, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn(OwnedMutexGuard<Pause>);

impl Accounts {
    /// Waits until nobody else looks at the account, and until its pause is over. Those who wait are served in turn.
    pub(crate) async fn turn(&self, account: &str) -> Turn {
        let account = {
            let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            accounts.entry(account.to_owned()).or_default().clone()
        };
        let turn = account.lock_owned().await;
        if let Some(until) = turn.until {
            sleep_until(until).await;
        }
        Turn(turn)
    }
}

impl Turn {
    /// Ends it. After a look that was throttled the account is left alone for a while.
    pub(crate) fn end(mut self, throttled: bool) {
        let pause = &mut *self.0;
        pause.throttled = if throttled { pause.throttled.saturating_add(1) } else { 0 };
        pause.until = pause.throttled.checked_sub(1).map(|before| {
            let doubled = FIRST_PAUSE.saturating_mul(1 << before.min(16));
            Instant::now() + doubled.min(LONGEST_RETRY)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_throttled_account_is_left_alone_and_others_are_not() {
        let accounts = Accounts::default();
        let begun = Instant::now();
        for minutes in [0, 1, 3, 7] {
            let turn = accounts.turn("111122223333").await;
            assert_eq!(begun.elapsed().as_secs(), minutes * 60);
            turn.end(true);
        }
        accounts.turn("444455556666").await.end(false);
        assert_eq!(begun.elapsed().as_secs(), 7 * 60);
        accounts.turn("111122223333").await.end(false);
        let begun = Instant::now();
        accounts.turn("111122223333").await.end(false);
        assert_eq!(begun.elapsed(), Duration::ZERO, "one look without throttling ends the pauses");
    }
}
