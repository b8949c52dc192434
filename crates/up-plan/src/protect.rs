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
        Ruling::Replace(Order::CreateFirst | Order::DeleteFirst) => "replaced",
        _ => return None,
    };
    let prevented =
        declared.is_some_and(|declared| declared.prevent_destroy) || wanted.prevent_destroy.contains(address);
    let holds_data = kinds(&address.kind).is_some_and(|kind| kind.about().holds_data);
    let because = match (prevented, wanted.protect && holds_data) {
        (true, _) => "it is marked `prevent_destroy`",
        (_, true) => "it holds data and the stack is marked `protect`",
        _ => return None,
    };
    let fields = verdict.changes.iter().map(|change| format!("`{}`", change.field)).collect::<Vec<_>>();
    let cause = if fields.is_empty() { String::new() } else { format!(" because of {}", fields.join(", ")) };
    Some(refused(address, format!("would be {lost}{cause}, but {because}")))
}

fn refused(address: &Address, message: String) -> Refusal {
    Refusal { address: address.clone(), message }
}
