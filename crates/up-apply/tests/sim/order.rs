//! Which step when: the longest way first, and nothing waits without need.

use std::{collections::BTreeSet, time::Duration};

use serde_json::json;
use up_apply::What;
use up_core::AnyKind;
use up_plan::{Action, Plan};

use crate::{
    cloud::{Moods, Note},
    kinds::sim,
    log::Log,
    stacks::{Stack, to},
    stage::{End, Stage, Verdict, each},
};

fn prompt() -> Moods {
    Moods { latency: Duration::from_secs(1), ..Moods::default() }
}

/// Whenever the slot is given away, nobody waits for it who has a longer way ahead.
fn goes_longest_first(plan: &Plan, log: &Log) -> Verdict {
    let remaining = plan.remaining();
    let (mut waiting, mut at_hand) = (BTreeSet::new(), BTreeSet::new());
    for (_, note) in &log.0 {
        let Note::Told(event) = note else { continue };
        match &event.what {
            // What begins with a look does not wait for a slot yet.
            What::Started if !matches!(plan.steps[event.step].action, Action::Update { .. }) => {
                waiting.insert(event.step);
            }
            // From here on the slot is another's.
            What::Answered { .. } => at_hand.clone_from(&waiting),
            What::Calling { .. } => {
                waiting.remove(&event.step);
                let passed_over =
                    at_hand.iter().find(|&&step| step != event.step && remaining[step] > remaining[event.step]);
                if let Some(step) = passed_over {
                    return Err(format!("step {step} has a longer way ahead than {}, and was passed over", event.step));
                }
                at_hand.clear();
            }
            _ => {}
        }
    }
    Ok(())
}

#[test]
fn with_one_slot_the_longest_way_goes_first() {
    each(40, async |mut chance| {
        let stage = Stage { parallel: 1, ..Stage::new(&mut chance, prompt()) };
        let first = Stack::random(&mut chance);
        for stack in [&first, &Stack::default()] {
            let ran = stage.run(stack, End::Well).await?;
            ran.is_whole()?;
            goes_longest_first(&ran.plan, &ran.log)?;
            stage.is_as_declared(stack).await?;
        }
        Ok(())
    });
}

/// How long the plan takes at least, and at most where nothing waits without need. Calls take no time.
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
        // A look for the state, one for a change that had to follow, each as late as the pause between two.
        let deferred = about.wait.every * 2;
        ends.push((begin(|end| end.0) + takes, begin(|end| end.1) + takes + deferred));
    }
    let most = |end: fn(&(Duration, Duration)) -> Duration| ends.iter().map(end).max().unwrap_or_default();
    (most(|end| end.0), most(|end| end.1))
}

#[test]
fn with_slots_enough_it_takes_as_long_as_its_longest_way() {
    each(40, async |mut chance| {
        let stage = Stage { parallel: 1000, ..Stage::new(&mut chance, Moods::default()) };
        let first = Stack::random(&mut chance);
        for stack in [&first, &Stack::default()] {
            let ran = stage.run(stack, End::Well).await?;
            ran.is_whole()?;
            let (least, most) = bounds(&ran.plan);
            if ran.took < least || ran.took > most {
                return Err(format!("took {:?}, and should take {least:?} to {most:?}", ran.took));
            }
            stage.is_as_declared(stack).await?;
        }
        Ok(())
    });
}

#[test]
fn what_is_waited_for_holds_no_slot() {
    each(20, async |mut chance| {
        let stage = Stage { parallel: 1, ..Stage::new(&mut chance, prompt()) };
        let mut stack = Stack::default();
        let net = stack.add("x.net", json!({ "range": 1, "size": 1 }));
        for _ in 0..3 {
            stack.add("x.store", json!({ "net": to(&net), "range": 1, "groups": [], "size": 1 }));
        }
        (0..10).for_each(|_| {
            stack.add("x.gate", json!({ "net": to(&net), "size": 1 }));
        });
        let ran = stage.run(&stack, End::Well).await?;
        ran.is_whole()?;
        // Fourteen calls one after the other, of two seconds at most, and the slowest resource.
        let most = Duration::from_secs(14 * 2 + 300 + 2 + 20);
        if ran.took > most { Err(format!("took {:?}", ran.took)) } else { Ok(()) }
    });
}
