//! Names that another resource has already.

use serde_json::Value;
use up_core::{AnyKind, Change, whose};

use crate::{Action, Kinds, Refusal, Step, World};

/// The name that a spec gives, where its user chose it.
pub fn given_name<'a>(kind: &dyn AnyKind, spec: &'a Value) -> Option<&'a str> {
    let field = kind.fields().iter().find(|field| field.change == Change::Name)?;
    spec[field.name].as_str().filter(|_| kind.info().longest_name > 0)
}

/// A refusal for every create whose name is taken: AWS would refuse it in mid-run.
pub(crate) fn refusals(steps: &[Step], world: &World, kinds: Kinds<'_>) -> Vec<Refusal> {
    let refusal = |step: &Step| {
        let Action::Create { desired, .. } = &step.action else { return None };
        let name = given_name(kinds(&step.address.kind)?, desired)?;
        let tags = world.others.get(&step.address.kind)?.get(name)?;
        let message = format!(
            "cannot be created: another {} is named `{name}` already, and it {}; choose another name, or delete that one",
            step.address.kind,
            whose(tags)
        );
        Some(Refusal { address: step.address.clone(), message })
    };
    steps.iter().filter_map(refusal).collect()
}
