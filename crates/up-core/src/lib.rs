//! What a resource kind is. Nothing here knows any one AWS service.

extern crate self as up_core;

mod address;
mod answer;
mod any;
mod aside;
mod at_once;
mod client;
mod cx;
mod declared;
mod diff;
mod error;
mod ignored;
mod index;
mod kept;
mod kind;
mod meter;
pub mod names;
mod plain;
mod policy;
pub mod quote;
mod reference;
pub mod schema;
mod seen;
mod slots;
mod text;
mod unique;
mod whole;
mod words;

pub use address::{Address, AddressError};
pub use answer::is_throttled;
pub use any::{AnyKind, Later, Of, unique_names};
pub use aside::{Hold, NotSent, aside, holding, urgency};
pub use at_once::at_once;
pub use client::{Calls, Retries};
pub use cx::{Cx, Known};
pub use declared::{Declared, Origin, shared};
pub use diff::{FieldChange, agrees, diff, name_references, references, visit_named};
pub use error::{AlreadyDone, Error, ErrorKind, ErrorRule, ErrorTable, Result};
pub use ignored::{first_field, is_path, with_ignored, without_ignored};
pub use index::{Index, Tagged};
pub use kept::Kept;
pub use kind::{
    About, Actions, Asked, Binding, Change, Field, Kind, Order, Problem, Spec, TagRules, Takes, Wait, text_at,
};
pub use meter::{Call, HeldBack, Meter};
pub use policy::PolicyDocument;
pub use reference::{Name, Ref, by_id};
pub use seen::{Attrs, Birth, Impairment, Others, Scope, Seen, Status, TagChange, Tags, is_foreign_tag, whose};
pub use slots::{Slot, Slots, Urgency};
pub use text::{Cidr, Document};
pub use unique::Unique;
pub use up_derive::Spec;
pub use whole::{Lists, Whole};
#[doc(hidden)]
pub use words::interned;

/// What `client!` needs of its caller's crates, so that a service crate depends on its SDK and `up-core` alone.
#[doc(hidden)]
pub use aws_smithy_types::retry::RetryConfig;

/// What a kind's file imports.
pub mod prelude {
    pub use crate::{
        About, Actions, AlreadyDone, Asked, Attrs, Birth, Cidr, Cx, Document, Error, ErrorKind, Impairment, Kind, Name,
        Order, PolicyDocument, Problem, Ref, Result, Scope, Seen, Spec, Status, TagChange, TagRules, Tags, Takes,
        Unique, Wait, at_once, names,
    };
    pub use schemars::JsonSchema;
    pub use serde::{Deserialize, Serialize};
    pub use std::time::Duration;
}
