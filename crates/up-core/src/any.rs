//! The same trait, without its type: what the engine holds sixty of.

use std::{future::Future, marker::PhantomData, pin::Pin};

use schemars::{Schema, schema_for};
use serde_json::Value;

use crate::{About, Address, Birth, Cx, Error, Field, Kind, Problem, Result, Scope, Seen, TagChange, plain};

/// A boxed future of a kind's verb: boxed here, so that no other crate generates the SDK's futures again.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// A [`Kind`] whose spec is a JSON value. Implemented once, for [`Of`].
pub trait AnyKind: Send + Sync {
    /// `ec2.subnet`.
    fn name(&self) -> &'static str;
    /// See [`Kind::ABOUT`].
    fn about(&self) -> &'static About;
    /// See [`crate::Spec::FIELDS`].
    fn fields(&self) -> &'static [Field];
    /// JSON Schema of the spec, made from the struct and its doc comments; `x-ref` marks references.
    fn schema(&self) -> Schema;
    /// Parses, checks, fills in the defaults, and gives the normal form ([`Kind::normal`]). Fields that have no value are
    /// left out: those of tables inside are `null`.
    fn complete(&self, spec: Value) -> Result<Value, Vec<Problem>>;
    /// See [`Kind::remarks`]. Takes a completed spec.
    fn remarks(&self, _spec: &Value) -> Vec<String> {
        Vec::new()
    }
    /// See [`Kind::check_together`]. Takes completed specs.
    fn check_together(&self, all: &[(&Address, &Value)]) -> Vec<(Address, Problem)>;
    /// See [`Kind::observe`].
    fn observe<'a>(&'a self, cx: &'a Cx, scope: &'a Scope) -> Later<'a, Vec<Seen<Value>>>;
    /// See [`Kind::create`].
    fn create<'a>(&'a self, cx: &'a Cx, birth: &'a Birth, spec: Value) -> Later<'a, String>;
    /// See [`Kind::update`].
    fn update<'a>(&'a self, cx: &'a Cx, seen: Seen<Value>, spec: Value) -> Later<'a, ()>;
    /// See [`Kind::tag`].
    fn tag<'a>(&'a self, cx: &'a Cx, seen: Seen<Value>, change: &'a TagChange) -> Later<'a, ()>;
    /// See [`Kind::delete`].
    fn delete<'a>(&'a self, cx: &'a Cx, seen: Seen<Value>) -> Later<'a, ()>;
}

/// A kind as a value: `&Of::<SecurityGroup>::KIND`.
pub struct Of<K>(PhantomData<fn() -> K>);

impl<K> Of<K> {
    /// The one value there is.
    pub const KIND: Self = Self(PhantomData);
}

impl<K: Kind> AnyKind for Of<K> {
    fn name(&self) -> &'static str {
        K::NAME
    }

    fn about(&self) -> &'static About {
        const { &K::ABOUT }
    }

    fn fields(&self) -> &'static [Field] {
        K::FIELDS
    }

    fn schema(&self) -> Schema {
        schema_for!(K)
    }

    fn complete(&self, spec: Value) -> Result<Value, Vec<Problem>> {
        // The path costs more than all the rest, and only what does not fit needs it.
        let spec = K::deserialize(&spec).or_else(|_| serde_path_to_error::deserialize::<_, K>(&spec));
        let spec = spec.map_err(|error| vec![misfit(&error)])?;
        let problems = spec.check();
        if problems.is_empty() { Ok(plain::want(&spec.normal())) } else { Err(problems) }
    }

    fn remarks(&self, spec: &Value) -> Vec<String> {
        K::remarks(spec)
    }

    fn check_together(&self, all: &[(&Address, &Value)]) -> Vec<(Address, Problem)> {
        K::check_together(all.iter().filter_map(|(at, spec)| Some((*at, typed::<K>(spec).ok()?))))
    }

    fn observe<'a>(&'a self, cx: &'a Cx, scope: &'a Scope) -> Later<'a, Vec<Seen<Value>>> {
        Box::pin(async move {
            let seen = K::observe(cx, scope).await?.into_iter().map(erase).collect();
            Ok(seen)
        })
    }

    fn create<'a>(&'a self, cx: &'a Cx, birth: &'a Birth, spec: Value) -> Later<'a, String> {
        Box::pin(async move { typed::<K>(&spec)?.create(cx, birth).await })
    }

    fn update<'a>(&'a self, cx: &'a Cx, seen: Seen<Value>, spec: Value) -> Later<'a, ()> {
        Box::pin(async move { typed::<K>(&spec)?.update(cx, &restore(seen)?).await })
    }

    fn tag<'a>(&'a self, cx: &'a Cx, seen: Seen<Value>, change: &'a TagChange) -> Later<'a, ()> {
        Box::pin(async move { K::tag(cx, &restore(seen)?, change).await })
    }

    fn delete<'a>(&'a self, cx: &'a Cx, seen: Seen<Value>) -> Later<'a, ()> {
        Box::pin(async move { K::delete(cx, &restore(seen)?).await })
    }
}

/// What does not fit, with the path to it. Variants of enums have no place of their own in a path.
fn misfit(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let path = error.path().to_string();
    Problem::new(if path == "." { "" } else { &path }, error.inner().to_string())
}

fn typed<K: Kind>(spec: &Value) -> Result<K> {
    K::deserialize(spec).map_err(|error| Error::ours(format!("a spec of {} that is none: {error}", K::NAME)))
}

fn erase<K: Kind>(Seen { id, tags, attrs, status, notes, spec }: Seen<K>) -> Seen<Value> {
    Seen { id, tags, attrs, status, notes, spec: plain::seen(&spec) }
}

fn restore<K: Kind>(Seen { id, tags, attrs, status, notes, spec }: Seen<Value>) -> Result<Seen<K>> {
    Ok(Seen { id, tags, attrs, status, notes, spec: typed(&spec)? })
}
