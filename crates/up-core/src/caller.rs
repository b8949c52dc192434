//! Which kind, with which verb, makes a call: said in the user agent, so that CloudTrail and the sandbox know.

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
    static CALLER: Caller;
}

const USER_AGENT: &str = "user-agent";

/// A verb of a kind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller {
    pub(crate) kind: &'static str,
    pub(crate) verb: &'static str,
}

impl Caller {
    /// Does `work`, the calls of which carry the caller's name.
    pub(crate) fn does<'a, T: Send + 'a>(self, work: Later<'a, T>) -> Later<'a, T> {
        Box::pin(CALLER.scope(self, work))
    }
}

/// An interceptor that adds the caller to the user agent: `md/ec2.vpc#create`. The header is not signed.
#[derive(Debug)]
pub(crate) struct NamesCaller;

impl Intercept for NamesCaller {
    fn name(&self) -> &'static str {
        "bullstra-up caller"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Ok(Caller { kind, verb }) = CALLER.try_with(|caller| *caller) {
            let headers = context.request_mut().headers_mut();
            let agent = headers.get(USER_AGENT).unwrap_or_default().to_owned();
            headers.insert(USER_AGENT, format!("{agent} md/{kind}#{verb}"));
        }
        Ok(())
    }
}
