//! How a service finds, and is found by, others of its namespace.

use std::collections::BTreeSet;

use aws_sdk_ecs::types as wire;
use up_core::{Context, FromAws, Result, ToAws, fill, mirror, part, read};

use crate::container::LogConfiguration;

/// How a service finds, and is found by, others of its namespace: through a proxy that ECS puts into each task.
#[part(Eq, mirrors = wire::ServiceConnectConfiguration)]
pub(crate) struct ServiceConnect {
    /// Whether it takes part. Default: true.
    #[spec(default = true)]
    enabled: bool,
    /// The Cloud Map namespace, as an ARN. Left out: the cluster's own.
    pub(crate) namespace: Option<String>,
    /// Ports it offers under a name. Default: none, it only calls others.
    #[spec(default)]
    services: BTreeSet<ConnectService>,
    /// Where the proxy's output goes. Left out: nowhere.
    log_configuration: Option<LogConfiguration>,
}

#[part(Eq, PartialOrd, Ord)]
struct ConnectService {
    /// The name of a port mapping of the task definition.
    port_name: String,
    /// Its name in Cloud Map. Left out: the port's name.
    discovery_name: Option<String>,
    /// Names and ports that callers use.
    #[spec(default)]
    client_aliases: BTreeSet<ClientAlias>,
    /// The port the proxy listens on. Left out: one that is free.
    ingress_port_override: Option<u16>,
    /// Seconds without traffic after which a connection is closed; 0 for never. Left out: 300, or 3600 for TCP.
    idle_timeout_seconds: Option<u32>,
    /// Seconds a request may take; 0 for any. Left out: 15. Not for TCP.
    per_request_timeout_seconds: Option<u32>,
}

#[part(Eq, PartialOrd, Ord, mirrors = wire::ServiceConnectClientAlias)]
struct ClientAlias {
    /// The port callers use.
    port: u16,
    /// The name callers use. Left out: the discovery name with the namespace behind it.
    dns_name: Option<String>,
}

/// ECS has both timeouts in a table of their own.
impl ToAws<wire::ServiceConnectService> for ConnectService {
    fn to_aws(&self, cx: &Context) -> Result<Option<wire::ServiceConnectService>> {
        let (idle, request) = (self.idle_timeout_seconds, self.per_request_timeout_seconds);
        let timeout = wire::TimeoutConfiguration::builder().set_idle_timeout_seconds(idle.to_aws(cx)?);
        let timeout = timeout.set_per_request_timeout_seconds(request.to_aws(cx)?).build();
        let service = wire::ServiceConnectService::builder()
            .set_timeout((idle.is_some() || request.is_some()).then_some(timeout));
        let service = fill!(service, cx, self: port_name, discovery_name, client_aliases, ingress_port_override);
        Ok(Some(service.build()?))
    }
}

impl FromAws<wire::ServiceConnectService> for ConnectService {
    fn from_aws(service: wire::ServiceConnectService) -> Result<Self> {
        let timeout = service.timeout.as_ref();
        let (idle, request) = (
            timeout.and_then(|timeout| timeout.idle_timeout_seconds),
            timeout.and_then(|timeout| timeout.per_request_timeout_seconds),
        );
        Ok(Self {
            port_name: service.port_name,
            discovery_name: service.discovery_name,
            client_aliases: read!(service.client_aliases)?,
            ingress_port_override: read!(service.ingress_port_override)?,
            idle_timeout_seconds: mirror::read(idle, "timeout")?,
            per_request_timeout_seconds: mirror::read(request, "timeout")?,
        })
    }
}
