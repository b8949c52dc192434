//! Permanent failures: steps that do not depend on them are done, and after their cause is removed, the other steps are
//! done too.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::Instant;
use up_core::{Address, ErrorKind};

use crate::{
    cloud::Faults,
    lifecycle::temporary_faults,
    random::Random,
    simulation::{RunEnd, Simulation, each},
    stacks::RandomStack,
};

fn some(stack: &RandomStack, random: &mut Random) -> BTreeSet<Address> {
    let all = stack.resources.iter().map(|declared| declared.address.clone());
    all.filter(|_| random.percent(12)).collect()
}

#[test]
fn a_failure_stops_only_what_depends_on_it() {
    each(50, async |mut random| {
        let stack = RandomStack::random(&mut random);
        let refuses = some(&stack, &mut random);
        let breaks = some(&stack, &mut random);
        let faults = Faults { refuses: refuses.clone(), breaks: breaks.clone(), ..temporary_faults(&mut random) };
        let simulation = Simulation::new(&mut random, faults);
        let ran = simulation.run(&stack, RunEnd::Completed).await?;
        let failed = ran.outcome().failed.iter().map(|(address, _)| address);
        let unrelated: Vec<_> =
            failed.filter(|address| !refuses.contains(address) && !breaks.contains(address)).collect();
        if !unrelated.is_empty() {
            return Err(format!("failed for no reason: {unrelated:?}"));
        }
        {
            let mut state = simulation.cloud.state();
            state.faults.refuses.clear();
            state.faults.breaks.clear();
        }
        if simulation.plan(&stack).await?.refusals.is_empty() {
            simulation.run(&stack, RunEnd::Completed).await?.check_complete()?;
            simulation.check_as_declared(&stack).await?;
        }
        Ok(())
    });
}

#[test]
fn expired_credentials_stop_everything() {
    each(30, async |mut random| {
        let stack = RandomStack::random(&mut random);
        let expires = Instant::now() + Duration::from_secs(5) + random.upto(Duration::from_secs(400));
        let faults = Faults { expires: Some(expires), ..temporary_faults(&mut random) };
        let simulation = Simulation::new(&mut random, faults);
        let ran = simulation.run(&stack, RunEnd::Completed).await?;
        let others: Vec<_> =
            ran.outcome().failed.iter().filter(|(_, error)| error.kind != ErrorKind::Credentials).collect();
        if !others.is_empty() {
            return Err(format!("failed for another reason: {others:?}"));
        }
        simulation.cloud.state().faults.expires = None;
        simulation.plan(&stack).await?;
        simulation.run(&stack, RunEnd::Completed).await?.check_complete()?;
        simulation.check_as_declared(&stack).await
    });
}
