//! The desired state of a stack.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use up_core::{Address, Declared, WriteOnly};
use up_plan::{Action, LiveStack, Notice, Plan, Step, Wanted};
use up_stack::{OutputValue, Stack, StackRole};
use up_state::StateLocation;

use crate::{Failure, NamedStack, Observation, PlanOptions, Reason, Secrets, StackTarget};

/// The desired state of a stack: everything from its files that planning, running and a saved plan need.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    stack: String,
    region: String,
    accounts: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<StackRole>,
    /// All resources that should exist; none to destroy the stack.
    pub resources: Vec<Declared>,
    /// Its outputs.
    pub outputs: BTreeMap<String, OutputValue>,
    protect: bool,
    /// How long it lives from its creation, if it is disposable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ttl: Option<Duration>,
    /// True if the caller said so, and not the file.
    #[serde(skip)]
    pub(crate) is_given_ttl: bool,
    /// The bucket of the state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    backend: Option<StateLocation>,
    /// Resources that must not be destroyed.
    prevent_destroy: BTreeSet<Address>,
    /// The resources that each resource to be destroyed refers to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    named: BTreeMap<Address, BTreeSet<Address>>,
    /// The physical names that the declarations of resources to be destroyed give.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    given: BTreeMap<Address, String>,
    /// As given, see [`PlanOptions::targets`].
    targets: Vec<Address>,
    /// As given, see [`PlanOptions::rewrite`].
    #[serde(default)]
    rewrite: Vec<String>,
    /// The stack, if its files are not at hand.
    #[serde(skip)]
    pub(crate) by_name: Option<NamedStack>,
    /// The write-only values of `resources`, after [`Self::seal`] has replaced them by placeholders.
    #[serde(skip)]
    write_only: WriteOnly,
}

impl Goal {
    /// Everything that the stack declares.
    pub fn apply(stack: Stack, options: &PlanOptions) -> Self {
        let mut resources = stack.resources;
        resources.iter_mut().for_each(|declared| declared.prevent_destroy &= !options.unprotect);
        Self {
            stack: stack.name,
            region: stack.region,
            accounts: stack.accounts,
            role: stack.role,
            resources,
            outputs: stack.outputs,
            protect: stack.protect && !options.unprotect,
            ttl: stack.ttl,
            is_given_ttl: false,
            backend: stack.backend,
            prevent_destroy: BTreeSet::new(),
            named: BTreeMap::new(),
            given: BTreeMap::new(),
            targets: options.targets.clone(),
            rewrite: options.rewrite.clone(),
            by_name: None,
            write_only: WriteOnly::new(),
        }
    }

    /// No resource at all.
    pub fn destroy(stack: Stack, options: &PlanOptions) -> Self {
        let goal = Self::apply(stack, options);
        let prevented = goal.resources.iter().filter(|declared| declared.prevent_destroy);
        let prevent_destroy = prevented.map(|declared| declared.address.clone()).collect();
        let named = goal.resources.iter().map(|declared| (declared.address.clone(), declared.named())).collect();
        let given = goal.resources.iter().filter_map(|declared| {
            let name = up_plan::given_name(up_kinds::find(&declared.address.kind)?, &declared.spec)?;
            Some((declared.address.clone(), name.to_owned()))
        });
        let given = given.collect();
        Self { resources: vec![], outputs: BTreeMap::new(), prevent_destroy, named, given, ..goal }
    }

    /// See [`Self::destroy_named`].
    pub(crate) fn nothing(stack: NamedStack, options: &PlanOptions) -> Self {
        Self {
            stack: stack.name.clone(),
            region: stack.region.clone(),
            accounts: vec![],
            role: None,
            resources: vec![],
            outputs: BTreeMap::new(),
            protect: false,
            ttl: None,
            is_given_ttl: false,
            backend: None,
            prevent_destroy: BTreeSet::new(),
            named: BTreeMap::new(),
            given: BTreeMap::new(),
            targets: options.targets.clone(),
            rewrite: vec![],
            by_name: Some(stack),
            write_only: WriteOnly::new(),
        }
    }

    /// Where the stack lives.
    pub fn target(&self) -> StackTarget<'_> {
        let Self { stack, region, accounts, role, backend, .. } = self;
        StackTarget { stack, region, accounts, role: role.as_ref(), backend: backend.as_ref() }
    }

    /// Takes the write-only values out of the resources, with the salts that were used last. They are handed to the calls that
    /// send them, and to nothing else.
    ///
    /// # Errors
    /// When a field that is to be sent again is none.
    pub fn seal(&mut self, observation: &mut Observation, secrets: &Secrets) -> Result<(), Failure> {
        for declared in &mut self.resources {
            let Some(fields) = up_kinds::find(&declared.address.kind).map(|kind| kind.fields()) else { continue };
            if fields.iter().any(|field| field.is_write_only) {
                let before = observation.live_stack.written.get(&declared.address).cloned();
                let address = declared.address.clone();
                self.write_only.extend(up_core::seal(&address, fields, declared.spec_mut(), before.as_deref()));
            }
        }
        secrets.add(&self.write_only.values().cloned().collect());
        observation.observer.cx.keep_write_only(self.write_only.clone());
        for name in &self.rewrite {
            let field = self.resources.iter().find_map(|declared| {
                let field = name.strip_prefix(&*declared.address.text())?.strip_prefix('.')?;
                let fields = up_kinds::find(&declared.address.kind)?.fields();
                let is_one = fields.iter().any(|known| known.is_write_only && known.name == field);
                is_one.then(|| (declared.address.clone(), field.to_owned()))
            });
            let Some(field) = field else {
                let failure = Failure::new(Reason::Input, format!("`{name}` is not a write-only field of the stack"));
                return Err(
                    failure.hint("`--rewrite` takes an address and a field: `ssm.parameter.password.secure_value`")
                );
            };
            observation.live_stack.rewrite.insert(field);
        }
        Ok(())
    }

    /// Takes the write-only values of a saved plan, which has none, from the stack it was made of.
    pub fn unseal_from(&mut self, stack: &Stack, secrets: &Secrets) {
        for declared in self.resources.iter().filter(|declared| up_core::is_sealed(&declared.spec)) {
            let Some(fields) = up_kinds::find(&declared.address.kind).map(|kind| kind.fields()) else { continue };
            let source = stack.resources.iter().find(|it| it.address == declared.address);
            let Some(mut spec) = source.map(|source| (*source.spec).clone()) else { continue };
            self.write_only.extend(up_core::seal(&declared.address, fields, &mut spec, Some(&declared.spec)));
        }
        secrets.add(&self.write_only.values().cloned().collect());
    }

    /// True if a write-only value has been replaced by a placeholder.
    pub fn is_sealed(&self) -> bool {
        self.resources.iter().any(|declared| up_core::is_sealed(&declared.spec))
    }

    /// True if only some resources are planned.
    pub fn is_partial(&self) -> bool {
        !self.targets.is_empty()
    }

    /// The steps from what was observed to this goal.
    ///
    /// # Errors
    /// When a target is neither declared nor owned by the stack.
    pub fn plan(&self, observation: &Observation) -> Result<Plan, Failure> {
        let by_name = self.by_name.as_ref();
        let named = by_name.map(|stack| stack.named(&observation.live_stack));
        let wanted = Wanted {
            stack: &self.stack,
            resources: &self.resources,
            protect: self.protect,
            prevent_destroy: &self.prevent_destroy,
            named: named.as_ref().unwrap_or(&self.named),
            given: &self.given,
            targets: &self.targets(&observation.live_stack)?,
            disposal: self.disposal(),
        };
        let mut plan = up_plan::plan(&wanted, &observation.live_stack, &up_kinds::model);
        if observation.past.snapshot.is_none() && !self.resources.is_empty() {
            plan.notices.extend(of_another_copy(&plan));
        }
        plan.notices.extend(self.disposal_notice(&observation.live_stack));
        let refusals: Vec<_> =
            by_name.into_iter().flat_map(|stack| stack.refusals(&plan, &observation.live_stack)).collect();
        plan.refusals.extend(refusals);
        Ok(plan)
    }

    /// The addresses that the targets mean.
    fn targets(&self, live_stack: &LiveStack) -> Result<BTreeSet<Address>, Failure> {
        if !self.is_partial() {
            return Ok(BTreeSet::new());
        }
        let live = live_stack.iter().filter_map(|(_, observed)| observed.address(&self.stack));
        let declared = self.resources.iter().map(|declared| declared.address.clone());
        let all: BTreeSet<Address> = live.chain(declared).collect();
        let mut targets = BTreeSet::new();
        for target in &self.targets {
            let before = targets.len();
            targets.extend(all.iter().filter(|address| means(target, address)).cloned());
            if targets.len() == before && !targets.contains(target) {
                return Err(no_target(target, &all));
            }
        }
        Ok(targets)
    }
}

/// Without a record of earlier runs, resources that are not declared may belong to a copy of the stack elsewhere.
fn of_another_copy(plan: &Plan) -> Option<Notice> {
    let deletes = |step: &&Step| matches!(step.action, Action::Delete { replaced: false, .. });
    let first = plan.steps.iter().find(deletes)?;
    let message = format!(
        "there is no record of earlier runs of `{stack}` here, and resources with its name that are not declared are \
         deleted ({count}); if another copy of the stack owns them, give this one another `name`",
        stack = plan.stack,
        count = plan.steps.iter().filter(deletes).count(),
    );
    Some(Notice { address: first.address.clone(), message })
}

/// A target without a key means every instance of a `for_each`.
fn means(target: &Address, address: &Address) -> bool {
    target == address || (target.key.is_none() && *target == Address { key: None, ..address.clone() })
}

fn no_target(target: &Address, all: &BTreeSet<Address>) -> Failure {
    let failure =
        Failure::new(Reason::Input, format!("`--target {target}` is neither declared nor owned by the stack"));
    let distance = |address: &Address| strsim::normalized_levenshtein(&target.to_string(), &address.to_string());
    let nearest = all.iter().max_by(|one, other| distance(one).total_cmp(&distance(other)));
    match nearest.filter(|nearest| distance(nearest) > 0.6) {
        Some(nearest) => failure.hint(format!("did you mean `{nearest}`?")),
        None => failure.hint("`bullstra-up graph` and `bullstra-up show` list addresses"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_without_a_key_means_all_instances() {
        let address = |text: &str| text.parse::<Address>().unwrap();
        assert!(means(&address("ec2.subnet.private"), &address("ec2.subnet.private:a")));
        assert!(means(&address("ec2.subnet.private:a"), &address("ec2.subnet.private:a")));
        assert!(!means(&address("ec2.subnet.private:a"), &address("ec2.subnet.private")));
        assert!(!means(&address("ec2.subnet.private"), &address("network/ec2.subnet.private:a")));
    }
}
