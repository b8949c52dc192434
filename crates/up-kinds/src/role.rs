//! Assumes roles.

use std::time::SystemTime;

use aws_sdk_sts::{
    Client,
    config::{Builder, Credentials},
};
use aws_types::SdkConfig;
use up_core::{Error, Meter, Result};

use crate::identity::STS;

/// A role to assume, and the parameters of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssumableRole {
    /// Its ARN.
    pub arn: String,
    /// The session's name in CloudTrail and in the caller's ARN, 2 to 64 characters.
    pub session_name: String,
    /// The `sts:ExternalId` that its trust policy requires.
    pub external_id: Option<String>,
    /// The duration of the session in seconds; AWS's default is an hour.
    pub seconds: Option<i32>,
    /// The MFA device whose code its trust policy requires: a serial number or an ARN.
    pub mfa_serial: Option<String>,
}

/// Assumes a role with the credentials of `config`. `code` is the current code of the MFA device, if there is one.
///
/// # Errors
/// The credentials are invalid, the role does not trust them, or AWS cannot be reached.
pub async fn assume(
    config: &SdkConfig,
    role: &AssumableRole,
    code: Option<&str>,
    meter: &Meter,
) -> Result<Credentials> {
    let client = Client::from_conf(Builder::from(config).interceptor(&STS).interceptor(meter.clone()).build());
    let call = client
        .assume_role()
        .role_arn(&role.arn)
        .role_session_name(&role.session_name)
        .set_external_id(role.external_id.clone())
        .set_duration_seconds(role.seconds)
        .set_serial_number(role.mfa_serial.clone())
        .set_token_code(code.map(str::to_owned));
    let given = call.send().await?.credentials.ok_or_else(|| Error::absent("credentials of the role"))?;
    let end = SystemTime::try_from(given.expiration).map_err(|_| Error::absent("end of the session"))?;
    let credentials = Credentials::builder()
        .access_key_id(given.access_key_id)
        .secret_access_key(given.secret_access_key)
        .session_token(given.session_token)
        .expiry(end)
        .provider_name("bullstra-up role");
    Ok(credentials.build())
}
