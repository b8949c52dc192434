//! Where a stack lives, and how it is reached.

use up_kinds::Identity;
use up_stack::{Stack, StackRole};
use up_state::StateLocation;

use super::{access, aws::Connection};
use crate::{Engine, Failure, Level, Reason, SessionOptions};

/// The account of everything in the sandbox.
pub const SANDBOX_ACCOUNT: &str = "123456789012";

/// A stack's name and where it may live: what connecting to AWS for it takes.
#[derive(Debug, Clone)]
pub struct StackTarget<'a> {
    /// The stack's name.
    pub stack: &'a str,
    /// Its own region.
    pub region: &'a str,
    /// The accounts it may be in; any, where there are none.
    pub accounts: &'a [String],
    /// The role that its calls are made as.
    pub role: Option<&'a StackRole>,
    /// The bucket of its state, if it names one.
    pub backend: Option<&'a StateLocation>,
}

impl<'a> StackTarget<'a> {
    /// Where a loaded stack lives.
    pub fn of(stack: &'a Stack) -> Self {
        let Stack { name, region, accounts, role, backend, .. } = stack;
        Self { stack: name, region, accounts, role: role.as_ref(), backend: backend.as_ref() }
    }
}

/// How the stack is reached.
pub(super) fn connection(target: &StackTarget<'_>, options: &SessionOptions) -> Connection {
    let SessionOptions { region, profile, role_arn, mfa_code, endpoint_url, is_sandbox, .. } = options.clone();
    let region = region.unwrap_or_else(|| target.region.to_owned());
    let own = target.role.cloned();
    let role = match role_arn {
        // An external id says who asks, whichever role is assumed.
        Some(arn) => Some(StackRole { arn, external_id: own.and_then(|role| role.external_id) }),
        None => own,
    };
    // A sandbox has no roles but those that stacks make there, and needs no protection.
    let role = role.filter(|_| !is_sandbox);
    Connection { region, profile, role, mfa_code, endpoint_url, is_sandbox }
}

/// Refuses an endpoint that is no URL.
pub(super) fn usable(url: Option<&str>) -> Result<(), Failure> {
    let Some(url) = url.filter(|url| !is_url(url)) else { return Ok(()) };
    let failure = Failure::new(Reason::Input, format!("`{url}` is not a valid endpoint"));
    Err(failure.hint("set `--endpoint-url` or AWS_ENDPOINT_URL to a URL such as `http://localhost:4566`"))
}

fn is_url(text: &str) -> bool {
    let host = ["http://", "https://"].iter().find_map(|scheme| text.strip_prefix(scheme));
    host.is_some_and(|host| !host.is_empty() && !host.starts_with(['/', ':']) && !text.contains(char::is_whitespace))
}

/// Refuses accounts that the stack does not name, but for the sandbox's.
pub(super) fn guard(
    engine: &Engine,
    target: &StackTarget<'_>,
    connection: &Connection,
    identity: &Identity,
) -> Result<(), Failure> {
    let StackTarget { stack, accounts, .. } = target;
    if accounts.is_empty() || accounts.contains(&identity.account) {
        return Ok(());
    }
    if connection.is_sandbox && identity.account == SANDBOX_ACCOUNT {
        let note = format!("in the sandbox, {SANDBOX_ACCOUNT} stands for the stack's account {}", accounts.join(", "));
        engine.message(Level::Note, &note);
        return Ok(());
    }
    Err(access::wrong_account(identity, stack, accounts, connection.role.is_some()))
}
