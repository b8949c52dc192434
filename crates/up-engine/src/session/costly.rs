//! Attributes that take a call for each resource: read only where a step may need them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use up_apply::{ObserveError, Observer};
use up_core::{Address, Declared, placeholder};
use up_plan::{Action, Disposal, LiveStack, Step, Wanted};

/// What declared resources set and read, by kind: see [`Observer::asked`].
type CostlyAttributes = BTreeMap<String, BTreeSet<String>>;

/// `asked`, split into attributes that are free and attributes that are costly.
pub(super) fn parted(asked: CostlyAttributes) -> (CostlyAttributes, CostlyAttributes) {
    let (mut plain, mut costly) = (asked, CostlyAttributes::new());
    for (kind, asked) in &mut plain {
        let costs = up_kinds::find(kind).map(|kind| kind.info().costly).unwrap_or_default();
        let read = costs.iter().filter_map(|attribute| asked.take(&format!(".{attribute}"))).collect::<BTreeSet<_>>();
        if !read.is_empty() {
            costly.insert(kind.clone(), read);
        }
    }
    (plain, costly)
}

/// Adds costly attributes to `live_stack`, where a planned step would read them.
pub(super) async fn look(
    observer: &mut Observer,
    live_stack: &mut LiveStack,
    declared: &[Declared],
    costly: CostlyAttributes,
) -> Result<(), ObserveError> {
    if costly.is_empty() || !is_read(&observer.stack, live_stack, declared, &costly) {
        return Ok(());
    }
    for (name, read) in &costly {
        let Some(kind) = up_kinds::find(name) else { continue };
        let only =
            Observer { asked: CostlyAttributes::from([(name.clone(), read.clone())]).into(), ..observer.clone() };
        for fresh in only.kind(kind).await.map_err(|error| ObserveError { kind: kind.name(), error })? {
            let there = live_stack
                .observed
                .get_mut(name)
                .and_then(|all| all.iter_mut().find(|observed| observed.id == fresh.id));
            if let Some(observed) = there {
                observed.attrs.extend(fresh.attrs);
            }
        }
    }
    // The run reads them of new resources too.
    let mut all = (*observer.asked).clone();
    costly.into_iter().for_each(|(kind, read)| all.entry(kind).or_default().extend(read));
    observer.asked = all.into();
    Ok(())
}

fn is_read(stack: &str, live_stack: &LiveStack, declared: &[Declared], costly: &CostlyAttributes) -> bool {
    // Each resource with stamps may be one that loses them.
    let wanted = Wanted { disposal: Disposal::Permanent, ..Wanted::new(stack, declared) };
    let reads = |desired: &Value| {
        placeholder::placeholders(desired).iter().any(|placeholder| {
            let kind = placeholder.address.parse::<Address>().map(|address| address.kind);
            kind.is_ok_and(|kind| {
                costly.get(&kind).is_some_and(|read| read.contains(&format!(".{}", placeholder.attribute)))
            })
        })
    };
    let needs = |step: &Step| match &step.action {
        Action::Create { desired, .. } | Action::Update { desired, .. } => reads(desired),
        Action::Delete { .. } => false,
    };
    up_plan::plan(&wanted, live_stack, &up_kinds::model).steps.iter().any(needs)
}
