//! Observes the resources of all stacks of an account at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::Value;
use tokio::task::JoinSet;
use up_core::{Address, AnyKind, Context, Index, Observed, Query, Select};

use crate::{ObserveError, observe::look};

/// The resources of one stack, by kind.
pub type StackResources = BTreeMap<&'static str, Vec<Observed<Value>>>;

/// Observes what all stacks own, as far as it has tags: what the index lists, looked at by the kinds, and what the kinds list
/// that the index cannot. The stacks by name, and the kinds that could not be read.
///
/// As many calls as one plan makes, however many stacks there are.
pub async fn observe_stacks(
    cx: &Arc<Context>,
    index: Index,
    kinds: &[&'static dyn AnyKind],
) -> (BTreeMap<String, StackResources>, Vec<ObserveError>) {
    let query = Arc::new(Query { select: Select::Stacks, index: Arc::new(index), ..Query::default() });
    let tagged = query.index.iter().filter_map(|entry| Address::kind_in(entry.tags.get(Address::ADDRESS_TAG)?));
    let tagged: BTreeSet<_> = tagged.collect();
    let is_read = |kind: &&'static dyn AnyKind| {
        kind.info().parent.is_none() && (!kind.info().indexed || tagged.contains(kind.name()))
    };
    let looks: JoinSet<_> = kinds
        .iter()
        .copied()
        .filter(is_read)
        .map(|kind| {
            let (cx, query) = (cx.clone(), query.clone());
            async move { (kind.name(), look(kind, &cx, &query).await) }
        })
        .collect();
    let (mut stacks, mut failed) = (BTreeMap::<String, StackResources>::new(), vec![]);
    for (kind, found) in looks.join_all().await {
        match found {
            Ok(found) => {
                for observed in found {
                    let Some(stack) = observed.tags.get(Address::STACK_TAG).cloned() else { continue };
                    stacks.entry(stack).or_default().entry(kind).or_default().push(observed);
                }
            }
            Err(error) => failed.push(ObserveError { kind, error }),
        }
    }
    failed.sort_by_key(|failure| failure.kind);
    (stacks, failed)
}
