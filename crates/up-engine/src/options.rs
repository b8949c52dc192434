//! Options of sessions, plans and runs.

use std::{fmt, path::PathBuf, time::Duration};

use up_core::Address;
use up_stack::RoleArn;
use up_state::StateLocation;

/// How AWS is reached, and where the stack's history is kept.
#[derive(Debug, Clone)]
pub struct SessionOptions {
    /// The region, instead of the stack's own.
    pub region: Option<String>,
    /// The profile of `~/.aws/config` whose credentials are used, instead of those of the environment.
    pub profile: Option<String>,
    /// The role assumed for every call, instead of the stack's own.
    pub role_arn: Option<RoleArn>,
    /// The code that the MFA device shows. Without it, the reporter is asked where a role needs one.
    pub mfa_code: Option<MfaCode>,
    /// Where every call is sent, instead of to AWS.
    pub endpoint_url: Option<String>,
    /// True where the endpoint is a sandbox: it takes any credentials, and is never sent real ones.
    pub is_sandbox: bool,
    /// Whether calls wait so that AWS does not throttle them.
    pub limits: LimitOptions,
    /// How long AWS may take to show a change.
    pub settle: Duration,
    /// Where journals, locks and snapshots are kept, instead of where the stack says.
    pub state: Option<StateLocation>,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            region: None,
            profile: None,
            role_arn: None,
            mfa_code: None,
            endpoint_url: None,
            is_sandbox: false,
            limits: LimitOptions::default(),
            settle: Duration::from_secs(20),
            state: None,
        }
    }
}

/// Whether calls wait so that AWS does not throttle them.
#[derive(Debug, Clone, Default)]
pub struct LimitOptions {
    /// Whether AWS's published limits are kept to; if not said, they are where calls go to AWS itself.
    pub keep: Option<bool>,
    /// The folder of the token buckets: sessions with the same folder share their limits. By default it is one for all runs
    /// of the user on this machine.
    pub folder: Option<PathBuf>,
}

/// A code that an MFA device shows. `Debug` leaves it out.
#[derive(Clone)]
pub struct MfaCode(pub String);

impl fmt::Debug for MfaCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MfaCode(…)")
    }
}

/// How a plan is made.
#[derive(Debug, Clone, Default)]
pub struct PlanOptions {
    /// Only these resources and what they need; everything where there are none. A resource with `for_each` without its
    /// key means all of its instances.
    pub targets: Vec<Address>,
    /// Allows to delete and replace resources that `protect` and `prevent_destroy` protect.
    pub unprotect: bool,
    /// Write-only fields whose values are sent again: an address, a dot and a field.
    pub rewrite: Vec<String>,
}

/// How a plan is applied.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// How many resources are worked on at the same time. Resources that are only waited for do not count.
    pub parallel: usize,
    /// How long to wait for another run of the same stack to end.
    pub lock_timeout: Duration,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self { parallel: 16, lock_timeout: Duration::ZERO }
    }
}
