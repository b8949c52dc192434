//! Where calls wait for their tokens.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock},
};

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        identity::{IdentityFuture, ResolveCachedIdentity, SharedIdentityCache, SharedIdentityResolver},
        interceptors::{Intercept, context::AfterDeserializationInterceptorContextRef},
        orchestrator::Metadata,
        runtime_components::{RuntimeComponents, RuntimeComponentsBuilder},
    },
};
use aws_smithy_types::config_bag::ConfigBag;
use up_core::{Meter, NotSent, PrioritySemaphore, Service};

use crate::{Drawn, Place, Shared, draws};

/// Lets calls through as AWS's limits allow. Clones are one gate.
///
/// It stands where the SDK asks for credentials, which is the one place before a call is signed where waiting is
/// possible: a signature is good for minutes only, and a call may have to wait longer. Each try of a call passes it.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    credentials: SharedIdentityCache,
    folder: PathBuf,
    meter: Meter,
    /// Set once it is known whose limits they are. Until then calls pass.
    shared: OnceLock<Shared>,
    /// Whose turn it is at each bucket: one waits for its token, the others for their turn.
    turns: Mutex<BTreeMap<String, Arc<PrioritySemaphore>>>,
}

impl Gate {
    /// A gate before `credentials`; what runs share is kept in `folder`. `meter` counts who waits. It stands open until
    /// [`Gate::keep`].
    pub fn new(credentials: SharedIdentityCache, folder: PathBuf, meter: Meter) -> Self {
        Self(Arc::new(Inner { credentials, folder, meter, shared: OnceLock::new(), turns: Mutex::default() }))
    }

    /// Keeps to the limits of `place` from now on. The first place named counts.
    pub fn keep(&self, place: &Place) {
        self.0.shared.get_or_init(|| Shared::new(&self.0.folder, place));
    }

    async fn pass(&self, config: &ConfigBag) -> Result<(), NotSent> {
        let (Some(shared), Some((service, operation))) = (self.0.shared.get(), called(config)) else { return Ok(()) };
        for drawn in draws(service, operation) {
            up_core::without_permit(self.draw(shared, &drawn)).await?;
        }
        Ok(())
    }

    /// Waits for a token of one bucket, the most urgent first.
    async fn draw(&self, shared: &Shared, drawn: &Drawn) {
        let _held_back = self.0.meter.hold_back();
        let turns = {
            let mut all = self.0.turns.lock().expect("no panic while held");
            all.entry(drawn.bucket.clone()).or_insert_with(|| PrioritySemaphore::new(1)).clone()
        };
        let _turn = turns.take(up_core::urgency()).await;
        let wait = shared.take(drawn);
        if !wait.is_zero() {
            tracing::debug!(bucket = drawn.bucket, ?wait, "waiting for AWS's request limit");
            tokio::time::sleep(wait).await;
        }
    }
}

impl ResolveCachedIdentity for Gate {
    fn resolve_cached_identity<'a>(
        &'a self,
        resolver: SharedIdentityResolver,
        components: &'a RuntimeComponents,
        config: &'a ConfigBag,
    ) -> IdentityFuture<'a> {
        IdentityFuture::new(async move {
            self.pass(config).await?;
            self.0.credentials.resolve_cached_identity(resolver, components, config).await
        })
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.credentials.validate_base_client_config(components, config)
    }

    fn validate_final_config(&self, components: &RuntimeComponents, config: &ConfigBag) -> Result<(), BoxError> {
        self.0.credentials.validate_final_config(components, config)
    }
}

/// Learns from each answer whether AWS throttles.
impl Intercept for Gate {
    fn name(&self) -> &'static str {
        "bullstra-up gate"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let (Some(shared), Some((service, operation))) = (self.0.shared.get(), called(config))
            && up_core::is_throttled(context.response())
        {
            tracing::debug!(service = service.name, operation, "throttled by AWS");
            shared.throttled(&draws(service, operation));
        }
        Ok(())
    }
}

/// The service and the operation that a call is made to.
fn called(config: &ConfigBag) -> Option<(&'static Service, &str)> {
    Some((Service::called(config)?, config.load::<Metadata>()?.name()))
}
