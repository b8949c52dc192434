//! The resources that a stack owns, as AWS shows them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;
use up_core::{Address, Attrs, Status, Tags, name_references};
use up_plan::LiveStack;
use up_stack::Stack;

/// A resource as AWS shows it.
#[derive(Debug, Serialize)]
pub struct LiveResource {
    /// The address in its tags.
    pub address: Address,
    /// False for a resource that is no longer in the stack's files.
    pub declared: bool,
    /// Its id in AWS.
    pub id: String,
    /// Whether it is ready.
    pub status: Status,
    /// What is good to know and no field says, such as a parameter that waits for a reboot.
    pub notes: Vec<String>,
    /// Its fields, as a user would declare them.
    pub fields: Value,
    /// Attributes that others may refer to.
    pub attributes: Attrs,
    /// Its tags.
    pub tags: Tags,
}

/// The resources that the stack owns, sorted by address. References among them are by address.
pub fn live_resources(stack: &Stack, live_stack: &LiveStack) -> Vec<LiveResource> {
    let addressed =
        live_stack.iter().filter_map(|(kind, observed)| Some((kind, observed.address(&stack.name)?, observed)));
    let addressed: Vec<_> = addressed.collect();
    let names = addressed.iter().flat_map(|(kind, address, observed)| {
        let names = [Some(&observed.id), observed.attrs.get("arn")].into_iter().flatten();
        names.map(move |name| ((*kind, name.as_str()), address.clone()))
    });
    let names: BTreeMap<(&str, &str), Address> = names.collect();
    let declared: BTreeSet<_> = stack.resources.iter().map(|declared| &declared.address).collect();
    let address_of = |kind: &str, id: &str| names.get(&(kind, id)).cloned();
    let live = addressed.into_iter().map(|(_, address, observed)| {
        let mut fields = observed.spec.clone();
        name_references(&mut fields, &address_of);
        LiveResource {
            declared: declared.contains(&address),
            address,
            id: observed.id.clone(),
            status: observed.status.clone(),
            notes: observed.notes.clone(),
            fields,
            attributes: observed.attrs.clone(),
            tags: observed.tags.clone(),
        }
    });
    let mut live: Vec<_> = live.collect();
    live.sort_by(|one, other| (&one.address, &one.id).cmp(&(&other.address, &other.id)));
    live
}
