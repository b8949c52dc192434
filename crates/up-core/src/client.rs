//! How a service crate gets its client.

/// Defines, for one SDK crate, `client(cx)`: the one client there is; and `once()`: settings for a call that must not
/// be sent again when its answer is lost, because AWS takes no client token for it and would do it twice.
///
/// ```ignore
/// up_core::client!(aws_sdk_ec2);
/// client(cx).describe_vpcs().send().await?;
/// client(cx).create_vpc().customize().config_override(once()).send().await?;
/// ```
#[macro_export]
macro_rules! client {
    ($sdk:ident) => {
        /// The client of this service: one for the whole run, metered, and only with whole answers.
        pub(crate) fn client(cx: &$crate::Cx) -> $sdk::Client {
            cx.client(|sdk, meter| {
                let config = $sdk::config::Builder::from(sdk).interceptor(meter).interceptor($crate::Whole);
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
