//! What a destroy says besides its plan: what is in its way before the first call, and what is left after the last one.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use serde::Serialize;
use serde_json::Value;
use tokio::task::JoinSet;
use up_apply::{Names, Observer};
use up_core::{Address, AnyKind, DeleteRemark, Error, Observed};
use up_plan::{Action, Plan};

/// What the user should know before a resource is deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TeardownRemark {
    /// The resource.
    pub address: Address,
    /// Its id.
    pub id: String,
    /// A sentence without a full stop.
    pub message: String,
    /// True if AWS refuses the delete until somebody else has removed something.
    pub blocks: bool,
}

/// What AWS lists after a destroy: not the tagging index, which lists the deleted for a while, but each kind's own calls.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TeardownProof {
    /// The kinds that were listed: all that the stack had, without those that AWS deletes with their parents.
    pub kinds: Vec<&'static str>,
    /// Resources that still carry the stack's tags, or exist again under the name of a deleted one and carry nobody's: AWS's
    /// services make log groups again that they write to.
    pub left: Vec<LeftResource>,
    /// What AWS keeps of the deleted ones, such as final snapshots.
    pub kept: Vec<String>,
    /// Kinds that could not be listed, and why.
    pub unread: BTreeMap<&'static str, String>,
}

/// A resource that still exists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LeftResource {
    /// The address in its tags.
    pub address: Address,
    /// Its id.
    pub id: String,
}

/// Pause between two looks at resources that are still listed.
const PAUSE: Duration = Duration::from_secs(1);

/// The resources that a plan deletes, by kind.
fn deleted(plan: &Plan) -> BTreeMap<&str, Vec<(&Address, &Observed<Value>)>> {
    let mut deleted: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for step in &plan.steps {
        if let Action::Delete { observed, .. } = &step.action {
            deleted.entry(&step.address.kind).or_default().push((&step.address, observed));
        }
    }
    deleted
}

/// What the kinds remark before these deletes, and the kinds that could not look.
pub(super) async fn remarks(observer: &Observer, plan: &Plan) -> (Vec<TeardownRemark>, Vec<(&'static str, Error)>) {
    let deleted = deleted(plan);
    let all = || deleted.values().flatten();
    let names = all().flat_map(|(_, it)| it.attrs.get("arn").into_iter().chain([&it.id]).cloned());
    let names: Arc<BTreeSet<_>> = Arc::new(names.collect());
    let addresses: BTreeMap<&str, &Address> = all().map(|(address, observed)| (&*observed.id, *address)).collect();
    let looks: JoinSet<_> = of_kinds(&deleted)
        .map(|(kind, resources)| {
            let (cx, names) = (observer.cx.clone(), names.clone());
            async move { (kind.name(), kind.before_delete(&cx, resources, &names).await) }
        })
        .collect();
    let (mut remarks, mut failed) = (vec![], vec![]);
    for (kind, found) in looks.join_all().await {
        match found {
            Ok(found) => remarks.extend(found.into_iter().filter_map(|DeleteRemark { id, message, blocks }| {
                Some(TeardownRemark { address: (*addresses.get(&*id)?).clone(), id, message, blocks })
            })),
            Err(error) => failed.push((kind, error)),
        }
    }
    remarks.sort_by(|one, other| (!one.blocks, &one.address).cmp(&(!other.blocks, &other.address)));
    (remarks, failed)
}

/// The kinds with their resources.
fn of_kinds(
    deleted: &BTreeMap<&str, Vec<(&Address, &Observed<Value>)>>,
) -> impl Iterator<Item = (&'static dyn AnyKind, Vec<Observed<Value>>)> {
    let resources =
        |all: &[(&Address, &Observed<Value>)]| all.iter().map(|(_, observed)| (*observed).clone()).collect();
    deleted.iter().filter_map(move |(kind, all)| Some((up_kinds::find(kind)?, resources(all))))
}

/// Lists each kind that the plan has deleted resources of: one look for each, and more only while a resource is still
/// listed, for as long as AWS may take to show a delete.
pub(super) async fn proof(observer: &Observer, plan: &Plan, settle: Duration) -> TeardownProof {
    let (deleted, begun) = (deleted(plan), Instant::now());
    let mut open: Vec<_> = deleted.keys().filter_map(|kind| up_kinds::find(kind)).collect();
    // Children have no tags, and go with their parents.
    open.retain(|kind| kind.info().parent.is_none());
    let known = deleted.iter().map(|(kind, all)| ((*kind).to_owned(), Arc::new(known(kind, all))));
    let observer = Observer {
        index: Arc::default(),
        known: Arc::new(known.collect()),
        asked: Arc::default(),
        desired: Arc::default(),
        names: Arc::new(names(&deleted)),
        kept: Arc::default(),
        ..observer.clone()
    };
    let mut proof = TeardownProof { kinds: open.iter().map(|kind| kind.name()).collect(), ..TeardownProof::default() };
    loop {
        let looks: JoinSet<_> = open
            .into_iter()
            .map(|kind| {
                let observer = observer.clone();
                async move { (kind, observer.kind_and_others(kind).await) }
            })
            .collect();
        let (mut left, mut still) = (vec![], vec![]);
        for (kind, found) in looks.join_all().await {
            match found {
                Err(error) => {
                    proof.unread.insert(kind.name(), error.to_string());
                }
                Ok((found, others)) => {
                    let before = left.len();
                    left.extend(found.into_iter().filter_map(|observed| left_of(&observed, plan)));
                    let again = others.into_iter().filter(|(_, tags)| !tags.contains_key(Address::STACK_TAG));
                    left.extend(again.filter_map(|(name, _)| {
                        let mut of_kind = deleted.get(kind.name()).into_iter().flatten();
                        let (address, _) = of_kind.find(|(_, observed)| observed.attrs.get("name") == Some(&name))?;
                        Some(LeftResource { address: (*address).clone(), id: name })
                    }));
                    still.extend((left.len() > before).then_some(kind));
                }
            }
        }
        proof.left = left;
        if still.is_empty() || begun.elapsed() >= settle {
            break;
        }
        open = still;
        tokio::time::sleep(PAUSE).await;
    }
    let looks: JoinSet<_> = of_kinds(&deleted)
        .map(|(kind, resources)| {
            let cx = observer.cx.clone();
            async move { (kind.name(), kind.kept(&cx, resources).await) }
        })
        .collect();
    for (kind, kept) in looks.join_all().await {
        match kept {
            Ok(kept) => proof.kept.extend(kept),
            Err(error) => drop(proof.unread.insert(kind, error.to_string())),
        }
    }
    proof.left.sort();
    proof.kept.sort();
    proof
}

/// The names of the deleted resources, by kind.
fn names(deleted: &BTreeMap<&str, Vec<(&Address, &Observed<Value>)>>) -> Names {
    let names = deleted.iter().map(|(kind, all)| {
        let names = all.iter().filter_map(|(_, observed)| observed.attrs.get("name").cloned());
        ((*kind).to_owned(), names.collect())
    });
    names.collect()
}

/// The ids that a list may leave out and that are asked for; deregistered revisions are each a call, and cost nothing.
fn known(kind: &str, all: &[(&Address, &Observed<Value>)]) -> BTreeSet<String> {
    match up_kinds::find(kind).is_some_and(|kind| kind.info().immutable) {
        true => BTreeSet::new(),
        false => all.iter().map(|(_, observed)| observed.id.clone()).collect(),
    }
}

/// A resource of the stack that is still there, unless the plan left it alone.
fn left_of(observed: &Observed<Value>, plan: &Plan) -> Option<LeftResource> {
    let address = observed.address(&plan.stack).filter(|_| !plan.copies.contains(&observed.id))?;
    Some(LeftResource { address, id: observed.id.clone() })
}
