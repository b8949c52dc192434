//! Finds the stack's own resources that an AWS error message names.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use up_core::{Address, Observed};
use up_plan::{Action, LiveStack, Plan};

use crate::names::LiveIds;

/// The shortest name looked for: a shorter one may be any word.
const SHORTEST: usize = 6;

/// The ids of the stack's resources that existed when the run began, whether they stay or are deleted. Those that the
/// run creates are in [`LiveIds`].
#[derive(Debug, Default)]
pub(crate) struct OwnedResources {
    addresses: BTreeMap<String, Address>,
    leaving: BTreeSet<Address>,
}

/// A resource of the stack that an error names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// Its address.
    pub address: Address,
    /// Its id in the error message.
    pub id: String,
    /// True if the plan deletes it.
    pub leaves: bool,
}

impl OwnedResources {
    pub(crate) fn new(live_stack: &LiveStack, plan: &Plan) -> Self {
        let mut addresses = BTreeMap::new();
        for (_, observed) in live_stack.iter() {
            let Some(address) = observed.address(&plan.stack) else { continue };
            addresses.extend(words_for(observed).map(|word| (word, address.clone())));
        }
        let leaving = plan.steps.iter().filter(|step| matches!(step.action, Action::Delete { .. }));
        Self { addresses, leaving: leaving.map(|step| step.address.clone()).collect() }
    }

    /// The resources that `text` names, except `own`.
    pub(crate) fn named(&self, text: &str, own: &Address, names: &LiveIds) -> BTreeSet<Holder> {
        let holders = words(text).filter_map(|word| {
            let made = || names.by_id(word);
            let address = self.addresses.get(word).cloned().or_else(made).filter(|address| address != own)?;
            Some(Holder { leaves: self.leaving.contains(&address), address, id: word.to_owned() })
        });
        holders.collect()
    }
}

/// How AWS's messages name a resource: by id or ARN, a load balancer by the end of its ARN.
fn words_for(observed: &Observed<Value>) -> impl Iterator<Item = String> {
    let arn = observed.attrs.get("arn");
    let tail = arn.and_then(|arn| arn.split_once(":loadbalancer/")).map(|(_, tail)| tail.to_owned());
    [Some(observed.id.clone()), arn.cloned(), tail].into_iter().flatten()
}

/// The words of a message that may be ids.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || "-_:/.".contains(c)));
    let words = words.map(|word| word.trim_matches([':', '.', '/', '-']));
    words.filter(|word| word.len() >= SHORTEST && word.contains(['-', ':', '/']))
}
