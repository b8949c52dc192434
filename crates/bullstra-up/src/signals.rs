//! Ctrl-C, and the signal that asks a process to end.

use tokio::signal::unix::{SignalKind, signal};
use up_engine::Interrupt;

/// Passes signals on to `interrupt`. Ends at the first one that comes while no plan is applied: then the process can end
/// at once.
pub(crate) async fn interrupting(interrupt: &Interrupt) {
    loop {
        next().await;
        let is_running = interrupt.is_running();
        interrupt.send();
        if !is_running {
            return;
        }
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
