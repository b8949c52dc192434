//! The estimated duration of a plan.

use std::time::Duration;

use up_plan::{Action, Plan, Step};

use up_engine::about;

/// The greatest number of steps of the longest chain that are named, and the share of the total that makes a step worth
/// naming.
const NAMED: usize = 4;
const WORTH_NAMING: u32 = 20;

/// `About 14 min (longest chain: a → b → c).`; nothing for a plan without steps.
pub(crate) fn of_plan(plan: &Plan) -> Option<String> {
    let chain = longest_chain(plan);
    let total = total(plan);
    let mut named: Vec<_> = (0..chain.len()).filter(|&place| takes(chain[place]) * WORTH_NAMING >= total).collect();
    named.sort_by_key(|&place| std::cmp::Reverse(chain[place].takes));
    named.truncate(NAMED);
    named.sort_unstable();
    let named = named.iter().map(|&place| chain[place]);
    let chain = match (chain.len(), named.len()) {
        (0, _) => return None,
        (1, _) => name(chain[0]),
        (all, shown) if all == shown => {
            format!("longest chain: {}", arrows(named.map(name)))
        }
        (all, _) => {
            let timed = named.map(|step| format!("{} ({})", name(step), about(takes(step))));
            format!("longest chain: {all} steps, above all {}", arrows(timed))
        }
    };
    Some(format!("About {} ({chain}).", about(total)))
}

/// The duration of the longest chain: no run of the plan is faster.
fn total(plan: &Plan) -> Duration {
    plan.remaining().into_iter().max().unwrap_or_default()
}

/// The step's resource, and whether it is the old or the new one of a replacement.
fn name(step: &Step) -> String {
    match &step.action {
        Action::Create { replaces: true, .. } => format!("the new {}", step.address),
        Action::Delete { replaced: true, .. } => format!("the old {}", step.address),
        _ => step.address.to_string(),
    }
}

fn arrows(steps: impl Iterator<Item = String>) -> String {
    steps.collect::<Vec<_>>().join(" → ")
}

/// The chain of dependent steps that takes longest.
fn longest_chain(plan: &Plan) -> Vec<&Step> {
    let remaining = plan.remaining();
    let first = (0..plan.steps.len()).max_by_key(|&step| (remaining[step], std::cmp::Reverse(step)));
    let next = |&step: &usize| {
        let left = remaining[step] - takes(&plan.steps[step]);
        let mut after = plan.steps.iter().enumerate().filter(|(_, then)| then.after.contains(&step));
        after.find(|(then, _)| remaining[*then] == left).map(|(then, _)| then)
    };
    std::iter::successors(first, next).map(|step| &plan.steps[step]).collect()
}

fn takes(step: &Step) -> Duration {
    Duration::from_secs(step.takes)
}
