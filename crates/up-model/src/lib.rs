//! The model: what addresses, specs, references, tags and live resources are, and how two specs differ. Pure: no AWS SDK, no
//! calls, no clock but for a salt.

mod address;
mod declared;
mod diff;
mod field;
mod ignored;
mod immutable;
mod index;
mod kind_info;
mod model;
pub mod names;
mod new_resource;
mod observed;
pub mod placeholder;
pub mod plain;
mod policy;
mod problem;
mod reference;
pub mod schema;
mod stamps;
mod state_location;
mod tags;
mod text;
mod unique;
pub mod write_only;

pub use address::{Address, AddressError};
pub use declared::{Declared, Origin, shared};
pub use diff::{FieldChange, agrees, diff, name_references, references, same, visit_named};
pub use field::{Asked, Binding, Change, Field, Spec, text_at};
pub use ignored::{first_field, is_path, with_ignored, without_ignored};
pub use immutable::ImmutableCache;
pub use index::{Index, Tagged};
pub use kind_info::{Actions, KindInfo, Order, TagRules, Takes, Wait};
pub use model::Model;
pub use new_resource::{Created, NewResource};
pub use observed::{Attrs, Impairment, Observed, Status};
pub use placeholder::visit_texts;
pub use policy::PolicyDocument;
pub use problem::Problem;
pub use reference::{Name, Ref, RefTarget, by_id};
pub use stamps::Stamps;
pub use state_location::StateLocation;
pub use tags::{TagChange, Tags, is_foreign_tag, whose};
pub use text::{Cidr, Document};
pub use unique::{Unique, unique_names};
pub use write_only::{WriteOnly, is_sealed, seal, sealed};
