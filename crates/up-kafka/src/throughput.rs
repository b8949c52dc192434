//! Provisioned storage throughput in MiB per second: 0 for none, for which MSK has `enabled`.

use aws_sdk_kafka::types::ProvisionedThroughput;
use up_core::{Context, FromAws, Result, ToAws};

pub(crate) fn to_aws(throughput: &u32, cx: &Context) -> Result<Option<ProvisionedThroughput>> {
    whole(*throughput, cx).map(Some)
}

/// The same for updates, in which MSK must be told explicitly that it is disabled.
pub(crate) fn whole(throughput: u32, cx: &Context) -> Result<ProvisionedThroughput> {
    let some = Some(throughput).filter(|throughput| *throughput > 0).to_aws(cx)?;
    Ok(ProvisionedThroughput::builder().enabled(some.is_some()).set_volume_throughput(some).build())
}

pub(crate) fn from_aws(throughput: Option<ProvisionedThroughput>) -> Result<u32> {
    let enabled = throughput.filter(|it| it.enabled == Some(true));
    enabled.and_then(|it| it.volume_throughput).map_or(Ok(0), u32::from_aws)
}
