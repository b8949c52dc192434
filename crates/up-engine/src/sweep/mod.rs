//! Disposable stacks over a whole account: what there is, what has expired, and its end.

mod decide;
mod extend;
mod rules;
mod survey;
mod take;
#[cfg(test)]
mod worlds;

use serde_json::Value;
use up_core::{Address, Observed, Stamps};

use self::decide::SweptResource;
pub use self::{
    decide::{Decision, KeepReason, YOUNG},
    extend::Extended,
    rules::SweepRules,
    survey::{StackSummary, Survey},
    take::Taken,
};

/// The fields by which kinds say that AWS's own deletion protection is on.
const PROTECTIONS: [&str; 2] = ["deletion_protection", "deletion_protection_enabled"];

/// What the decision depends on, of a live resource.
fn swept(observed: &Observed<Value>) -> SweptResource {
    let name = observed.tags.get(Address::ADDRESS_TAG).unwrap_or(&observed.id).clone();
    let is_protected = PROTECTIONS.iter().any(|field| observed.spec[field] == true);
    SweptResource { name, stamps: Stamps::of(&observed.tags), created: observed.created, is_protected }
}
