//! A Kafka cluster as MSK takes it, and read back into what a user would have written.

use aws_sdk_kafka::types::{
    self as wire, BrokerEbsVolumeInfo, BrokerNodeGroupInfo, ClusterState, ConfigurationInfo, ConnectivityInfo,
    EbsStorageInfo, EncryptionAtRest, EncryptionInTransit, EncryptionInfo, Iam, JmxExporterInfo, LoggingInfo,
    NodeExporterInfo, OpenMonitoringInfo, PrometheusInfo, ProvisionedRequest, ProvisionedThroughput, Sasl, Scram,
    StorageInfo, Tls, Unauthenticated,
};
use up_core::{Context, Error, Observed, Ref, Result, Status};

use crate::{
    attrs, client,
    cluster::Cluster,
    cluster_parts::{
        BrokerLogs, ClientAuthentication, ClientBroker, EbsStorage, EnhancedMonitoring, OpenMonitoring, PublicAccess,
        StorageMode,
    },
    count, number,
};

impl Cluster {
    pub(crate) fn wire(&self, cx: &Context, configuration: Option<ConfigurationInfo>) -> Result<ProvisionedRequest> {
        let (subnets, groups) = self.places(cx)?;
        let storage = self.ebs_storage.as_ref().map(EbsStorage::wire).transpose()?;
        let nodes = BrokerNodeGroupInfo::builder()
            .instance_type(&self.instance_type)
            .set_client_subnets(Some(subnets))
            .set_security_groups(Some(groups))
            .set_storage_info(storage);
        let at_rest = self.data_volume_kms_key_id.as_ref();
        let at_rest = at_rest.map(|key| EncryptionAtRest::builder().data_volume_kms_key_id(key).build());
        let in_transit = EncryptionInTransit::builder().client_broker(self.client_broker_encryption.as_str().into());
        let in_transit = in_transit.in_cluster(self.in_cluster_encryption).build();
        let encryption = EncryptionInfo::builder().set_encryption_at_rest(at_rest).encryption_in_transit(in_transit);
        let request = ProvisionedRequest::builder()
            .kafka_version(&self.kafka_version)
            .number_of_broker_nodes(number(self.number_of_broker_nodes)?)
            .broker_node_group_info(nodes.build())
            .set_storage_mode(self.storage_mode.map(|mode| mode.as_str().into()))
            .set_configuration_info(configuration)
            .client_authentication(self.client_authentication.wire())
            .encryption_info(encryption.build())
            .enhanced_monitoring(self.enhanced_monitoring.as_str().into())
            .open_monitoring(self.open_monitoring.wire())
            .logging_info(self.broker_logs.wire());
        Ok(request.build())
    }

    /// The configuration with its revision: the latest, unless the user says which.
    pub(crate) async fn configuration_info(&self, cx: &Context) -> Result<Option<ConfigurationInfo>> {
        let Some(configuration) = &self.configuration else { return Ok(None) };
        let arn = cx.id(configuration)?;
        let revision = match self.configuration_revision {
            Some(revision) => revision,
            None => {
                let latest = client(cx).describe_configuration().arn(&arn).send().await?.latest_revision;
                let latest = latest.and_then(|latest| latest.revision);
                latest.ok_or_else(|| Error::absent("latest revision of a configuration"))?
            }
        };
        Ok(Some(ConfigurationInfo::builder().arn(arn).revision(revision).build()))
    }

    /// What differs of every broker's volume; MSK refuses to be told a size that it has.
    pub(crate) fn volumes(&self, is: &Self) -> Result<Option<Vec<BrokerEbsVolumeInfo>>> {
        let Some(desired) = &self.ebs_storage else { return Ok(None) };
        let observed = is.ebs_storage.as_ref();
        let size =
            Some(desired.volume_size).filter(|size| observed.is_none_or(|observed| observed.volume_size != *size));
        let throughput = desired.throughput()?;
        let differs = observed.is_none_or(|observed| observed.provisioned_throughput != desired.provisioned_throughput);
        let volume = BrokerEbsVolumeInfo::builder()
            .kafka_broker_node_id("All")
            .set_volume_size_gb(size.map(number).transpose()?)
            .set_provisioned_throughput(differs.then_some(throughput));
        Ok(Some(vec![volume.build()]))
    }

    /// Without in-cluster encryption, which MSK refuses to be told again.
    pub(crate) fn client_encryption(&self) -> EncryptionInfo {
        let in_transit = EncryptionInTransit::builder().client_broker(self.client_broker_encryption.as_str().into());
        EncryptionInfo::builder().encryption_in_transit(in_transit.build()).build()
    }

    pub(crate) fn connectivity(&self) -> ConnectivityInfo {
        let public = wire::PublicAccess::builder().r#type(self.public_access.as_str()).build();
        ConnectivityInfo::builder().public_access(public).build()
    }

    pub(crate) fn read(cluster: wire::Cluster) -> Result<Observed<Self>> {
        let status = status(&cluster);
        let (Some(id), Some(name), Some(provisioned)) =
            (cluster.cluster_arn, cluster.cluster_name, cluster.provisioned)
        else {
            return Err(Error::absent("ARN, name and brokers of a cluster"));
        };
        let (Some(nodes), Some(brokers), Some(software)) = (
            provisioned.broker_node_group_info,
            provisioned.number_of_broker_nodes,
            provisioned.current_broker_software_info,
        ) else {
            return Err(Error::absent("brokers of a cluster"));
        };
        let (Some(instance_type), Some(kafka_version)) = (nodes.instance_type, software.kafka_version) else {
            return Err(Error::absent("instance type and Kafka version of a cluster"));
        };
        let encryption = provisioned.encryption_info;
        let at_rest = encryption.as_ref().and_then(|it| it.encryption_at_rest.as_ref());
        let in_transit = encryption.as_ref().and_then(|it| it.encryption_in_transit.as_ref());
        let client_broker =
            in_transit.and_then(|it| it.client_broker.as_ref()).map(|it| ClientBroker::observed(it.as_str()));
        let public = nodes.connectivity_info.and_then(|it| it.public_access).and_then(|it| it.r#type);
        let monitoring = provisioned.enhanced_monitoring.map(|it| EnhancedMonitoring::observed(it.as_str()));
        let storage = nodes.storage_info.and_then(|it| it.ebs_storage_info).map(EbsStorage::observed).transpose()?;
        let spec = Self {
            name: Some(name.clone()),
            kafka_version,
            number_of_broker_nodes: count(brokers)?,
            instance_type,
            client_subnets: nodes.client_subnets.into_iter().flatten().map(Ref::id).collect(),
            security_groups: nodes.security_groups.into_iter().flatten().map(Ref::id).collect(),
            ebs_storage: storage.flatten(),
            storage_mode: provisioned.storage_mode.map(|mode| StorageMode::observed(mode.as_str())),
            configuration: software.configuration_arn.map(Ref::id),
            configuration_revision: software.configuration_revision,
            client_authentication: ClientAuthentication::observed(provisioned.client_authentication),
            client_broker_encryption: client_broker.unwrap_or(ClientBroker::Tls),
            in_cluster_encryption: in_transit.and_then(|it| it.in_cluster).unwrap_or(true),
            data_volume_kms_key_id: at_rest.and_then(|it| it.data_volume_kms_key_id.clone()),
            public_access: public.map_or(PublicAccess::Disabled, |it| PublicAccess::observed(&it)),
            enhanced_monitoring: monitoring.unwrap_or(EnhancedMonitoring::Default),
            open_monitoring: OpenMonitoring::observed(provisioned.open_monitoring),
            broker_logs: BrokerLogs::observed(provisioned.logging_info),
        };
        let attrs = attrs([("arn", id.clone()), ("name", name)]);
        let tags = cluster.tags.into_iter().flatten().filter(|(key, _)| !key.starts_with("aws:")).collect();
        Ok(Observed { attrs, status, ..Observed::new(id, tags, spec) })
    }
}

/// MSK says FAILED of a cluster that never came up. In all states but that and ACTIVE it is at work.
fn status(cluster: &wire::Cluster) -> Status {
    let reason = cluster.state_info.as_ref().and_then(|info| info.message.clone());
    match &cluster.state {
        Some(ClusterState::Active) => Status::Ready,
        Some(ClusterState::Deleting) => Status::Deleting("DELETING".into()),
        Some(ClusterState::Failed) => Status::Failed(reason.unwrap_or_else(|| "FAILED".into())),
        state => Status::Pending(state.as_ref().map_or("MSK gives no state".into(), |state| state.to_string())),
    }
}

impl EbsStorage {
    fn wire(&self) -> Result<StorageInfo> {
        let volume = EbsStorageInfo::builder().volume_size(number(self.volume_size)?);
        let throughput = (self.provisioned_throughput > 0).then(|| self.throughput()).transpose()?;
        Ok(StorageInfo::builder().ebs_storage_info(volume.set_provisioned_throughput(throughput).build()).build())
    }

    fn throughput(&self) -> Result<ProvisionedThroughput> {
        let enabled = self.provisioned_throughput > 0;
        let throughput = enabled.then(|| number(self.provisioned_throughput)).transpose()?;
        Ok(ProvisionedThroughput::builder().enabled(enabled).set_volume_throughput(throughput).build())
    }

    fn observed(volume: EbsStorageInfo) -> Result<Option<Self>> {
        let throughput = volume.provisioned_throughput.filter(|it| it.enabled == Some(true));
        let throughput = throughput.and_then(|it| it.volume_throughput).map_or(Ok(0), count)?;
        let volume_size = volume.volume_size.map(count).transpose()?;
        Ok(volume_size.map(|volume_size| Self { volume_size, provisioned_throughput: throughput }))
    }
}

impl ClientAuthentication {
    pub(crate) fn wire(&self) -> wire::ClientAuthentication {
        let sasl = Sasl::builder()
            .iam(Iam::builder().enabled(self.sasl_iam).build())
            .scram(Scram::builder().enabled(self.sasl_scram).build());
        let authorities = self.tls_certificate_authorities.iter().cloned().collect::<Vec<_>>();
        let tls = Tls::builder().enabled(!authorities.is_empty());
        let tls = tls.set_certificate_authority_arn_list((!authorities.is_empty()).then_some(authorities));
        let nobody = Unauthenticated::builder().enabled(self.unauthenticated).build();
        wire::ClientAuthentication::builder().sasl(sasl.build()).tls(tls.build()).unauthenticated(nobody).build()
    }

    fn observed(authentication: Option<wire::ClientAuthentication>) -> Self {
        let (sasl, tls, unauthenticated) =
            authentication.map(|it| (it.sasl, it.tls, it.unauthenticated)).unwrap_or_default();
        let (iam, scram) = sasl.map(|it| (it.iam, it.scram)).unwrap_or_default();
        let authorities = tls.and_then(|it| it.certificate_authority_arn_list);
        Self {
            sasl_iam: iam.and_then(|it| it.enabled) == Some(true),
            sasl_scram: scram.and_then(|it| it.enabled) == Some(true),
            tls_certificate_authorities: authorities.into_iter().flatten().collect(),
            unauthenticated: unauthenticated.and_then(|it| it.enabled) == Some(true),
        }
    }
}

impl OpenMonitoring {
    pub(crate) fn wire(&self) -> OpenMonitoringInfo {
        let prometheus = PrometheusInfo::builder()
            .jmx_exporter(JmxExporterInfo::builder().enabled_in_broker(self.jmx_exporter).build())
            .node_exporter(NodeExporterInfo::builder().enabled_in_broker(self.node_exporter).build());
        OpenMonitoringInfo::builder().prometheus(prometheus.build()).build()
    }

    fn observed(monitoring: Option<wire::OpenMonitoringInfo>) -> Self {
        let prometheus = monitoring.and_then(|it| it.prometheus);
        let (jmx, node) = prometheus.map(|it| (it.jmx_exporter, it.node_exporter)).unwrap_or_default();
        Self {
            jmx_exporter: jmx.and_then(|it| it.enabled_in_broker) == Some(true),
            node_exporter: node.and_then(|it| it.enabled_in_broker) == Some(true),
        }
    }
}

impl BrokerLogs {
    pub(crate) fn wire(&self) -> LoggingInfo {
        let some = |text: &String| (!text.is_empty()).then(|| text.clone());
        let (group, stream) = (some(&self.cloudwatch_log_group), some(&self.firehose_delivery_stream));
        let bucket = some(&self.s3_bucket);
        let logs = wire::CloudWatchLogs::builder().enabled(group.is_some()).set_log_group(group).build();
        let firehose = wire::Firehose::builder().enabled(stream.is_some()).set_delivery_stream(stream).build();
        let s3 = wire::S3::builder().enabled(bucket.is_some()).set_bucket(bucket).set_prefix(some(&self.s3_prefix));
        let all = wire::BrokerLogs::builder().cloud_watch_logs(logs).firehose(firehose).s3(s3.build());
        LoggingInfo::builder().broker_logs(all.build()).build()
    }

    /// A way that is off may still name where it went: that counts for nothing.
    fn observed(logging: Option<LoggingInfo>) -> Self {
        let logs = logging.and_then(|it| it.broker_logs);
        let (groups, firehose, s3) = logs.map(|it| (it.cloud_watch_logs, it.firehose, it.s3)).unwrap_or_default();
        let group = groups.filter(|it| it.enabled == Some(true)).and_then(|it| it.log_group);
        let stream = firehose.filter(|it| it.enabled == Some(true)).and_then(|it| it.delivery_stream);
        let (bucket, prefix) =
            s3.filter(|it| it.enabled == Some(true)).map(|it| (it.bucket, it.prefix)).unwrap_or_default();
        Self {
            cloudwatch_log_group: group.unwrap_or_default(),
            firehose_delivery_stream: stream.unwrap_or_default(),
            s3_bucket: bucket.unwrap_or_default(),
            s3_prefix: prefix.unwrap_or_default(),
        }
    }
}
