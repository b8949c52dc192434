//! Ctrl-C, and the signal that asks a process to end.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};

/// True while a run takes interruptions itself, to end in good order.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Ends when the process is asked to end, unless a run takes that itself.
pub(crate) async fn untaken() {
    loop {
        next().await;
        if !TAKEN.load(Ordering::SeqCst) {
            return;
        }
    }
}

/// As long as it lives, interruptions are its holder's.
#[derive(Debug)]
pub(crate) struct Taken(());

impl Taken {
    /// Takes them from now on.
    pub(crate) fn now() -> Self {
        TAKEN.store(true, Ordering::SeqCst);
        Self(())
    }

    /// Ends at the next one.
    pub(crate) async fn next(&self) {
        next().await;
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        TAKEN.store(false, Ordering::SeqCst);
    }
}

async fn next() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        // Only Ctrl-C is left to listen to.
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
