//! Refused plans.

use std::collections::BTreeSet;

use up_core::Address;
use up_plan::Plan;

use crate::{Failure, Reason};

/// The failure of a plan that must not be applied.
pub fn refused(plan: &Plan) -> Failure {
    let details = plan.refusals.iter().map(|refusal| (refusal.address.clone(), refusal.message.clone()));
    let failure = Failure { details: details.collect(), ..Failure::new(Reason::Refused, refusals(plan)) };
    if is_protection(plan) {
        return failure.hint("`--unprotect` allows to delete and replace protected resources");
    }
    failure
}

/// Each reason once, with all resources that it concerns.
fn refusals(plan: &Plan) -> String {
    let mut reasons: Vec<(&str, BTreeSet<&Address>)> = vec![];
    for refusal in &plan.refusals {
        match reasons.iter_mut().find(|(reason, _)| *reason == refusal.message) {
            Some((_, about)) => {
                about.insert(&refusal.address);
            }
            None => reasons.push((&refusal.message, [&refusal.address].into())),
        }
    }
    let lines = reasons.into_iter().map(|(reason, about)| {
        let about: Vec<_> = about.into_iter().map(Address::to_string).collect();
        match &about[..] {
            [only] => format!("{only} {reason}"),
            several => format!("{} resources {reason}:\n  {}", several.len(), several.join("\n  ")),
        }
    });
    format!("this plan is refused\n{}", lines.collect::<Vec<_>>().join("\n"))
}

/// True where `--unprotect` would allow some of it.
fn is_protection(plan: &Plan) -> bool {
    let says = |message: &str| message.contains("`protect`") || message.contains("`prevent_destroy`");
    plan.refusals.iter().any(|refusal| says(&refusal.message))
}
