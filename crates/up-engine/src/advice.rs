//! What the user can do about an error of AWS.

use std::collections::BTreeSet;

use up_apply::Holder;
use up_core::{Error, ErrorKind};

/// A sentence of advice, where there is any.
///
/// `calls` are the IAM actions that the failed work may have needed, `holders` the stack's resources that the error names.
pub fn advice(error: &Error, calls: &[String], holders: Option<&BTreeSet<Holder>>) -> Option<String> {
    let advice = match error.kind {
        ErrorKind::Denied if calls.is_empty() => "ask your administrator for the permission that AWS names".to_owned(),
        ErrorKind::Denied => format!("the needed permissions are {}", calls.join(", ")),
        ErrorKind::Credentials => {
            "the credentials are missing, wrong or expired: renew them (`aws sso login`), or choose others with \
             `--profile`"
                .to_owned()
        }
        ErrorKind::Exists => "choose another name, or delete the resource that has it".to_owned(),
        ErrorKind::Held if holders.is_none_or(BTreeSet::is_empty) => {
            "it is not this stack's, and nothing here removes it: delete it, or take this resource out of it, then run the \
             same command again"
                .to_owned()
        }
        ErrorKind::Held | ErrorKind::Conflict => in_use(holders),
        ErrorKind::NotFound => {
            "the resource, or one it refers to, does not exist: check the ids and ARNs in its fields".to_owned()
        }
        ErrorKind::Propagating => {
            "AWS does not yet know a new resource that this one refers to: run the same command again in a minute"
                .to_owned()
        }
        ErrorKind::Throttled => "the account makes too many calls: wait, or use a lower `--parallel`".to_owned(),
        ErrorKind::Ambiguous => {
            "AWS may or may not have done it; the next run observes what there is before it does anything".to_owned()
        }
        ErrorKind::Other if error.code == "Bug" => {
            "internal error (a bug in bullstra-up): please report it with this message".to_owned()
        }
        ErrorKind::Other if is_quota(&error.code) => {
            "a quota of the account is exhausted: request an increase in Service Quotas, or delete resources".to_owned()
        }
        ErrorKind::Interrupted | ErrorKind::Other => return None,
    };
    Some(advice)
}

/// What to do about a resource that is still used.
fn in_use(holders: Option<&BTreeSet<Holder>>) -> String {
    let holders: Vec<_> = holders.into_iter().flatten().collect();
    let list = |holders: &[&Holder]| {
        let holders = holders.iter().map(|holder| format!("{} ({})", holder.address, holder.id));
        holders.collect::<Vec<_>>().join(", ")
    };
    let (leaving, staying): (Vec<_>, Vec<_>) = holders.into_iter().partition(|holder| holder.leaves);
    match (&leaving[..], &staying[..]) {
        ([], []) => {
            "another resource, which AWS's message may name, still uses it: remove that first, then run the same \
                     command again"
                .to_owned()
        }
        ([], staying) => format!("this stack's own {} still uses it: change that first", list(staying)),
        (leaving, _) => format!(
            "this stack's own {} still uses it, and this plan deletes that: run the same command again once AWS has \
             released it",
            list(leaving)
        ),
    }
}

fn is_quota(code: &str) -> bool {
    ["LimitExceeded", "QuotaExceeded", "MaxNumber", "TooMany"].iter().any(|part| code.contains(part))
}
