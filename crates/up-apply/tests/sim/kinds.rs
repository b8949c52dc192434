//! The kinds that the simulated AWS has: one for each trait that makes the engine's work hard.

use std::time::Duration;

use schemars::Schema;
use serde_json::Value;
use up_core::{
    Actions, Address, AnyKind, Binding, Change, Context, Created, Error, Field, KindInfo, Later, NewResource, Observed,
    Order, Problem, Query, TagChange, Takes, Unique, Wait, unique_names,
};

use crate::cloud::{Cloud, Create};

/// A kind as a row of facts.
pub(crate) struct SimKind {
    name: &'static str,
    info: KindInfo,
    fields: &'static [Field],
    /// What makes a second create the same as the first.
    pub(crate) single: Single,
    /// The answer to a create tells all of what it made.
    pub(crate) tells: bool,
    /// Whoever refers to one just made may hear that there is none yet.
    pub(crate) is_known_late: bool,
    /// Fields whose reference does not hold its target: it may go away beneath.
    pub(crate) loose: &'static [&'static str],
    /// What one of them has at a time.
    pub(crate) unique: Option<Sole>,
}

/// A field whose value one resource inside of another has at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sole {
    pub(crate) field: &'static str,
    /// The field that refers to the other.
    pub(crate) within: &'static str,
    /// True where an update exchanges it with who has it.
    pub(crate) is_exchanged: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Single {
    /// A client token.
    Token,
    /// A name that is had once.
    Name,
    /// Nothing: sent twice, it is made twice.
    Nothing,
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
    single: Single::Nothing,
    tells: false,
    is_known_late: false,
    loose: &[],
    unique: None,
};

/// Fast, and refuses nothing sent twice.
static NET: SimKind =
    SimKind { name: "x.net", fields: &[field("range", Change::Replace), field("size", Change::Update)], ..KIND };

/// There at once, and known elsewhere only later.
static ROLE: SimKind = SimKind {
    name: "x.role",
    info: KindInfo { longest_name: 60, ..PLAIN },
    fields: &[field("path", Change::Replace), field("size", Change::Update)],
    single: Single::Name,
    tells: true,
    is_known_late: true,
    ..KIND
};

/// May name its like in a circle.
static GROUP: SimKind = SimKind {
    name: "x.group",
    fields: &[
        field("net", Change::Replace),
        field("range", Change::Replace),
        Field { deferred: true, binding: Binding::Detachable, ..field("peers", Change::Update) },
    ],
    ..KIND
};

/// Slow, holds data, has a name of the user's own, and cannot stand beside its replacement.
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
    single: Single::Name,
    tells: true,
    ..KIND
};

/// Slow, with a client token.
static GATE: SimKind = SimKind {
    name: "x.gate",
    info: KindInfo { client_token: true, takes: takes(90, 60), wait: waits(30), ..PLAIN },
    fields: &[field("net", Change::Replace), field("size", Change::Update)],
    single: Single::Token,
    ..KIND
};

/// Refers to everything, and quotes.
static TASK: SimKind = SimKind {
    name: "x.task",
    info: KindInfo { takes: takes(20, 10), ..PLAIN },
    fields: &[
        field("role", Change::Replace),
        field("groups", Change::Update),
        Field { binding: Binding::Loose, ..field("store", Change::Update) },
        field("text", Change::Update),
    ],
    single: Single::Token,
    loose: &["store"],
    ..KIND
};

/// Has a block of its net to itself.
static PART: SimKind = SimKind {
    name: "x.part",
    info: KindInfo { takes: takes(2, 5), ..PLAIN },
    fields: &[field("net", Change::Replace), field("block", Change::Replace), field("range", Change::Replace)],
    unique: Some(Sole { field: "block", within: "net", is_exchanged: false }),
    ..KIND
};

/// Has a port of its gate to itself.
static DOOR: SimKind = SimKind {
    name: "x.door",
    fields: &[field("gate", Change::Replace), field("port", Change::Update)],
    tells: true,
    unique: Some(Sole { field: "port", within: "gate", is_exchanged: false }),
    ..KIND
};

/// Has a place among those of its gate, and exchanges it with them.
static ROW: SimKind = SimKind {
    name: "x.row",
    fields: &[field("gate", Change::Replace), field("place", Change::Update)],
    tells: true,
    unique: Some(Sole { field: "place", within: "gate", is_exchanged: true }),
    ..KIND
};

/// Uses parts in three manners, and has ways that guests use.
static POOL: SimKind = SimKind {
    name: "x.pool",
    fields: &[
        field("net", Change::Replace),
        Field { is_confined: true, ..field("parts", Change::Update) },
        Field { binding: Binding::Detachable, ..field("links", Change::Update) },
        Field { binding: Binding::Loose, ..field("routes", Change::Update) },
        Field { is_shared: true, ..field("ways", Change::Update) },
    ],
    single: Single::Token,
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

/// All of them.
pub(crate) static ALL: [&SimKind; 11] = [&NET, &ROLE, &GROUP, &STORE, &GATE, &TASK, &PART, &DOOR, &ROW, &POOL, &GUEST];

pub(crate) fn sim(name: &str) -> &'static SimKind {
    ALL.into_iter().find(|kind| kind.name == name).expect("one of them")
}

/// What the engine finds kinds by.
pub(crate) fn find(name: &str) -> Option<&'static dyn AnyKind> {
    ALL.into_iter().find(|kind| kind.name == name).map(|kind| kind as &dyn AnyKind)
}

/// Ids in the place of addresses.
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

impl AnyKind for SimKind {
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

    fn observe<'a>(&'a self, cx: &'a Context, query: &'a Query) -> Later<'a, Vec<Observed<Value>>> {
        Box::pin(async move {
            let mut observed = Cloud::of(cx).observe(self, &query.stack).await?;
            // What nobody waits for may be left out.
            observed.retain(|observed| query.wants(&observed.id));
            Ok(observed)
        })
    }

    fn create<'a>(&'a self, cx: &'a Context, new: &'a NewResource, mut spec: Value) -> Later<'a, Created<Value>> {
        Box::pin(async move {
            // One call cannot set these.
            self.fields.iter().filter(|field| field.deferred).for_each(|field| spec[field.name] = Value::Array(vec![]));
            answered(cx, &mut spec)?;
            let parameters = spec.to_string();
            let name = spec["name"].as_str().map_or_else(|| new.name(60), str::to_owned);
            let mut create = Create {
                kind: sim(self.name),
                name: (self.single == Single::Name).then_some(name),
                token: None,
                tags: new.tags.clone(),
                spec,
            };
            if self.single != Single::Token {
                let id = Cloud::of(cx).create(create).await?;
                let told = if self.tells { Cloud::of(cx).told(&id) } else { None };
                return Ok(told.map_or_else(|| id.into(), Created::from));
            }
            // A token that is known answers with what it made once, though that may be gone.
            for life in 0.. {
                create.token =
                    Some(new.token(cx.account(), cx.region(), &[&parameters, &format!("{:?} {life}", new.tags)]));
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
