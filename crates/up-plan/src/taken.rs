//! Names that are already taken by another resource.

use std::borrow::Cow;

use serde_json::Value;
use up_model::{Address, Change, Model, whose};

use crate::{Action, Kinds, LiveStack, Refusal, Step};

/// The name that the user chose in a spec, if any.
pub fn given_name<'a>(kind: &dyn Model, spec: &'a Value) -> Option<&'a str> {
    let field = kind.fields().iter().find(|field| field.change == Change::Name)?;
    spec[field.name].as_str().filter(|_| kind.info().longest_name > 0)
}

/// The physical name of a new resource: the one that the user chose, or a derived one. `None` for kinds without names.
pub fn new_name<'a>(
    kind: &dyn Model,
    spec: &'a Value,
    stack: &str,
    address: &Address,
    generation: u32,
) -> Option<Cow<'a, str>> {
    let longest = kind.info().longest_name;
    let derived = || address.physical(stack, generation, longest).into();
    (longest > 0).then(|| given_name(kind, spec).map_or_else(derived, Cow::Borrowed))
}

/// Returns a refusal for every create whose name is taken: AWS would refuse the call in mid-run.
pub(crate) fn refusals(steps: &[Step], live_stack: &LiveStack, kinds: Kinds<'_>) -> Vec<Refusal> {
    let refusal = |step: &Step| {
        let Action::Create { new, desired, .. } = &step.action else { return None };
        let others = live_stack.others.get(&step.address.kind)?;
        let kind = kinds(&step.address.kind)?;
        let name = new_name(kind, desired, &new.stack, &step.address, new.generation)?;
        let (tags, kind_name) = (others.get(&*name)?, kind.name());
        let way_out = match given_name(kind, desired) {
            Some(_) => "choose another name",
            None => "give this one a name of its own",
        };
        let case = if kind.info().names_ignore_case { " (AWS ignores case)" } else { "" };
        let message = format!(
            "cannot be created: another {kind_name} is named `{name}`{case} already, and it {}; {way_out}, or delete that one",
            whose(tags)
        );
        Some(Refusal { address: step.address.clone(), message })
    };
    steps.iter().filter_map(refusal).collect()
}
