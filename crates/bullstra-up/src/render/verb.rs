//! The verb of a step.

use up_plan::{Action, Step};

/// The verb of a step, in the three forms that sentences need.
#[derive(Debug, Clone, Copy)]
pub(crate) struct VerbForms {
    /// As in `failed to …`.
    pub(crate) plain: &'static str,
    /// As in `creating …`.
    pub(crate) doing: &'static str,
    /// As in `created …`.
    pub(crate) done: &'static str,
}

impl VerbForms {
    /// The verb of `step`.
    pub(crate) fn of(step: &Step) -> Self {
        let forms = |plain, doing, done| Self { plain, doing, done };
        match (&step.action, step.verb()) {
            (Action::Create { replaces: true, .. }, _) => {
                forms("create the new", "creating the new", "created the new")
            }
            (Action::Create { .. }, _) => forms("create", "creating", "created"),
            (Action::Delete { replaced: true, .. }, _) => {
                forms("delete the old", "deleting the old", "deleted the old")
            }
            (Action::Delete { .. }, _) => forms("delete", "deleting", "deleted"),
            (Action::Update { observed: None, .. }, _) => forms("complete", "completing", "completed"),
            (Action::Update { .. }, Some("retag")) => forms("retag", "retagging", "retagged"),
            (Action::Update { .. }, Some("wait")) => forms("wait for", "waiting for", "waited for"),
            (Action::Update { .. }, _) => forms("update", "updating", "updated"),
        }
    }
}
