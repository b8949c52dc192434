//! Looks at what a stack owns, all kinds at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use serde_json::Value;
use tokio::task::JoinSet;
use up_core::{
    Address, AnyKind, Cx, Declared, Error, ErrorKind, Index, Kept, Known, Scope, Seen, Tags,
    quote::{self, Quote},
};
use up_plan::{Action, Plan, World};

/// Everything that looking needs to know beforehand.
#[derive(Debug, Clone)]
pub struct Observer {
    /// Clients, and where what is learnt is kept.
    pub cx: Arc<Cx>,
    /// The stack's name.
    pub stack: String,
    /// What the tagging index lists.
    pub index: Arc<Index>,
    /// Ids that the last-applied snapshot knows, by kind.
    pub known: Arc<BTreeMap<String, Arc<BTreeSet<String>>>>,
    /// Fields that declared resources set, by kind.
    pub asked: Arc<BTreeMap<String, BTreeSet<String>>>,
    /// What the last-applied snapshot has of that which never changes.
    pub kept: Arc<Kept>,
}

/// A kind that could not be looked at.
#[derive(Debug, thiserror::Error)]
#[error("failed to look at {kind}: {error}")]
pub struct ObserveError {
    /// The kind.
    pub kind: &'static str,
    /// Why.
    #[source]
    pub error: Error,
}

/// Which resources of a kind to look at.
#[derive(Debug)]
pub(crate) enum Which {
    /// All that the stack owns.
    All,
    /// Those with these ids; others may be left out. With what AWS has told of each: its ARN and its tags.
    Only(BTreeMap<String, Option<Told>>),
}

/// A resource's ARN and its tags.
pub(crate) type Told = (String, Tags);

impl Observer {
    /// The fields that `declared` sets, and the attributes that it reads, by kind: see [`Scope::asked`].
    pub fn asked(declared: &[Declared]) -> BTreeMap<String, BTreeSet<String>> {
        let mut asked: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let mut read = BTreeSet::new();
        for Declared { address, spec, .. } in declared {
            let set = spec.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
            asked.entry(&address.kind).or_default().extend(set.map(|(field, _)| field.as_str()));
            if quote::is_quoted_in(spec) {
                read.extend(quote::quotes(spec));
            }
        }
        let owned = |fields: BTreeSet<&str>| fields.into_iter().map(str::to_owned).collect();
        let mut asked: BTreeMap<String, BTreeSet<String>> =
            asked.into_iter().map(|(kind, fields)| (kind.to_owned(), owned(fields))).collect();
        for Quote { address, attribute } in read {
            if let Ok(Address { kind, .. }) = address.parse() {
                asked.entry(kind).or_default().insert(format!(".{attribute}"));
            }
        }
        asked
    }

    /// Looks at every resource of these kinds, all kinds at once. Of those that are not `needed`, because nothing is
    /// known to be of them, the ones that cannot be looked at are given back beside the rest.
    ///
    /// # Errors
    /// All the needed kinds that could not be looked at: a plan on half a view would be wrong.
    pub async fn world(
        &self,
        kinds: &[&'static dyn AnyKind],
        needed: &BTreeSet<String>,
    ) -> Result<(World, Vec<ObserveError>), Vec<ObserveError>> {
        let mut looks = JoinSet::new();
        for &kind in kinds {
            let observer = self.clone();
            looks.spawn(async move { (kind.name(), observer.kind(kind).await) });
        }
        let (cx, mut unseen) = (&self.cx, vec![]);
        let mut world = World {
            account: cx.account().into(),
            region: cx.region().into(),
            known: self.known.clone(),
            ..World::default()
        };
        while let Some(look) = looks.join_next().await {
            match look.expect("a kind does not panic") {
                (kind, Ok(seen)) => {
                    world.seen.insert(kind.to_owned(), seen);
                }
                (kind, Err(error)) => unseen.push(ObserveError { kind, error }),
            }
        }
        unseen.sort_by_key(|failure| failure.kind);
        let (failed, spared): (Vec<_>, Vec<_>) = unseen.into_iter().partition(|failure| needed.contains(failure.kind));
        if failed.is_empty() { Ok((world, spared)) } else { Err(failed) }
    }

    /// Looks at every resource of one kind.
    ///
    /// # Errors
    /// When AWS refuses, or does not answer.
    pub async fn kind(&self, kind: &'static dyn AnyKind) -> Result<Vec<Seen<Value>>, Error> {
        self.look(kind, Which::All, &BTreeSet::new()).await
    }

    /// Looks at one kind; `made` are ids that this run has made since.
    pub(crate) async fn look(
        &self,
        kind: &'static dyn AnyKind,
        which: Which,
        made: &BTreeSet<String>,
    ) -> Result<Vec<Seen<Value>>, Error> {
        let asked = self.asked.get(kind.name()).cloned().unwrap_or_default();
        let scope = Scope { stack: self.stack.clone(), asked, kept: self.kept.clone(), ..Scope::default() };
        let scope = match which {
            Which::All => {
                let mut known = self.known.get(kind.name()).cloned().unwrap_or_default();
                if !made.is_empty() {
                    Arc::make_mut(&mut known).extend(made.iter().cloned());
                }
                Scope { known, index: self.index.clone(), ..scope }
            }
            Which::Only(told) => {
                let index = Arc::new(told.values().flatten().cloned().collect());
                Scope { known: Arc::new(told.into_keys().collect()), only_known: true, index, ..scope }
            }
        };
        let mut seen = look(kind, &self.cx, &scope).await?;
        seen.retain(|seen| scope.owns(&seen.tags));
        seen.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(seen)
    }

    /// Tells the context what AWS calls everything that stays: references and quoted text find their answers there.
    pub fn learn(&self, world: &World, plan: &Plan) {
        self.staying(world, plan).for_each(|(address, seen)| self.cx.learn(&address, known(seen)));
    }

    /// What the plan does not delete, by the address that the plan gives it.
    pub(crate) fn staying<'a>(
        &self,
        world: &'a World,
        plan: &Plan,
    ) -> impl Iterator<Item = (Address, &'a Seen<Value>)> {
        let leaving = plan.steps.iter().filter_map(|step| match &step.action {
            Action::Delete { seen, .. } => Some((step.address.kind.clone(), seen.id.clone())),
            _ => None,
        });
        let leaving: BTreeSet<_> = leaving.collect();
        let renamed = plan.steps.iter().filter_map(|step| match &step.action {
            Action::Update { seen: Some(seen), renamed_from: Some(_), .. } => {
                Some(((step.address.kind.clone(), seen.id.clone()), step.address.clone()))
            }
            _ => None,
        });
        let renamed: BTreeMap<_, _> = renamed.collect();
        let staying =
            world.iter().filter(move |(kind, seen)| !leaving.contains(&((*kind).to_owned(), seen.id.clone())));
        let stack = self.stack.clone();
        staying.filter_map(move |(kind, seen)| {
            let renamed = renamed.get(&(kind.to_owned(), seen.id.clone())).cloned();
            Some((renamed.or_else(|| seen.address(&stack))?, seen))
        })
    }
}

/// A kind that takes several calls to look at may find something listed and then gone: it is looked at again.
async fn look(kind: &dyn AnyKind, cx: &Cx, scope: &Scope) -> Result<Vec<Seen<Value>>, Error> {
    const TRIES: u32 = 5;
    let mut tries = 0;
    loop {
        tries += 1;
        match kind.observe(cx, scope).await {
            Err(error) if error.kind == ErrorKind::NotFound && tries < TRIES => {
                // What is listed may not be found for a while where AWS is late.
                tokio::time::sleep(Duration::from_millis(100) * 2_u32.pow(tries)).await;
            }
            looked => return looked,
        }
    }
}

pub(crate) fn known(seen: &Seen<Value>) -> Known {
    Known { id: seen.id.clone(), attrs: seen.attrs.clone() }
}
