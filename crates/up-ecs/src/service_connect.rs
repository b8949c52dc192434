//! How a service finds, and is found by, others of its namespace.

use std::collections::BTreeSet;

use aws_sdk_ecs::types as wire;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use up_core::{Error, Result};

use crate::{container::LogConfiguration, maybe_count, maybe_number, some};

/// How a service finds, and is found by, others of its namespace: through a proxy that ECS puts into each task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServiceConnect {
    /// Whether it takes part. Default: true.
    #[serde(default = "yes")]
    enabled: bool,
    /// The Cloud Map namespace, as an ARN. Left out: the cluster's own.
    pub(crate) namespace: Option<String>,
    /// Ports it offers under a name. Default: none, it only calls others.
    #[serde(default)]
    services: BTreeSet<ConnectService>,
    /// Where the proxy's output goes. Left out: nowhere.
    log_configuration: Option<LogConfiguration>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ConnectService {
    /// The name of a port mapping of the task definition.
    port_name: String,
    /// Its name in Cloud Map. Left out: the port's name.
    discovery_name: Option<String>,
    /// Names and ports that callers use.
    #[serde(default)]
    client_aliases: BTreeSet<ClientAlias>,
    /// The port the proxy listens on. Left out: one that is free.
    ingress_port_override: Option<u16>,
    /// Seconds without traffic after which a connection is closed; 0 for never. Left out: 300, or 3600 for TCP.
    idle_timeout_seconds: Option<u32>,
    /// Seconds a request may take; 0 for any. Left out: 15. Not for TCP.
    per_request_timeout_seconds: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ClientAlias {
    /// The port callers use.
    port: u16,
    /// The name callers use. Left out: the discovery name with the namespace behind it.
    dns_name: Option<String>,
}

impl ServiceConnect {
    pub(crate) fn wire(&self) -> Result<wire::ServiceConnectConfiguration> {
        let services = self.services.iter().map(ConnectService::wire).collect::<Result<_>>()?;
        let connect = wire::ServiceConnectConfiguration::builder().enabled(self.enabled);
        let connect = connect.set_namespace(self.namespace.clone()).set_services(some(services));
        let log = self.log_configuration.as_ref().map(LogConfiguration::wire).transpose()?;
        Ok(connect.set_log_configuration(log).build())
    }

    pub(crate) fn observed(connect: wire::ServiceConnectConfiguration) -> Result<Self> {
        Ok(Self {
            enabled: connect.enabled,
            namespace: connect.namespace,
            services: connect.services.into_iter().flatten().map(ConnectService::observed).collect::<Result<_>>()?,
            log_configuration: connect.log_configuration.map(LogConfiguration::observed).transpose()?,
        })
    }
}

impl ConnectService {
    fn wire(&self) -> Result<wire::ServiceConnectService> {
        let alias = |alias: &ClientAlias| {
            let wire = wire::ServiceConnectClientAlias::builder().port(alias.port.into());
            Ok(wire.set_dns_name(alias.dns_name.clone()).build()?)
        };
        let (idle, request) = (self.idle_timeout_seconds, self.per_request_timeout_seconds);
        let timeout = wire::TimeoutConfiguration::builder().set_idle_timeout_seconds(maybe_number(idle)?);
        let timeout = timeout.set_per_request_timeout_seconds(maybe_number(request)?).build();
        let service = wire::ServiceConnectService::builder()
            .port_name(&self.port_name)
            .set_discovery_name(self.discovery_name.clone())
            .set_client_aliases(some(self.client_aliases.iter().map(alias).collect::<Result<_>>()?))
            .set_ingress_port_override(self.ingress_port_override.map(i32::from))
            .set_timeout((idle.is_some() || request.is_some()).then_some(timeout));
        Ok(service.build()?)
    }

    fn observed(service: wire::ServiceConnectService) -> Result<Self> {
        let alias = |alias: wire::ServiceConnectClientAlias| {
            Ok(ClientAlias { port: port(alias.port)?, dns_name: alias.dns_name })
        };
        let timeout = service.timeout.as_ref();
        Ok(Self {
            port_name: service.port_name,
            discovery_name: service.discovery_name,
            client_aliases: service.client_aliases.into_iter().flatten().map(alias).collect::<Result<_>>()?,
            ingress_port_override: service.ingress_port_override.map(port).transpose()?,
            idle_timeout_seconds: maybe_count(timeout.and_then(|timeout| timeout.idle_timeout_seconds))?,
            per_request_timeout_seconds: maybe_count(timeout.and_then(|timeout| timeout.per_request_timeout_seconds))?,
        })
    }
}

fn port(number: i32) -> Result<u16> {
    u16::try_from(number).map_err(|_| Error::absent("port that can be"))
}

fn yes() -> bool {
    true
}
