//! What the user can do about an error of AWS.

use up_core::{Error, ErrorKind};

/// A sentence of advice, where there is any.
///
/// `calls` are the IAM actions that the failed work may have needed.
pub(crate) fn advice(error: &Error, calls: &[String]) -> Option<String> {
    let advice = match error.kind {
        ErrorKind::Denied if calls.is_empty() => "ask for the permission that AWS names".to_owned(),
        ErrorKind::Denied => format!("this needs the permissions {}", calls.join(", ")),
        ErrorKind::Credentials => {
            "the credentials are missing, wrong or expired: renew them (`aws sso login`), or name others with \
             `--profile`"
                .to_owned()
        }
        ErrorKind::Exists => {
            "something of that name is there already and is not this stack's: give this one another name, or delete \
             the other"
                .to_owned()
        }
        ErrorKind::Conflict => {
            "something outside this stack still uses it: AWS's message may name it; take that away first".to_owned()
        }
        ErrorKind::NotFound => "it, or what it refers to, is not there: look at the ids and ARNs it names".to_owned(),
        ErrorKind::Propagating => "what it refers to is not known everywhere in AWS yet: wait a minute".to_owned(),
        ErrorKind::Throttled => "the account makes too many calls: wait, or use a lower `--parallel`".to_owned(),
        ErrorKind::Ambiguous => {
            "AWS may have done it or not; the next run looks before it does anything again".to_owned()
        }
        ErrorKind::Other if error.code == "Bug" => {
            "this is a mistake of bullstra-up, please report it with this message".to_owned()
        }
        ErrorKind::Other if is_quota(&error.code) => {
            "a quota of the account is used up: ask for more in Service Quotas, or delete something".to_owned()
        }
        ErrorKind::Interrupted | ErrorKind::Other => return None,
    };
    Some(advice)
}

fn is_quota(code: &str) -> bool {
    ["LimitExceeded", "QuotaExceeded", "MaxNumber", "TooMany"].iter().any(|part| code.contains(part))
}
