//! Refuses to delete or replace protected resources.

use up_model::{Address, Order};

use crate::{
    Kinds, Refusal, Wanted,
    decide::{Decision, PlannedAction},
};

/// Returns a refusal for each protected resource that would be deleted or replaced.
pub(crate) fn refusals(wanted: &Wanted<'_>, decisions: &[Decision<'_>], kinds: Kinds<'_>) -> Vec<Refusal> {
    decisions.iter().filter_map(|decision| refusal(wanted, decision, kinds)).collect()
}

fn refusal(wanted: &Wanted<'_>, decision: &Decision<'_>, kinds: Kinds<'_>) -> Option<Refusal> {
    let Decision { address, declared, planned, .. } = decision;
    let lost = match planned {
        PlannedAction::Delete => "deleted",
        PlannedAction::Replace(Order::CreateBeforeDestroy | Order::DestroyBeforeCreate) => "replaced",
        _ => return None,
    };
    let prevented =
        declared.is_some_and(|declared| declared.prevent_destroy) || wanted.prevent_destroy.contains(address);
    let holds_data = kinds(&address.kind).is_some_and(|kind| kind.info().holds_data);
    let because = match (prevented, wanted.protect && holds_data) {
        (true, _) => "it is marked `prevent_destroy`",
        (_, true) => "it holds data and the stack is marked `protect`",
        _ => return None,
    };
    let fields = decision.changes.iter().map(|change| format!("`{}`", change.field)).collect::<Vec<_>>();
    let cause = if fields.is_empty() { String::new() } else { format!(" because of {}", fields.join(", ")) };
    Some(refused(address, format!("would be {lost}{cause}, but {because}")))
}

/// Returns a refusal for each deleted or replaced resource that still contains one that stays, such as a subnet with a
/// network interface of a load balancer.
pub(crate) fn occupied(decisions: &[Decision<'_>], kinds: Kinds<'_>) -> Vec<Refusal> {
    let leaves =
        |it: &&Decision<'_>| !it.keeps_old && matches!(it.planned, PlannedAction::Delete | PlannedAction::Replace(_));
    let leaving: Vec<_> = decisions.iter().filter(leaves).filter_map(|it| Some((&it.address, it.observed?))).collect();
    if leaving.is_empty() {
        return vec![];
    }
    let stays =
        |it: &&Decision<'_>| matches!(it.planned, PlannedAction::Keep | PlannedAction::Wait | PlannedAction::Update);
    let refusals = decisions.iter().filter(stays).flat_map(|user| {
        let held = leaving.iter().filter(move |(address, observed)| stands_in(user, address, &observed.id, kinds));
        held.map(move |(address, observed)| {
            let (user, id) = (&user.address, &observed.id);
            let message = format!(
                "{id} cannot be deleted: {user} is inside it, and AWS does not move it; keep {id}, or replace {user} as well"
            );
            refused(address, message)
        })
    });
    refusals.collect()
}

/// True if a live resource is located in the target, and AWS cannot move it out.
pub(crate) fn stands_in(user: &Decision<'_>, target: &Address, id: &str, kinds: Kinds<'_>) -> bool {
    let occupies = kinds(&user.address.kind).and_then(|kind| kind.info().occupies);
    let Some((attribute, _)) = occupies.filter(|(_, kind)| *kind == target.kind) else { return false };
    let ids = user.observed.and_then(|observed| observed.attrs.get(attribute));
    ids.is_some_and(|ids| ids.split(',').any(|other| other == id))
}

fn refused(address: &Address, message: String) -> Refusal {
    Refusal { address: address.clone(), message }
}
