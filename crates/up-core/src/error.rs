//! One error for every AWS call, sorted once into what the engine can do about it.

use std::fmt;

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::{metadata::ProvideErrorMetadata, operation::BuildError};
use aws_types::request_id::RequestId;

/// What a kind's verb answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in AWS's words.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Error {
    /// What can be done about it.
    pub kind: ErrorKind,
    /// AWS's error code: `DependencyViolation`.
    pub code: String,
    /// AWS's message.
    pub message: String,
    /// What AWS's support asks for.
    pub request_id: Option<String>,
}

/// What the engine does next depends on this, and on nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// It does not exist: fine for a delete; [`ErrorKind::Propagating`] where this run has just made it, or what it needs;
    /// drift for anything else.
    NotFound,
    /// It exists already: observe again, it may be ours.
    Exists,
    /// Something still holds it, or AWS is busy with it: try again later.
    Conflict,
    /// Something holds it that neither the stack nor AWS removes: try again only for as long as AWS may take to show a change.
    Held,
    /// What it refers to is not yet known everywhere (a role just made): try again soon.
    Propagating,
    /// Too many calls: try again, more slowly. Nothing was done.
    Throttled,
    /// The answer was lost: it may have been done or not. Look before doing it again.
    Ambiguous,
    /// Not allowed: name the action and stop.
    Denied,
    /// The credentials are missing, wrong or expired: nothing else will work either.
    Credentials,
    /// The run was told to end before this was done.
    Interrupted,
    /// Anything else: show it and stop.
    Other,
}

impl ErrorKind {
    /// What `code` and `message` mean for every service; a service's own [`ErrorRule`]s come before.
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

/// What services say of a role, a profile or a policy that was made seconds ago (AWS_BEHAVIOUR, 0.1: seen on AWS).
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

/// A row of a service's error table: what one of its refusals means, where the generic table says nothing or is wrong.
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
    /// A row that fits every refusal.
    pub const fn new(kind: ErrorKind) -> Self {
        Self { operation: "", code: "", text: "", kind }
    }

    /// Only of operations whose names begin so: `CreateService`, `Create`.
    #[must_use]
    pub const fn on(self, operation: &'static str) -> Self {
        Self { operation, ..self }
    }

    /// Only where the error code has this part.
    #[must_use]
    pub const fn code(self, code: &'static str) -> Self {
        Self { code, ..self }
    }

    /// Only where the message has this part, in small letters or capitals.
    #[must_use]
    pub const fn text(self, text: &'static str) -> Self {
        Self { text, ..self }
    }

    fn fits(&self, operation: &str, code: &str, message: &str) -> bool {
        operation.starts_with(self.operation) && code.contains(self.code) && contains(message, self.text)
    }
}

/// What is written on a refusal: the operation, and the table of its service.
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

/// An error and what caused it, in words, without the SDK's own that say nothing.
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

/// A kind left out what the SDK requires.
impl From<BuildError> for Error {
    fn from(error: BuildError) -> Self {
        Self::ours(chain(&error))
    }
}

/// The failures that mean no more than that something is there already, or not any more.
pub trait AlreadyDone {
    /// What the call answers.
    type Answer;

    /// For a look: `None` where it is gone.
    fn unless_gone(self) -> Result<Option<Self::Answer>>;
    /// For a delete: it was not there.
    fn ignore_not_found(self) -> Result<()>;
    /// For an add: it was there.
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
    /// AWS answered without the one thing we asked for. Whether the call took effect is not known.
    pub fn absent(what: &str) -> Self {
        Self { kind: ErrorKind::Ambiguous, ..Self::of("Absent", format!("AWS sent no {what}")) }
    }

    /// AWS answered with a value that cannot be. Whether the call took effect is not known.
    pub fn invalid(what: &str, value: impl fmt::Display) -> Self {
        let message = format!("AWS returned an invalid {what}: {value}");
        Self { kind: ErrorKind::Ambiguous, ..Self::of("Invalid", message) }
    }

    /// The answer broke off while it was read.
    pub fn unread(error: &(dyn std::error::Error + 'static)) -> Self {
        Self { kind: ErrorKind::Ambiguous, ..Self::of("UnreadableAnswer", chain(error)) }
    }

    /// AWS refused inside an answer that was a success as a whole: sorted by its code like any other refusal.
    pub fn answered(code: &str, message: &str) -> Self {
        Self { kind: ErrorKind::of(code, message), ..Self::of(code, message) }
    }

    /// AWS refused for a reason that no second try changes.
    pub fn refused(code: &str, message: impl Into<String>) -> Self {
        Self::of(code, message)
    }

    /// Something still holds the resource, or AWS is busy with it.
    pub fn in_use(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Conflict, ..Self::of("InUse", message) }
    }

    /// Something holds the resource that neither the stack nor AWS removes.
    pub fn held(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Held, ..Self::of("InUse", message) }
    }

    /// Another resource has the name: `whose` says which, or whose it is. It is never taken over.
    pub fn taken(self, whose: &str) -> Self {
        Self { message: format!("{}; {whose}", self.message.trim_end_matches('.')), ..self }
    }

    /// True where the credentials held once, and their time is over.
    pub fn is_expired(&self) -> bool {
        self.kind == ErrorKind::Credentials
            && (self.code.contains("Expired") || self.code == "NotSent" && self.message.contains("Expired"))
    }

    /// The run was told to end.
    pub fn interrupted() -> Self {
        Self { kind: ErrorKind::Interrupted, ..Self::of("Interrupted", "the run was told to end") }
    }

    /// A mistake of this program, not of its user.
    pub fn ours(message: impl Into<String>) -> Self {
        Self::of("Bug", message)
    }

    fn of(code: &str, message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Other, code: code.into(), message: message.into(), request_id: None }
    }
}
