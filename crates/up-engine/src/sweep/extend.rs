//! Lets a disposable stack live longer.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::task::JoinSet;
use up_core::{AnyKind, Context, Error, ErrorKind, Observed, Stamps, TagChange};

use super::{Decision, KeepReason, decide::decide, swept};
use crate::{
    Engine, Failure, Goal, NamedStack, PlanOptions, Reason, RunOptions, Session, SessionOptions, disposal::expiry_of,
    run::locking::locked,
};

/// How far an expiry may lie ahead.
const LONGEST: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// For how long a tagging call is repeated that AWS refuses for a moment.
const PATIENCE: Duration = Duration::from_secs(60);
/// How many resources are tagged at the same time.
const PARALLEL: usize = 8;

/// The result of an extension.
#[derive(Debug, Serialize)]
pub struct Extended {
    /// The stack.
    pub stack: String,
    /// When it would have expired.
    pub before: Timestamp,
    /// When it expires now.
    pub expires: Timestamp,
    /// How many resources have the new expiry.
    pub stamped: usize,
    /// Resources that could not be stamped, and why. The stack expires as said: its latest stamp counts.
    pub failed: Vec<(String, String)>,
    /// Why no sweep will take the stack even then, if that is so.
    pub kept: Option<String>,
}

impl Engine {
    /// Writes a later expiry on all resources of a disposable stack: `longer` after the latest one, or after now if that is over.
    ///
    /// Safe to repeat, and harmless if it is done by half: the latest stamp counts, and each repetition only lengthens.
    ///
    /// # Errors
    /// When AWS or the history cannot be reached, a run holds the stack's lock, the stack is not disposable, it would live too
    /// long, nothing could be stamped, or the engine is interrupted.
    pub async fn extend(
        &self,
        stack: NamedStack,
        longer: Duration,
        options: &SessionOptions,
        run: &RunOptions,
    ) -> Result<Extended, Failure> {
        self.guarded(async {
            let goal = Goal::destroy_named(stack, &PlanOptions::default());
            let session = self.open(&goal.target(), options).await?.without_index();
            goal.by_name.iter().try_for_each(|stack| stack.check(&session))?;
            let lock = locked(&session, "extend", run.lock_timeout).await?;
            let extended = session.extend(longer).await;
            drop(lock);
            extended
        })
        .await
    }
}

impl Session {
    async fn extend(&self, longer: Duration) -> Result<Extended, Failure> {
        let live_stack = self.observe(&[], &BTreeMap::new()).await?.live_stack;
        let (stack, now) = (self.stack.clone(), self.clock.now());
        let refused = |message: String| Failure::new(Reason::Refused, message);
        let Some(before) = expiry_of(&live_stack) else {
            return Err(match live_stack.iter().next() {
                None => Failure::new(Reason::Input, format!("there is no stack `{stack}` in this account and region")),
                Some(_) => refused(format!("the stack `{stack}` is not disposable: it has no expiry")),
            });
        };
        let expires = before
            .max(now)
            .checked_add(longer)
            .ok()
            .filter(|expires| now.checked_add(LONGEST).is_ok_and(|latest| *expires <= latest));
        let Some(expires) = expires else {
            return Err(refused(format!("the stack `{stack}` would live for more than 90 days from now")));
        };
        let stamped = live_stack.iter().filter_map(|(kind, observed)| {
            let stamps = Stamps::of(&observed.tags);
            // What has lost its stamp keeps the stack: an extension does not make it disposable again.
            (stamps.is_disposable && stamps.expires.is_some()).then_some((up_kinds::find(kind)?, observed.clone()))
        });
        let stamped: Vec<_> = stamped.collect();
        let many = stamped.len();
        let failed = self.stamp(stamped, expires).await;
        let count = many - failed.len();
        if count == 0 {
            let (name, why) = failed.into_iter().next().unwrap_or_default();
            return Err(Failure::new(Reason::Failed, format!("failed to tag {name}: {why}")));
        }
        let resources: Vec<_> =
            live_stack.stamps(&up_kinds::model).iter().map(|(observed, _)| swept(observed)).collect();
        let kept = match decide(expires, &resources) {
            Decision::Keep { reason: reason @ (KeepReason::Unmarked { .. } | KeepReason::Protected { .. }) } => {
                Some(reason.to_string())
            }
            _ => None,
        };
        Ok(Extended { stack, before, expires, stamped: count, failed, kept })
    }

    /// Writes the expiry on these resources. The names of those that failed, and why.
    async fn stamp(
        &self,
        resources: Vec<(&'static dyn AnyKind, Observed<Value>)>,
        expires: Timestamp,
    ) -> Vec<(String, String)> {
        let set = [(Stamps::EXPIRES_TAG.to_owned(), Stamps::text(expires))].into();
        let change = Arc::new(TagChange { set, ..TagChange::default() });
        let (mut working, mut failed, mut open) = (JoinSet::new(), vec![], resources.into_iter());
        loop {
            while working.len() < PARALLEL
                && let Some((kind, observed)) = open.next()
            {
                let (cx, change) = (self.cx.clone(), change.clone());
                working.spawn(async move {
                    let name = swept(&observed).name;
                    (name, tag(kind, &cx, observed, &change).await)
                });
            }
            match working.join_next().await {
                Some(Ok((_, Ok(())))) => {}
                Some(Ok((name, Err(error)))) => {
                    failed.push((name, self.engine.secrets.masked(&error.to_string()).into_owned()))
                }
                Some(Err(error)) => failed.push(("a resource".to_owned(), error.to_string())),
                None => return failed,
            }
        }
    }
}

/// Tags a resource; again, where AWS refuses it for a moment. Safe to repeat: tags are set. What is gone needs no tag.
async fn tag(kind: &dyn AnyKind, cx: &Context, observed: Observed<Value>, change: &TagChange) -> Result<(), Error> {
    let (begun, mut pause) = (Instant::now(), Duration::from_millis(500));
    loop {
        match kind.tag(cx, observed.clone(), change).await {
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(()),
            Err(error)
                if matches!(error.kind, ErrorKind::Conflict | ErrorKind::Propagating | ErrorKind::Ambiguous)
                    && begun.elapsed() < PATIENCE =>
            {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(10));
            }
            tagged => return tagged,
        }
    }
}
