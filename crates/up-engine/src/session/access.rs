//! Failures of reaching AWS.

use up_apply::ObserveError;
use up_core::{Error, ErrorKind};
use up_kinds::{AssumableRole, Identity};

use super::aws::Connection;
use crate::{Failure, Reason, advice};

/// The failure of asking AWS for the caller's identity.
pub(super) fn unknown_caller(
    error: &Error,
    connection: &Connection,
    endpoint_url: Option<&str>,
    sso: Option<&str>,
) -> Failure {
    let Error { code, message, .. } = error;
    let failure = |message: String| Failure::new(Reason::Access, message);
    match (error.kind, code.as_str()) {
        (ErrorKind::Credentials, "NotSent") if sso.is_some() => not_signed_in(message, sso.unwrap_or_default()),
        (ErrorKind::Credentials, "NotSent") => no_credentials(message, connection.profile.as_deref()),
        (ErrorKind::Credentials, _) => failure(format!("AWS rejected the credentials: {code}: {message}"))
            .hint("they are wrong or expired: renew them (`aws sso login`), or choose others with `--profile`"),
        (_, "Unreachable" | "TimedOut") => {
            let hint = match endpoint_url {
                Some(url) => format!("check that something answers at {url}"),
                None => format!(
                    "check that `{}` is a region, and that this machine can reach it (HTTPS_PROXY)",
                    connection.region
                ),
            };
            failure(format!("AWS cannot be reached: {message}")).hint(hint)
        }
        _ => refused("to get the caller's identity", error, &["sts:GetCallerIdentity"]),
    }
}

/// The failure of assuming a role.
pub(super) fn not_assumed(
    error: &Error,
    role: &AssumableRole,
    connection: &Connection,
    endpoint_url: Option<&str>,
    sso: Option<&str>,
) -> Failure {
    let arn = &role.arn;
    match (error.kind, error.code.as_str()) {
        (ErrorKind::Credentials, _) | (_, "Unreachable" | "TimedOut") => {
            unknown_caller(error, connection, endpoint_url, sso)
        }
        (ErrorKind::Denied, code) => {
            let message = format!("cannot assume role {arn}: {code}: {}", error.message.trim_end());
            let hint = match role.mfa_serial {
                Some(_) if error.message.contains("MultiFactorAuthentication") => {
                    "a code is valid once, and for 30 seconds; `mfa_serial` in the profile must name the caller's own device"
                }
                _ => {
                    "the role's trust policy must allow the caller, with the conditions it has (`external_id`, MFA); the caller \
                     needs the permission sts:AssumeRole for the role"
                }
            };
            Failure::new(Reason::Access, message).hint(hint)
        }
        _ => refused(&format!("to assume the role {arn}"), error, &["sts:AssumeRole"]),
    }
}

fn not_signed_in(message: &str, profile: &str) -> Failure {
    // Parts of the SDK's message that say nothing.
    let because = message.replace("an error occurred while loading credentials: ", "");
    let because = because.replace("an error occurred while loading an access token: ", "");
    let message = format!("the SSO profile `{profile}` gives no AWS credentials: {because}");
    Failure::new(Reason::Access, message).hint(format!("sign in: `aws sso login --profile {profile}`"))
}

fn no_credentials(message: &str, profile: Option<&str>) -> Failure {
    if let Some(profile) = profile {
        let because = if message.is_empty() { String::new() } else { format!(": {message}") };
        let message = format!("the profile `{profile}` gives no AWS credentials{because}");
        let hint = format!("check that it is in `~/.aws/config`; sign in with `aws sso login --profile {profile}`");
        return Failure::new(Reason::Access, message).hint(hint);
    }
    // The SDK's own list of where it looked, in fewer words.
    let tried = message.replace("the credential provider was not enabled: ", "");
    let tried = tried.replace("the credential provider was not enabled", "nothing set up");
    let mut tried = tried.replace("no credentials found in chain. Attempted:", "looked for in");
    let is_unset = |name: &&str| std::env::var_os(name).is_none_or(|value| value.is_empty());
    let unset: Vec<_> = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].into_iter().filter(is_unset).collect();
    if !unset.is_empty() {
        tried = tried.replace("environment variable not set", &format!("{} not set", unset.join(" and ")));
    }
    let failure = Failure::new(Reason::Access, format!("there are no AWS credentials; {tried}"));
    match std::env::var("AWS_PROFILE") {
        Ok(named) => failure.hint(format!(
            "check that the profile `{named}`, which AWS_PROFILE names, is in `~/.aws/config`; sign in with `aws sso login`"
        )),
        Err(_) => failure
            .hint("sign in (`aws sso login`, `aws configure`), choose a profile with `--profile`, or try `--sandbox`"),
    }
}

/// The failure of credentials for an account that the stack does not name.
pub(super) fn wrong_account(identity: &Identity, stack: &str, accounts: &[String], by_role: bool) -> Failure {
    let Identity { account, arn, .. } = identity;
    let allowed = accounts.join(", ");
    let message =
        format!("the credentials are for account {account} ({arn}), but the stack `{stack}` is only for {allowed}");
    Failure::new(Reason::Access, message).hint(match by_role {
        true => "use another role (`--role-arn`), or correct `role_arn` or `accounts` in `[stack]`",
        false => "use another profile (`--profile`), or correct `accounts` in `[stack]`",
    })
}

/// The failure of a read that everything else needs.
pub(crate) fn refused(doing: &str, error: &Error, actions: &[&str]) -> Failure {
    let reason = match error.kind {
        ErrorKind::Denied | ErrorKind::Credentials => Reason::Access,
        _ => Reason::Failed,
    };
    let request = error.request_id.as_ref().map(|id| format!(" (request {id})")).unwrap_or_default();
    let actions: Vec<_> = actions.iter().map(|&action| action.to_owned()).collect();
    let failure = Failure::new(reason, format!("failed {doing}: {error}{request}"));
    Failure { hint: advice::advice(error, &actions, None), ..failure }
}

/// The failure of reading kinds: all of them in one message, with the hint of the first and the permissions of all.
pub(super) fn unseen(errors: &[ObserveError]) -> Failure {
    let denied = errors.iter().filter(|observed| observed.error.kind == ErrorKind::Denied);
    let actions = denied
        .flat_map(|ObserveError { kind, .. }| up_kinds::find(kind).map_or(&[][..], |kind| kind.info().actions.observe));
    let actions: Vec<_> = actions.copied().collect();
    let look = |ObserveError { kind, error }: &ObserveError| refused(&format!("to read {kind}"), error, &actions);
    let mut failures: Vec<_> = errors.iter().map(look).collect();
    let messages: Vec<_> = failures.iter().map(|failure| failure.message.clone()).collect();
    let access = failures.iter().position(|failure| failure.reason == Reason::Access).unwrap_or(0);
    let first = failures.swap_remove(access);
    Failure { message: messages.join("\n"), ..first }
}
