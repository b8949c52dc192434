//! Declared and live resources to plan with, and plans as lines of text.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use up_core::{Address, Declared, Observed, Status};
use up_plan::{Action, LiveStack, Plan, Wanted, plan};

use crate::kinds::find;

/// Declared and live resources to plan with.
#[derive(Default, Clone)]
pub(crate) struct Scenario {
    pub(crate) declared: Vec<Declared>,
    pub(crate) live_stack: LiveStack,
    pub(crate) protect: bool,
    pub(crate) targets: BTreeSet<Address>,
    /// Names in the declarations of resources to destroy.
    pub(crate) given: BTreeMap<Address, String>,
}

impl Scenario {
    pub(crate) fn declare(mut self, address: &str, spec: Value) -> Self {
        let address: Address = address.parse().unwrap();
        let spec = find(&address.kind).unwrap().complete(spec).unwrap();
        self.declared.push(Declared::new(address, spec));
        self
    }

    pub(crate) fn see(self, address: &str, id: &str, spec: Value) -> Self {
        self.see_as(address, id, Status::Ready, 0, spec)
    }

    pub(crate) fn see_as(mut self, address: &str, id: &str, status: Status, generation: u32, spec: Value) -> Self {
        let address: Address = address.parse().unwrap();
        let mut tags = up_core::Tags::new();
        tags.insert("Name".into(), address.physical("shop", generation, 255));
        tags.insert(Address::STACK_TAG.into(), "shop".into());
        tags.insert(Address::ADDRESS_TAG.into(), address.to_string());
        if generation > 0 {
            tags.insert(Address::GENERATION_TAG.into(), generation.to_string());
        }
        let attrs =
            [("arn".to_owned(), format!("arn:{id}")), ("name".to_owned(), address.physical("shop", generation, 40))];
        let observed = Observed { attrs: attrs.into(), status, ..Observed::new(id, tags, spec) };
        self.live_stack.observed.entry(address.kind).or_default().push(observed);
        self
    }

    pub(crate) fn plan(&self) -> Plan {
        let Self { declared, protect, targets, given, .. } = self;
        let wanted = Wanted { protect: *protect, given, targets, ..Wanted::new("shop", declared) };
        plan(&wanted, &self.live_stack, &find)
    }

    /// Compares the plan with one line a step: number, action, and the steps it waits for.
    #[track_caller]
    pub(crate) fn plans(&self, expected: &[&str]) -> Plan {
        let plan = self.plan();
        let lines: Vec<_> = plan
            .steps
            .iter()
            .enumerate()
            .map(|(index, step)| {
                let what = match &step.action {
                    Action::Create { new, replaces, partial, .. } => {
                        let kind = if *replaces { "replace" } else { "create" };
                        let generation =
                            if new.generation > 0 { format!(" #{}", new.generation) } else { String::new() };
                        format!("{kind}{} {}{generation}", if *partial { " partial" } else { "" }, step.address)
                    }
                    Action::Update { observed: None, .. } => format!("finish {}", step.address),
                    Action::Update { .. } => format!("{} {}", step.verb().unwrap(), step.address),
                    Action::Delete { observed, .. } => format!("delete {} {}", step.address, observed.id),
                };
                let after: Vec<_> = step.after.iter().map(ToString::to_string).collect();
                let after = if after.is_empty() { String::new() } else { format!(" after {}", after.join(" ")) };
                format!("{index} {what}{after}")
            })
            .collect();
        assert_eq!(lines, expected, "\n{}", lines.join("\n"));
        plan
    }
}

pub(crate) fn net(cidr: &str) -> Value {
    json!({ "cidr": cidr })
}

pub(crate) fn boxed(net: Value, size: i64) -> Value {
    json!({ "net": net, "size": size })
}

pub(crate) fn to(address: &str) -> Value {
    json!({ "$ref": address })
}

pub(crate) fn live(id: &str, kind: &str) -> Value {
    json!({ "$id": id, "$kind": kind })
}
