//! Who calls.

use aws_sdk_sts::{Client, config::Builder};
use aws_types::SdkConfig;
use jiff::Timestamp;
use up_core::{AnswerTime, Error, Limit, Meter, ResponseCheck, Result, Retries, Service};

/// STS. It has no kinds.
pub(crate) static STS: Service =
    Service { limits: &[Limit::new("*", 600.0, 600.0).shared("all").guess()], ..Service::new("sts") };

/// The caller, as AWS knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The account's 12 digits.
    pub account: String,
    /// The user, or the role with its session.
    pub arn: String,
    /// AWS's time, when it answered.
    pub at: Option<Timestamp>,
}

/// Asks AWS who we are. It needs credentials and no permission.
///
/// # Errors
/// When the credentials are missing, wrong or expired, or AWS cannot be reached.
pub async fn identity(config: &SdkConfig, meter: &Meter) -> Result<Identity> {
    let time = AnswerTime::default();
    let config = Builder::from(config)
        .interceptor(&STS)
        .interceptor(time.clone())
        .interceptor(meter.clone())
        .interceptor(ResponseCheck);
    let client = Client::from_conf(config.retry_classifier(Retries).build());
    let answer = client.get_caller_identity().send().await?;
    let (Some(account), Some(arn)) = (answer.account, answer.arn) else {
        return Err(Error::absent("caller's account"));
    };
    Ok(Identity { account, arn, at: time.first() })
}
