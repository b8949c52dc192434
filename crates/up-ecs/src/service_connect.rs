//! How a service finds, and is found by, others of its namespace.

use std::collections::BTreeSet;

use aws_sdk_ecs::types as wire;
use up_core::{Context, FromAws, Result, ToAws, fill, mirror, part, read};

use crate::container::LogConfiguration;

/// Service Connect: connections between services of a Cloud Map namespace by name, through a proxy in each task.
#[part(Eq, mirrors = wire::ServiceConnectConfiguration)]
pub(crate) struct ServiceConnect {
    /// Enables Service Connect. Default: true.
    #[spec(default = true)]
    enabled: bool,
    /// The ARN of the Cloud Map namespace. Left out: that of the cluster.
    pub(crate) namespace: Option<String>,
    /// The ports that other services can connect to by name. Default: none, the service is only a client.
    #[spec(default)]
    services: BTreeSet<ConnectService>,
    /// The log configuration of the Service Connect proxy. Left out: no logs.
    log_configuration: Option<LogConfiguration>,
}

#[part(Eq, PartialOrd, Ord)]
struct ConnectService {
    /// The name of a port mapping of the task definition.
    port_name: String,
    /// The name of the Cloud Map service. Left out: the port name.
    discovery_name: Option<String>,
    /// The names and ports that clients use.
    #[spec(default)]
    client_aliases: BTreeSet<ClientAlias>,
    /// The port on which the proxy listens. Left out: ECS chooses.
    ingress_port_override: Option<u16>,
    /// The idle timeout of connections in seconds; 0 disables it. Left out: 300; for TCP, 3600.
    idle_timeout_seconds: Option<u32>,
    /// The timeout of requests in seconds; 0 disables it. Not for TCP. Left out: 15.
    per_request_timeout_seconds: Option<u32>,
}

#[part(Eq, PartialOrd, Ord, mirrors = wire::ServiceConnectClientAlias)]
struct ClientAlias {
    /// The port that clients connect to.
    port: u16,
    /// The name that clients use. Left out: `<discovery name>.<namespace>`.
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
