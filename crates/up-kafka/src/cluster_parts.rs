//! The tables of a Kafka cluster's spec.

use std::collections::BTreeSet;

use aws_sdk_kafka::types::EbsStorageInfo;
use up_core::part;

use crate::throughput;

/// The EBS storage of each broker.
#[part(Eq, mirrors = EbsStorageInfo)]
pub(crate) struct EbsStorage {
    /// The volume size in GiB, 1 to 16384. It cannot shrink, and must grow by at least 10 GiB. What autoscaling has
    /// added is no difference.
    pub(crate) volume_size: u32,
    /// The provisioned storage throughput in MiB per second, at least 250; 0 disables it. Needs the broker size
    /// `kafka.m5.4xlarge` or larger. Default: 0.
    #[spec(default, omit_default, with = throughput)]
    pub(crate) provisioned_throughput: u32,
}

/// How clients authenticate. A change restarts the brokers one after another.
#[part(Eq)]
pub(crate) struct ClientAuthentication {
    /// Enables IAM access control. Default: false.
    #[spec(default)]
    pub(crate) sasl_iam: bool,
    /// Enables SASL/SCRAM: user names and passwords, from secrets that are associated with the cluster. Default: false.
    #[spec(default)]
    pub(crate) sasl_scram: bool,
    /// Mutual TLS authentication: the ARNs of private certificate authorities. Default: none.
    #[spec(default)]
    pub(crate) tls_certificate_authorities: BTreeSet<String>,
    /// Allows unauthenticated access. Default: false.
    #[spec(default)]
    pub(crate) unauthenticated: bool,
}

impl Default for ClientAuthentication {
    fn default() -> Self {
        let tls_certificate_authorities = BTreeSet::new();
        Self { sasl_iam: true, sasl_scram: false, tls_certificate_authorities, unauthenticated: false }
    }
}

/// Open monitoring with Prometheus: exporters on the brokers.
#[part(Default, Eq)]
pub(crate) struct OpenMonitoring {
    /// Enables the JMX Exporter (metrics of Kafka), on port 11001. Default: false.
    #[spec(default)]
    pub(crate) jmx_exporter: bool,
    /// Enables the Node Exporter (metrics of the host), on port 11002. Default: false.
    #[spec(default)]
    pub(crate) node_exporter: bool,
}

/// The destinations of broker logs.
#[part(Default, Eq)]
pub(crate) struct BrokerLogs {
    /// The name of a CloudWatch log group. Default: empty, none.
    #[spec(default)]
    pub(crate) cloudwatch_log_group: String,
    /// The name of a Firehose delivery stream. Default: empty, none.
    #[spec(default)]
    pub(crate) firehose_delivery_stream: String,
    /// The name of an S3 bucket. Default: empty, none.
    #[spec(default)]
    pub(crate) s3_bucket: String,
    /// The prefix of the objects' keys in the bucket. Default: empty.
    #[spec(default)]
    pub(crate) s3_prefix: String,
}

up_core::aws_enum! {
    /// Encryption in transit between clients and brokers.
    pub(crate) ClientBroker {
        /// Only TLS-encrypted connections.
        Tls = "TLS",
        /// TLS-encrypted and plaintext connections.
        TlsPlaintext = "TLS_PLAINTEXT",
        /// Only plaintext connections.
        Plaintext = "PLAINTEXT",
    }
    /// The level of CloudWatch metrics. All levels above `DEFAULT` are charged for.
    pub(crate) EnhancedMonitoring {
        /// Metrics of the cluster.
        Default = "DEFAULT",
        /// Additionally, metrics of each broker.
        PerBroker = "PER_BROKER",
        /// Additionally, metrics of each topic on each broker.
        PerTopicPerBroker = "PER_TOPIC_PER_BROKER",
        /// Additionally, metrics of each partition.
        PerTopicPerPartition = "PER_TOPIC_PER_PARTITION",
    }
    /// The storage mode.
    pub(crate) StorageMode {
        /// Primary storage: the brokers' EBS volumes.
        Local = "LOCAL",
        /// Primary storage, and a low-cost tier for older data.
        Tiered = "TIERED",
    }
    /// Public access to the brokers.
    pub(crate) PublicAccess {
        /// No public access.
        Disabled = "DISABLED",
        /// Public access, with addresses that MSK provides.
        ServiceProvidedEips = "SERVICE_PROVIDED_EIPS",
    }
}
