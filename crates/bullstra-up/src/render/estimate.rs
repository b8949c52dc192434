//! How long it will take.

use std::time::Duration;

use up_plan::{Plan, Step};

use super::text::about;

/// So many steps of the longest chain are named.
const NAMED: usize = 4;

/// `About 14 min (longest chain: a → b → c).`, and nothing for what takes no time worth telling.
pub(crate) fn of_plan(plan: &Plan) -> Option<String> {
    let chain = longest_chain(plan);
    let total: Duration = chain.iter().map(|step| takes(step)).sum();
    if chain.is_empty() {
        return None;
    }
    let mut places: Vec<_> = (0..chain.len()).collect();
    places.sort_by_key(|&place| std::cmp::Reverse(chain[place].takes));
    places.truncate(NAMED);
    places.sort_unstable();
    let named: Vec<_> = places.iter().map(|&place| chain[place].address.to_string()).collect();
    let (steps, named) = (chain.len(), named.join(" → "));
    let chain = match steps {
        1 => named,
        2..=NAMED => format!("longest chain: {named}"),
        _ => format!("longest chain: {steps} steps, above all {named}"),
    };
    Some(format!("About {} ({chain}).", about(total)))
}

/// The steps that follow each other for the longest time.
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
