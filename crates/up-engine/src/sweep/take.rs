//! Takes one expired stack: looks again, under its lock, and prepares its destroy.

use std::{collections::BTreeMap, time::Duration};

use up_plan::Plan;
use up_state::Lock;

use super::{Decision, KeepReason, decide::decide, swept};
use crate::{
    Engine, Failure, Goal, NamedStack, Observation, PlanOptions, PreparedRun, RunOptions, RunRequest, Session,
    SessionOptions, run::locking::locked,
};

/// A stack after the last look at it.
#[derive(Debug)]
pub enum Taken {
    /// It stays, or does not exist.
    Left(Decision),
    /// It is to be destroyed. It is locked until this is dropped.
    Ready(Box<PreparedRun>),
}

/// What a look has found, and what it was decided with.
struct Look {
    decision: Decision,
    observation: Observation,
}

impl Engine {
    /// What a sweep would do with a stack: asks every service itself, takes no lock and changes nothing. With how long the destroy
    /// is likely to take.
    ///
    /// # Errors
    /// When AWS or the history cannot be read, or the engine is interrupted.
    pub async fn look_at(&self, stack: NamedStack, options: &SessionOptions) -> Result<(Decision, Duration), Failure> {
        let goal = Goal::destroy_named(stack.disposable(), &PlanOptions::default());
        let session = self.open(&goal.target(), options).await?.without_index();
        goal.by_name.iter().try_for_each(|stack| stack.check(&session))?;
        self.guarded(async {
            let Look { decision, observation } = session.look_closely().await?;
            let plan = goal.plan(&observation)?;
            let takes = plan.remaining().into_iter().max().unwrap_or_default();
            match (decision.destroys(), plan.refusals.is_empty()) {
                (true, false) => Ok((refusal(&plan), takes)),
                _ => Ok((decision, takes)),
            }
        })
        .await
    }

    /// Takes the lock of a stack, waits until AWS shows what was done before, reads all tags again from their services, and decides
    /// once more. Changes nothing yet. Nothing is kept of what is destroyed: no final snapshot.
    ///
    /// # Errors
    /// When another run holds the lock, AWS or the history cannot be read, or the engine is interrupted.
    pub async fn take(
        &self,
        stack: NamedStack,
        session: SessionOptions,
        options: RunOptions,
    ) -> Result<Taken, Failure> {
        let goal = Goal::destroy_named(stack.disposable(), &PlanOptions::default());
        let request = RunRequest { command: "sweep", goal, saved: None, options, session };
        self.guarded(async {
            let session = self.open(&request.goal.target(), &request.session).await?.without_index();
            request.goal.by_name.iter().try_for_each(|stack| stack.check(&session))?;
            let lock: Lock = locked(&session, request.command, request.options.lock_timeout).await?;
            // What a run has done that held the lock before is shown by then.
            tokio::time::sleep(session.settle).await;
            let Look { decision, observation } = session.look_closely().await?;
            if !decision.destroys() {
                return Ok(Taken::Left(decision));
            }
            let prepared = self.planned(request, session, observation, lock).await?;
            match prepared.plan.refusals.is_empty() {
                true => Ok(Taken::Ready(Box::new(prepared))),
                false => Ok(Taken::Left(refusal(&prepared.plan))),
            }
        })
        .await
    }
}

impl Session {
    /// Observes the stack, and decides.
    async fn look_closely(&self) -> Result<Look, Failure> {
        let mut observation = self.observe(&[], &BTreeMap::new()).await?;
        let resources: Vec<_> =
            observation.live_stack.stamps(&up_kinds::model).iter().map(|(observed, _)| swept(observed)).collect();
        let decision = decide(self.clock.now(), &resources);
        for (kind, all) in &mut observation.live_stack.observed {
            let Some(kind) = up_kinds::find(kind) else { continue };
            all.iter_mut().for_each(|observed| observed.spec = kind.disposed(observed.spec.take()));
        }
        Ok(Look { decision, observation })
    }
}

fn refusal(plan: &Plan) -> Decision {
    let first = plan.refusals.first().map(|refusal| format!("{} {}", refusal.address, refusal.message));
    Decision::Keep { reason: KeepReason::Refused { message: first.unwrap_or_default() } }
}
