//! Counts every API call, at the place no call can go around.

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
    /// True where the operation changes AWS: told by its verb, as AWS names all that do not alike.
    pub fn is_mutating(&self) -> bool {
        is_mutating(&self.operation)
    }
}

pub(crate) fn is_mutating(operation: &str) -> bool {
    // A session is nothing that exists: taking on a role changes no resource.
    const READS: [&str; 8] = ["Describe", "List", "Get", "BatchGet", "Head", "Search", "Lookup", "AssumeRole"];
    !READS.iter().any(|verb| operation.starts_with(verb))
}

/// An interceptor that counts calls as they are sent, each retry again, and those that wait to be. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Mutex<Counted>>);

#[derive(Debug, Default)]
struct Counted {
    sent: BTreeMap<Call, u64>,
    throttled: u64,
    held_back: usize,
}

/// A call that waits to be sent, until dropped.
#[derive(Debug)]
pub struct HeldBack(Meter);

impl Meter {
    /// How often each operation was sent so far.
    pub fn counts(&self) -> BTreeMap<Call, u64> {
        self.0.lock().expect("no panic while held").sent.clone()
    }

    /// How many of the calls AWS refused because there were too many.
    pub fn throttled(&self) -> u64 {
        self.0.lock().expect("no panic while held").throttled
    }

    /// How many calls wait for AWS's request limits now.
    pub fn held_back(&self) -> usize {
        self.0.lock().expect("no panic while held").held_back
    }

    /// Counts a call that waits for AWS's request limits.
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
