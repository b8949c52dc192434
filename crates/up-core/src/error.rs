//! The error of every AWS call, classified once by what the engine does next.

use std::fmt;

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::{metadata::ProvideErrorMetadata, operation::BuildError};
use aws_types::request_id::RequestId;

/// The result of a kind's verb.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failed call, with AWS's code and message.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Error {
    /// What the engine does next.
    pub kind: ErrorKind,
    /// AWS's error code: `DependencyViolation`.
    pub code: String,
    /// AWS's message.
    pub message: String,
    /// AWS's id of the request, which AWS's support asks for.
    pub request_id: Option<String>,
}

/// Classes of errors. What the engine does next depends on the class alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The resource does not exist. A delete is then done. For a resource that this run has just created, or that refers to
    /// one, it counts as [`ErrorKind::Propagating`]; otherwise the resource has drifted.
    NotFound,
    /// A resource of that name exists already. The engine observes again: it may be the stack's.
    Exists,
    /// Another resource still uses it, or AWS is busy with it. The call is repeated later.
    Conflict,
    /// A resource outside the stack uses it. The call is repeated only as long as AWS may take to show a change.
    Held,
    /// A resource that it refers to is not known everywhere yet, such as a new role. The call is repeated soon.
    Propagating,
    /// Too many calls. Nothing was done; the call is repeated more slowly.
    Throttled,
    /// The answer was lost, and the call may have taken effect. The engine observes before it repeats the call.
    Ambiguous,
    /// The caller lacks a permission. The step fails, and the message names the action.
    Denied,
    /// The credentials are missing, wrong or expired. No other call would succeed: the run ends.
    Credentials,
    /// The run was interrupted before the call was sent.
    Interrupted,
    /// Any other error. The step fails.
    Other,
}

impl ErrorKind {
    /// The class of `code` and `message` in all services. A service's own [`ErrorRule`]s come first.
    fn of(code: &str, message: &str) -> Self {
        let has = |parts: &[&str]| parts.iter().any(|part| code.contains(part));
        let says = |parts: &[&str]| parts.iter().any(|part| contains(message, part));
        if has(&["ExpiredToken", "InvalidClientTokenId", "UnrecognizedClient", "AuthFailure", "SignatureDoesNotMatch"])
            || has(&["RequestExpired", "InvalidAccessKeyId"])
        {
            Self::Credentials
        } else if has(&["Throttl", "RequestLimitExceeded", "TooManyRequests", "SlowDown", "PriorRequestNotComplete"])
            || says(&["Rate exceeded"])
        {
            Self::Throttled
        } else if has(&["InvalidIamInstanceProfile", "InvalidRole", "InvalidInstanceProfile"]) || says(&PROPAGATING) {
            Self::Propagating
        } else if has(&["AccessDenied", "Unauthorized", "NotAuthorized"]) {
            Self::Denied
        } else if has(&["NotFound", "NoSuch", "NonExistent", "Nonexistent", "DoesNotExist", "NotAttached"]) {
            Self::NotFound
        } else if has(&["Duplicate", "AlreadyExist", "AlreadyAssociated", "AlreadyOwnedByYou", "EntityAlreadyExists"]) {
            Self::Exists
        } else if has(&["DependencyViolation", "InUse", "DeleteConflict", "IncorrectState", "Contains", "StateFault"])
            || has(&["TargetGroupAssociationLimit", "OperationAborted", "ConcurrentModification", "ConcurrentUpdate"])
            || has(&["IncorrectInstanceState", "ScalingActivityInProgress", "ResourceContention", "AssociatedItem"])
            || has(&["OptimisticLock", "NotEmpty", "UpdateInProgress"])
        {
            Self::Conflict
        } else {
            Self::Other
        }
    }
}

/// Parts of messages about a role, an instance profile or a policy that was created seconds ago, as seen on AWS.
const PROPAGATING: [&str; 16] = [
    "assume role",
    "assume the role",
    "unable to assume",
    "cannot be assumed",
    "assume the provided role",
    "assume the service linked role",
    "role could not be assumed",
    "trust relationship",
    "trust policy",
    "trusted entity",
    "ServiceAccessDenied",
    "Invalid IAM Instance Profile",
    "Invalid principal",
    "unsupported principal",
    "PrincipalNotFound",
    "invalid for CreateGrant",
];

fn contains(text: &str, part: &str) -> bool {
    text.to_ascii_lowercase().contains(&part.to_ascii_lowercase())
}

/// A row of a service's error table: the class of one of its errors, where the table for all services has none or a wrong one.
///
/// The table is a part of [`crate::Service`], and bound to the service's client with it, so that no call can forget it.
///
/// ```
/// # use up_core::{ErrorKind, ErrorRule};
/// const ERRORS: &[ErrorRule] = &[
///     ErrorRule::new(ErrorKind::Propagating).on("CreateService").code("ClusterNotFound"),
///     ErrorRule::new(ErrorKind::Conflict).text("update is in progress"),
/// ];
/// ```
#[derive(Debug, Clone, Copy)]
pub struct ErrorRule {
    operation: &'static str,
    code: &'static str,
    text: &'static str,
    kind: ErrorKind,
}

impl ErrorRule {
    /// A row that matches every error.
    pub const fn new(kind: ErrorKind) -> Self {
        Self { operation: "", code: "", text: "", kind }
    }

    /// Matches only operations whose names begin with this: `CreateService`, `Create`.
    #[must_use]
    pub const fn on(self, operation: &'static str) -> Self {
        Self { operation, ..self }
    }

    /// Matches only error codes that contain this.
    #[must_use]
    pub const fn code(self, code: &'static str) -> Self {
        Self { code, ..self }
    }

    /// Matches only messages that contain this; case is ignored.
    #[must_use]
    pub const fn text(self, text: &'static str) -> Self {
        Self { text, ..self }
    }

    fn fits(&self, operation: &str, code: &str, message: &str) -> bool {
        operation.starts_with(self.operation) && code.contains(self.code) && contains(message, self.text)
    }
}

/// Attached to the answer of a failed call: the operation, and its service's error table.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) operation: String,
    pub(crate) rules: &'static [ErrorRule],
}

impl Refusal {
    fn kind(&self, code: &str, message: &str) -> Option<ErrorKind> {
        let Self { operation, rules } = self;
        rules.iter().find(|rule| rule.fits(operation, code, message)).map(|rule| rule.kind)
    }
}

impl<E> From<SdkError<E, HttpResponse>> for Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    SdkError<E, HttpResponse>: RequestId,
{
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        let request_id = error.request_id().map(str::to_owned);
        if let (Some(code), Some(message)) = (error.code(), error.message()) {
            let server = error.raw_response().is_some_and(|response| response.status().is_server_error());
            let refusal = error.raw_response().and_then(|response| response.extension::<Refusal>());
            let own = refusal.and_then(|refusal| refusal.kind(code, message));
            let kind = match own.unwrap_or_else(|| ErrorKind::of(code, message)) {
                ErrorKind::Other if server => ErrorKind::Ambiguous,
                kind => kind,
            };
            return Self { kind, code: code.to_owned(), message: message.to_owned(), request_id };
        }
        let (kind, code) = match &error {
            SdkError::ConstructionFailure(_) => (ErrorKind::Other, "NotSent"),
            SdkError::TimeoutError(_) => (ErrorKind::Ambiguous, "TimedOut"),
            SdkError::DispatchFailure(failure) if failure.is_user() => (ErrorKind::Other, "NotSent"),
            SdkError::DispatchFailure(failure) if failure.is_other() => (ErrorKind::Credentials, "NotSent"),
            SdkError::DispatchFailure(_) => (ErrorKind::Ambiguous, "Unreachable"),
            _ => (ErrorKind::Ambiguous, "UnreadableAnswer"),
        };
        Self { kind, code: code.to_owned(), message: chain(&error), request_id }
    }
}

/// The messages of an error and its causes, without the SDK's generic ones.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    const NOTHING: [&str; 5] =
        ["service error", "dispatch failure", "other", "io error", "the credential provider was not enabled"];
    let causes = std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string);
    let mut words: Vec<String> = vec![];
    for cause in causes.filter(|cause| !NOTHING.contains(&cause.as_str())) {
        if words.last().is_none_or(|last| !last.ends_with(&cause)) {
            words.push(cause);
        }
    }
    words.join(": ")
}

/// A kind left out a member that the SDK requires.
impl From<BuildError> for Error {
    fn from(error: BuildError) -> Self {
        Self::ours(chain(&error))
    }
}

/// Ignores errors which say that the wanted state has been reached already.
pub trait AlreadyDone {
    /// The answer of the call.
    type Answer;

    /// For a read: `None` if the resource no longer exists.
    fn unless_gone(self) -> Result<Option<Self::Answer>>;
    /// For a delete: "not found" is a success.
    fn ignore_not_found(self) -> Result<()>;
    /// For a create or an add: "already exists" is a success.
    fn ignore_exists(self) -> Result<()>;
}

impl<T, E: Into<Error>> AlreadyDone for Result<T, E> {
    type Answer = T;

    fn unless_gone(self) -> Result<Option<T>> {
        match self.map_err(Into::into) {
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            answer => answer.map(Some),
        }
    }

    fn ignore_not_found(self) -> Result<()> {
        forgive(self, ErrorKind::NotFound)
    }

    fn ignore_exists(self) -> Result<()> {
        forgive(self, ErrorKind::Exists)
    }
}

fn forgive<T, E: Into<Error>>(result: Result<T, E>, kind: ErrorKind) -> Result<()> {
    match result.map_err(Into::into) {
        Err(error) if error.kind != kind => Err(error),
        _ => Ok(()),
    }
}

impl Error {
    /// AWS's answer lacks a required member. Whether the call took effect is not known.
    pub fn absent(what: &str) -> Self {
        Self { kind: ErrorKind::Ambiguous, ..Self::of("Absent", format!("AWS sent no {what}")) }
    }

    /// AWS's answer holds an invalid value. Whether the call took effect is not known.
    pub fn invalid(what: &str, value: impl fmt::Display) -> Self {
        let message = format!("AWS returned an invalid {what}: {value}");
        Self { kind: ErrorKind::Ambiguous, ..Self::of("Invalid", message) }
    }

    /// AWS's answer ended early.
    pub fn unread(error: &(dyn std::error::Error + 'static)) -> Self {
        Self { kind: ErrorKind::Ambiguous, ..Self::of("UnreadableAnswer", chain(error)) }
    }

    /// A failure inside a successful answer (one item of a batch), classified by its code like any other.
    pub fn answered(code: &str, message: &str) -> Self {
        Self { kind: ErrorKind::of(code, message), ..Self::of(code, message) }
    }

    /// AWS refused, and repeating the call would not help.
    pub fn refused(code: &str, message: impl Into<String>) -> Self {
        Self::of(code, message)
    }

    /// Another resource still uses the resource, or AWS is busy with it.
    pub fn in_use(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Conflict, ..Self::of("InUse", message) }
    }

    /// A resource outside the stack uses the resource.
    pub fn held(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Held, ..Self::of("InUse", message) }
    }

    /// Another resource has the name; `whose` says which, or to whom it belongs. It is never adopted.
    pub fn taken(self, whose: &str) -> Self {
        Self { message: format!("{}; {whose}", self.message.trim_end_matches('.')), ..self }
    }

    /// True if the credentials were valid and have expired.
    pub fn is_expired(&self) -> bool {
        self.kind == ErrorKind::Credentials
            && (self.code.contains("Expired") || self.code == "NotSent" && self.message.contains("Expired"))
    }

    /// The run was interrupted.
    pub fn interrupted() -> Self {
        Self { kind: ErrorKind::Interrupted, ..Self::of("Interrupted", "the run was told to end") }
    }

    /// An internal error: a bug in bullstra-up.
    pub fn ours(message: impl Into<String>) -> Self {
        Self::of("Bug", message)
    }

    fn of(code: &str, message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Other, code: code.into(), message: message.into(), request_id: None }
    }
}
