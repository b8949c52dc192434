//! Observes the resources of a stack, all kinds at once.

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
use up_plan::{Action, Kinds, LiveStack, Plan, new_name};

use crate::Children;

/// What an observation needs to know beforehand.
#[derive(Debug, Clone)]
pub struct Observer {
    /// The clients; the context also keeps the ids and attributes that are found.
    pub cx: Arc<Context>,
    /// The stack's name.
    pub stack: String,
    /// The entries of the tagging index.
    pub index: Arc<Index>,
    /// Ids in the last-applied snapshot, by kind.
    pub known: Arc<BTreeMap<String, Arc<BTreeSet<String>>>>,
    /// Fields that declared resources set, and attributes that anything reads, by kind: see [`up_core::Query::asked`].
    pub asked: Arc<BTreeMap<String, BTreeSet<String>>>,
    /// Declared specs of the kinds that read them, see [`Observer::desired`].
    pub desired: Arc<BTreeMap<Address, Arc<Value>>>,
    /// Specs of live immutable resources from the last-applied snapshot.
    pub kept: Arc<ImmutableCache>,
    /// The stack's resources that have no tags in AWS.
    pub children: Arc<Children>,
    /// Names that declared resources have or will have, by kind, see [`Observer::names`].
    pub names: Arc<Names>,
    /// Whether resources of others that the calls show as well are kept, see [`LiveStack::attached`].
    pub keeps_others: bool,
}

/// Names by kind.
pub type Names = BTreeMap<String, BTreeSet<String>>;

/// A kind that could not be read.
#[derive(Debug, thiserror::Error)]
#[error("failed to read {kind}: {error}")]
pub struct ObserveError {
    /// The kind.
    pub kind: &'static str,
    /// The error.
    #[source]
    pub error: Error,
}

/// Which resources of a kind to observe.
#[derive(Debug)]
pub(crate) enum Selection {
    /// All that belong to the stack.
    All,
    /// Those with these ids; the result may leave out others. With the ARN and tags of those whose tags are known.
    Only(BTreeMap<String, Option<ArnAndTags>>),
}

/// The result of observing one kind.
#[derive(Debug, Default)]
pub(crate) struct KindResources {
    /// The stack's resources.
    pub(crate) observed: Vec<Observed<Value>>,
    /// The tags of resources that have one of the stack's names but do not belong to it, by name.
    pub(crate) others: BTreeMap<String, Tags>,
    /// Resources that belong to no stack, if they are kept.
    pub(crate) attached: Vec<Observed<Value>>,
}

/// What a run has found out about one kind so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct RunFindings {
    /// Ids of resources that the run has created.
    pub(crate) made: BTreeSet<String>,
    /// Names that AWS refused in a create, because they are taken.
    pub(crate) names: BTreeSet<String>,
}

/// A resource's ARN and its tags.
pub(crate) type ArnAndTags = (String, Tags);

impl Observer {
    /// The fields that `declared` sets, and the attributes that it or `outputs` read, by kind.
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

    /// The declared specs of kinds whose `observe` reads them, see [`Query::desired`].
    pub fn desired(declared: &[Declared], kinds: Kinds<'_>) -> BTreeMap<Address, Arc<Value>> {
        let reads = |kind: &str| kinds(kind).is_some_and(|kind| kind.info().reads_desired);
        let read = declared.iter().filter(|declared| reads(&declared.address.kind));
        read.map(|declared| (declared.address.clone(), declared.spec.clone())).collect()
    }

    /// The names that declared resources have or will have, by kind: the user's own names, and the derived ones.
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

    /// Observes all resources of these kinds, all kinds at once. Errors are returned beside the result: a plan on a
    /// partial view would be wrong.
    pub async fn readable(&self, kinds: &[&'static dyn AnyKind]) -> (LiveStack, Vec<ObserveError>) {
        let (cx, mut failed) = (&self.cx, vec![]);
        let mut live_stack = LiveStack {
            account: cx.account().into(),
            region: cx.region().into(),
            known: self.known.clone(),
            ..LiveStack::default()
        };
        // Children are identified by their parents, whose ids must be known first.
        let (children, others): (Vec<_>, Vec<_>) = kinds.iter().partition(|kind| kind.info().parent.is_some());
        for kinds in [others, children] {
            failed.extend(self.observe_kinds(kinds, &mut live_stack).await);
        }
        failed.sort_by_key(|failure| failure.kind);
        (live_stack, failed)
    }

    /// Observes these kinds, all at once, and returns the errors.
    async fn observe_kinds(&self, kinds: Vec<&'static dyn AnyKind>, live_stack: &mut LiveStack) -> Vec<ObserveError> {
        let (mut looks, mut failed) = (JoinSet::new(), vec![]);
        for kind in kinds {
            let observer = self.clone();
            looks.spawn(
                async move { (kind.name(), observer.look(kind, Selection::All, &RunFindings::default()).await) },
            );
        }
        while let Some(look) = looks.join_next().await {
            match look.expect("a kind does not panic") {
                (kind, Ok(KindResources { observed, others, attached })) => {
                    for observed in &observed {
                        let address = observed.address(&self.stack).filter(|it| self.children.name(it));
                        address.iter().for_each(|address| self.cx.learn(address, known(observed)));
                    }
                    live_stack.observed.insert(kind.to_owned(), observed);
                    if !attached.is_empty() {
                        live_stack.attached.insert(kind.to_owned(), attached);
                    }
                    if !others.is_empty() {
                        live_stack.others.insert(kind.to_owned(), others);
                    }
                }
                (kind, Err(error)) => failed.push(ObserveError { kind, error }),
            }
        }
        failed
    }

    /// Observes all resources of one kind.
    ///
    /// # Errors
    /// AWS refuses a call or does not answer.
    pub async fn kind(&self, kind: &'static dyn AnyKind) -> Result<Vec<Observed<Value>>, Error> {
        Ok(self.look(kind, Selection::All, &RunFindings::default()).await?.observed)
    }

    /// Those of some ids that exist without any stack's tag. It lists all resources of the kind in the account.
    ///
    /// # Errors
    /// AWS refuses a call or does not answer.
    pub async fn untagged(
        &self,
        kind: &'static dyn AnyKind,
        ids: &BTreeSet<String>,
    ) -> Result<BTreeSet<String>, Error> {
        let (known, stack) = (Arc::new(ids.clone()), self.stack.clone());
        let query = Query { select: Select::All, stack, known, ..Query::default() };
        let all = look(kind, &self.cx, &query).await?.into_iter();
        let untagged = all.filter(|it| ids.contains(&it.id) && !it.tags.contains_key(Address::STACK_TAG));
        Ok(untagged.map(|observed| observed.id).collect())
    }

    /// The same, and the names and tags of resources that have one of [`Observer::names`] and do not belong to the stack.
    ///
    /// # Errors
    /// AWS refuses a call or does not answer.
    pub async fn kind_and_others(
        &self,
        kind: &'static dyn AnyKind,
    ) -> Result<(Vec<Observed<Value>>, BTreeMap<String, Tags>), Error> {
        let KindResources { observed, others, .. } = self.look(kind, Selection::All, &RunFindings::default()).await?;
        Ok((observed, others))
    }

    /// Observes one kind, with the run's findings about it.
    pub(crate) async fn look(
        &self,
        kind: &'static dyn AnyKind,
        selection: Selection,
        findings: &RunFindings,
    ) -> Result<KindResources, Error> {
        let asked = self.asked.get(kind.name()).cloned().unwrap_or_default();
        let (desired, kept) = (self.desired.clone(), self.kept.clone());
        let parents = Arc::new(self.children.parents(kind, &self.cx));
        let query = Query { stack: self.stack.clone(), parents, asked, desired, kept, ..Query::default() };
        let query = match selection {
            Selection::All => {
                let mut known = self.known.get(kind.name()).cloned().unwrap_or_default();
                if !findings.made.is_empty() {
                    Arc::make_mut(&mut known).extend(findings.made.iter().cloned());
                }
                let names = self.names.get(kind.name()).into_iter().flatten().chain(&findings.names);
                let (index, names) = (self.index.clone(), Arc::new(names.cloned().collect()));
                Query { known, index, names, names_ignore_case: kind.info().names_ignore_case, ..query }
            }
            Selection::Only(tags_of) => {
                let index = Arc::new(tags_of.values().flatten().cloned().collect());
                Query { select: Select::Ids, known: Arc::new(tags_of.into_keys().collect()), index, ..query }
            }
        };
        let mut observed = look(kind, &self.cx, &query).await?;
        if kind.info().parent.is_some() {
            self.children.identify(kind, &self.cx, &self.stack, &mut observed);
        }
        let (mut observed, others): (Vec<_>, Vec<_>) =
            observed.into_iter().partition(|observed| query.owns(&observed.tags));
        observed.sort_by(|one, other| one.id.cmp(&other.id));
        let is_nobodys = |observed: &&Observed<Value>| !observed.tags.contains_key(Address::STACK_TAG);
        let attached = others.iter().filter(|_| self.keeps_others).filter(is_nobodys).cloned().collect();
        let named =
            others.into_iter().filter_map(|Observed { mut attrs, tags, .. }| Some((attrs.remove("name")?, tags)));
        let others = named.filter_map(|(name, tags)| Some((query.wanted_name(&name)?.to_owned(), tags))).collect();
        Ok(KindResources { observed, others, attached })
    }

    /// Makes the ids and attributes of all resources that stay known to the context, which resolves references and
    /// placeholders.
    pub fn learn(&self, live_stack: &LiveStack, plan: &Plan) {
        self.staying(live_stack, plan).for_each(|(address, observed)| self.cx.learn(&address, known(observed)));
    }

    /// The resources that the plan does not delete, by the addresses that it gives them.
    pub(crate) fn staying<'a>(
        &self,
        live_stack: &'a LiveStack,
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
        let staying = live_stack
            .iter()
            .filter(move |(kind, observed)| !leaving.contains(&((*kind).to_owned(), observed.id.clone())));
        let stack = self.stack.clone();
        staying.filter_map(move |(kind, observed)| {
            let renamed = renamed.get(&(kind.to_owned(), observed.id.clone())).cloned();
            Some((renamed.or_else(|| observed.address(&stack))?, observed))
        })
    }
}

/// Repeats the observation where a resource that was listed is not found by a second call.
pub(crate) async fn look(kind: &dyn AnyKind, cx: &Context, query: &Query) -> Result<Vec<Observed<Value>>, Error> {
    const TRIES: u32 = 5;
    let mut tries = 0;
    loop {
        tries += 1;
        match kind.observe(cx, query).await {
            Err(error) if error.kind == ErrorKind::NotFound && tries < TRIES => {
                // Where AWS is late, a listed resource may not be found for a while.
                tokio::time::sleep(Duration::from_millis(100) * 2_u32.pow(tries)).await;
            }
            looked => return looked,
        }
    }
}

pub(crate) fn known(observed: &Observed<Value>) -> Known {
    Known { id: observed.id.clone(), attrs: observed.attrs.clone() }
}
