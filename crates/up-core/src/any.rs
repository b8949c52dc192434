//! [`Kind`] without its type: the trait object that the engine works with.

use std::{collections::BTreeSet, future::Future, marker::PhantomData, pin::Pin};

use schemars::{Schema, schema_for};
use serde_json::Value;
use up_model::plain;

use crate::{
    Address, Asked, Context, Created, DeleteRemark, Error, Field, Kind, KindInfo, Leaving, Model, NewResource,
    Observed, Problem, Query, Result, TagChange, Unique, caller::KindVerb, placeholder, unique_names,
};

/// The boxed future of a kind's verb: boxed here, so that no other crate compiles the SDK's futures again.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// A [`Kind`] whose spec is a JSON value: its [`Model`], and its calls. Implemented once, for [`Of`].
pub trait AnyKind: Model {
    /// See [`Kind::disposed`]. A spec that does not parse is returned unchanged.
    fn disposed(&self, seen: Value) -> Value {
        seen
    }
    /// See [`Kind::before_delete`].
    fn before_delete<'a>(
        &'a self,
        _cx: &'a Context,
        _resources: Vec<Observed<Value>>,
        _names: &'a BTreeSet<String>,
    ) -> Later<'a, Vec<DeleteRemark>> {
        Box::pin(async { Ok(Vec::new()) })
    }
    /// See [`Kind::kept`].
    fn kept<'a>(&'a self, _cx: &'a Context, _deleted: Vec<Observed<Value>>) -> Later<'a, Vec<String>> {
        Box::pin(async { Ok(Vec::new()) })
    }
    /// See [`Kind::observe`].
    fn observe<'a>(&'a self, cx: &'a Context, query: &'a Query) -> Later<'a, Vec<Observed<Value>>>;
    /// See [`Kind::create`].
    fn create<'a>(&'a self, cx: &'a Context, new: &'a NewResource, spec: Value) -> Later<'a, Created<Value>>;
    /// See [`Kind::update`].
    fn update<'a>(&'a self, cx: &'a Context, observed: Observed<Value>, spec: Value) -> Later<'a, ()>;
    /// See [`Kind::tag`].
    fn tag<'a>(&'a self, cx: &'a Context, observed: Observed<Value>, change: &'a TagChange) -> Later<'a, ()>;
    /// See [`Kind::delete`].
    fn delete<'a>(&'a self, cx: &'a Context, observed: Observed<Value>) -> Later<'a, ()>;
}

/// A kind as a value: `&Of::<SecurityGroup>::KIND`.
pub struct Of<K>(PhantomData<fn() -> K>);

impl<K> Of<K> {
    /// The only value of the type.
    pub const KIND: Self = Self(PhantomData);
}

impl<K: Kind> Model for Of<K> {
    fn name(&self) -> &'static str {
        K::NAME
    }

    fn info(&self) -> &'static KindInfo {
        const { &K::INFO }
    }

    fn fields(&self) -> &'static [Field] {
        K::FIELDS
    }

    fn schema(&self) -> Schema {
        schema_for!(K)
    }

    fn complete(&self, spec: Value) -> Result<Value, Vec<Problem>> {
        // Tracking the path is expensive, and only errors need it.
        let spec = K::deserialize(&spec).or_else(|_| serde_path_to_error::deserialize::<_, K>(&spec));
        let spec = spec.map_err(|error| vec![misfit(&error)])?;
        let problems = spec.check();
        if problems.is_empty() { Ok(plain::desired(&spec.normal())) } else { Err(problems) }
    }

    fn remarks(&self, spec: &Value) -> Vec<String> {
        K::remarks(spec)
    }

    fn unique(&self, spec: &Value) -> Vec<Unique> {
        let mut unique = typed::<K>(spec).map(|spec| spec.unique()).unwrap_or_default();
        unique.extend(
            unique_names(K::FIELDS, spec)
                .filter(|name| unique.iter().all(|told| told.field != name.field))
                .collect::<Vec<_>>(),
        );
        unique
    }

    fn natural_key(&self, spec: &Value) -> Option<String> {
        typed::<K>(spec).ok()?.natural_key().filter(|key| !placeholder::has_placeholder(key))
    }

    fn comparable(&self, spec: Value) -> Value {
        match K::deserialize(&spec) {
            Ok(typed) => plain::comparable(&typed),
            // A spec that is invalid only because of filled-in placeholders is left for AWS to refuse.
            Err(_) => spec,
        }
    }

    fn check_together(&self, all: &[(&Address, &Value)]) -> Vec<(Address, Problem)> {
        K::check_together(all.iter().filter_map(|(at, spec)| Some((*at, typed::<K>(spec).ok()?))))
    }

    fn accept(&self, observed: &Observed<Value>, desired: Value) -> Value {
        match (restore::<K>(observed.clone()), typed::<K>(&desired)) {
            (Ok(observed), Ok(spec)) => plain::desired(&spec.accept(&observed)),
            _ => desired,
        }
    }

    fn moves(&self, desired: &Value) -> Vec<(Address, &'static str)> {
        typed::<K>(desired).map_or_else(|_| Vec::new(), |spec| spec.moves())
    }

    fn refuses(&self, observed: Option<&Observed<Value>>, desired: &Value, asked: Asked<'_>) -> Vec<Problem> {
        let observed = observed.and_then(|observed| restore::<K>(observed.clone()).ok());
        typed::<K>(desired).map_or_else(|_| Vec::new(), |spec| spec.refuses(observed.as_ref(), asked))
    }

    fn delays(&self, observed: &Observed<Value>, desired: &Value) -> Vec<String> {
        match (restore::<K>(observed.clone()), typed::<K>(desired)) {
            (Ok(observed), Ok(spec)) => spec.delays(&observed),
            _ => Vec::new(),
        }
    }
}

impl<K: Kind> AnyKind for Of<K> {
    fn disposed(&self, seen: Value) -> Value {
        typed::<K>(&seen).map_or(seen, |spec| plain::observed(&spec.disposed()))
    }

    fn observe<'a>(&'a self, cx: &'a Context, query: &'a Query) -> Later<'a, Vec<Observed<Value>>> {
        called::<K, _>("observe", async move {
            let observed = K::observe(cx, query).await?.into_iter().map(erase).collect();
            Ok(observed)
        })
    }

    fn create<'a>(&'a self, cx: &'a Context, new: &'a NewResource, spec: Value) -> Later<'a, Created<Value>> {
        called::<K, _>("create", async move {
            Ok(match typed::<K>(&spec)?.create(cx, new).await? {
                Created::Id(id) => Created::Id(id),
                Created::Observed(observed) => erase(*observed).into(),
            })
        })
    }

    fn update<'a>(&'a self, cx: &'a Context, observed: Observed<Value>, spec: Value) -> Later<'a, ()> {
        called::<K, _>("update", async move { typed::<K>(&spec)?.update(cx, &restore(observed)?).await })
    }

    fn tag<'a>(&'a self, cx: &'a Context, observed: Observed<Value>, change: &'a TagChange) -> Later<'a, ()> {
        called::<K, _>("tag", async move { K::tag(cx, &restore(observed)?, change).await })
    }

    fn delete<'a>(&'a self, cx: &'a Context, observed: Observed<Value>) -> Later<'a, ()> {
        called::<K, _>("delete", async move { K::delete(cx, &restore(observed)?).await })
    }

    fn before_delete<'a>(
        &'a self,
        cx: &'a Context,
        resources: Vec<Observed<Value>>,
        names: &'a BTreeSet<String>,
    ) -> Later<'a, Vec<DeleteRemark>> {
        called::<K, _>("delete", async move {
            let resources = resources.into_iter().map(restore).collect::<Result<Vec<_>>>()?;
            K::before_delete(cx, &Leaving { resources: &resources, names }).await
        })
    }

    fn kept<'a>(&'a self, cx: &'a Context, deleted: Vec<Observed<Value>>) -> Later<'a, Vec<String>> {
        called::<K, _>("delete", async move {
            let deleted = deleted.into_iter().map(restore).collect::<Result<Vec<_>>>()?;
            K::kept(cx, &deleted).await
        })
    }
}

/// Runs a verb of a kind; its calls carry the kind and the verb in the user agent.
fn called<'a, K: Kind, T: Send + 'a>(
    verb: &'static str,
    work: impl Future<Output = Result<T>> + Send + 'a,
) -> Later<'a, T> {
    KindVerb { kind: K::NAME, verb }.does(Box::pin(work))
}

/// The error of a spec that does not parse, with the path to it. A path does not lead into variants of enums.
fn misfit(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let path = error.path().to_string();
    Problem::new(if path == "." { "" } else { &path }, error.inner().to_string())
}

fn typed<K: Kind>(spec: &Value) -> Result<K> {
    K::deserialize(spec).map_err(|error| Error::ours(format!("invalid spec of {}: {error}", K::NAME)))
}

fn erase<K: Kind>(observed: Observed<K>) -> Observed<Value> {
    let mut spec = plain::observed(&observed.spec);
    // The answer to a create may repeat the sent spec, which must not be taken for the observed one.
    K::FIELDS.iter().filter(|field| field.is_write_only).for_each(|field| spec[field.name] = Value::Null);
    observed.with_spec(spec)
}

fn restore<K: Kind>(observed: Observed<Value>) -> Result<Observed<K>> {
    let spec = typed(&observed.spec)?;
    Ok(observed.with_spec(spec))
}
