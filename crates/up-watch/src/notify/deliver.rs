//! Delivers the messages of each target in order, again and again until they have arrived.

use std::{sync::Arc, time::Duration};

use tokio::time::{sleep, timeout};

use super::{Answer, Message, Transport, request};
use crate::{
    config::{Config, NotifyTarget},
    log::{Level, SharedLog},
    metrics::Metrics,
    store::Store,
    timeline::Timeline,
};

/// The first repetition comes after this time; each further one takes twice as long.
const FIRST_RETRY: Duration = Duration::from_secs(5);
const LONGEST_RETRY: Duration = Duration::from_secs(900);
/// A request takes no longer.
const LONGEST_REQUEST: Duration = Duration::from_secs(30);

/// Tells people about transitions.
#[derive(Debug)]
pub(crate) struct Notifier {
    targets: Vec<NotifyTarget>,
    page_url: Option<String>,
    courier: Courier,
}

#[derive(Debug)]
struct Courier {
    store: Arc<Store>,
    transport: Arc<dyn Transport>,
    metrics: Arc<Metrics>,
    timeline: Arc<Timeline>,
    log: SharedLog,
}

/// How a delivery has ended.
enum Delivered {
    Yes,
    /// The receiver will never take this message.
    Never(String),
    /// Again, after this time if the receiver says so.
    NotYet(String, Option<Duration>),
}

impl Notifier {
    pub(crate) fn new(
        config: &Config,
        store: Arc<Store>,
        transport: Arc<dyn Transport>,
        metrics: Arc<Metrics>,
        timeline: Arc<Timeline>,
        log: SharedLog,
    ) -> Self {
        let courier = Courier { store, transport, metrics, timeline, log };
        Self { targets: config.targets.clone(), page_url: config.page_url.clone(), courier }
    }

    pub(super) fn targets(&self) -> &[NotifyTarget] {
        &self.targets
    }

    pub(super) fn page_url(&self) -> Option<&str> {
        self.page_url.as_deref()
    }

    /// Delivers the messages of a target. It never ends.
    pub(crate) async fn deliver(&self, target: usize) {
        self.courier.deliver(&self.targets[target]).await;
    }
}

impl Courier {
    async fn deliver(&self, target: &NotifyTarget) {
        let mut failures: u32 = 0;
        loop {
            let mut arrived = std::pin::pin!(self.store.arrived.notified());
            // Registered before the queue is looked at: no message comes in between.
            arrived.as_mut().enable();
            let Some(message) = self.store.first(&target.name) else {
                arrived.await;
                continue;
            };
            match self.send(target, &message).await {
                Delivered::Yes => {
                    self.metrics.sent(&target.name);
                    if failures > 0 {
                        self.log.say(Level::Note, &format!("notifications reach {} again", target.name));
                    }
                    failures = 0;
                    self.store.done(&target.name, &message.id);
                }
                Delivered::Never(why) => {
                    self.metrics.failed(&target.name);
                    let text = format!("{} refused a notification about {}: {why}", target.name, message.stack);
                    self.log.say(Level::Error, &text);
                    self.store.done(&target.name, &message.id);
                }
                Delivered::NotYet(why, wish) => {
                    self.metrics.failed(&target.name);
                    if failures == 0 {
                        let text = format!("{} takes no notifications: {why}; they are sent again later", target.name);
                        self.log.say(Level::Warning, &text);
                    }
                    let doubled = FIRST_RETRY.saturating_mul(1 << failures.min(16));
                    sleep(wish.unwrap_or(doubled).clamp(FIRST_RETRY, LONGEST_RETRY)).await;
                    failures = failures.saturating_add(1);
                }
            }
        }
    }

    async fn send(&self, target: &NotifyTarget, message: &Message) -> Delivered {
        let request = request(target, message, self.timeline.now().at);
        match timeout(LONGEST_REQUEST, self.transport.send(request)).await {
            Err(_) => Delivered::NotYet("it did not answer in time".into(), None),
            Ok(Err(why)) => Delivered::NotYet(why, None),
            Ok(Ok(Answer { status, retry_after })) => match status {
                200..=299 => Delivered::Yes,
                // What is wrong with this message is not wrong with the next.
                400 | 413 | 422 => Delivered::Never(format!("HTTP {status}")),
                status => Delivered::NotYet(format!("HTTP {status}"), retry_after),
            },
        }
    }
}
