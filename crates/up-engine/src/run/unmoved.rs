//! Checks whether a saved plan can still be applied.

use up_plan::{LiveStack, Plan};

use crate::{Failure, Reason};

/// Makes sure that AWS is as it was when the plan was saved, and that the goal results in the same plan now: steps that were
/// written into the file by hand are not applied.
pub(super) fn unmoved(saved: &Plan, now: &Plan, live_stack: &LiveStack) -> Result<(), Failure> {
    let again = "review a new plan: `bullstra-up plan … --out FILE`";
    if (&saved.account, &saved.region) != (&now.account, &now.region) {
        let Plan { account, region, .. } = saved;
        let message =
            format!("the plan was made for account {account}, {region}, and this is {}, {}", now.account, now.region);
        return Err(Failure::new(Reason::Refused, message).hint(again));
    }
    let moved = match (saved.is_empty(), now.is_empty()) {
        (false, _) => saved.observed.moved(&live_stack.fingerprints()),
        // A plan without steps does not say what was observed.
        (true, false) => vec!["there was nothing to do, and now there is".to_owned()],
        (true, true) => vec![],
    };
    if moved.is_empty() && saved.is_same(now) {
        return Ok(());
    }
    if moved.is_empty() {
        let message = "the saved plan is not the one that its stack results in: the file was changed, or written by another \
                       version of bullstra-up";
        return Err(Failure::new(Reason::Input, message).hint(again));
    }
    let message = format!("resources in AWS have changed since the plan was made\n{}", moved.join("\n"));
    Err(Failure::new(Reason::Refused, message).hint(again))
}
