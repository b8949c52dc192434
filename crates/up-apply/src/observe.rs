//! Looks at what a stack owns, all kinds at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use serde_json::Value;
use tokio::task::JoinSet;
use up_core::{
    Address, AnyKind, Context, Declared, Error, ErrorKind, ImmutableCache, Index, Known, Observed, Query, Select, Tags,
    placeholder::{has_placeholder, holds_placeholder, placeholders},
};
use up_plan::{Action, Kinds, Plan, World, new_name};

use crate::Children;

/// Everything that looking needs to know beforehand.
#[derive(Debug, Clone)]
pub struct Observer {
    /// Clients, and where what is learnt is kept.
    pub cx: Arc<Context>,
    /// The stack's name.
    pub stack: String,
    /// What the tagging index lists.
    pub index: Arc<Index>,
    /// Ids that the last-applied snapshot knows, by kind.
    pub known: Arc<BTreeMap<String, Arc<BTreeSet<String>>>>,
    /// Fields that declared resources set, and attributes that anything reads, by kind: see [`up_core::Query::asked`].
    pub asked: Arc<BTreeMap<String, BTreeSet<String>>>,
    /// What is declared of resources whose kinds read it, see [`Observer::desired`].
    pub desired: Arc<BTreeMap<Address, Arc<Value>>>,
    /// What the last-applied snapshot has of that which never changes.
    pub kept: Arc<ImmutableCache>,
    /// The stack's resources that take no tags.
    pub children: Arc<Children>,
    /// Names that declared resources are to have, by kind, see [`Observer::names`].
    pub names: Arc<Names>,
}

/// Names by kind.
pub type Names = BTreeMap<String, BTreeSet<String>>;

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

/// What a look at one kind has found.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    /// What the stack owns.
    pub(crate) observed: Vec<Observed<Value>>,
    /// The tags of what has one of the stack's names and is not the stack's, by name.
    pub(crate) others: BTreeMap<String, Tags>,
}

/// What a run has met of one kind so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Met {
    /// Ids that it has made.
    pub(crate) made: BTreeSet<String>,
    /// Names for which AWS refused a create, because they are taken.
    pub(crate) names: BTreeSet<String>,
}

/// A resource's ARN and its tags.
pub(crate) type Told = (String, Tags);

impl Observer {
    /// The fields that `declared` sets, and the attributes that it reads, or that `outputs` read, by kind.
    pub fn asked<'a>(
        declared: &'a [Declared],
        outputs: impl IntoIterator<Item = &'a Value>,
    ) -> BTreeMap<String, BTreeSet<String>> {
        let mut asked: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for Declared { address, spec, .. } in declared {
            let set = spec.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
            asked.entry(&address.kind).or_default().extend(set.map(|(field, _)| field.as_str()));
        }
        let owned = |fields: BTreeSet<&str>| fields.into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
        let mut asked: BTreeMap<_, _> =
            asked.into_iter().map(|(kind, fields)| (kind.to_owned(), owned(fields))).collect();
        let specs = declared.iter().map(|declared| &*declared.spec);
        for quote in specs.chain(outputs).filter(|value| holds_placeholder(value)).flat_map(placeholders) {
            if let Some(kind) = Address::kind_in(&quote.address) {
                asked.entry(kind.to_owned()).or_default().insert(Query::attribute(&quote.attribute));
            }
        }
        asked
    }

    /// What is declared of the resources whose kinds read it, see [`Query::desired`].
    pub fn desired(declared: &[Declared], kinds: Kinds<'_>) -> BTreeMap<Address, Arc<Value>> {
        let reads = |kind: &str| kinds(kind).is_some_and(|kind| kind.info().reads_desired);
        let read = declared.iter().filter(|declared| reads(&declared.address.kind));
        read.map(|declared| (declared.address.clone(), declared.spec.clone())).collect()
    }

    /// The names that what is declared has or is to have, by kind: those that a stack gives, and those that are derived.
    pub fn names(stack: &str, declared: &[Declared], kinds: Kinds<'_>) -> Names {
        let mut names = Names::new();
        for Declared { address, spec, .. } in declared {
            let Some(name) = kinds(&address.kind).and_then(|kind| new_name(kind, spec, stack, address, 0)) else {
                continue;
            };
            if !has_placeholder(&name) {
                names.entry(address.kind.clone()).or_default().insert(name.into_owned());
            }
        }
        names
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
        let (cx, mut failed) = (&self.cx, vec![]);
        let mut world = World {
            account: cx.account().into(),
            region: cx.region().into(),
            known: self.known.clone(),
            ..World::default()
        };
        // Children are known by their parents, which have to be known first.
        let (children, others): (Vec<_>, Vec<_>) = kinds.iter().partition(|kind| kind.info().parent.is_some());
        for kinds in [others, children] {
            failed.extend(self.look_at(kinds, &mut world).await);
        }
        failed.sort_by_key(|failure| failure.kind);
        let (failed, spared): (Vec<_>, Vec<_>) = failed.into_iter().partition(|failure| needed.contains(failure.kind));
        if failed.is_empty() { Ok((world, spared)) } else { Err(failed) }
    }

    /// Looks at these kinds, all at once, and gives back what failed.
    async fn look_at(&self, kinds: Vec<&'static dyn AnyKind>, world: &mut World) -> Vec<ObserveError> {
        let (mut looks, mut failed) = (JoinSet::new(), vec![]);
        for kind in kinds {
            let observer = self.clone();
            looks.spawn(async move { (kind.name(), observer.look(kind, Which::All, &Met::default()).await) });
        }
        while let Some(look) = looks.join_next().await {
            match look.expect("a kind does not panic") {
                (kind, Ok(Looked { observed, others })) => {
                    for observed in &observed {
                        let address = observed.address(&self.stack).filter(|it| self.children.name(it));
                        address.iter().for_each(|address| self.cx.learn(address, known(observed)));
                    }
                    world.observed.insert(kind.to_owned(), observed);
                    if !others.is_empty() {
                        world.others.insert(kind.to_owned(), others);
                    }
                }
                (kind, Err(error)) => failed.push(ObserveError { kind, error }),
            }
        }
        failed
    }

    /// Looks at every resource of one kind.
    ///
    /// # Errors
    /// When AWS refuses, or does not answer.
    pub async fn kind(&self, kind: &'static dyn AnyKind) -> Result<Vec<Observed<Value>>, Error> {
        Ok(self.look(kind, Which::All, &Met::default()).await?.observed)
    }

    /// Looks at one kind, with what this run has met of it.
    pub(crate) async fn look(&self, kind: &'static dyn AnyKind, which: Which, met: &Met) -> Result<Looked, Error> {
        let asked = self.asked.get(kind.name()).cloned().unwrap_or_default();
        let (desired, kept) = (self.desired.clone(), self.kept.clone());
        let parents = Arc::new(self.children.parents(kind, &self.cx));
        let query = Query { stack: self.stack.clone(), parents, asked, desired, kept, ..Query::default() };
        let query = match which {
            Which::All => {
                let mut known = self.known.get(kind.name()).cloned().unwrap_or_default();
                if !met.made.is_empty() {
                    Arc::make_mut(&mut known).extend(met.made.iter().cloned());
                }
                let names = self.names.get(kind.name()).into_iter().flatten().chain(&met.names);
                let (index, names) = (self.index.clone(), Arc::new(names.cloned().collect()));
                Query { known, index, names, names_ignore_case: kind.info().names_ignore_case, ..query }
            }
            Which::Only(told) => {
                let index = Arc::new(told.values().flatten().cloned().collect());
                Query { select: Select::Ids, known: Arc::new(told.into_keys().collect()), index, ..query }
            }
        };
        let mut observed = look(kind, &self.cx, &query).await?;
        if kind.info().parent.is_some() {
            self.children.identify(kind, &self.cx, &self.stack, &mut observed);
        }
        let (mut observed, others): (Vec<_>, Vec<_>) =
            observed.into_iter().partition(|observed| query.owns(&observed.tags));
        observed.sort_by(|one, other| one.id.cmp(&other.id));
        let named =
            others.into_iter().filter_map(|Observed { mut attrs, tags, .. }| Some((attrs.remove("name")?, tags)));
        let others = named.filter_map(|(name, tags)| Some((query.wanted_name(&name)?.to_owned(), tags))).collect();
        Ok(Looked { observed, others })
    }

    /// Tells the context what AWS calls everything that stays: references and quoted text find their answers there.
    pub fn learn(&self, world: &World, plan: &Plan) {
        self.staying(world, plan).for_each(|(address, observed)| self.cx.learn(&address, known(observed)));
    }

    /// What the plan does not delete, by the address that the plan gives it.
    pub(crate) fn staying<'a>(
        &self,
        world: &'a World,
        plan: &Plan,
    ) -> impl Iterator<Item = (Address, &'a Observed<Value>)> {
        let leaving = plan.steps.iter().filter_map(|step| match &step.action {
            Action::Delete { observed, .. } => Some((step.address.kind.clone(), observed.id.clone())),
            _ => None,
        });
        let leaving: BTreeSet<_> = leaving.collect();
        let renamed = plan.steps.iter().filter_map(|step| match &step.action {
            Action::Update { observed: Some(observed), renamed_from: Some(_), .. } => {
                Some(((step.address.kind.clone(), observed.id.clone()), step.address.clone()))
            }
            _ => None,
        });
        let renamed: BTreeMap<_, _> = renamed.collect();
        let staying =
            world.iter().filter(move |(kind, observed)| !leaving.contains(&((*kind).to_owned(), observed.id.clone())));
        let stack = self.stack.clone();
        staying.filter_map(move |(kind, observed)| {
            let renamed = renamed.get(&(kind.to_owned(), observed.id.clone())).cloned();
            Some((renamed.or_else(|| observed.address(&stack))?, observed))
        })
    }
}

/// A kind that takes several calls to look at may find something listed and then gone: it is looked at again.
async fn look(kind: &dyn AnyKind, cx: &Context, query: &Query) -> Result<Vec<Observed<Value>>, Error> {
    const TRIES: u32 = 5;
    let mut tries = 0;
    loop {
        tries += 1;
        match kind.observe(cx, query).await {
            Err(error) if error.kind == ErrorKind::NotFound && tries < TRIES => {
                // What is listed may not be found for a while where AWS is late.
                tokio::time::sleep(Duration::from_millis(100) * 2_u32.pow(tries)).await;
            }
            looked => return looked,
        }
    }
}

pub(crate) fn known(observed: &Observed<Value>) -> Known {
    Known { id: observed.id.clone(), attrs: observed.attrs.clone() }
}
