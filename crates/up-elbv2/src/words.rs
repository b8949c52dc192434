//! The API's enumerations.

up_core::aws_enum! {
    /// A protocol.
    pub(crate) Protocol {
        /// HTTP.
        Http = "HTTP",
        /// HTTP over TLS.
        Https = "HTTPS",
        /// TCP.
        Tcp = "TCP",
        /// TLS over TCP.
        Tls = "TLS",
        /// UDP.
        Udp = "UDP",
        /// TCP and UDP on the same port.
        TcpUdp = "TCP_UDP",
        /// QUIC.
        Quic = "QUIC",
        /// TCP and QUIC on the same port.
        TcpQuic = "TCP_QUIC",
    }

    /// The type of a load balancer.
    pub(crate) LoadBalancerType {
        /// For HTTP and HTTPS requests.
        Application = "application",
        /// For TCP connections and UDP flows.
        Network = "network",
    }

    /// Who can connect to a load balancer.
    pub(crate) Scheme {
        /// Clients on the internet.
        InternetFacing = "internet-facing",
        /// Clients with access to the VPC.
        Internal = "internal",
    }

    /// The IP address type of a load balancer.
    pub(crate) IpAddressType {
        /// IPv4.
        Ipv4 = "ipv4",
        /// IPv4 and IPv6.
        Dualstack = "dualstack",
        /// IPv6 for clients on the internet, IPv4 for clients in the VPC.
        DualstackWithoutPublicIpv4 = "dualstack-without-public-ipv4",
    }

    /// How to handle requests that may be a security risk to the application.
    pub(crate) DesyncMitigationMode {
        /// Routes all requests.
        Monitor = "monitor",
        /// Blocks requests that pose a severe risk, and closes the connections of ambiguous ones.
        Defensive = "defensive",
        /// Routes only requests that comply with RFC 7230.
        Strictest = "strictest",
    }

    /// How to handle the `X-Forwarded-For` header.
    pub(crate) XffHeaderProcessingMode {
        /// Adds the client's IP address.
        Append = "append",
        /// Leaves the header unchanged.
        Preserve = "preserve",
        /// Removes the header.
        Remove = "remove",
    }

    /// How DNS distributes clients over availability zones.
    pub(crate) ClientRoutingPolicy {
        /// Clients resolve to addresses in their own zone.
        ZoneAffinity = "availability_zone_affinity",
        /// 85 % of clients resolve to addresses in their own zone.
        PartialZoneAffinity = "partial_availability_zone_affinity",
        /// Clients resolve to addresses in all zones.
        AnyZone = "any_availability_zone",
    }

    /// The type of the targets.
    pub(crate) TargetType {
        /// EC2 instances, by instance id.
        Instance = "instance",
        /// IP addresses; needed for ECS tasks on Fargate.
        Ip = "ip",
        /// One Lambda function.
        Lambda = "lambda",
        /// One application load balancer, for a network load balancer.
        Alb = "alb",
    }

    /// The HTTP version for requests to targets.
    pub(crate) ProtocolVersion {
        /// HTTP/1.1.
        Http1 = "HTTP1",
        /// HTTP/2.
        Http2 = "HTTP2",
        /// gRPC.
        Grpc = "GRPC",
    }

    /// The IP address type of the targets.
    pub(crate) TargetAddressType {
        /// IPv4.
        Ipv4 = "ipv4",
        /// IPv6.
        Ipv6 = "ipv6",
    }

    /// How the target for a request is chosen.
    pub(crate) Algorithm {
        /// Each healthy target in turn.
        RoundRobin = "round_robin",
        /// The target with the fewest requests in progress.
        LeastOutstandingRequests = "least_outstanding_requests",
        /// A random target; with anomaly mitigation, anomalous targets less often.
        WeightedRandom = "weighted_random",
    }

    /// How clients are recognized.
    pub(crate) StickinessType {
        /// By a cookie that the load balancer generates.
        LbCookie = "lb_cookie",
        /// By a cookie of the application.
        AppCookie = "app_cookie",
        /// By the source IP address; for network load balancers.
        SourceIp = "source_ip",
    }

    /// On or off.
    pub(crate) Switch {
        /// Enabled.
        On = "on",
        /// Disabled.
        Off = "off",
    }

    /// The status code of a redirect.
    pub(crate) RedirectStatus {
        /// Permanent.
        Http301 = "HTTP_301",
        /// Temporary.
        Http302 = "HTTP_302",
    }

    /// The ALPN policy of a TLS listener.
    pub(crate) AlpnPolicy {
        /// Negotiates HTTP/1 only.
        Http1Only = "HTTP1Only",
        /// Negotiates HTTP/2 only.
        Http2Only = "HTTP2Only",
        /// Prefers HTTP/1 over HTTP/2.
        Http2Optional = "HTTP2Optional",
        /// Prefers HTTP/2 over HTTP/1.
        Http2Preferred = "HTTP2Preferred",
        /// Does not negotiate a protocol.
        None = "None",
    }

    /// How a listener handles client certificates.
    pub(crate) MutualAuthenticationMode {
        /// Clients do not present certificates.
        Off = "off",
        /// Sends the client's certificate chain to the targets, which verify it.
        Passthrough = "passthrough",
        /// The load balancer verifies client certificates.
        Verify = "verify",
    }
}
