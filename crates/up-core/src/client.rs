//! The clients of the service crates.

use aws_smithy_runtime::client::retries::{RetryPartition, TokenBucket};
use aws_smithy_runtime_api::client::{
    interceptors::{SharedInterceptor, context::InterceptorContext},
    retries::classifiers::{ClassifyRetry, RetryAction},
};

use crate::answer;

/// Shared by all clients of one account and region, beside their configuration.
#[derive(Debug, Clone)]
pub struct Calls {
    /// Run around every call.
    pub interceptors: Vec<SharedInterceptor>,
    /// The token bucket that limits retries. The SDK's own bucket is shared by the whole process, and hundreds of resources
    /// empty it: calls then fail that one retry would have saved.
    pub retries: RetryPartition,
}

impl Calls {
    pub(crate) fn new() -> Self {
        let plenty = TokenBucket::builder().capacity(10_000).refill_rate(100.0).build();
        Self { interceptors: vec![], retries: RetryPartition::custom("bullstra-up").token_bucket(plenty).build() }
    }
}

/// Corrects the SDK's rules for retries.
///
/// An exhausted quota is not throttling, although the SDK treats `LimitExceededException` as such: a retry does not help. An
/// answer that [`crate::ResponseCheck`] refuses was damaged on the way, and the call is sent again.
#[derive(Debug)]
pub struct Retries;

impl ClassifyRetry for Retries {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let code = context.response().and_then(answer::error_code);
        // `ResponseCheck` is the only one of our interceptors that returns errors.
        let is_refused = matches!(context.output_or_error(), Some(Err(error)) if error.is_interceptor_error());
        match code {
            Some(code) if answer::is_quota(&code) => RetryAction::RetryForbidden,
            _ if is_refused => RetryAction::transient_error(),
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "bullstra-up retries"
    }
}

/// Defines two functions for one SDK crate and its [`crate::Service`]: `client(cx)` returns the client; `once()` returns the
/// settings for a call that must not be repeated after a lost answer, because it takes no client token and AWS would carry it
/// out twice.
///
/// ```ignore
/// up_core::client!(aws_sdk_ec2, SERVICE);
/// client(cx).describe_vpcs().send().await?;
/// client(cx).create_vpc().customize().config_override(once()).send().await?;
/// ```
#[macro_export]
macro_rules! client {
    ($sdk:ident, $service:ident) => {
        /// The client of this service: one for the whole run.
        pub(crate) fn client(cx: &$crate::Context) -> $sdk::Client {
            cx.client(|sdk, calls| {
                let mut config = $sdk::config::Builder::from(sdk)
                    .retry_partition(calls.retries.clone())
                    .retry_classifier($crate::Retries)
                    .interceptor(&$service);
                for interceptor in &calls.interceptors {
                    config.push_interceptor(interceptor.clone());
                }
                $sdk::Client::from_conf(config.build())
            })
        }

        /// For creates without a client token: never sent twice by the SDK. The engine looks for what was made first.
        #[allow(dead_code, clippy::allow_attributes, reason = "not every service has such a call")]
        pub(crate) fn once() -> $sdk::config::Builder {
            $sdk::config::Config::builder().retry_config($crate::RetryConfig::disabled())
        }
    };
}
