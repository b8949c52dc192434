//! Whose a name is, for which AWS has refused a create.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};
use up_core::{Error, NewResource, Status, whose};
use up_plan::given_name;

use crate::step::StepRunner;

/// How long a name's holder is looked for: it is shown by then.
const SETTLE: Duration = Duration::from_secs(4);
/// The pauses between the looks, of which the last counts for all that follow.
const PAUSES: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];

/// Who has the name that a create asked for.
pub(crate) enum NameHolder {
    /// The resource itself: made by an earlier try.
    Own(String),
    /// A resource of the stack that AWS is taking away.
    Leaving,
    /// Another, as a sentence.
    Other(String),
}

impl StepRunner<'_> {
    /// Finds who has the name of what is to be made. What carries another stack's tag, or is another of the stack's own, is
    /// believed at once; what carries no stack's tag is looked at twice, because AWS may show tags late.
    pub(crate) async fn holder(&self, new: &NewResource, desired: &Value) -> Result<NameHolder, Error> {
        let name =
            given_name(self.kind, desired).map_or_else(|| new.name(self.kind.info().longest_name), str::to_owned);
        self.executor.watch.taken(self.kind, &name);
        let (since, mut pauses) = (Instant::now(), PAUSES.into_iter());
        let mut is_bare = false;
        loop {
            let all = self.look(None).await?;
            if let Some(observed) = all.iter().find(|observed| new.gave(&observed.tags)) {
                return Ok(NameHolder::Own(observed.id.clone()));
            }
            if let Some(observed) = all.iter().find(|observed| observed.attrs.get("name") == Some(&name)) {
                let address = observed.address(&new.stack).map(|address| address.to_string()).unwrap_or_default();
                return Ok(match &observed.status {
                    Status::Deleting(_) => NameHolder::Leaving,
                    _ => NameHolder::Other(format!("this stack's own {address} has that name")),
                });
            }
            match self.executor.watch.other(self.kind, &name) {
                Some(tags) if is_bare || tags.contains_key(up_core::Address::STACK_TAG) => {
                    return Ok(NameHolder::Other(format!("it {}", whose(&tags))));
                }
                other => is_bare = other.is_some(),
            }
            if since.elapsed() > SETTLE {
                return Ok(NameHolder::Other("it does not carry this stack's tags".to_owned()));
            }
            let pause = pauses.next().unwrap_or(PAUSES[PAUSES.len() - 1]);
            tokio::select! {
                () = sleep(pause) => {}
                () = self.ending() => {}
            }
            self.go_on()?;
        }
    }
}
