//! Waits for resources that the run before this one has created, or may have created, and that AWS does not list yet.
//!
//! AWS may list a new resource only after seconds. Most kinds need no waiting: with a client token or a unique name, a
//! second create answers with the first one's resource. Those with a
//! [non-idempotent create](up_core::KindInfo::non_idempotent_create) would be created twice.

use std::{collections::HashSet, time::Duration};

use jiff::{SignedDuration, Timestamp};
use up_apply::{ObserveError, Observer};
use up_core::{Address, AnyKind};
use up_plan::LiveStack;
use up_state::Past;

use crate::{Engine, Level};

/// Pause between two observations.
const PAUSE: Duration = Duration::from_secs(1);

/// Observes kinds with missing resources again, until `window` has passed since the last sign of the last run.
pub(super) async fn settle(
    engine: &Engine,
    observer: &Observer,
    live_stack: &mut LiveStack,
    past: &Past,
    unread: &[ObserveError],
    window: Duration,
) -> Result<(), ObserveError> {
    let Some(end) = heard(past).and_then(|heard| heard.checked_add(SignedDuration::try_from(window).ok()?).ok()) else {
        return Ok(());
    };
    let mut told = false;
    let is_read = |kind: &dyn AnyKind| unread.iter().all(|failure| failure.kind != kind.name());
    loop {
        let missing: Vec<_> = up_kinds::all()
            .into_iter()
            .filter(|kind| is_read(*kind) && is_missing(*kind, live_stack, past, &observer.stack))
            .collect();
        if missing.is_empty() || Timestamp::now() >= end {
            return Ok(());
        }
        if !std::mem::replace(&mut told, true) {
            engine.message(Level::Note, &waiting(&missing, window));
        }
        tokio::time::sleep(PAUSE).await;
        for kind in missing {
            let observed = observer.kind(kind).await;
            let observed = observed.map_err(|error| ObserveError { kind: kind.name(), error })?;
            live_stack.observed.insert(kind.name().to_owned(), observed);
        }
    }
}

/// How long ago the last run was last seen at work.
pub(crate) fn since_last_run(past: &Past) -> Option<Duration> {
    Timestamp::now().duration_since(heard(past)?).try_into().ok()
}

/// When the last run was last seen at work.
fn heard(past: &Past) -> Option<Timestamp> {
    let saved = past.snapshot.as_ref().map(|snapshot| snapshot.at);
    saved.into_iter().chain(past.interrupted_run.as_ref().map(|run| run.heard)).max()
}

/// True where AWS does not list what earlier runs created, or may have created.
fn is_missing(kind: &dyn AnyKind, live_stack: &LiveStack, past: &Past, stack: &str) -> bool {
    // The client token of a stamped resource is another one in each run, because its request is.
    let is_stamped = || live_stack.may_be_disposable(&up_kinds::model);
    let may_be_repeated = kind.info().non_idempotent_create || kind.info().client_token && is_stamped();
    if !may_be_repeated {
        return false;
    }
    let none = Vec::new();
    let observed = live_stack.observed.get(kind.name()).unwrap_or(&none);
    let there: HashSet<&String> = observed.iter().map(|observed| &observed.id).collect();
    let known: HashSet<&String> =
        super::observe::known(past).filter(|(of, _)| *of == kind.name()).flat_map(|(_, ids)| ids).collect();
    // A known resource existed before: an unanswered create did not make it.
    let is_answered = |address: &Address| {
        observed
            .iter()
            .any(|observed| observed.address(stack).as_ref() == Some(address) && !known.contains(&observed.id))
    };
    let unanswered = past.interrupted_run.iter().flat_map(|run| &run.unanswered);
    let mut creates = unanswered.filter(|(address, verb)| verb == "create" && address.kind == kind.name());
    !known.is_subset(&there) || !creates.all(|(address, _)| is_answered(address))
}

fn waiting(missing: &[&dyn AnyKind], window: Duration) -> String {
    let kinds = missing.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ");
    let seconds = window.as_secs();
    format!(
        "the last run created, or may have created, resources that AWS does not list yet ({kinds}): waiting for up to {seconds} s"
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use up_core::Observed;
    use up_state::{Ids, InterruptedRun, Snapshot, State};

    use super::*;

    fn observed(id: &str, address: &str) -> Observed<serde_json::Value> {
        let tags = [(Address::STACK_TAG, "shop"), (Address::ADDRESS_TAG, address)];
        let tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        Observed::new(id, tags, json!({}))
    }

    fn past(known: &[&str], made: &[&str], unanswered: &[(&str, &str)]) -> Past {
        let ids = |ids: &[&str]| Ids::from([("ec2.vpc".into(), ids.iter().map(|&id| id.to_owned()).collect())]);
        let unanswered = unanswered.iter().map(|(address, verb)| (address.parse().unwrap(), (*verb).to_owned()));
        let interrupted_run = InterruptedRun {
            owner: "me@here".into(),
            command: "apply".into(),
            account: "111122223333".into(),
            region: "us-east-1".into(),
            began: Timestamp::now(),
            heard: Timestamp::now(),
            made: ids(made),
            unanswered: unanswered.collect(),
        };
        Past { interrupted_run: Some(interrupted_run), ..left(ids(known)) }
    }

    /// What a run leaves behind that knows these.
    fn left(ids: Ids) -> Past {
        let folder = tempfile::tempdir().unwrap();
        let state = State::in_folder(folder.path(), "shop").unwrap();
        state.save(&Snapshot::new("shop", "111122223333", "us-east-1", vec![], ids)).unwrap();
        state.past().unwrap()
    }

    fn missing(past: &Past, there: &[Observed<serde_json::Value>]) -> bool {
        let live_stack = LiveStack {
            account: "111122223333".into(),
            region: "us-east-1".into(),
            observed: [("ec2.vpc".to_owned(), there.to_vec())].into(),
            ..LiveStack::default()
        };
        is_missing(up_kinds::find("ec2.vpc").unwrap(), &live_stack, past, "shop")
    }

    #[test]
    fn what_was_made_is_waited_for() {
        let past = past(&["vpc-1"], &["vpc-2"], &[]);
        assert!(missing(&past, &[observed("vpc-1", "ec2.vpc.main")]));
        assert!(!missing(&past, &[observed("vpc-1", "ec2.vpc.main"), observed("vpc-2", "ec2.vpc.other")]));
    }

    #[test]
    fn what_may_have_been_made_is_waited_for() {
        let past = past(&["vpc-1"], &[], &[("ec2.vpc.main", "create"), ("ec2.vpc.main", "update")]);
        assert!(missing(&past, &[observed("vpc-1", "ec2.vpc.main")]), "the one to be replaced is no answer");
        assert!(!missing(&past, &[observed("vpc-1", "ec2.vpc.main"), observed("vpc-2", "ec2.vpc.main")]));
    }

    #[test]
    fn what_cannot_be_made_twice_is_not_waited_for() {
        let group = Ids::from([("ec2.security_group".into(), ["sg-1".to_owned()].into())]);
        let past = left(group);
        let live_stack = LiveStack { account: "1".into(), region: "us-east-1".into(), ..LiveStack::default() };
        assert!(!is_missing(up_kinds::find("ec2.security_group").unwrap(), &live_stack, &past, "shop"));
    }
}
