//! What a resource kind is. Nothing here knows any one AWS service.

extern crate self as up_core;

mod address;
mod answer;
mod any;
mod aws_enum;
mod caller;
mod client;
mod clock;
mod concurrently;
mod context;
mod declared;
mod diff;
mod error;
mod held_permit;
mod ignored;
mod immutable;
mod index;
mod kind;
mod kind_info;
mod leaving;
mod meter;
pub mod mirror;
pub mod names;
mod new_resource;
mod observed;
pub mod placeholder;
mod plain;
mod policy;
mod problem;
mod query;
mod reference;
mod response_check;
pub mod schema;
mod semaphore;
mod service;
mod stamps;
mod tags;
mod text;
mod unique;
mod write_only;

pub use address::{Address, AddressError};
pub use answer::is_throttled;
pub use any::{AnyKind, Later, Of, unique_names};
#[doc(hidden)]
pub use aws_enum::interned;
pub use client::{Calls, Retries};
pub use clock::{AnswerTime, Clock};
pub use concurrently::{concurrently, found};
pub use context::{Context, Known};
pub use declared::{Declared, Origin, shared};
pub use diff::{FieldChange, agrees, diff, name_references, references, same, visit_named};
pub use error::{AlreadyDone, Error, ErrorKind, ErrorRule, Result};
pub use held_permit::{HeldPermit, NotSent, urgency, with_permit, without_permit};
pub use ignored::{first_field, is_path, with_ignored, without_ignored};
pub use immutable::ImmutableCache;
pub use index::{Index, Tagged};
pub use kind::{Asked, Binding, Change, Field, Kind, Spec, text_at};
pub use kind_info::{Actions, KindInfo, Order, TagRules, Takes, Wait};
pub use leaving::{DeleteRemark, Leaving};
pub use meter::{Call, HeldBack, Meter};
pub use mirror::{FromAws, ToAws, present};
pub use new_resource::{Created, NewResource};
pub use observed::{Attrs, Impairment, Observed, Status};
pub use placeholder::visit_texts;
pub use policy::PolicyDocument;
pub use problem::Problem;
pub use query::{Query, Select};
pub use reference::{Name, Ref, by_id};
pub use response_check::ResponseCheck;
pub use semaphore::{Permit, PrioritySemaphore, Urgency};
pub use service::{ChangeTags, Limit, Service, Tagging};
pub use stamps::Stamps;
pub use tags::{TagChange, Tags, is_foreign_tag, whose};
pub use text::{Cidr, Document};
pub use unique::Unique;
pub use up_derive::{fill, fill_changed, part, spec};
pub use write_only::{WriteOnly, is_sealed, seal, sealed};

/// What `client!` needs of its caller's crates, so that a service crate depends on its SDK and `up-core` alone.
#[doc(hidden)]
pub use aws_smithy_types::retry::RetryConfig;

/// What a kind's file imports.
pub mod prelude {
    pub use crate::{
        Actions, AlreadyDone, Asked, Attrs, Cidr, Context, Created, DeleteRemark, Document, Error, ErrorKind, FromAws,
        Impairment, Kind, KindInfo, Leaving, Name, NewResource, Observed, Order, PolicyDocument, Problem, Query, Ref,
        Result, Spec, Status, TagChange, TagRules, Tags, Takes, ToAws, Unique, Wait, actions, concurrently, fill,
        fill_changed, found, names, part, present, problems, read, spec,
    };
    pub use schemars::JsonSchema;
    pub use serde::{Deserialize, Serialize};
    pub use std::time::Duration;
}
