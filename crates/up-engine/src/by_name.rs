//! Destroys a stack by its name alone, without its files, inputs or state.
//!
//! Everything that carries the stack's tags is found as a plan without history finds it. What the files would say besides is
//! read from the live resources, or refused.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use up_core::{Address, Context, Observed, visit_texts};
use up_plan::{Action, LiveStack, Plan, Refusal};

use crate::{Failure, Goal, PlanOptions, Reason, Session};

/// A stack that is known by its name only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedStack {
    /// Its name.
    pub name: String,
    /// The account that it is in.
    pub account: String,
    /// The region that it is in.
    pub region: String,
    /// True if nobody has allowed to delete data.
    pub(crate) protect: bool,
    /// True if it was created to be destroyed: then its files protect nothing.
    pub(crate) is_disposable: bool,
}

/// The shortest name looked for in text: a shorter one may be any word.
const SHORTEST: usize = 6;

impl NamedStack {
    /// A stack whose resources that hold data are not deleted, unless the plan's options allow it.
    pub fn new(name: impl Into<String>, account: impl Into<String>, region: impl Into<String>) -> Self {
        Self { name: name.into(), account: account.into(), region: region.into(), protect: true, is_disposable: false }
    }

    /// The same, known to be disposable: its data goes with it.
    pub(crate) fn disposable(self) -> Self {
        Self { protect: false, is_disposable: true, ..self }
    }

    /// Refuses credentials of another account, before any call but for the identity.
    pub(crate) fn check(&self, session: &Session) -> Result<(), Failure> {
        in_account(&session.cx, &self.account, &self.region)
    }

    /// What only the stack's files, or its history, could allow.
    pub(crate) fn refusals(&self, plan: &Plan, live_stack: &LiveStack) -> Vec<Refusal> {
        let deleted = plan.steps.iter().filter(|step| matches!(step.action, Action::Delete { .. }));
        let holds_data = |address: &Address| up_kinds::find(&address.kind).is_some_and(|kind| kind.info().holds_data);
        let held = deleted.filter(|step| self.protect && holds_data(&step.address)).map(|step| Refusal {
            address: step.address.clone(),
            message: "would be deleted, but it holds data, and only the stack's files say whether `protect` or \
                      `prevent_destroy` protects it"
                .into(),
        });
        let copies = live_stack.iter().filter(|(_, observed)| plan.copies.contains(&observed.id));
        let copies = copies.filter_map(|(_, observed)| {
            let message = format!(
                "{} carries its tags, and nothing says that the stack made it: destroy the stack by its file or with its \
                 `--state`, or remove the tag `{}`",
                observed.id,
                Address::STACK_TAG
            );
            Some(Refusal { address: observed.address(&self.name)?, message })
        });
        held.chain(copies).collect()
    }

    /// The resources that each resource names in text: by id, ARN or name. References are known to the plan.
    pub(crate) fn named(&self, live_stack: &LiveStack) -> BTreeMap<Address, BTreeSet<Address>> {
        let all = || live_stack.iter().filter_map(|(_, observed)| Some((observed.address(&self.name)?, observed)));
        let mut owners: BTreeMap<&str, BTreeSet<Address>> = BTreeMap::new();
        for (address, observed) in all() {
            for name in names(observed).filter(|name| name.len() >= SHORTEST) {
                owners.entry(name).or_default().insert(address.clone());
            }
        }
        // A name that two of the stack's resources share does not say which of them is meant.
        owners.retain(|_, owners| owners.len() == 1);
        let named = all().map(|(address, observed)| {
            let mut named = BTreeSet::new();
            visit_texts(&observed.spec, &mut |text| {
                for word in words(text) {
                    named.extend(owners.get(word).into_iter().flatten().filter(|owner| **owner != address).cloned());
                }
            });
            (address, named)
        });
        named.filter(|(_, named)| !named.is_empty()).collect()
    }
}

/// Refuses credentials of another account than the one that is named.
pub(crate) fn in_account(cx: &Context, account: &str, region: &str) -> Result<(), Failure> {
    if (cx.account(), cx.region()) == (account, region) {
        return Ok(());
    }
    let (is, at) = (cx.account(), cx.region());
    let message = format!("the credentials are for account {is}, {at}, and not for account {account}, {region}");
    Err(Failure::new(Reason::Access, message).hint("use another profile (`--profile`), or correct `--account`"))
}

impl Goal {
    /// No resource at all, of a stack whose files are not at hand.
    pub fn destroy_named(stack: NamedStack, options: &PlanOptions) -> Self {
        let protect = stack.protect && !options.unprotect;
        Self::nothing(NamedStack { protect, ..stack }, options)
    }
}

fn names(observed: &Observed<Value>) -> impl Iterator<Item = &str> {
    let attrs = ["arn", "name"].into_iter().filter_map(|name| observed.attrs.get(name));
    attrs.chain([&observed.id]).map(String::as_str)
}

/// The words of a text that may be ids, ARNs or names; an ARN may end in `:*`.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || "-_:/.".contains(c)));
    words.map(|word| word.trim_end_matches([':', '.', '/', '-']))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn observed(address: &str, id: &str, spec: Value) -> Observed<Value> {
        let tags = [(Address::STACK_TAG, "shop"), (Address::ADDRESS_TAG, address)];
        let tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        Observed::new(id, tags, spec).attr("arn", format!("arn:aws:x:us-east-1:1:{id}"))
    }

    #[test]
    fn resources_that_a_text_names_are_found() {
        let task = json!({
            "containers": [{ "log_configuration": { "options": { "awslogs-group": "/shop/orders" } } }],
            "policy": "{\"Resource\":\"arn:aws:x:us-east-1:1:vpc-12345:*\"}",
            "other": ["/shop/orders/more", "own-task"],
        });
        let group = observed("logs.log_group.orders", "/shop/orders", json!({}));
        let all = [observed("ecs.task_definition.orders", "own-task", task), group];
        let vpc = observed("ec2.vpc.main", "vpc-12345", json!({ "text": "short" }));
        let live_stack = LiveStack {
            observed: [("ecs".to_owned(), all.into()), ("ec2.vpc".to_owned(), vec![vpc])].into(),
            ..LiveStack::default()
        };
        let address = |text: &str| text.parse::<Address>().unwrap();
        let expected = [address("ec2.vpc.main"), address("logs.log_group.orders")];
        let named = NamedStack::new("shop", "123456789012", "us-east-1").named(&live_stack);
        assert_eq!(named, [(address("ecs.task_definition.orders"), expected.into())].into());
    }
}
