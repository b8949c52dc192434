//! A run that ends at any moment, and then the same command again.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    chance::Chance,
    stacks::Stack,
    stage::{End, Stage, Verdict, each},
    whole::moody,
};

/// A stack that stands, in part at least, and what it is to become; `None` where that cannot be had in one go.
async fn under_way(chance: &mut Chance) -> Verdict<Option<(Stage, Stack)>> {
    let moods = moody(chance);
    let stage = Stage::new(chance, moods);
    let first = Stack::random(chance);
    if chance.percent(30) {
        return Ok(Some((stage, first)));
    }
    stage.run(&first, End::Well).await?.is_whole()?;
    let second = if chance.percent(20) { Stack::default() } else { first.changed(chance) };
    let possible = stage.plan(&second).await?.refusals.is_empty();
    Ok(possible.then_some((stage, second)))
}

/// The same command, again until it has all been done: once, but for what cannot be had in one go.
async fn again(stage: &Stage, stack: &Stack) -> Verdict {
    sleep(Duration::from_secs(30)).await;
    stage.run(stack, End::Well).await?.is_whole()?;
    stage.is_as_declared(stack).await
}

#[test]
fn told_to_end_at_any_moment_it_ends_soon_and_the_next_run_finishes() {
    each(50, async |mut chance| {
        let Some((stage, stack)) = under_way(&mut chance).await? else { return Ok(()) };
        for _ in 0..=chance.below(3) {
            let most = if chance.percent(50) { 30 } else { 600 };
            let after = chance.upto(Duration::from_secs(most));
            let ran = stage.run(&stack, End::Told(after)).await?;
            // A call in flight, and the pause before a look.
            if ran.took > after + Duration::from_secs(20) {
                return Err(format!("told to end after {after:?}, it ended after {:?}", ran.took));
            }
            sleep(Duration::from_secs(30)).await;
        }
        again(&stage, &stack).await
    });
}

#[test]
fn killed_at_any_moment_the_next_run_finishes_and_makes_nothing_twice() {
    each(80, async |mut chance| {
        let Some((stage, stack)) = under_way(&mut chance).await? else { return Ok(()) };
        for _ in 0..=chance.below(3) {
            let length = 1 + usize::try_from(chance.below(150)).expect("below 150");
            stage.run(&stack, End::Killed(length)).await?;
            sleep(Duration::from_secs(30)).await;
        }
        again(&stage, &stack).await
    });
}
