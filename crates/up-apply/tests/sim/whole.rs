//! Any stack is made, changed and taken away, whatever mood AWS is in.

use std::{cell::Cell, time::Duration};

use serde_json::json;

use crate::{
    chance::Chance,
    cloud::Moods,
    stacks::{Stack, to},
    stage::{End, Stage, each},
};

/// All that goes by: slow, late, busy, deaf.
pub(crate) fn moody(chance: &mut Chance) -> Moods {
    let seconds = Duration::from_secs;
    Moods {
        latency: chance.upto(seconds(2)),
        lag: chance.upto(seconds(3)),
        throttles: chance.below(12),
        loses: chance.below(12),
        propagates: chance.upto(seconds(12)),
        drags: chance.percent(50),
        ..Moods::default()
    }
}

#[test]
fn a_stack_is_made_changed_and_taken_away_in_any_mood() {
    let refused = Cell::new(0);
    let plans = Cell::new(0);
    each(60, async |mut chance| {
        let moods = moody(&mut chance);
        let stage = Stage::new(&mut chance, moods);
        let first = Stack::random(&mut chance);
        let second = first.changed(&mut chance);
        for stack in [first, second, Stack::default()] {
            plans.set(plans.get() + 1);
            if !stage.plan(&stack).await?.refusals.is_empty() {
                refused.set(refused.get() + 1);
                continue;
            }
            stage.run(&stack, End::Well).await?.is_whole()?;
            stage.is_as_declared(&stack).await?;
        }
        Ok(())
    });
    assert!(refused.get() * 20 <= plans.get(), "{} of {} plans are refused", refused.get(), plans.get());
}

#[test]
fn what_is_renamed_is_found_by_who_is_in_a_circle_with_it() {
    each(20, async |mut chance| {
        let moods = moody(&mut chance);
        let stage = Stage::new(&mut chance, moods);
        let mut stack = Stack::default();
        let net = stack.add("x.net", json!({ "range": 1, "size": 1 }));
        let one = stack.add("x.group", json!({ "net": to(&net), "range": 1, "peers": [] }));
        let other = stack.add("x.group", json!({ "net": to(&net), "range": 1, "peers": [to(&one)] }));
        stack.resources[1].spec_mut()["peers"] = json!([to(&other)]);
        stage.run(&stack, End::Well).await?.is_whole()?;
        stack.resources[1].spec_mut()["peers"] = json!([to(&one), to(&other)]);
        let stack = stack.rename(&other);
        stage.plan(&stack).await?;
        stage.run(&stack, End::Well).await?.is_whole()?;
        stage.is_as_declared(&stack).await
    });
}
