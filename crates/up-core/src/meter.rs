//! Counts every API call, in an interceptor that every call passes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept,
            context::{AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef},
        },
        orchestrator::Metadata,
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;
use serde::Serialize;

use crate::{Service, is_throttled};

/// An operation of a service, as IAM names them: `ec2`, `DescribeVpcs`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Call {
    /// See [`Service::iam_prefix`].
    pub service: String,
    /// The operation.
    pub operation: String,
}

impl Call {
    /// True if the operation changes AWS, judged by its verb; exceptions are listed.
    pub fn is_mutating(&self) -> bool {
        is_mutating(&self.operation)
    }
}

pub(crate) fn is_mutating(operation: &str) -> bool {
    // A session is not a resource: assuming a role changes nothing.
    const READS: [&str; 8] = ["Describe", "List", "Get", "BatchGet", "Head", "Search", "Lookup", "AssumeRole"];
    !READS.iter().any(|verb| operation.starts_with(verb))
}

/// An interceptor that counts calls as they are sent, each retry again, and calls that wait. Clones share their counts.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Mutex<Counted>>);

#[derive(Debug, Default)]
struct Counted {
    sent: BTreeMap<Call, u64>,
    throttled: u64,
    held_back: usize,
}

/// A call that waits to be sent, until this is dropped.
#[derive(Debug)]
pub struct HeldBack(Meter);

impl Meter {
    /// The number of calls sent so far, by operation.
    pub fn counts(&self) -> BTreeMap<Call, u64> {
        self.0.lock().expect("no panic while held").sent.clone()
    }

    /// The number of calls that AWS throttled.
    pub fn throttled(&self) -> u64 {
        self.0.lock().expect("no panic while held").throttled
    }

    /// The number of calls that wait for the rate limiter now.
    pub fn held_back(&self) -> usize {
        self.0.lock().expect("no panic while held").held_back
    }

    /// Counts a call that waits for the rate limiter.
    pub fn hold_back(&self) -> HeldBack {
        self.0.lock().expect("no panic while held").held_back += 1;
        HeldBack(self.clone())
    }
}

impl Drop for HeldBack {
    fn drop(&mut self) {
        self.0.0.lock().expect("no panic while held").held_back -= 1;
    }
}

impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "bullstra-up meter"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(metadata) = cfg.load::<Metadata>() {
            let service = Service::called(cfg).map_or(metadata.service(), |service| service.iam_prefix);
            let call = Call { service: service.into(), operation: metadata.name().into() };
            *self.0.lock().expect("no panic while held").sent.entry(call).or_default() += 1;
        }
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if is_throttled(context.response()) {
            self.0.lock().expect("no panic while held").throttled += 1;
        }
        Ok(())
    }
}
