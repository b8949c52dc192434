//! Runs that end at any moment, followed by the same command again.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    lifecycle::temporary_faults,
    random::Random,
    simulation::{RunEnd, Simulation, TestResult, each},
    stacks::RandomStack,
};

/// A stack that exists at least in part, and the stack to apply; `None` if the plan is refused.
async fn partly_applied(random: &mut Random) -> TestResult<Option<(Simulation, RandomStack)>> {
    let faults = temporary_faults(random);
    let simulation = Simulation::new(random, faults);
    let first = RandomStack::random(random);
    if random.percent(30) {
        return Ok(Some((simulation, first)));
    }
    simulation.run(&first, RunEnd::Completed).await?.check_complete()?;
    let second = if random.percent(20) { RandomStack::default() } else { first.changed(random) };
    let possible = simulation.plan(&second).await?.refusals.is_empty();
    Ok(possible.then_some((simulation, second)))
}

/// Runs the same command again, which must finish everything.
async fn again(simulation: &Simulation, stack: &RandomStack) -> TestResult {
    sleep(Duration::from_secs(30)).await;
    simulation.run(stack, RunEnd::Completed).await?.check_complete()?;
    simulation.check_as_declared(stack).await
}

#[test]
fn a_run_interrupted_at_any_moment_ends_soon_and_the_next_run_finishes() {
    each(50, async |mut random| {
        let Some((simulation, stack)) = partly_applied(&mut random).await? else { return Ok(()) };
        for _ in 0..=random.below(3) {
            let most = if random.percent(50) { 30 } else { 600 };
            let after = random.upto(Duration::from_secs(most));
            let ran = simulation.run(&stack, RunEnd::Interrupted(after)).await?;
            // A call in flight, and the pause before an observation.
            if ran.took > after + Duration::from_secs(20) {
                return Err(format!("interrupted after {after:?}, it ended after {:?}", ran.took));
            }
            sleep(Duration::from_secs(30)).await;
        }
        again(&simulation, &stack).await
    });
}

#[test]
fn after_a_kill_at_any_moment_the_next_run_finishes_and_creates_nothing_twice() {
    each(80, async |mut random| {
        let Some((simulation, stack)) = partly_applied(&mut random).await? else { return Ok(()) };
        for _ in 0..=random.below(3) {
            let length = 1 + usize::try_from(random.below(150)).expect("below 150");
            simulation.run(&stack, RunEnd::Killed(length)).await?;
            sleep(Duration::from_secs(30)).await;
        }
        again(&simulation, &stack).await
    });
}
