//! Holds calls back until AWS's limits allow them.

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

use crate::{Drawn, SharedBuckets, draws};

/// Holds calls back until AWS's request limits allow them. Clones share one state.
///
/// It is the SDK's identity cache: the SDK asks for credentials before it signs a call, and no later step can wait. A signature
/// is valid for minutes only, and a call may have to wait longer. The SDK asks again for each retry.
#[derive(Debug, Clone)]
pub struct RateLimiter(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    credentials: SharedIdentityCache,
    folder: PathBuf,
    meter: Meter,
    /// Set once the account and the region are known. Until then no call waits.
    buckets: OnceLock<SharedBuckets>,
    /// One semaphore for each bucket: its holder waits for a token, and the others for the semaphore, the most urgent first.
    turns: Mutex<BTreeMap<String, Arc<PrioritySemaphore>>>,
}

impl RateLimiter {
    /// A limiter in front of `credentials` that counts waiting calls in `meter`. The buckets that runs share are kept in
    /// `folder`. It holds nothing back until [`RateLimiter::start`].
    pub fn new(credentials: SharedIdentityCache, folder: PathBuf, meter: Meter) -> Self {
        let (buckets, turns) = (OnceLock::new(), Mutex::default());
        Self(Arc::new(Inner { credentials, folder, meter, buckets, turns }))
    }

    /// Keeps to the limits of an account (12 digits) and a region (`us-east-1`) from now on. Only the first call counts.
    pub fn start(&self, account: &str, region: &str) {
        self.0.buckets.get_or_init(|| SharedBuckets::new(&self.0.folder, account, region));
    }

    /// Waits for a token of each bucket that the call draws from.
    async fn wait(&self, config: &ConfigBag) -> Result<(), NotSent> {
        let (Some(buckets), Some((service, operation))) = (self.0.buckets.get(), called(config)) else { return Ok(()) };
        for drawn in draws(service, operation) {
            up_core::without_permit(self.take(buckets, &drawn)).await?;
        }
        Ok(())
    }

    /// Waits for a token of one bucket, the most urgent call first.
    async fn take(&self, buckets: &SharedBuckets, drawn: &Drawn) {
        let _held_back = self.0.meter.hold_back();
        let turns = {
            let mut all = self.0.turns.lock().expect("no panic while held");
            all.entry(drawn.bucket.clone()).or_insert_with(|| PrioritySemaphore::new(1)).clone()
        };
        let _turn = turns.take(up_core::urgency()).await;
        let wait = buckets.take(drawn);
        if !wait.is_zero() {
            tracing::debug!(bucket = drawn.bucket, ?wait, "waiting for AWS's request limit");
            tokio::time::sleep(wait).await;
        }
    }
}

impl ResolveCachedIdentity for RateLimiter {
    fn resolve_cached_identity<'a>(
        &'a self,
        resolver: SharedIdentityResolver,
        components: &'a RuntimeComponents,
        config: &'a ConfigBag,
    ) -> IdentityFuture<'a> {
        IdentityFuture::new(async move {
            self.wait(config).await?;
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

/// Slows the buckets of a call down when AWS throttles it.
impl Intercept for RateLimiter {
    fn name(&self) -> &'static str {
        "bullstra-up rate limiter"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let (Some(buckets), Some((service, operation))) = (self.0.buckets.get(), called(config))
            && up_core::is_throttled(context.response())
        {
            tracing::debug!(service = service.name, operation, "throttled by AWS");
            buckets.throttled(&draws(service, operation));
        }
        Ok(())
    }
}

/// The service and the operation that a call is made to.
fn called(config: &ConfigBag) -> Option<(&'static Service, &str)> {
    Some((Service::called(config)?, config.load::<Metadata>()?.name()))
}
