//! A service of AWS: what is said once for all its kinds.

use std::{fmt, future};

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept,
            context::{BeforeDeserializationInterceptorContextMut, BeforeSerializationInterceptorContextRef},
        },
        orchestrator::Metadata,
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};

use crate::{AnyKind, Attrs, Context, Error, ErrorRule, Later, TagChange, deploying::Deploying, error::Refusal};

/// An AWS service. Its crate defines one such value; the only other list of services is the registry in `up-kinds`.
///
/// ```
/// # use up_core::{ErrorKind, ErrorRule, Limit, Service};
/// pub static SERVICE: Service = Service {
///     errors: &[ErrorRule::new(ErrorKind::Conflict).code("TooManyUpdates")],
///     limits: &[Limit::new("PutParameter", 3.0, 3.0), Limit::new("*", 5.0, 5.0).guess()],
///     ..Service::new("ssm")
/// };
/// ```
///
/// [`crate::client!`] binds it to the service's client, so that each call carries it: a `&'static Service` is an interceptor.
pub struct Service {
    /// Its name in AWS's CLI, which the names of its kinds begin with: `elbv2`.
    pub name: &'static str,
    /// Its prefix in IAM actions and ARNs: `elasticloadbalancing`.
    pub iam_prefix: &'static str,
    /// Its error table, for errors that the table for all services does not know or classifies wrongly. The first row that
    /// matches counts.
    pub errors: &'static [ErrorRule],
    /// What the answers to its lists always have, where the protocol does not tell: the operation and the member, or `None`
    /// for an answer that may have nothing in it. SQS leaves out an empty list, and CloudFront counts its items:
    /// `("ListQueues", None)`, `("ListDistributions", Some("Quantity"))`.
    pub lists: &'static [(&'static str, Option<&'static str>)],
    /// Its request limits. A call takes a token from the first limit for its operation, or from [`Limit::DEFAULT`] if there is
    /// none, and from each limit for it that is marked [`Limit::also`].
    pub limits: &'static [Limit],
    /// How it changes the tags of its resources.
    pub tagging: Tagging,
    /// All its kinds.
    pub kinds: &'static [&'static dyn AnyKind],
    /// Its part in deployments of services, if it has one.
    pub deploying: Option<Deploying>,
}

impl Service {
    /// A service with a name, which IAM uses too, and nothing else.
    pub const fn new(name: &'static str) -> Self {
        let (errors, lists, limits): (&[_], &[_], &[_]) = (&[], &[], &[]);
        Self { name, iam_prefix: name, errors, lists, limits, tagging: Tagging::ByKind, kinds: &[], deploying: None }
    }

    /// The ARN of a resource in the region, such as `vpc/vpc-1`, where the service itself only tells its id.
    pub fn arn(&self, cx: &Context, resource: impl fmt::Display) -> String {
        format!("arn:{}:{}:{}:{}:{resource}", cx.partition(), self.iam_prefix, cx.region(), cx.account())
    }

    /// Changes the tags of a resource with this id and these attributes, where the service does so for all its kinds.
    pub fn tag<'a>(&self, cx: &'a Context, id: &'a str, attrs: &'a Attrs, change: &'a TagChange) -> Later<'a, ()> {
        let call = match (self.tagging, attrs.get("arn")) {
            (Tagging::ById(tag), _) => Ok(tag(cx, id, change)),
            (Tagging::ByArn(tag), Some(arn)) => Ok(tag(cx, arn, change)),
            (Tagging::ByArn(_), None) => Err(Error::ours(format!("{id} has no ARN to tag it by"))),
            (Tagging::ByKind, _) => Err(Error::ours(format!("the kind of {id} does not say how it is tagged"))),
        };
        call.unwrap_or_else(|error| Box::pin(future::ready(Err(error))))
    }

    /// The service of a call, if its client is bound to one.
    pub fn called(config: &ConfigBag) -> Option<&'static Self> {
        config.load::<&'static Self>().copied()
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Service").field(&self.name).finish()
    }
}

impl Storable for &'static Service {
    type Storer = StoreReplace<Self>;
}

/// Attaches the service to each call, and to each failed answer the operation and the service's error table.
impl Intercept for &'static Service {
    fn name(&self) -> &'static str {
        "bullstra-up service"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().store_put(*self);
        Ok(())
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = config.load::<Metadata>().map(|metadata| metadata.name().to_owned());
        if let Some(operation) = operation.filter(|_| !context.response().status().is_success()) {
            context.response_mut().add_extension(Refusal { operation, rules: self.errors });
        }
        Ok(())
    }
}

/// How a service changes the tags of its resources.
#[derive(Debug, Clone, Copy)]
pub enum Tagging {
    /// With calls that take the id of a resource of any kind.
    ById(ChangeTags),
    /// With calls that take an ARN, the attribute `arn` of every kind.
    ByArn(ChangeTags),
    /// Its kinds differ, or have no tags: each has its own [`crate::Kind::tag`].
    ByKind,
}

/// Changes the tags of the resource with this id or ARN. The doc comment of each says why it is safe to repeat.
pub type ChangeTags = for<'a> fn(&'a Context, &'a str, &'a TagChange) -> Later<'a, ()>;

/// A request limit of AWS: a token bucket for each account and region.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// The operations that it limits: a glob (`Describe*`), or `!` and a glob for all operations that do not match it.
    pub operation: &'static str,
    /// Calls that may be made at once from a full bucket.
    pub capacity: f64,
    /// Tokens that the bucket gains in a second.
    pub refill: f64,
    /// The name of a bucket that several limits of a service share. Without a name, each operation has its own bucket.
    pub shared: Option<&'static str>,
    /// True if calls take a token from this bucket in addition to that of the first limit for them.
    pub is_also: bool,
    /// True if AWS publishes no number.
    pub is_guess: bool,
}

impl Limit {
    /// The limit of operations without one.
    pub const DEFAULT: Self = Self::new("*", 50.0, 10.0).guess();

    /// A limit that AWS publishes, with one bucket for each operation.
    pub const fn new(operation: &'static str, capacity: f64, refill: f64) -> Self {
        Self { operation, capacity, refill, shared: None, is_also: false, is_guess: false }
    }

    /// With one bucket for all limits of this name.
    #[must_use]
    pub const fn shared(self, name: &'static str) -> Self {
        Self { shared: Some(name), ..self }
    }

    /// In addition to the first limit for an operation.
    #[must_use]
    pub const fn also(self) -> Self {
        Self { is_also: true, ..self }
    }

    /// A number that AWS does not publish.
    #[must_use]
    pub const fn guess(self) -> Self {
        Self { is_guess: true, ..self }
    }

    /// True if this limit applies to the operation.
    pub fn is_for(&self, operation: &str) -> bool {
        match self.operation.strip_prefix('!') {
            Some(pattern) => !matches(pattern, operation),
            None => matches(self.operation, operation),
        }
    }
}

/// `*` stands for anything.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(name) = name.strip_prefix(start) else { return false };
    rest.is_empty() || name.char_indices().any(|(at, _)| matches(rest, &name[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, name) in [("*", ""), ("*", "x"), ("Describe*", "DescribeVpcs"), ("*Task*", "RunTask"), ("a", "a")]
        {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("Describe*", "GetIt"), ("*Cluster", "Clusters"), ("* unfiltered", "Describe")] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn what_a_glob_does_not_match_has_a_limit_too() {
        let modify = Limit::new("!Describe*", 20.0, 3.0);
        assert!(modify.is_for("CreateRule") && !modify.is_for("DescribeRules"));
    }
}
