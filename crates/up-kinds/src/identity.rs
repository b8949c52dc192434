//! Who calls.

use aws_sdk_sts::{Client, config::Builder};
use aws_types::SdkConfig;
use up_core::{Error, Meter, ResponseCheck, Result, Retries};

/// The caller, as AWS knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The account's 12 digits.
    pub account: String,
    /// The user, or the role with its session.
    pub arn: String,
}

/// Asks AWS who we are. It needs credentials and no permission.
///
/// # Errors
/// When the credentials are missing, wrong or expired, or AWS cannot be reached.
pub async fn identity(config: &SdkConfig, meter: &Meter) -> Result<Identity> {
    let config = Builder::from(config).interceptor(meter.clone()).interceptor(ResponseCheck).retry_classifier(Retries);
    let client = Client::from_conf(config.build());
    let answer = client.get_caller_identity().send().await?;
    let (Some(account), Some(arn)) = (answer.account, answer.arn) else {
        return Err(Error::absent("caller's account"));
    };
    Ok(Identity { account, arn })
}
