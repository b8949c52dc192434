//! One error for every AWS call, sorted once into what the engine can do about it.

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
    /// It is not there: fine for a delete, "not yet" right after a create, drift for anything else.
    Missing,
    /// It is there already: observe again, it may be ours.
    Exists,
    /// Something still holds it, or AWS is busy with it: try again later.
    InUse,
    /// What it refers to is not yet known everywhere (a role just made): try again soon.
    NotYet,
    /// Too many calls: try again, more slowly. Nothing was done.
    Throttled,
    /// The answer was lost: it may have been done or not. Look before doing it again.
    Unclear,
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
    fn of(code: &str, message: &str) -> Self {
        let has = |parts: &[&str]| parts.iter().any(|part| code.contains(part));
        let says = |parts: &[&str]| parts.iter().any(|part| message.contains(part));
        if has(&["ExpiredToken", "InvalidClientTokenId", "UnrecognizedClient", "AuthFailure", "SignatureDoesNotMatch"])
            || has(&["RequestExpired", "InvalidAccessKeyId"])
        {
            Self::Credentials
        } else if has(&["Throttl", "RequestLimitExceeded", "TooManyRequests", "SlowDown", "PriorRequestNotComplete"]) {
            Self::Throttled
        } else if has(&["AccessDenied", "Unauthorized", "NotAuthorized"]) {
            Self::Denied
        } else if has(&["InvalidIamInstanceProfile", "InvalidRole"])
            || says(&["assume role", "assume the role", "Invalid IAM Instance Profile", "Invalid principal in policy"])
        {
            Self::NotYet
        } else if has(&["NotFound", "NoSuch", "NonExistent", "DoesNotExist", "NotAttached", "Unknown"]) {
            Self::Missing
        } else if has(&["Duplicate", "AlreadyExist", "AlreadyAssociated", "AlreadyOwnedByYou", "EntityAlreadyExists"]) {
            Self::Exists
        } else if has(&["DependencyViolation", "InUse", "DeleteConflict", "IncorrectState", "Contains", "StateFault"])
            || has(&["TargetGroupAssociationLimit", "OperationAborted", "ConcurrentModification"])
        {
            Self::InUse
        } else {
            Self::Other
        }
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
            let kind = match ErrorKind::of(code, message) {
                ErrorKind::Other if server => ErrorKind::Unclear,
                kind => kind,
            };
            return Self { kind, code: code.to_owned(), message: message.to_owned(), request_id };
        }
        let (kind, code) = match &error {
            SdkError::ConstructionFailure(_) => (ErrorKind::Other, "NotSent"),
            SdkError::TimeoutError(_) => (ErrorKind::Unclear, "TimedOut"),
            SdkError::DispatchFailure(failure) if failure.is_user() => (ErrorKind::Other, "NotSent"),
            SdkError::DispatchFailure(failure) if failure.is_other() => (ErrorKind::Credentials, "NotSent"),
            SdkError::DispatchFailure(_) => (ErrorKind::Unclear, "Unreachable"),
            _ => (ErrorKind::Unclear, "UnreadableAnswer"),
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

/// The two failures that mean the work is already done.
pub trait AlreadyDone {
    /// For a delete: it was not there.
    fn gone(self) -> Result<()>;
    /// For an add: it was there.
    fn already(self) -> Result<()>;
}

impl<T, E: Into<Error>> AlreadyDone for Result<T, E> {
    fn gone(self) -> Result<()> {
        forgive(self, ErrorKind::Missing)
    }

    fn already(self) -> Result<()> {
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
        Self { kind: ErrorKind::Unclear, ..Self::of("Absent", format!("AWS sent no {what}")) }
    }

    /// The answer broke off while it was read.
    pub fn unread(error: &(dyn std::error::Error + 'static)) -> Self {
        Self { kind: ErrorKind::Unclear, ..Self::of("UnreadableAnswer", chain(error)) }
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
        Self { kind: ErrorKind::InUse, ..Self::of("InUse", message) }
    }

    /// There is one by that name, and it does not carry the stack's tags: never taken over.
    pub fn not_ours(self) -> Self {
        let message =
            format!("{}; it does not belong to this stack, and is left alone", self.message.trim_end_matches('.'));
        Self { message, ..self }
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
