//! Any stack is created, changed and destroyed, whatever faults AWS has.

use std::{cell::Cell, time::Duration};

use serde_json::json;

use crate::{
    cloud::Faults,
    random::Random,
    simulation::{RunEnd, Simulation, each},
    stacks::{RandomStack, to},
};

/// Temporary faults: slow, late, throttled calls, lost answers.
pub(crate) fn temporary_faults(random: &mut Random) -> Faults {
    let seconds = Duration::from_secs;
    Faults {
        latency: random.upto(seconds(2)),
        lag: random.upto(seconds(3)),
        throttles: random.below(12),
        loses: random.below(12),
        propagates: random.upto(seconds(12)),
        drags: random.percent(50),
        ..Faults::default()
    }
}

#[test]
fn a_stack_is_created_changed_and_destroyed_with_any_faults() {
    let refused = Cell::new(0);
    let plans = Cell::new(0);
    each(60, async |mut random| {
        let faults = temporary_faults(&mut random);
        let simulation = Simulation::new(&mut random, faults);
        let first = RandomStack::random(&mut random);
        let second = first.changed(&mut random);
        for stack in [first, second, RandomStack::default()] {
            plans.set(plans.get() + 1);
            if !simulation.plan(&stack).await?.refusals.is_empty() {
                refused.set(refused.get() + 1);
                continue;
            }
            simulation.run(&stack, RunEnd::Completed).await?.check_complete()?;
            simulation.check_as_declared(&stack).await?;
        }
        Ok(())
    });
    assert!(refused.get() * 20 <= plans.get(), "{} of {} plans are refused", refused.get(), plans.get());
}

#[test]
fn a_renamed_resource_in_a_cycle_is_found_by_the_others() {
    each(20, async |mut random| {
        let faults = temporary_faults(&mut random);
        let simulation = Simulation::new(&mut random, faults);
        let mut stack = RandomStack::default();
        let net = stack.add("x.net", json!({ "range": 1, "size": 1 }));
        let one = stack.add("x.group", json!({ "net": to(&net), "range": 1, "peers": [] }));
        let other = stack.add("x.group", json!({ "net": to(&net), "range": 1, "peers": [to(&one)] }));
        stack.resources[1].spec_mut()["peers"] = json!([to(&other)]);
        simulation.run(&stack, RunEnd::Completed).await?.check_complete()?;
        stack.resources[1].spec_mut()["peers"] = json!([to(&one), to(&other)]);
        let stack = stack.rename(&other);
        simulation.plan(&stack).await?;
        simulation.run(&stack, RunEnd::Completed).await?.check_complete()?;
        simulation.check_as_declared(&stack).await
    });
}
