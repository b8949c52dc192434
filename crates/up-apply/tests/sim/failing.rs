//! Failures for good: what does not depend on them is done, and once their cause is gone, so is the rest.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::Instant;
use up_core::{Address, ErrorKind};

use crate::{
    chance::Chance,
    cloud::Moods,
    stacks::Stack,
    stage::{End, Stage, each},
    whole::moody,
};

fn some(stack: &Stack, chance: &mut Chance) -> BTreeSet<Address> {
    let all = stack.resources.iter().map(|declared| declared.address.clone());
    all.filter(|_| chance.percent(12)).collect()
}

#[test]
fn a_failure_stops_only_what_depends_on_it() {
    each(50, async |mut chance| {
        let stack = Stack::random(&mut chance);
        let refuses = some(&stack, &mut chance);
        let breaks = some(&stack, &mut chance);
        let moods = Moods { refuses: refuses.clone(), breaks: breaks.clone(), ..moody(&mut chance) };
        let stage = Stage::new(&mut chance, moods);
        let ran = stage.run(&stack, End::Well).await?;
        let failed = ran.outcome().failed.iter().map(|(address, _)| address);
        let innocent: Vec<_> =
            failed.filter(|address| !refuses.contains(address) && !breaks.contains(address)).collect();
        if !innocent.is_empty() {
            return Err(format!("failed for no reason: {innocent:?}"));
        }
        {
            let mut state = stage.cloud.state();
            state.moods.refuses.clear();
            state.moods.breaks.clear();
        }
        if stage.plan(&stack).await?.refusals.is_empty() {
            stage.run(&stack, End::Well).await?.is_whole()?;
            stage.is_as_declared(&stack).await?;
        }
        Ok(())
    });
}

#[test]
fn credentials_that_no_longer_hold_stop_everything() {
    each(30, async |mut chance| {
        let stack = Stack::random(&mut chance);
        let expires = Instant::now() + Duration::from_secs(5) + chance.upto(Duration::from_secs(400));
        let moods = Moods { expires: Some(expires), ..moody(&mut chance) };
        let stage = Stage::new(&mut chance, moods);
        let ran = stage.run(&stack, End::Well).await?;
        let others: Vec<_> =
            ran.outcome().failed.iter().filter(|(_, error)| error.kind != ErrorKind::Credentials).collect();
        if !others.is_empty() {
            return Err(format!("failed for another reason: {others:?}"));
        }
        stage.cloud.state().moods.expires = None;
        stage.plan(&stack).await?;
        stage.run(&stack, End::Well).await?.is_whole()?;
        stage.is_as_declared(&stack).await
    });
}
