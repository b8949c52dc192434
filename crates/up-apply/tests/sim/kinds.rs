//! The kinds of the simulated AWS: one for each property that the engine must handle.

use std::time::Duration;

use schemars::Schema;
use serde_json::Value;
use up_core::{
    Actions, Address, AnyKind, Binding, Change, Context, Created, Error, Field, KindInfo, Later, Model, NewResource,
    Observed, Order, Problem, Query, TagChange, Takes, Unique, Wait, unique_names,
};

use crate::cloud::{Cloud, Create};

/// A kind as data.
pub(crate) struct SimKind {
    name: &'static str,
    info: KindInfo,
    fields: &'static [Field],
    /// What makes a repeated create return the first resource.
    pub(crate) idempotency: Idempotency,
    /// True if the answer to a create describes the whole resource.
    pub(crate) answers_whole: bool,
    /// True if references to a new resource may be refused for a while.
    pub(crate) is_known_late: bool,
    /// Fields whose references do not block the delete of their target.
    pub(crate) loose: &'static [&'static str],
    /// The field whose values are unique.
    pub(crate) unique: Option<UniqueField>,
}

/// A field whose values are unique within a parent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UniqueField {
    pub(crate) field: &'static str,
    /// The field that refers to the parent.
    pub(crate) within: &'static str,
    /// True if an update exchanges the value with its holder.
    pub(crate) is_exchanged: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Idempotency {
    /// A client token.
    Token,
    /// A unique name.
    Name,
    /// Nothing: a repeated create makes a second resource.
    None,
}

const TAGGED: Actions = Actions { tag: &["x:Tag"], ..KindInfo::DEFAULT.actions };
const PLAIN: KindInfo = KindInfo { actions: TAGGED, ..KindInfo::DEFAULT };

const fn takes(create: u64, delete: u64) -> Takes {
    Takes { create: Duration::from_secs(create), delete: Duration::from_secs(delete), ..Takes::DEFAULT }
}

const fn waits(minutes: u64) -> Wait {
    Wait { every: Duration::from_secs(5), at_most: Duration::from_secs(minutes * 60) }
}

const fn field(name: &'static str, change: Change) -> Field {
    Field::new(name, change)
}

const KIND: SimKind = SimKind {
    name: "",
    info: PLAIN,
    fields: &[],
    idempotency: Idempotency::None,
    answers_whole: false,
    is_known_late: false,
    loose: &[],
    unique: None,
};

/// Fast, and accepts repeated creates.
static NET: SimKind =
    SimKind { name: "x.net", fields: &[field("range", Change::Replace), field("size", Change::Update)], ..KIND };

/// Exists at once, and is known elsewhere later.
static ROLE: SimKind = SimKind {
    name: "x.role",
    info: KindInfo { longest_name: 60, ..PLAIN },
    fields: &[field("path", Change::Replace), field("size", Change::Update)],
    idempotency: Idempotency::Name,
    answers_whole: true,
    is_known_late: true,
    ..KIND
};

/// May refer to other groups, in cycles too.
static GROUP: SimKind = SimKind {
    name: "x.group",
    fields: &[
        field("net", Change::Replace),
        field("range", Change::Replace),
        Field { deferred: true, binding: Binding::Detachable, ..field("peers", Change::Update) },
    ],
    ..KIND
};

/// Slow, holds data, has a name chosen by the user, and cannot exist beside its replacement.
static STORE: SimKind = SimKind {
    name: "x.store",
    info: KindInfo {
        longest_name: 60,
        holds_data: true,
        replace: Order::DestroyBeforeCreate,
        takes: takes(300, 120),
        wait: waits(60),
        ..PLAIN
    },
    fields: &[
        field("name", Change::Name),
        field("net", Change::Replace),
        field("range", Change::Replace),
        field("groups", Change::Update),
        field("size", Change::Update),
    ],
    idempotency: Idempotency::Name,
    answers_whole: true,
    ..KIND
};

/// Slow, with a client token.
static GATE: SimKind = SimKind {
    name: "x.gate",
    info: KindInfo { client_token: true, takes: takes(90, 60), wait: waits(30), ..PLAIN },
    fields: &[field("net", Change::Replace), field("size", Change::Update)],
    idempotency: Idempotency::Token,
    ..KIND
};

/// Refers to all other kinds, also in text.
static TASK: SimKind = SimKind {
    name: "x.task",
    info: KindInfo { takes: takes(20, 10), ..PLAIN },
    fields: &[
        field("role", Change::Replace),
        field("groups", Change::Update),
        Field { binding: Binding::Loose, ..field("store", Change::Update) },
        field("text", Change::Update),
    ],
    idempotency: Idempotency::Token,
    loose: &["store"],
    ..KIND
};

/// Has an address block of its net.
static PART: SimKind = SimKind {
    name: "x.part",
    info: KindInfo { takes: takes(2, 5), ..PLAIN },
    fields: &[field("net", Change::Replace), field("block", Change::Replace), field("range", Change::Replace)],
    unique: Some(UniqueField { field: "block", within: "net", is_exchanged: false }),
    ..KIND
};

/// Has a port of its gate.
static DOOR: SimKind = SimKind {
    name: "x.door",
    fields: &[field("gate", Change::Replace), field("port", Change::Update)],
    answers_whole: true,
    unique: Some(UniqueField { field: "port", within: "gate", is_exchanged: false }),
    ..KIND
};

/// Has a position within its gate, and can exchange it with others.
static ROW: SimKind = SimKind {
    name: "x.row",
    fields: &[field("gate", Change::Replace), field("place", Change::Update)],
    answers_whole: true,
    unique: Some(UniqueField { field: "place", within: "gate", is_exchanged: true }),
    ..KIND
};

/// Refers to parts with three kinds of binding, and has ways that guests use.
static POOL: SimKind = SimKind {
    name: "x.pool",
    fields: &[
        field("net", Change::Replace),
        Field { is_confined: true, ..field("parts", Change::Update) },
        Field { binding: Binding::Detachable, ..field("links", Change::Update) },
        Field { binding: Binding::Loose, ..field("routes", Change::Update) },
        Field { is_shared: true, ..field("ways", Change::Update) },
    ],
    idempotency: Idempotency::Token,
    loose: &["routes"],
    ..KIND
};

/// Uses a way of a pool.
static GUEST: SimKind = SimKind {
    name: "x.guest",
    info: KindInfo { takes: takes(20, 10), ..PLAIN },
    fields: &[field("pool", Change::Replace), field("way", Change::Update)],
    ..KIND
};

/// All kinds.
pub(crate) static ALL: [&SimKind; 11] = [&NET, &ROLE, &GROUP, &STORE, &GATE, &TASK, &PART, &DOOR, &ROW, &POOL, &GUEST];

pub(crate) fn sim(name: &str) -> &'static SimKind {
    ALL.into_iter().find(|kind| kind.name == name).expect("one of them")
}

/// Finds a kind by name, for the engine.
pub(crate) fn find(name: &str) -> Option<&'static dyn AnyKind> {
    ALL.into_iter().find(|kind| kind.name == name).map(|kind| kind as &dyn AnyKind)
}

/// The same, for planning.
pub(crate) fn model(name: &str) -> Option<&'static dyn Model> {
    find(name).map(|kind| kind as &dyn Model)
}

/// Replaces addresses by ids.
fn answered(cx: &Context, value: &mut Value) -> Result<(), Error> {
    match value {
        Value::Object(map) => match map.get("$ref").and_then(Value::as_str) {
            Some(target) => {
                let address: Address = target.parse().expect("references hold addresses");
                let known = cx.known(&address).ok_or_else(|| {
                    let wrong = format!("{address} is referred to before it was made");
                    Cloud::of(cx).violated(wrong.clone());
                    Error::ours(wrong)
                })?;
                *value = serde_json::json!({ "$id": known.id, "$kind": address.kind });
                Ok(())
            }
            None => map.values_mut().try_for_each(|value| answered(cx, value)),
        },
        Value::Array(items) => items.iter_mut().try_for_each(|item| answered(cx, item)),
        _ => Ok(()),
    }
}

impl Model for SimKind {
    fn comparable(&self, spec: Value) -> Value {
        spec
    }

    fn name(&self) -> &'static str {
        self.name
    }

    fn info(&self) -> &'static KindInfo {
        &sim(self.name).info
    }

    fn fields(&self) -> &'static [Field] {
        self.fields
    }

    fn schema(&self) -> Schema {
        Schema::default()
    }

    fn complete(&self, mut spec: Value) -> Result<Value, Vec<Problem>> {
        let map = spec.as_object_mut().expect("a spec is a table");
        self.fields.iter().for_each(|field| {
            map.entry(field.name).or_insert(Value::Null);
        });
        Ok(spec)
    }

    fn unique(&self, spec: &Value) -> Vec<Unique> {
        let sole = self.unique.and_then(|sole| {
            let mut unique = Unique::value(sole.field, &spec[sole.field])?;
            (unique.within, unique.is_exchanged) = (spec[sole.within].clone(), sole.is_exchanged);
            Some(unique)
        });
        unique_names(self.fields, spec).chain(sole).collect()
    }

    fn check_together(&self, _: &[(&Address, &Value)]) -> Vec<(Address, Problem)> {
        vec![]
    }
}

impl AnyKind for SimKind {
    fn observe<'a>(&'a self, cx: &'a Context, query: &'a Query) -> Later<'a, Vec<Observed<Value>>> {
        Box::pin(async move {
            let mut observed = Cloud::of(cx).observe(self, &query.stack).await?;
            // Resources that nobody waits for may be left out.
            observed.retain(|observed| query.wants(&observed.id));
            Ok(observed)
        })
    }

    fn create<'a>(&'a self, cx: &'a Context, new: &'a NewResource, mut spec: Value) -> Later<'a, Created<Value>> {
        Box::pin(async move {
            // A create cannot set these fields.
            self.fields.iter().filter(|field| field.deferred).for_each(|field| spec[field.name] = Value::Array(vec![]));
            answered(cx, &mut spec)?;
            let parameters = spec.to_string();
            let name = spec["name"].as_str().map_or_else(|| new.name(60), str::to_owned);
            let mut create = Create {
                kind: sim(self.name),
                name: (self.idempotency == Idempotency::Name).then_some(name),
                token: None,
                tags: new.tags.clone(),
                spec,
            };
            if self.idempotency != Idempotency::Token {
                let id = Cloud::of(cx).create(create).await?;
                let told = if self.answers_whole { Cloud::of(cx).told(&id) } else { None };
                return Ok(told.map_or_else(|| id.into(), Created::from));
            }
            // A known token returns the resource created with it, even if that has been deleted.
            for version in 0.. {
                create.token =
                    Some(new.token(cx.account(), cx.region(), &[&parameters, &format!("{:?} {version}", new.tags)]));
                let id = Cloud::of(cx).create(create.clone()).await?;
                if !cx.is_lost(&id) {
                    return Ok(id.into());
                }
            }
            unreachable!("there is always another token")
        })
    }

    fn update<'a>(&'a self, cx: &'a Context, observed: Observed<Value>, mut spec: Value) -> Later<'a, ()> {
        Box::pin(async move {
            answered(cx, &mut spec)?;
            Cloud::of(cx).update(sim(self.name), observed, spec).await
        })
    }

    fn tag<'a>(&'a self, cx: &'a Context, observed: Observed<Value>, change: &'a TagChange) -> Later<'a, ()> {
        Box::pin(async move { Cloud::of(cx).tag(observed, change.clone()).await })
    }

    fn delete<'a>(&'a self, cx: &'a Context, observed: Observed<Value>) -> Later<'a, ()> {
        Box::pin(async move { Cloud::of(cx).delete(observed).await })
    }
}
