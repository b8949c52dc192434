//! What runs of resources whose images are left to deployments.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;
use up_apply::{ObserveError, Observer};
use up_core::{Address, Declared, Observed, Query, Select, references};
use up_plan::LiveStack;

use crate::deploy::deployer;

/// Of each declared definition that leaves texts to deployments: the revision that a service of the stack runs; without such a
/// service the newest one. A revision that somebody else has registered is read by its id.
pub(super) async fn running(
    observer: &Observer,
    live_stack: &LiveStack,
    declared: &[Declared],
) -> Result<BTreeMap<Address, Observed<Value>>, ObserveError> {
    let mut running = BTreeMap::new();
    let (Some(deployer), true) = (deployer(), declared.iter().any(|declared| !declared.deployed.is_empty())) else {
        return Ok(running);
    };
    let observed = |kind: &str| live_stack.observed.get(kind).into_iter().flatten();
    for definition in declared.iter().filter(|declared| !declared.deployed.is_empty()) {
        let kind = definition.address.kind.as_str();
        let users = declared.iter().filter(|it| it.address.kind == deployer.service_kind());
        // Where a service's revisions are somebody else's business, it says nothing of the stack's definition.
        let users = users.filter(|it| !it.ignore_changes.contains(deployer.definition_field()));
        let users = users.filter(|it| references(&it.spec[deployer.definition_field()]).contains(&definition.address));
        let mut live = users.filter_map(|user| {
            let of_stack = |it: &&Observed<Value>| it.address(&observer.stack).as_ref() == Some(&user.address);
            let service = observed(deployer.service_kind()).find(of_stack)?;
            id(&service.spec[deployer.definition_field()])
        });
        let Some(used) = live.next() else {
            let own = observed(kind).filter(|it| it.address(&observer.stack).as_ref() == Some(&definition.address));
            let newest = own.max_by_key(|it| it.attrs.get("revision").and_then(|it| it.parse::<u64>().ok()));
            running.extend(newest.map(|newest| (definition.address.clone(), newest.clone())));
            continue;
        };
        let found = match observed(kind).find(|it| it.id == used) {
            Some(known) => Some(known.clone()),
            None => by_id(observer, kind, used).await?,
        };
        running.extend(found.map(|found| (definition.address.clone(), found)));
    }
    Ok(running)
}

async fn by_id(observer: &Observer, kind: &str, id: &str) -> Result<Option<Observed<Value>>, ObserveError> {
    let Some(kind) = up_kinds::find(kind) else { return Ok(None) };
    let known = Arc::new([id.to_owned()].into());
    let query = Query { select: Select::Ids, stack: observer.stack.clone(), known, ..Query::default() };
    let found = kind.observe(&observer.cx, &query).await.map_err(|error| ObserveError { kind: kind.name(), error })?;
    Ok(found.into_iter().find(|observed| observed.id == id))
}

/// The id that a live field refers to.
fn id(field: &Value) -> Option<&str> {
    up_core::by_id(field).map(|(_, id)| id)
}
