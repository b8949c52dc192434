//! Takes back what others have changed in one resource.

use up_core::{Address, Declared};
use up_stack::Stack;
use up_state::LastSnapshot;

use crate::{Engine, Failure, Goal, MASK, PlanOptions, Reason, SessionOptions, StackTarget, session::unusable};

impl Engine {
    /// The goal of a run that brings one resource back to what was applied last: edits of the file that are not applied yet are
    /// left for `apply`.
    ///
    /// # Errors
    /// When AWS or the history cannot be reached, or the resource was not applied.
    pub async fn revert(&self, mut stack: Stack, address: &Address, session: &SessionOptions) -> Result<Goal, Failure> {
        let session = self.open(&StackTarget::of(&stack), session).await?;
        let applied = self.guarded(async {
            let applied =
                session.past()?.snapshot.as_ref().map(LastSnapshot::declared).transpose().map_err(unusable)?;
            applied.into_iter().flatten().find(|applied| applied.address == *address).ok_or_else(|| unknown(address))
        });
        let applied = applied.await?;
        let declared = stack.resources.iter_mut().find(|declared| declared.address == *address);
        let declared = declared.ok_or_else(|| unknown(address))?;
        *declared = self.as_applied(declared, applied)?;
        Ok(Goal::apply(stack, &PlanOptions { targets: vec![address.clone()], ..PlanOptions::default() }))
    }

    /// What was applied, with the secrets that the file has.
    fn as_applied(&self, declared: &Declared, mut applied: Declared) -> Result<Declared, Failure> {
        let fields = up_kinds::find(&declared.address.kind).map_or(&[][..], |kind| kind.fields());
        for field in fields.iter().filter(|field| field.is_write_only) {
            if let Some(value) = declared.spec.get(field.name) {
                applied.spec_mut()[field.name] = value.clone();
            }
        }
        if !applied.spec.to_string().contains(MASK) {
            return Ok(Declared { prevent_destroy: declared.prevent_destroy, ..applied });
        }
        let mut masked = (*declared.spec).clone();
        self.secrets.mask(&mut masked);
        if masked == *applied.spec {
            return Ok(declared.clone());
        }
        let message =
            format!("{} holds a secret, and its declaration was edited since the last apply", declared.address);
        let failure = Failure::new(Reason::Refused, message);
        Err(failure.hint("the history does not keep secrets: take the edit back first, or use `apply --target`"))
    }
}

fn unknown(address: &Address) -> Failure {
    let failure = Failure::new(Reason::Input, format!("{address} is not declared, or was not applied by this stack"));
    failure.hint("`drift` lists what differs; what was added outside is not the stack's, and is left to you")
}
