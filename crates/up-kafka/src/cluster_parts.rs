//! The tables of a Kafka cluster's spec.

use std::collections::BTreeSet;

use aws_sdk_kafka::types::EbsStorageInfo;
use up_core::part;

use crate::throughput;

/// The volume of each broker.
#[part(Eq, mirrors = EbsStorageInfo)]
pub(crate) struct EbsStorage {
    /// GiB, 1 to 16384. It never shrinks, and grows by 10 GiB at least. Where autoscaling has made it larger, that is no
    /// difference.
    pub(crate) volume_size: u32,
    /// MiB a second that are bought on top, 250 at least; 0 for none. Needs `kafka.m5.4xlarge` or larger. Default: 0.
    #[spec(default, omit_default, with = throughput)]
    pub(crate) provisioned_throughput: u32,
}

/// Who may talk to the brokers, and how they prove who they are. A change restarts brokers one by one.
#[part(Eq)]
pub(crate) struct ClientAuthentication {
    /// By IAM. Default: false.
    #[spec(default)]
    pub(crate) sasl_iam: bool,
    /// By user name and password, from secrets that are associated with the cluster. Default: false.
    #[spec(default)]
    pub(crate) sasl_scram: bool,
    /// By certificates of these private certificate authorities, as ARNs. Default: none.
    #[spec(default)]
    pub(crate) tls_certificate_authorities: BTreeSet<String>,
    /// Not at all. Default: false.
    #[spec(default)]
    pub(crate) unauthenticated: bool,
}

impl Default for ClientAuthentication {
    fn default() -> Self {
        let tls_certificate_authorities = BTreeSet::new();
        Self { sasl_iam: true, sasl_scram: false, tls_certificate_authorities, unauthenticated: false }
    }
}

/// Exporters for Prometheus on the brokers.
#[part(Default, Eq)]
pub(crate) struct OpenMonitoring {
    /// Of Kafka's own numbers, on port 11001. Default: false.
    #[spec(default)]
    pub(crate) jmx_exporter: bool,
    /// Of the machines, on port 11002. Default: false.
    #[spec(default)]
    pub(crate) node_exporter: bool,
}

/// Where the brokers' logs go.
#[part(Default, Eq)]
pub(crate) struct BrokerLogs {
    /// The name of a CloudWatch log group. Default: empty, none.
    #[spec(default)]
    pub(crate) cloudwatch_log_group: String,
    /// The name of a Firehose delivery stream. Default: empty, none.
    #[spec(default)]
    pub(crate) firehose_delivery_stream: String,
    /// The name of a bucket. Default: empty, none.
    #[spec(default)]
    pub(crate) s3_bucket: String,
    /// Where in the bucket. Default: empty, its root.
    #[spec(default)]
    pub(crate) s3_prefix: String,
}

up_core::aws_enum! {
    /// Which connections to the brokers are encrypted.
    pub(crate) ClientBroker {
        /// All.
        Tls = "TLS",
        /// Those of clients that like.
        TlsPlaintext = "TLS_PLAINTEXT",
        /// None.
        Plaintext = "PLAINTEXT",
    }
    /// What CloudWatch is told, and is paid for beyond the first.
    pub(crate) EnhancedMonitoring {
        /// The cluster's own numbers.
        Default = "DEFAULT",
        /// Those of each broker.
        PerBroker = "PER_BROKER",
        /// Those of each topic on each broker.
        PerTopicPerBroker = "PER_TOPIC_PER_BROKER",
        /// Those of each partition.
        PerTopicPerPartition = "PER_TOPIC_PER_PARTITION",
    }
    /// Where old messages are kept.
    pub(crate) StorageMode {
        /// On the brokers' volumes.
        Local = "LOCAL",
        /// Old ones in a cheaper store of their own.
        Tiered = "TIERED",
    }
    /// Whether the internet reaches the brokers.
    pub(crate) PublicAccess {
        /// It does not.
        Disabled = "DISABLED",
        /// At addresses that MSK provides.
        ServiceProvidedEips = "SERVICE_PROVIDED_EIPS",
    }
}
