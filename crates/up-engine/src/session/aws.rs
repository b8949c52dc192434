//! The SDK's configuration: one HTTP client for all services, timeouts, retries and credentials.

use std::{path::PathBuf, time::Duration};

use aws_config::{
    AppName, BehaviorVersion, Region, SdkConfig, identity::IdentityCache, profile::ProfileFileCredentialsProvider,
    provider_config::ProviderConfig, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_credential_types::Credentials;
use aws_smithy_http_client::{
    Connector,
    proxy::ProxyConfig,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use up_core::Meter;
use up_limits::RateLimiter;
use up_stack::StackRole;

use crate::{MfaCode, options::LimitOptions};

/// Where calls are sent, and as whom.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    pub(super) region: String,
    pub(super) profile: Option<String>,
    /// The role that the stack's calls are made as.
    pub(super) role: Option<StackRole>,
    pub(super) mfa_code: Option<MfaCode>,
    pub(super) endpoint_url: Option<String>,
    /// True for a sandbox: it takes any credentials, and is never sent real ones.
    pub(super) is_sandbox: bool,
}

const CONNECT: Duration = Duration::from_millis(3100);
const READ: Duration = Duration::from_secs(30);

/// Reads profiles of `~/.aws`.
#[derive(Debug)]
pub(super) struct Profiles(ProviderConfig);

impl Profiles {
    /// The credentials of a profile of any sort.
    pub(super) fn profile(&self, name: &str) -> ProfileFileCredentialsProvider {
        ProfileFileCredentialsProvider::builder().profile_name(name).configure(&self.0).build()
    }
}

/// The configuration all clients share, signing with the caller's own credentials.
pub(super) async fn config(connection: &Connection) -> (SdkConfig, Profiles) {
    // No timeout for a whole call: it may have to wait for the rate limiter, which AWS is not to blame for.
    let patience = TimeoutConfig::builder().connect_timeout(CONNECT).read_timeout(READ);
    let (client, region) = (http_client(), Region::new(connection.region.clone()));
    let provider = ProviderConfig::default().with_http_client(client.clone()).with_region(Some(region.clone()));
    let profiles = Profiles(provider);
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(client)
        .region(region)
        .retry_config(RetryConfig::standard().with_max_attempts(8))
        .timeout_config(patience.build())
        .app_name(AppName::new("bullstra-up").expect("letters and a hyphen"));
    if let Some(profile) = &connection.profile {
        // Named on the command line, it goes before AWS_ACCESS_KEY_ID, as in AWS's own CLI.
        loader = loader.profile_name(profile).credentials_provider(profiles.profile(profile));
    }
    if let Some(url) = &connection.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    if connection.is_sandbox {
        loader = loader.credentials_provider(Credentials::new("sandbox", "sandbox", None, None, "sandbox"));
    }
    (loader.load().await, profiles)
}

/// The same, with a rate limiter that all calls pass; `meter` counts the calls that wait in it.
pub(super) fn rate_limited(config: &SdkConfig, meter: &Meter, limits: &LimitOptions) -> (SdkConfig, RateLimiter) {
    let folder = limits.folder.clone().unwrap_or_else(shared_folder);
    let limiter = RateLimiter::new(IdentityCache::lazy().build(), folder, meter.clone());
    (config.to_builder().identity_cache(limiter.clone()).build(), limiter)
}

/// The folder of the token buckets that all runs on this machine share, in the user's runtime folder where there is one.
fn shared_folder() -> PathBuf {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = || folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")));
    let base = folder("XDG_RUNTIME_DIR").or_else(cache).unwrap_or_else(std::env::temp_dir);
    base.join("bullstra-up").join("limits")
}

/// One pool of connections for all clients: by default the SDK makes one for each.
fn http_client() -> SharedHttpClient {
    let patience = HttpConnectorSettings::builder().connect_timeout(CONNECT).read_timeout(READ).build();
    let connector = Connector::builder()
        .connector_settings(patience)
        .proxy_config(ProxyConfig::from_env())
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .build();
    let connector = SharedHttpConnector::new(connector);
    http_client_fn(move |_, _| connector.clone())
}
