//! Observing what a stack owns.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use up_apply::{Children, ObserveError, Observer};
use up_core::{Address, AnyKind, Declared, ErrorKind, Index, is_foreign_tag};
use up_plan::LiveStack;
use up_state::{Ids, LastSnapshot, Past};

use super::{Session, access, costly, settle, unusable};
use crate::{Failure, Level};

/// What a stack owns.
#[derive(Debug)]
pub struct Observation {
    /// Observes again.
    pub observer: Observer,
    /// What was observed.
    pub live_stack: LiveStack,
    /// What earlier runs left behind in this account and region.
    pub past: Past,
}

/// What a stack owns, as far as it could be read.
#[derive(Debug)]
pub(crate) struct Sight {
    pub(crate) observation: Observation,
    /// Kinds that could not be read.
    pub(crate) unread: Vec<ObserveError>,
}

impl Session {
    /// Observes everything the stack owns, `declared` or not. Attributes that cost a call are read where `declared` or
    /// `outputs` name them.
    ///
    /// # Errors
    /// When AWS or the stack's history cannot be read, or the session is interrupted.
    pub async fn observe(
        &self,
        declared: &[Declared],
        outputs: &BTreeMap<String, up_stack::OutputValue>,
    ) -> Result<Observation, Failure> {
        let work = async {
            let sight = self.look(self.past()?, declared, outputs, false).await?;
            Ok(sight.observation)
        };
        self.engine.guarded(work).await
    }

    /// Observes what `declared` and `past` name. What cannot be read is an error, unless it is `partial`: then it is returned
    /// beside the rest, with the resources of others that the calls show.
    pub(crate) async fn look(
        &self,
        past: Past,
        declared: &[Declared],
        outputs: &BTreeMap<String, up_stack::OutputValue>,
        partial: bool,
    ) -> Result<Sight, Failure> {
        let secrets = &self.engine.secrets;
        let index = up_kinds::index(&self.cx, Some(&self.stack))
            .await
            .map_err(|error| access::refused("to list the stack's resources", &error, &["tag:GetResources"]))?;
        let (index, needed) = match self.trusts_index {
            true => {
                let needed = needed(declared, &past, &index);
                (index, needed)
            }
            // It may not list what is new, either.
            false => (index.without_tags(), up_kinds::all().into_iter().map(|kind| kind.name().to_owned()).collect()),
        };
        let mut applied = Applied { snapshot: past.snapshot.as_ref(), declared: None };
        let (asked, costly) = costly::parted(Observer::asked(declared, outputs.values().map(|output| &output.value)));
        let mut observer = Observer {
            cx: self.cx.clone(),
            stack: self.stack.clone(),
            index: Arc::new(index),
            known: all_known(&past).into(),
            asked: asked.into(),
            desired: Observer::desired(declared, &up_kinds::model).into(),
            children: children(declared, &past, &mut applied)?.into(),
            names: Observer::names(&self.stack, declared, &up_kinds::model).into(),
            kept: past.snapshot.as_ref().map(|snapshot| snapshot.kept.clone()).unwrap_or_default(),
            keeps_others: partial,
        };
        let kinds = kinds(&needed, &past);
        let (mut live_stack, failed) = observer.readable(&kinds).await;
        let (unread, spared): (Vec<_>, Vec<_>) = failed.into_iter().partition(|failure| needed.contains(failure.kind));
        let is_signed_out = || unread.iter().any(|failure| failure.error.kind == ErrorKind::Credentials);
        if !unread.is_empty() && (!partial || is_signed_out()) {
            return Err(access::unseen(&unread));
        }
        if past.snapshot.as_ref().is_some_and(|snapshot| secrets.may_be_in(snapshot.text())) {
            secrets.add_declared(applied.declared()?);
        }
        if has_unknown_tags(&live_stack, declared, &self.stack) {
            let before = applied.declared()?.iter();
            live_stack.tagged = before.map(|it| (it.address.clone(), it.tags.keys().cloned().collect())).collect();
        }
        if declared.iter().any(|declared| !declared.ignore_changes.is_empty()) {
            live_stack.unfinished = unfinished(&live_stack, applied.declared()?, &self.stack);
        }
        if has_undeclared(&live_stack, declared, &self.stack) {
            live_stack.named = applied.declared()?.iter().map(|it| (it.address.clone(), it.named())).collect();
        }
        let has_write_only = |declared: &&Declared| has_write_only(&declared.address.kind);
        if declared.iter().any(|declared| has_write_only(&declared)) {
            let before = applied.declared()?.iter().filter(has_write_only);
            live_stack.written = before.map(|it| (it.address.clone(), it.spec.clone())).collect();
        }
        if secrets.are_declared() {
            for (_, observed) in live_stack.iter() {
                if let Some(address) = observed.address(&self.stack) {
                    secrets.add_observed(&address, &observed.spec);
                }
            }
        }
        if !spared.is_empty() {
            self.engine.message(Level::Warning, &not_searched(&spared));
        }
        let settled = settle::settle(&self.engine, &observer, &mut live_stack, &past, &unread, self.settle).await;
        settled.map_err(|error| access::unseen(&[error]))?;
        live_stack.untagged =
            untagged(&observer, &live_stack, declared).await.map_err(|error| access::unseen(&[error]))?;
        let looked = costly::look(&mut observer, &mut live_stack, declared, costly).await;
        looked.map_err(|error| access::unseen(&[error]))?;
        Ok(Sight { observation: Observation { observer, live_stack, past }, unread })
    }

    /// What earlier runs left behind in this account and region: the same stack elsewhere has other resources.
    pub(crate) fn past(&self) -> Result<Past, Failure> {
        let Past { snapshot, interrupted_run, warnings } = self.state.past().map_err(unusable)?;
        warnings.iter().for_each(|warning| self.engine.message(Level::Warning, warning));
        let is_here = |account: &str, region: &str| (account, region) == (self.cx.account(), self.cx.region());
        Ok(Past {
            snapshot: snapshot.filter(|past| is_here(&past.account, &past.region)),
            interrupted_run: interrupted_run.filter(|past| is_here(&past.account, &past.region)),
            warnings,
        })
    }
}

/// What was declared when the stack was last applied: read from the snapshot once, and only where it is asked for.
struct Applied<'p> {
    snapshot: Option<&'p LastSnapshot>,
    declared: Option<Vec<Declared>>,
}

impl Applied<'_> {
    /// Nothing where there is no snapshot.
    fn declared(&mut self) -> Result<&[Declared], Failure> {
        if self.declared.is_none() {
            self.declared =
                Some(self.snapshot.map(LastSnapshot::declared).transpose().map_err(unusable)?.unwrap_or_default());
        }
        Ok(self.declared.as_deref().unwrap_or_default())
    }
}

/// Known resources that have lost the stack's tag, of kinds of which AWS would create a second one: see
/// [`LiveStack::untagged`].
async fn untagged(
    observer: &Observer,
    live_stack: &LiveStack,
    declared: &[Declared],
) -> Result<BTreeMap<String, BTreeSet<String>>, ObserveError> {
    let mut untagged = BTreeMap::new();
    for (kind, known) in live_stack.known.iter() {
        let Some(kind) = up_kinds::find(kind).filter(|it| it.info().longest_name == 0 && it.info().parent.is_none())
        else {
            continue;
        };
        // A kind that could not be read is not asked again.
        let Some(observed) = live_stack.observed.get(kind.name()) else { continue };
        let there: HashSet<&String> = observed.iter().map(|observed| &observed.id).collect();
        let missing: BTreeSet<String> = known.iter().filter(|id| !there.contains(id)).cloned().collect();
        let exist: HashSet<_> = observed.iter().filter_map(|observed| observed.address(&observer.stack)).collect();
        let mut wanted = declared.iter().filter(|it| it.address.kind == kind.name());
        if missing.is_empty() || wanted.all(|declared| exist.contains(&declared.address)) {
            continue;
        }
        let found = observer.untagged(kind, &missing).await;
        let found = found.map_err(|error| ObserveError { kind: kind.name(), error })?;
        if !found.is_empty() {
            untagged.insert(kind.name().to_owned(), found);
        }
    }
    Ok(untagged)
}

/// The kinds of resources that are declared, or known from the tagging index or earlier runs.
fn needed(declared: &[Declared], past: &Past, index: &Index) -> BTreeSet<String> {
    let tagged = index.iter().filter_map(|entry| Address::kind_in(entry.tags.get(Address::ADDRESS_TAG)?));
    let mut needed: BTreeSet<&str> = tagged.collect();
    needed.extend(declared.iter().map(|declared| declared.address.kind.as_str()));
    needed.extend(past.snapshot.iter().flat_map(|snapshot| snapshot.kinds()));
    needed.extend(past.interrupted_run.iter().flat_map(|run| run.kinds()));
    needed.into_iter().map(str::to_owned).collect()
}

/// The kinds to observe. Without a snapshot, these are also the kinds that the index cannot list: resources of them may have
/// been removed from the stack's files.
fn kinds(needed: &BTreeSet<String>, past: &Past) -> Vec<&'static dyn AnyKind> {
    let may_be_left = |kind: &dyn AnyKind| past.snapshot.is_none() && !kind.info().indexed;
    let is_only_left = |kind: &&dyn AnyKind| may_be_left(*kind) && !needed.contains(kind.name());
    let left: Vec<_> = up_kinds::all().into_iter().filter(is_only_left).map(|kind| kind.name()).collect();
    if !left.is_empty() {
        let kinds = left.join(", ");
        tracing::info!(kinds, "no record of earlier runs: looking for leftovers that the tagging index cannot list");
    }
    up_kinds::all().into_iter().filter(|kind| may_be_left(*kind) || needed.contains(kind.name())).collect()
}

/// Addresses of resources that earlier runs created and did not finish: their ids are known, and they were not applied.
fn unfinished(live_stack: &LiveStack, applied: &[Declared], stack: &str) -> BTreeSet<Address> {
    let applied: HashSet<_> = applied.iter().map(|declared| &declared.address).collect();
    let is_known = |kind: &str, id: &str| live_stack.known.get(kind).is_some_and(|ids| ids.contains(id));
    let known = live_stack.iter().filter(|(kind, observed)| is_known(kind, &observed.id));
    known.filter_map(|(_, observed)| observed.address(stack)).filter(|address| !applied.contains(address)).collect()
}

/// True where a resource exists that is to be deleted: its old declaration says what must be deleted before it.
fn has_undeclared(live_stack: &LiveStack, declared: &[Declared], stack: &str) -> bool {
    let declared: BTreeSet<_> = declared.iter().map(|declared| &declared.address).collect();
    live_stack.iter().filter_map(|(_, observed)| observed.address(stack)).any(|address| !declared.contains(&address))
}

/// True where a resource has a tag that is neither declared nor AWS's: the history says whether the stack has set it.
fn has_unknown_tags(live_stack: &LiveStack, declared: &[Declared], stack: &str) -> bool {
    let declared: HashMap<_, _> = declared.iter().map(|declared| (&declared.address, &declared.tags)).collect();
    live_stack.iter().any(|(_, observed)| {
        let known = |key: &str| key == "Name" || key.starts_with("bullstra:") || is_foreign_tag(key);
        let mut unknown = observed.tags.keys().filter(|key| !known(key)).peekable();
        if unknown.peek().is_none() {
            return false;
        }
        let tags = observed.address(stack).and_then(|address| declared.get(&address).copied());
        tags.is_some_and(|tags| unknown.any(|key| !tags.contains_key(key)))
    })
}

/// Kinds of which no resource is known, and which could not be observed, for example for lack of a permission.
fn not_searched(spared: &[ObserveError]) -> String {
    let kinds = spared.iter().map(|failure| failure.kind).collect::<Vec<_>>().join(", ");
    let errors: BTreeSet<_> = spared.iter().map(|failure| failure.error.code.as_str()).collect();
    let errors = errors.into_iter().collect::<Vec<_>>().join(", ");
    format!(
        "there is no record of earlier runs here, so leftovers were searched for; these kinds could not be read \
         ({errors}): {kinds}"
    )
}

/// Ids that earlier runs knew, by kind; a kind may come twice.
pub(super) fn known(past: &Past) -> impl Iterator<Item = (&String, &BTreeSet<String>)> {
    let kept = past.snapshot.iter().map(|past| &past.ids);
    kept.chain(past.interrupted_run.iter().map(|run| &run.made)).flatten()
}

/// True for a kind with values that AWS never shows.
fn has_write_only(kind: &str) -> bool {
    up_kinds::find(kind).is_some_and(|kind| kind.fields().iter().any(|field| field.is_write_only))
}

/// The stack's resources that take no tags: those declared, and those of the last apply.
fn children(declared: &[Declared], past: &Past, applied: &mut Applied<'_>) -> Result<Children, Failure> {
    let is_child = |kind: &str| up_kinds::find(kind).is_some_and(|kind| kind.info().parent.is_some());
    let applied = if known(past).any(|(kind, _)| is_child(kind)) { applied.declared()? } else { &[] };
    Ok(Children::new(declared, applied, &up_kinds::model))
}

/// The same, together.
fn all_known(past: &Past) -> BTreeMap<String, Arc<BTreeSet<String>>> {
    let mut all = Ids::new();
    for (kind, ids) in known(past) {
        all.entry(kind.clone()).or_default().extend(ids.iter().cloned());
    }
    all.into_iter().map(|(kind, ids)| (kind, ids.into())).collect()
}
