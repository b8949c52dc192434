//! Finds who has the name that AWS refused in a create.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};
use up_core::{Error, NewResource, Status, whose};
use up_plan::given_name;

use crate::step::StepRunner;

/// How long the name's holder is looked for: AWS shows it within this time.
const SETTLE: Duration = Duration::from_secs(4);
/// The pauses between the looks; the last one is repeated.
const PAUSES: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];

/// The holder of the name that a create asked for.
pub(crate) enum NameHolder {
    /// The resource itself: an earlier try created it.
    Own(String),
    /// A resource of the stack that AWS is deleting.
    BeingDeleted,
    /// Another resource, described by a sentence.
    Other(String),
}

impl StepRunner<'_> {
    /// Finds the holder of the new resource's name. A holder with another stack's tag, or another resource of this
    /// stack, is believed at once; one without a stack's tag is looked at twice, because AWS may show tags late.
    pub(crate) async fn holder(&self, new: &NewResource, desired: &Value) -> Result<NameHolder, Error> {
        let name =
            given_name(self.kind, desired).map_or_else(|| new.name(self.kind.info().longest_name), str::to_owned);
        self.executor.watch.taken(self.kind, &name);
        let (since, mut pauses) = (Instant::now(), PAUSES.into_iter());
        let mut was_untagged = false;
        loop {
            let all = self.look(None).await?;
            if let Some(observed) = all.iter().find(|observed| new.gave(&observed.tags)) {
                return Ok(NameHolder::Own(observed.id.clone()));
            }
            if let Some(observed) = all.iter().find(|observed| observed.attrs.get("name") == Some(&name)) {
                let address = observed.address(&new.stack).map(|address| address.to_string()).unwrap_or_default();
                return Ok(match &observed.status {
                    Status::Deleting(_) => NameHolder::BeingDeleted,
                    _ => NameHolder::Other(format!("{address} of this stack has that name")),
                });
            }
            match self.executor.watch.other(self.kind, &name) {
                Some(tags) if was_untagged || tags.contains_key(up_core::Address::STACK_TAG) => {
                    return Ok(NameHolder::Other(format!("it {}", whose(&tags))));
                }
                other => was_untagged = other.is_some(),
            }
            if since.elapsed() > SETTLE {
                return Ok(NameHolder::Other("it does not carry this stack's tags".to_owned()));
            }
            let pause = pauses.next().unwrap_or(PAUSES[PAUSES.len() - 1]);
            tokio::select! {
                () = sleep(pause) => {}
                () = self.ending() => {}
            }
            self.check_not_stopped()?;
        }
    }
}
