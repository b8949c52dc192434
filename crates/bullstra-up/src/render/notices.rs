//! Notices: information beside the steps of a plan.

use std::collections::BTreeSet;

use up_apply::Outcome;
use up_core::{Address, Status};
use up_engine::Level;
use up_plan::{Action, Notice, Plan};

use super::{style::message, text::count};

/// Each message once, with all resources that it concerns.
pub(crate) fn notices<'a>(notices: impl IntoIterator<Item = (&'a Address, &'a str)>) -> Vec<String> {
    let mut groups: Vec<(&str, Vec<&Address>)> = vec![];
    for (address, text) in notices {
        match groups.iter_mut().find(|(known, _)| *known == text) {
            Some((_, about)) if about.contains(&address) => {}
            Some((_, about)) => about.push(address),
            None => groups.push((text, vec![address])),
        }
    }
    let notes = groups.into_iter().map(|(text, about)| match &about[..] {
        [only] => message(Level::Note, &format!("{only}: {text}")),
        several => {
            let list: Vec<_> = several.iter().map(|address| format!("\n  {address}")).collect();
            message(Level::Note, &format!("{}: {text}{}", count(several.len(), "resource"), list.concat()))
        }
    });
    notes.collect()
}

/// The notices after a run: those of the plan that the run has not resolved, and new ones.
pub(crate) fn remaining(plan: &Plan, outcome: &Outcome) -> Vec<Notice> {
    let repaired = plan.steps.iter().enumerate().filter(|(index, _)| outcome.finished.contains(index));
    let repaired: BTreeSet<_> = repaired.flat_map(|(_, step)| notices_about(&step.address, &step.action)).collect();
    let before = plan.notices.iter().filter(|notice| !repaired.contains(&(&notice.address, notice.message.clone())));
    let mut remaining: Vec<_> = before.cloned().collect();
    for (address, notes) in &outcome.notes {
        for note in notes {
            let notice = Notice { address: address.clone(), message: note.clone() };
            if !remaining.contains(&notice) {
                remaining.push(notice);
            }
        }
    }
    remaining.sort_by(|one, other| one.address.cmp(&other.address));
    remaining
}

/// The notices about the state of a step's resource.
fn notices_about<'a>(address: &'a Address, action: &Action) -> Vec<(&'a Address, String)> {
    let (Action::Update { observed: Some(observed), .. } | Action::Delete { observed, .. }) = action else {
        return vec![];
    };
    let trouble = match &observed.status {
        Status::Impaired(trouble) => Some(trouble.sentence()),
        _ => None,
    };
    observed.notes.iter().cloned().chain(trouble).map(|message| (address, message)).collect()
}
