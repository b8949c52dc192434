//! The order of steps: the longest chain first, and no unnecessary waiting.

use std::{collections::BTreeSet, time::Duration};

use serde_json::json;
use up_apply::EventKind;
use up_core::Model;
use up_plan::{Action, Plan};

use crate::{
    cloud::{Faults, LogEntry},
    kinds::sim,
    log::Log,
    simulation::{RunEnd, Simulation, TestResult, each},
    stacks::{RandomStack, to},
};

fn only_latency() -> Faults {
    Faults { latency: Duration::from_secs(1), ..Faults::default() }
}

/// Checks that the permit always goes to the waiting step with the longest remaining chain.
fn check_longest_first(plan: &Plan, log: &Log) -> TestResult {
    let remaining = plan.remaining();
    let (mut waiting, mut waiting_at_release) = (BTreeSet::new(), BTreeSet::new());
    for (_, note) in &log.0 {
        let LogEntry::Emitted(event) = note else { continue };
        match &event.what {
            // A step that begins with an observation does not wait for a permit yet.
            EventKind::Started if !matches!(plan.steps[event.step].action, Action::Update { .. }) => {
                waiting.insert(event.step);
            }
            // The permit is free from here on.
            EventKind::Answered { .. } => waiting_at_release.clone_from(&waiting),
            EventKind::Calling { .. } => {
                waiting.remove(&event.step);
                let passed_over = waiting_at_release
                    .iter()
                    .find(|&&step| step != event.step && remaining[step] > remaining[event.step]);
                if let Some(step) = passed_over {
                    return Err(format!("step {step} has a longer chain than {}, but was started later", event.step));
                }
                waiting_at_release.clear();
            }
            _ => {}
        }
    }
    Ok(())
}

#[test]
fn with_one_permit_the_longest_chain_goes_first() {
    each(40, async |mut random| {
        let simulation = Simulation { parallel: 1, ..Simulation::new(&mut random, only_latency()) };
        let first = RandomStack::random(&mut random);
        for stack in [&first, &RandomStack::default()] {
            let ran = simulation.run(stack, RunEnd::Completed).await?;
            ran.check_complete()?;
            check_longest_first(&ran.plan, &ran.log)?;
            simulation.check_as_declared(stack).await?;
        }
        Ok(())
    });
}

/// The least and the greatest time that the plan may take, if calls take no time and no step waits unnecessarily.
fn bounds(plan: &Plan) -> (Duration, Duration) {
    let mut ends: Vec<(Duration, Duration)> = vec![];
    for step in &plan.steps {
        let about = sim(&step.address.kind).info();
        let takes = match &step.action {
            Action::Create { .. } => about.takes.create,
            Action::Update { .. } => Duration::ZERO,
            Action::Delete { .. } => about.takes.delete,
        };
        let begin = |end: fn(&(Duration, Duration)) -> Duration| {
            step.after.iter().map(|&before| end(&ends[before])).max().unwrap_or_default()
        };
        // One observation of the state and one of a deferred update, each late by one pause.
        let deferred = about.wait.every * 2;
        ends.push((begin(|end| end.0) + takes, begin(|end| end.1) + takes + deferred));
    }
    let most = |end: fn(&(Duration, Duration)) -> Duration| ends.iter().map(end).max().unwrap_or_default();
    (most(|end| end.0), most(|end| end.1))
}

#[test]
fn with_enough_permits_a_run_takes_as_long_as_its_longest_chain() {
    each(40, async |mut random| {
        let simulation = Simulation { parallel: 1000, ..Simulation::new(&mut random, Faults::default()) };
        let first = RandomStack::random(&mut random);
        for stack in [&first, &RandomStack::default()] {
            let ran = simulation.run(stack, RunEnd::Completed).await?;
            ran.check_complete()?;
            let (least, most) = bounds(&ran.plan);
            if ran.took < least || ran.took > most {
                return Err(format!("took {:?}, and should take {least:?} to {most:?}", ran.took));
            }
            simulation.check_as_declared(stack).await?;
        }
        Ok(())
    });
}

#[test]
fn a_step_that_waits_for_aws_holds_no_permit() {
    each(20, async |mut random| {
        let simulation = Simulation { parallel: 1, ..Simulation::new(&mut random, only_latency()) };
        let mut stack = RandomStack::default();
        let net = stack.add("x.net", json!({ "range": 1, "size": 1 }));
        for _ in 0..3 {
            stack.add("x.store", json!({ "net": to(&net), "range": 1, "groups": [], "size": 1 }));
        }
        (0..10).for_each(|_| {
            stack.add("x.gate", json!({ "net": to(&net), "size": 1 }));
        });
        let ran = simulation.run(&stack, RunEnd::Completed).await?;
        ran.check_complete()?;
        // Fourteen calls one after the other, of two seconds at most, and the slowest resource.
        let most = Duration::from_secs(14 * 2 + 300 + 2 + 20);
        if ran.took > most { Err(format!("took {:?}", ran.took)) } else { Ok(()) }
    });
}
