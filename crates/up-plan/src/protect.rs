//! What must not be lost.

use up_core::{Address, Order};

use crate::{
    Kinds, Refusal, Wanted,
    decide::{Ruling, Verdict},
};

/// A refusal for everything protected that the verdicts would delete or replace.
pub(crate) fn refusals(wanted: &Wanted<'_>, verdicts: &[Verdict<'_>], kinds: Kinds<'_>) -> Vec<Refusal> {
    verdicts.iter().filter_map(|verdict| refusal(wanted, verdict, kinds)).collect()
}

fn refusal(wanted: &Wanted<'_>, verdict: &Verdict<'_>, kinds: Kinds<'_>) -> Option<Refusal> {
    let Verdict { address, declared, ruling, .. } = verdict;
    let lost = match ruling {
        Ruling::Delete => "deleted",
        Ruling::Replace(Order::CreateBeforeDestroy | Order::DestroyBeforeCreate) => "replaced",
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
    let fields = verdict.changes.iter().map(|change| format!("`{}`", change.field)).collect::<Vec<_>>();
    let cause = if fields.is_empty() { String::new() } else { format!(" because of {}", fields.join(", ")) };
    Some(refused(address, format!("would be {lost}{cause}, but {because}")))
}

/// A refusal for everything that something which stays stands in.
pub(crate) fn occupied(verdicts: &[Verdict<'_>], kinds: Kinds<'_>) -> Vec<Refusal> {
    let leaves = |it: &&Verdict<'_>| !it.keeps_old && matches!(it.ruling, Ruling::Delete | Ruling::Replace(_));
    let leaving: Vec<_> = verdicts.iter().filter(leaves).filter_map(|it| Some((&it.address, it.observed?))).collect();
    if leaving.is_empty() {
        return vec![];
    }
    let stays = |it: &&Verdict<'_>| matches!(it.ruling, Ruling::Keep | Ruling::Wait | Ruling::Update);
    let refusals = verdicts.iter().filter(stays).flat_map(|user| {
        let held = leaving.iter().filter(move |(address, observed)| stands_in(user, address, &observed.id, kinds));
        held.map(move |(address, observed)| {
            let user = &user.address;
            let message = format!(
                "{} cannot be deleted: {user} stands in it, and AWS does not move it; leave it as it is, or replace {user} as well",
                observed.id
            );
            refused(address, message)
        })
    });
    refusals.collect()
}

/// True where a live resource stands in another, and AWS does not move it.
pub(crate) fn stands_in(user: &Verdict<'_>, target: &Address, id: &str, kinds: Kinds<'_>) -> bool {
    let occupies = kinds(&user.address.kind).and_then(|kind| kind.info().occupies);
    let Some((attribute, _)) = occupies.filter(|(_, kind)| *kind == target.kind) else { return false };
    let ids = user.observed.and_then(|observed| observed.attrs.get(attribute));
    ids.is_some_and(|ids| ids.split(',').any(|other| other == id))
}

fn refused(address: &Address, message: String) -> Refusal {
    Refusal { address: address.clone(), message }
}
