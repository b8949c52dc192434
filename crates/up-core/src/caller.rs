//! Adds the kind and the verb of each call to the user agent, for CloudTrail and the sandbox's record.

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::BeforeTransmitInterceptorContextMut},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;

use crate::Later;

tokio::task_local! {
    static KIND_VERB: KindVerb;
}

const USER_AGENT: &str = "user-agent";

/// A kind and one of its verbs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KindVerb {
    pub(crate) kind: &'static str,
    pub(crate) verb: &'static str,
}

impl KindVerb {
    /// Runs `work`; its calls carry this kind and verb.
    pub(crate) fn does<'a, T: Send + 'a>(self, work: Later<'a, T>) -> Later<'a, T> {
        Box::pin(KIND_VERB.scope(self, work))
    }
}

/// An interceptor that adds the kind and verb to the user agent: `md/ec2.vpc#create`. The header is not signed.
#[derive(Debug)]
pub(crate) struct KindInUserAgent;

impl Intercept for KindInUserAgent {
    fn name(&self) -> &'static str {
        "bullstra-up caller"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Ok(KindVerb { kind, verb }) = KIND_VERB.try_with(|it| *it) {
            let headers = context.request_mut().headers_mut();
            let agent = headers.get(USER_AGENT).unwrap_or_default().to_owned();
            headers.insert(USER_AGENT, format!("{agent} md/{kind}#{verb}"));
        }
        Ok(())
    }
}
