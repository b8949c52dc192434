//! Counts every API call, at the place no call can go around.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::BeforeTransmitInterceptorContextRef},
        orchestrator::Metadata,
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;
use serde::Serialize;

/// An operation of a service, as the SDK names them: `EC2`, `DescribeVpcs`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Call {
    /// The SDK's id of the service.
    pub service: String,
    /// The operation.
    pub operation: String,
}

impl Call {
    /// True where the operation changes AWS: told by its verb, as AWS names all that do not alike.
    pub fn is_mutating(&self) -> bool {
        // A session is nothing that exists: taking on a role changes no resource.
        const READS: [&str; 8] = ["Describe", "List", "Get", "BatchGet", "Head", "Search", "Lookup", "AssumeRole"];
        !READS.iter().any(|verb| self.operation.starts_with(verb))
    }
}

/// An interceptor that counts calls as they are sent, each retry again. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Mutex<BTreeMap<Call, u64>>>);

impl Meter {
    /// How often each operation was sent so far.
    pub fn counts(&self) -> BTreeMap<Call, u64> {
        self.0.lock().expect("no panic while held").clone()
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
            let call = Call { service: metadata.service().into(), operation: metadata.name().into() };
            *self.0.lock().expect("no panic while held").entry(call).or_default() += 1;
        }
        Ok(())
    }
}
