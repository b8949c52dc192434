//! A step, in words.

use up_plan::{Action, Step};

/// What a step does, in the three forms that sentences want.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deed {
    /// `failed to …`.
    pub(crate) plain: &'static str,
    /// What it is at.
    pub(crate) doing: &'static str,
    /// What it has done.
    pub(crate) done: &'static str,
}

impl Deed {
    /// The words for `step`.
    pub(crate) fn of(step: &Step) -> Self {
        let deed = |plain, doing, done| Self { plain, doing, done };
        match (&step.action, step.verb()) {
            (Action::Create { replaces: true, .. }, _) => deed("create the new", "creating the new", "created the new"),
            (Action::Create { .. }, _) => deed("create", "creating", "created"),
            (Action::Delete { replaced: true, .. }, _) => deed("delete the old", "deleting the old", "deleted the old"),
            (Action::Delete { .. }, _) => deed("delete", "deleting", "deleted"),
            (Action::Update { observed: None, .. }, _) => deed("complete", "completing", "completed"),
            (Action::Update { .. }, Some("retag")) => deed("retag", "retagging", "retagged"),
            (Action::Update { .. }, Some("wait")) => deed("wait for", "waiting for", "waited for"),
            (Action::Update { .. }, _) => deed("update", "updating", "updated"),
        }
    }
}
