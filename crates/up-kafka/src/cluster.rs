//! `kafka.cluster`: an MSK provisioned cluster.

use std::collections::BTreeSet;

use aws_sdk_kafka::types::{ClusterState, ClusterType};
use up_core::{placeholder, prelude::*};

use crate::{
    client, cluster_limits,
    cluster_parts::{
        BrokerLogs, ClientAuthentication, ClientBroker, EbsStorage, EnhancedMonitoring, OpenMonitoring, PublicAccess,
        StorageMode,
    },
};

/// A provisioned cluster of Amazon MSK (Apache Kafka). Its creation takes half an hour; so do many changes, for which
/// brokers restart one after another.
#[spec]
pub struct Cluster {
    /// Its name, unique in the account and region. Default: derived from stack and address. A change replaces the
    /// cluster.
    #[spec(name)]
    pub(crate) name: Option<String>,
    /// The version of Apache Kafka, such as `3.9.x.kraft`. Downgrades are not possible, nor a change from ZooKeeper to
    /// KRaft.
    pub(crate) kafka_version: String,
    /// The number of brokers: a multiple of the number of subnets.
    pub(crate) number_of_broker_nodes: u32,
    /// The broker size, such as `kafka.m7g.large`.
    pub(crate) instance_type: String,
    /// Two or three subnets, each in another availability zone.
    #[spec(replace)]
    pub(crate) client_subnets: BTreeSet<Ref<names::Subnet>>,
    /// The security groups of the brokers, at least one.
    #[spec(replace)]
    pub(crate) security_groups: BTreeSet<Ref<names::SecurityGroup>>,
    /// The EBS storage of each broker. Express brokers have none.
    pub(crate) ebs_storage: Option<EbsStorage>,
    /// The storage mode: `LOCAL` or `TIERED`. Tiered storage cannot be disabled again. Left out: `LOCAL`.
    pub(crate) storage_mode: Option<StorageMode>,
    /// The MSK configuration. Left out: MSK's default configuration.
    pub(crate) configuration: Option<Ref<names::KafkaConfiguration>>,
    /// The revision of a configuration outside the stack. Left out: the latest one at the time when the configuration
    /// is set.
    pub(crate) configuration_revision: Option<i64>,
    /// The client authentication. Default: IAM access control.
    #[spec(default)]
    pub(crate) client_authentication: ClientAuthentication,
    /// Encryption in transit between clients and brokers: `TLS`, `TLS_PLAINTEXT` or `PLAINTEXT`. Default: `TLS`.
    #[spec(default = ClientBroker::Tls)]
    pub(crate) client_broker_encryption: ClientBroker,
    /// Encryption in transit between brokers. Default: true.
    #[spec(replace, default = true)]
    pub(crate) in_cluster_encryption: bool,
    /// The ARN of the KMS key for encryption at rest. Left out: the AWS managed key for MSK.
    #[spec(replace)]
    pub(crate) data_volume_kms_key_id: Option<String>,
    /// Public access to the brokers: `DISABLED`, or `SERVICE_PROVIDED_EIPS` to enable it. Default: `DISABLED`.
    #[spec(default = PublicAccess::Disabled)]
    pub(crate) public_access: PublicAccess,
    /// The monitoring level: `DEFAULT`, `PER_BROKER`, `PER_TOPIC_PER_BROKER` or `PER_TOPIC_PER_PARTITION`.
    /// Default: `DEFAULT`.
    #[spec(default = EnhancedMonitoring::Default)]
    pub(crate) enhanced_monitoring: EnhancedMonitoring,
    /// Open monitoring with Prometheus. Default: disabled.
    #[spec(default)]
    pub(crate) open_monitoring: OpenMonitoring,
    /// The destinations of broker logs. Default: none.
    #[spec(default)]
    pub(crate) broker_logs: BrokerLogs,
}

/// Creates and deletes: AWS_FACTS, 5. Most changes restart the brokers one after another, about 15 minutes each;
/// changes of storage and monitoring do not.
const TAKES: Takes = Takes {
    create: Duration::from_secs(1380),
    update: Duration::from_secs(2700),
    fields: &[
        ("ebs_storage", Duration::from_secs(300)),
        ("enhanced_monitoring", Duration::from_secs(900)),
        ("open_monitoring", Duration::from_secs(900)),
        ("number_of_broker_nodes", Duration::from_secs(1380)),
    ],
    delete: Duration::from_secs(600),
};

impl Kind for Cluster {
    const NAME: &'static str = "kafka.cluster";
    const SERVICE: &'static up_core::Service = &crate::SERVICE;
    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::MSK::Cluster",
        actions: Actions {
            observe: actions!(kafka: ListClustersV2 GetBootstrapBrokers),
            create: actions!(kafka: CreateClusterV2 TagResource DescribeConfiguration,
                ec2: DescribeSubnets DescribeVpcs DescribeSecurityGroups CreateTags CreateVpcEndpoint DeleteVpcEndpoints
                    DescribeVpcAttribute DescribeVpcEndpoints,
                iam: AttachRolePolicy CreateServiceLinkedRole PutRolePolicy, kms: CreateGrant DescribeKey,
                logs: CreateLogDelivery DeleteLogDelivery DescribeLogGroups DescribeResourcePolicies GetLogDelivery
                    ListLogDeliveries PutResourcePolicy UpdateLogDelivery,
                firehose: TagDeliveryStream, s3: GetBucketPolicy PutBucketPolicy),
            update: actions!(kafka: DescribeClusterV2 DescribeConfiguration UpdateBrokerCount UpdateBrokerStorage
                    UpdateBrokerType UpdateClusterConfiguration UpdateClusterKafkaVersion UpdateConnectivity
                    UpdateMonitoring UpdateSecurity UpdateStorage,
                ec2: DescribeRouteTables DescribeSubnets, kms: RetireGrant,
                logs: CreateLogDelivery DeleteLogDelivery DescribeLogGroups DescribeResourcePolicies GetLogDelivery
                    ListLogDeliveries PutResourcePolicy UpdateLogDelivery,
                firehose: TagDeliveryStream, s3: GetBucketPolicy PutBucketPolicy),
            tag: actions!(kafka: TagResource UntagResource),
            delete: actions!(kafka: DeleteCluster,
                ec2: DeleteVpcEndpoints DescribeVpcAttribute DescribeVpcEndpoints),
        },
        attrs: &[
            "arn",
            "name",
            "bootstrap_brokers",
            "bootstrap_brokers_tls",
            "bootstrap_brokers_sasl_scram",
            "bootstrap_brokers_sasl_iam",
            "bootstrap_brokers_public_tls",
            "bootstrap_brokers_public_sasl_scram",
            "bootstrap_brokers_public_sasl_iam",
        ],
        longest_name: 64,
        holds_data: true,
        replace: Order::CreateBeforeDestroy,
        wait: Wait { every: Duration::from_secs(20), at_most: Duration::from_secs(90 * 60) },
        takes: TAKES,
        ..KindInfo::DEFAULT
    };

    async fn observe(cx: &Context, query: &Query) -> Result<Vec<Observed<Self>>> {
        let mut observed = Vec::new();
        for cluster in client(cx).list_clusters_v2().into_paginator().items().send().try_collect().await? {
            let tags = cluster.tags.clone().unwrap_or_default().into_iter().collect();
            let ours = query.accepts(cluster.cluster_name.as_deref().unwrap_or_default(), &tags);
            // A serverless cluster is not of this kind.
            if ours && cluster.provisioned.is_none() && cluster.cluster_type != Some(ClusterType::Serverless) {
                return Err(Error::absent("settings of a cluster"));
            }
            if ours && cluster.provisioned.is_some() {
                let has_brokers = has_brokers(cluster.state.as_ref());
                let mut cluster = Self::read(cluster)?;
                if has_brokers {
                    cluster.attrs.extend(bootstrap(cx, &cluster.id).await?);
                }
                observed.push(cluster);
            }
        }
        Ok(observed)
    }

    /// Safe to repeat: names are unique. Public access, which MSK accepts for an existing cluster only, is left to
    /// `update`.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        let name = self.name.clone().unwrap_or_else(|| new.name(Self::INFO.longest_name));
        cluster_limits::check_zones(cx, &self.client_subnets)?;
        let configuration = self.configuration_info(cx).await?;
        let request = client(cx).create_cluster_v2().cluster_name(name).provisioned(self.request(cx, configuration)?);
        let tags = new.tags.clone().into_iter().collect();
        let answer = request.set_tags(Some(tags)).send().await?;
        Ok(Created::Id(present(answer.cluster_arn, "ARN of the cluster it created")?))
    }

    /// Makes the first of the calls that are needed, because MSK makes one change at a time. The engine waits for it,
    /// observes again, and calls this again while something differs. Safe to repeat: MSK refuses a second change during
    /// the first, and a value that was changed no longer differs.
    async fn update(&self, cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let is = &observed.spec;
        let version = current_version(cx, &observed.id).await?;
        macro_rules! call {
            ($operation:ident) => {
                client(cx).$operation().cluster_arn(&observed.id).current_version(version)
            };
        }
        if self.kafka_version != is.kafka_version {
            let call = call!(update_cluster_kafka_version).target_kafka_version(&self.kafka_version);
            call.set_configuration_info(self.configuration_info(cx).await?).send().await?;
        } else if self.configuration_differs(cx, is)? {
            let configuration = self.configuration_info(cx).await?;
            call!(update_cluster_configuration).set_configuration_info(configuration).send().await?;
        } else if self.ebs_storage.is_some() && self.ebs_storage != is.ebs_storage {
            let volumes = self.volumes(cx, is)?;
            call!(update_broker_storage).set_target_broker_ebs_volume_info(volumes).send().await?;
        } else if self.storage_mode.is_some() && self.storage_mode != is.storage_mode {
            fill!(call!(update_storage), cx, self: storage_mode).send().await?;
        } else if self.instance_type != is.instance_type {
            call!(update_broker_type).target_instance_type(&self.instance_type).send().await?;
        } else if self.number_of_broker_nodes != is.number_of_broker_nodes {
            let call = call!(update_broker_count);
            fill!(call, cx, self: number_of_broker_nodes as target_number_of_broker_nodes).send().await?;
        } else if (&self.client_authentication, self.client_broker_encryption)
            != (&is.client_authentication, is.client_broker_encryption)
        {
            // MSK refuses values that do not change, and in-cluster encryption always.
            let encrypts = self.client_broker_encryption != is.client_broker_encryption;
            let encrypts = encrypts.then(|| self.client_encryption(cx)).transpose()?;
            let call = call!(update_security).set_encryption_info(encrypts);
            fill_changed!(call, cx, self, is: client_authentication).send().await?;
        } else if (self.enhanced_monitoring, &self.open_monitoring, &self.broker_logs)
            != (is.enhanced_monitoring, &is.open_monitoring, &is.broker_logs)
        {
            let call = call!(update_monitoring);
            let call = fill!(call, cx, self: enhanced_monitoring, open_monitoring, broker_logs as logging_info);
            call.send().await?;
        } else if self.public_access != is.public_access {
            call!(update_connectivity).connectivity_info(self.connectivity()).send().await?;
        }
        Ok(())
    }

    /// Safe to repeat: a second delete finds nothing. MSK refuses it while it changes the cluster.
    async fn delete(cx: &Context, observed: &Observed<Self>) -> Result<()> {
        client(cx).delete_cluster().cluster_arn(&observed.id).send().await?;
        Ok(())
    }

    /// Storage that autoscaling has added is no difference: volumes cannot shrink.
    fn accept(mut self, observed: &Observed<Self>) -> Self {
        if let (Some(desired), Some(live)) = (&mut self.ebs_storage, &observed.spec.ebs_storage) {
            desired.volume_size = desired.volume_size.max(live.volume_size);
        }
        self
    }

    fn refuses(&self, observed: Option<&Observed<Self>>, asked: Asked<'_>) -> Vec<Problem> {
        match observed {
            Some(observed) => cluster_limits::refuses(self, &observed.spec),
            None => cluster_limits::refuses_zones(&self.client_subnets, asked),
        }
    }

    fn check(&self) -> Vec<Problem> {
        let (subnets, brokers) = (self.client_subnets.len(), self.number_of_broker_nodes);
        let (has_zones, express) = ((2..=3).contains(&subnets), self.instance_type.starts_with("express."));
        let has_wrong_volumes = express == self.ebs_storage.is_some();
        let volumes = if express { "Express brokers have no volumes" } else { "brokers need volumes" };
        let (volume, throughput) =
            self.ebs_storage.as_ref().map_or((1, 0), |storage| (storage.volume_size, storage.provisioned_throughput));
        let ClientAuthentication { sasl_iam, sasl_scram, unauthenticated, .. } = self.client_authentication;
        let needs_tls = sasl_iam || sasl_scram || !self.client_authentication.tls_certificate_authorities.is_empty();
        let rules = problems! {
            !has_zones => "client_subnets",
                "expected two or three subnets, each in another availability zone, and found {subnets}";
            has_zones && (brokers == 0 || !(brokers as usize).is_multiple_of(subnets)) => "number_of_broker_nodes",
                "{brokers} brokers cannot be distributed equally over {subnets} subnets";
            self.security_groups.is_empty() => "security_groups",
                "at least one is needed: without any, MSK uses the VPC's default security group";
            has_wrong_volumes && !placeholder::has_placeholder(&self.instance_type) => "ebs_storage", "{volumes}";
            !(1..=16384).contains(&volume) => "ebs_storage.volume_size", "{volume} GiB are not between 1 and 16384";
            (1..250).contains(&throughput) => "ebs_storage.provisioned_throughput",
                "expected at least 250 MiB per second";
            !needs_tls && !unauthenticated => "client_authentication",
                "no client could connect: enable at least one kind of authentication";
            self.client_broker_encryption == ClientBroker::Plaintext && needs_tls => "client_broker_encryption",
                "`PLAINTEXT` is for unauthenticated clients only: IAM, SCRAM and certificates need TLS";
            self.broker_logs.s3_bucket.is_empty() && !self.broker_logs.s3_prefix.is_empty() => "broker_logs.s3_prefix",
                "needs `s3_bucket`";
            self.configuration_revision.is_some() && self.configuration.is_none() => "configuration_revision",
                "needs `configuration`";
        };
        let key = self.data_volume_kms_key_id.as_ref().filter(|key| !placeholder::has_placeholder(key));
        let key = key.filter(|key| !key.starts_with("arn:")).map(|key| {
            let message = format!("`{key}` is not an ARN; MSK answers with ARNs, so that it would always differ");
            Problem::new("data_volume_kms_key_id", message)
        });
        rules.into_iter().chain(key).collect()
    }
}

/// The version of the cluster, which an update call must contain. It is read right before, because each change of the
/// cluster changes it, including those that AWS makes automatically.
async fn current_version(cx: &Context, arn: &str) -> Result<String> {
    let answer = client(cx).describe_cluster_v2().cluster_arn(arn).send().await?;
    let version = answer.cluster_info.and_then(|cluster| cluster.current_version);
    present(version, "version of a cluster")
}

/// "You can't get bootstrap broker nodes for a cluster in FAILED state", nor in two others.
fn has_brokers(state: Option<&ClusterState>) -> bool {
    !matches!(state, None | Some(ClusterState::Creating | ClusterState::Deleting | ClusterState::Failed))
}

/// The bootstrap brokers for each kind of access. Where one is disabled, the text is empty, so that a reference to it
/// is never an error.
async fn bootstrap(cx: &Context, arn: &str) -> Result<Attrs> {
    let brokers = match client(cx).get_bootstrap_brokers().cluster_arn(arn).send().await.map_err(Error::from) {
        Ok(brokers) => brokers,
        // Its state has changed since it was listed.
        Err(error) if error.kind == ErrorKind::Conflict => return Ok(Attrs::new()),
        Err(error) => return Err(error),
    };
    let ways = [
        ("bootstrap_brokers", brokers.bootstrap_broker_string),
        ("bootstrap_brokers_tls", brokers.bootstrap_broker_string_tls),
        ("bootstrap_brokers_sasl_scram", brokers.bootstrap_broker_string_sasl_scram),
        ("bootstrap_brokers_sasl_iam", brokers.bootstrap_broker_string_sasl_iam),
        ("bootstrap_brokers_public_tls", brokers.bootstrap_broker_string_public_tls),
        ("bootstrap_brokers_public_sasl_scram", brokers.bootstrap_broker_string_public_sasl_scram),
        ("bootstrap_brokers_public_sasl_iam", brokers.bootstrap_broker_string_public_sasl_iam),
    ];
    Ok(ways.into_iter().map(|(way, brokers)| (way.to_owned(), brokers.unwrap_or_default())).collect())
}

impl Cluster {
    fn configuration_differs(&self, cx: &Context, is: &Self) -> Result<bool> {
        let arn = |of: &Self| of.configuration.as_ref().map(|configuration| cx.id(configuration)).transpose();
        let moves = self.configuration.is_some() && arn(self)? != arn(is)?;
        let revises = self.configuration_revision.is_some() && self.configuration_revision != is.configuration_revision;
        Ok(moves || revises)
    }
}
