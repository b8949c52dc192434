//! What a resource kind is: the [model](up_model) with its calls. Nothing here knows any one AWS service.

extern crate self as up_core;

mod answer;
mod any;
mod aws_enum;
mod caller;
mod client;
mod clock;
mod concurrently;
mod context;
mod created_at;
mod error;
mod held_permit;
mod kind;
mod leaving;
mod meter;
pub mod mirror;
mod query;
mod response_check;
mod semaphore;
mod service;
mod tagging;

pub use answer::is_throttled;
pub use any::{AnyKind, Later, Of};
#[doc(hidden)]
pub use aws_enum::interned;
pub use client::{Calls, Retries};
pub use clock::{AnswerTime, Clock};
pub use concurrently::{concurrently, found};
pub use context::{Context, Known};
pub use created_at::CreatedAt;
pub use error::{AlreadyDone, Error, ErrorKind, ErrorRule, Result};
pub use held_permit::{HeldPermit, NotSent, urgency, with_permit, without_permit};
pub use kind::Kind;
pub use leaving::{DeleteRemark, Leaving};
pub use meter::{Call, HeldBack, Meter};
pub use mirror::{FromAws, ToAws, present};
pub use query::{Query, Select};
pub use response_check::ResponseCheck;
pub use semaphore::{Permit, PrioritySemaphore, Urgency};
pub use service::{ChangeTags, Limit, Service, Tagging};
pub use up_derive::{fill, fill_changed, part, spec};
pub use up_model::{
    Actions, Address, AddressError, Asked, Attrs, Binding, Change, Cidr, Created, Declared, Document, Field,
    FieldChange, ImmutableCache, Impairment, Index, KindInfo, Model, Name, NewResource, Observed, Order, Origin,
    PolicyDocument, Problem, Ref, Spec, Stamps, Status, TagChange, TagRules, Tagged, Tags, Takes, Unique, Wait,
    WriteOnly, actions, agrees, by_id, diff, first_field, is_foreign_tag, is_path, is_sealed, name_references, names,
    placeholder, problems, references, same, schema, seal, sealed, shared, text_at, unique_names, visit_named,
    visit_texts, whose, with_ignored, without_ignored,
};

/// What `client!` needs of its caller's crates, so that a service crate depends on its SDK and `up-core` alone.
#[doc(hidden)]
pub use aws_smithy_types::retry::RetryConfig;

/// What a kind's file imports.
pub mod prelude {
    pub use crate::{
        Actions, AlreadyDone, Asked, Attrs, Cidr, Context, Created, CreatedAt, DeleteRemark, Document, Error,
        ErrorKind, FromAws, Impairment, Kind, KindInfo, Leaving, Name, NewResource, Observed, Order, PolicyDocument,
        Problem, Query, Ref, Result, Spec, Status, TagChange, TagRules, Tags, Takes, ToAws, Unique, Wait, actions,
        concurrently, fill, fill_changed, found, names, part, present, problems, read, spec,
    };
    pub use schemars::JsonSchema;
    pub use serde::{Deserialize, Serialize};
    pub use std::time::Duration;
}
