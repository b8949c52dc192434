//! A Kafka cluster as MSK takes it, and read back into what a user would have written.

use aws_sdk_kafka::types::{
    self as wire, BrokerEbsVolumeInfo, BrokerNodeGroupInfo, ClusterState, ConfigurationInfo, ConnectivityInfo,
    EncryptionAtRest, EncryptionInTransit, EncryptionInfo, Iam, JmxExporterInfo, LoggingInfo, NodeExporterInfo,
    OpenMonitoringInfo, PrometheusInfo, ProvisionedRequest, Sasl, Scram, StorageInfo, Tls, Unauthenticated,
};
use up_core::{mirror, prelude::*};

use crate::{
    client,
    cluster::Cluster,
    cluster_parts::{BrokerLogs, ClientAuthentication, ClientBroker, EnhancedMonitoring, OpenMonitoring, PublicAccess},
    throughput::whole,
};

impl Cluster {
    pub(crate) fn request(&self, cx: &Context, configuration: Option<ConfigurationInfo>) -> Result<ProvisionedRequest> {
        let storage = self.ebs_storage.to_aws(cx)?;
        let storage = storage.map(|volumes| StorageInfo::builder().ebs_storage_info(volumes).build());
        let nodes = BrokerNodeGroupInfo::builder().set_storage_info(storage);
        let nodes = fill!(nodes, cx, self: instance_type, client_subnets, security_groups);
        let at_rest = self.data_volume_kms_key_id.as_ref();
        let at_rest = at_rest.map(|key| EncryptionAtRest::builder().data_volume_kms_key_id(key).build());
        let in_transit = fill!(EncryptionInTransit::builder(), cx, self: client_broker_encryption as client_broker,
            in_cluster_encryption as in_cluster);
        let encryption = EncryptionInfo::builder().set_encryption_at_rest(at_rest);
        let request = ProvisionedRequest::builder()
            .broker_node_group_info(nodes.build())
            .set_configuration_info(configuration)
            .encryption_info(encryption.encryption_in_transit(in_transit.build()).build());
        Ok(fill!(request, cx, self: kafka_version, number_of_broker_nodes, storage_mode, client_authentication,
            enhanced_monitoring, open_monitoring, broker_logs as logging_info)
        .build())
    }

    /// The configuration with its revision: the latest, unless the user says which.
    pub(crate) async fn configuration_info(&self, cx: &Context) -> Result<Option<ConfigurationInfo>> {
        let Some(configuration) = &self.configuration else { return Ok(None) };
        let arn = cx.id(configuration)?;
        let revision = match self.configuration_revision {
            Some(revision) => revision,
            None => {
                let latest = client(cx).describe_configuration().arn(&arn).send().await?.latest_revision;
                present(latest.and_then(|latest| latest.revision), "latest revision of a configuration")?
            }
        };
        Ok(Some(ConfigurationInfo::builder().arn(arn).revision(revision).build()))
    }

    /// What differs of every broker's volume; MSK refuses to be told a size that it has.
    pub(crate) fn volumes(&self, cx: &Context, is: &Self) -> Result<Option<Vec<BrokerEbsVolumeInfo>>> {
        let Some(desired) = &self.ebs_storage else { return Ok(None) };
        let (size, speed) = is.ebs_storage.as_ref().map(|it| (it.volume_size, it.provisioned_throughput)).unzip();
        let size = Some(desired.volume_size).filter(|desired| size != Some(*desired));
        let speed = Some(desired.provisioned_throughput).filter(|desired| speed != Some(*desired));
        let volume = BrokerEbsVolumeInfo::builder()
            .kafka_broker_node_id("All")
            .set_volume_size_gb(size.to_aws(cx)?)
            .set_provisioned_throughput(speed.map(|speed| whole(speed, cx)).transpose()?);
        Ok(Some(vec![volume.build()]))
    }

    /// Without in-cluster encryption, which MSK refuses to be told again.
    pub(crate) fn client_encryption(&self, cx: &Context) -> Result<EncryptionInfo> {
        let in_transit = fill!(EncryptionInTransit::builder(), cx, self: client_broker_encryption as client_broker);
        Ok(EncryptionInfo::builder().encryption_in_transit(in_transit.build()).build())
    }

    pub(crate) fn connectivity(&self) -> ConnectivityInfo {
        let public = wire::PublicAccess::builder().r#type(self.public_access.as_str()).build();
        ConnectivityInfo::builder().public_access(public).build()
    }

    pub(crate) fn read(cluster: wire::Cluster) -> Result<Observed<Self>> {
        let status = status(&cluster);
        let id = present(cluster.cluster_arn, "ARN of a cluster")?;
        let name = present(cluster.cluster_name, "name of a cluster")?;
        let provisioned = present(cluster.provisioned, "brokers of a cluster")?;
        let nodes = present(provisioned.broker_node_group_info, "brokers of a cluster")?;
        let software = present(provisioned.current_broker_software_info, "software of a cluster")?;
        let encryption = provisioned.encryption_info.unwrap_or_else(|| EncryptionInfo::builder().build());
        let in_transit = encryption.encryption_in_transit.unwrap_or_else(|| EncryptionInTransit::builder().build());
        let storage = nodes.storage_info.and_then(|it| it.ebs_storage_info).filter(|it| it.volume_size.is_some());
        let public = nodes.connectivity_info.and_then(|it| it.public_access).and_then(|it| it.r#type);
        let spec = Self {
            name: Some(name.clone()),
            kafka_version: read!(software.kafka_version)?,
            number_of_broker_nodes: read!(provisioned.number_of_broker_nodes)?,
            instance_type: read!(nodes.instance_type)?,
            client_subnets: read!(nodes.client_subnets)?,
            security_groups: read!(nodes.security_groups)?,
            ebs_storage: mirror::read(storage, "volumes of brokers")?,
            storage_mode: read!(provisioned.storage_mode)?,
            configuration: read!(software.configuration_arn)?,
            configuration_revision: software.configuration_revision,
            client_authentication: ClientAuthentication::observed(provisioned.client_authentication),
            client_broker_encryption: read!(in_transit.client_broker or ClientBroker::Tls)?,
            in_cluster_encryption: in_transit.in_cluster.unwrap_or(true),
            data_volume_kms_key_id: encryption.encryption_at_rest.and_then(|it| it.data_volume_kms_key_id),
            public_access: mirror::read_or(public, || PublicAccess::Disabled)?,
            enhanced_monitoring: read!(provisioned.enhanced_monitoring or EnhancedMonitoring::Default)?,
            open_monitoring: OpenMonitoring::observed(provisioned.open_monitoring),
            broker_logs: BrokerLogs::observed(provisioned.logging_info),
        };
        let tags = cluster.tags.into_iter().flatten().filter(|(key, _)| !key.starts_with("aws:")).collect();
        let observed = Observed { status, ..Observed::new(id.clone(), tags, spec) };
        Ok(observed.attr("arn", id).attr("name", name).created_at(cluster.creation_time))
    }
}

/// MSK says FAILED if a creation or a deletion failed, and no member of its answer tells which: a cluster is never deleted
/// for it. In all states but that and ACTIVE it is at work.
fn status(cluster: &wire::Cluster) -> Status {
    match &cluster.state {
        Some(ClusterState::Active) => Status::Ready,
        Some(ClusterState::Deleting) => Status::Deleting("DELETING".into()),
        Some(ClusterState::Failed) => failed(cluster.state_info.as_ref().and_then(|info| info.message.as_deref())),
        state => Status::Pending(state.as_ref().map_or("MSK gives no state".into(), |state| state.to_string())),
    }
}

/// "The Provisioned cluster creation or deletion process failed. […] You can delete the cluster but cannot perform Amazon
/// MSK API or AWS CLI update operations on it" (MSK Developer Guide, cluster states).
fn failed(reason: Option<&str>) -> Status {
    let why = format!("FAILED: MSK failed to create or to delete it: {}", reason.unwrap_or("MSK gives no reason"));
    Impairment::explained(
        why,
        "MSK cannot repair it: if its data is not needed, delete it (`aws kafka delete-cluster`), and the next apply \
         creates another",
    )
}

impl ToAws<wire::ClientAuthentication> for ClientAuthentication {
    fn to_aws(&self, cx: &Context) -> Result<Option<wire::ClientAuthentication>> {
        let sasl = Sasl::builder()
            .iam(Iam::builder().enabled(self.sasl_iam).build())
            .scram(Scram::builder().enabled(self.sasl_scram).build());
        let tls = Tls::builder().enabled(!self.tls_certificate_authorities.is_empty());
        let tls = fill!(tls, cx, self: tls_certificate_authorities as certificate_authority_arn_list);
        let nobody = Unauthenticated::builder().enabled(self.unauthenticated).build();
        let all = wire::ClientAuthentication::builder().sasl(sasl.build()).tls(tls.build()).unauthenticated(nobody);
        Ok(Some(all.build()))
    }
}

impl ClientAuthentication {
    fn observed(authentication: Option<wire::ClientAuthentication>) -> Self {
        let (sasl, tls, nobody) = authentication.map(|it| (it.sasl, it.tls, it.unauthenticated)).unwrap_or_default();
        let (iam, scram) = sasl.map(|it| (it.iam, it.scram)).unwrap_or_default();
        let authorities = tls.and_then(|it| it.certificate_authority_arn_list);
        Self {
            sasl_iam: iam.and_then(|it| it.enabled) == Some(true),
            sasl_scram: scram.and_then(|it| it.enabled) == Some(true),
            tls_certificate_authorities: authorities.into_iter().flatten().collect(),
            unauthenticated: nobody.and_then(|it| it.enabled) == Some(true),
        }
    }
}

impl ToAws<OpenMonitoringInfo> for OpenMonitoring {
    fn to_aws(&self, _: &Context) -> Result<Option<OpenMonitoringInfo>> {
        let prometheus = PrometheusInfo::builder()
            .jmx_exporter(JmxExporterInfo::builder().enabled_in_broker(self.jmx_exporter).build())
            .node_exporter(NodeExporterInfo::builder().enabled_in_broker(self.node_exporter).build());
        Ok(Some(OpenMonitoringInfo::builder().prometheus(prometheus.build()).build()))
    }
}

impl OpenMonitoring {
    fn observed(monitoring: Option<wire::OpenMonitoringInfo>) -> Self {
        let prometheus = monitoring.and_then(|it| it.prometheus);
        let (jmx, node) = prometheus.map(|it| (it.jmx_exporter, it.node_exporter)).unwrap_or_default();
        Self {
            jmx_exporter: jmx.and_then(|it| it.enabled_in_broker) == Some(true),
            node_exporter: node.and_then(|it| it.enabled_in_broker) == Some(true),
        }
    }
}

impl ToAws<LoggingInfo> for BrokerLogs {
    fn to_aws(&self, _: &Context) -> Result<Option<LoggingInfo>> {
        let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let (group, stream) = (some(&self.cloudwatch_log_group), some(&self.firehose_delivery_stream));
        let bucket = some(&self.s3_bucket);
        let logs = wire::CloudWatchLogs::builder().enabled(group.is_some()).set_log_group(group).build();
        let firehose = wire::Firehose::builder().enabled(stream.is_some()).set_delivery_stream(stream).build();
        let s3 = wire::S3::builder().enabled(bucket.is_some()).set_bucket(bucket).set_prefix(some(&self.s3_prefix));
        let all = wire::BrokerLogs::builder().cloud_watch_logs(logs).firehose(firehose).s3(s3.build());
        Ok(Some(LoggingInfo::builder().broker_logs(all.build()).build()))
    }
}

impl BrokerLogs {
    /// A way that is off may still name where it went: that counts for nothing.
    fn observed(logging: Option<LoggingInfo>) -> Self {
        let logs = logging.and_then(|it| it.broker_logs);
        let (groups, firehose, s3) = logs.map(|it| (it.cloud_watch_logs, it.firehose, it.s3)).unwrap_or_default();
        let group = groups.filter(|it| it.enabled == Some(true)).and_then(|it| it.log_group);
        let stream = firehose.filter(|it| it.enabled == Some(true)).and_then(|it| it.delivery_stream);
        let s3 = s3.filter(|it| it.enabled == Some(true)).map(|it| (it.bucket, it.prefix)).unwrap_or_default();
        Self {
            cloudwatch_log_group: group.unwrap_or_default(),
            firehose_delivery_stream: stream.unwrap_or_default(),
            s3_bucket: s3.0.unwrap_or_default(),
            s3_prefix: s3.1.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_state_fails_a_cluster() {
        let of = |state: &str| status(&wire::Cluster::builder().state(state.into()).build());
        assert_eq!(of("ACTIVE"), Status::Ready);
        assert_eq!(of("DELETING"), Status::Deleting("DELETING".into()));
        assert!(matches!(of("FAILED"), Status::Impaired(trouble) if !trouble.repair && !trouble.remedy.is_empty()));
        for state in ["CREATING", "HEALING", "MAINTENANCE", "REBOOTING_BROKER", "UPDATING", "OF_TOMORROW"] {
            assert_eq!(of(state), Status::Pending(state.into()));
        }
    }
}
