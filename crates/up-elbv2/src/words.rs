//! The API's enumerations.

up_core::aws_enum! {
    /// What is spoken on a port.
    pub(crate) Protocol {
        /// HTTP, in clear text.
        Http = "HTTP",
        /// HTTP, encrypted.
        Https = "HTTPS",
        /// TCP.
        Tcp = "TCP",
        /// TCP, encrypted.
        Tls = "TLS",
        /// UDP.
        Udp = "UDP",
        /// TCP and UDP on one port.
        TcpUdp = "TCP_UDP",
        /// QUIC.
        Quic = "QUIC",
        /// TCP and QUIC on one port.
        TcpQuic = "TCP_QUIC",
    }

    /// What is balanced.
    pub(crate) LoadBalancerType {
        /// HTTP requests.
        Application = "application",
        /// TCP connections and UDP flows.
        Network = "network",
    }

    /// Who can reach it.
    pub(crate) Scheme {
        /// The internet.
        InternetFacing = "internet-facing",
        /// The network it stands in.
        Internal = "internal",
    }

    /// Addresses that clients may come from.
    pub(crate) IpAddressType {
        /// IPv4.
        Ipv4 = "ipv4",
        /// IPv4 and IPv6.
        Dualstack = "dualstack",
        /// IPv6 from the internet, IPv4 from the network.
        DualstackWithoutPublicIpv4 = "dualstack-without-public-ipv4",
    }

    /// What to do with requests that HTTP servers may understand differently.
    pub(crate) DesyncMitigationMode {
        /// Pass them on.
        Monitor = "monitor",
        /// Pass on what is known to be harmless.
        Defensive = "defensive",
        /// Pass on what follows the standard.
        Strictest = "strictest",
    }

    /// What to do with `X-Forwarded-For`.
    pub(crate) XffHeaderProcessingMode {
        /// Add the client's address.
        Append = "append",
        /// Leave it as it came.
        Preserve = "preserve",
        /// Take it out.
        Remove = "remove",
    }

    /// How DNS spreads clients over zones.
    pub(crate) ClientRoutingPolicy {
        /// To their own zone.
        ZoneAffinity = "availability_zone_affinity",
        /// 85 % to their own zone.
        PartialZoneAffinity = "partial_availability_zone_affinity",
        /// To any zone.
        AnyZone = "any_availability_zone",
    }

    /// What targets are.
    pub(crate) TargetType {
        /// EC2 instances, by id.
        Instance = "instance",
        /// Addresses; what ECS tasks on Fargate need.
        Ip = "ip",
        /// One Lambda function.
        Lambda = "lambda",
        /// One application load balancer, behind a network one.
        Alb = "alb",
    }

    /// The version of HTTP that targets are spoken to in.
    pub(crate) ProtocolVersion {
        /// HTTP/1.1.
        Http1 = "HTTP1",
        /// HTTP/2.
        Http2 = "HTTP2",
        /// gRPC.
        Grpc = "GRPC",
    }

    /// The addresses of targets.
    pub(crate) TargetAddressType {
        /// IPv4.
        Ipv4 = "ipv4",
        /// IPv6.
        Ipv6 = "ipv6",
    }

    /// Which target gets the next request.
    pub(crate) Algorithm {
        /// Each in turn.
        RoundRobin = "round_robin",
        /// The one with the fewest requests under way.
        LeastOutstandingRequests = "least_outstanding_requests",
        /// Any, those that work well more often.
        WeightedRandom = "weighted_random",
    }

    /// How a client is known again.
    pub(crate) StickinessType {
        /// By a cookie of the load balancer's.
        LbCookie = "lb_cookie",
        /// By a cookie of the application's.
        AppCookie = "app_cookie",
        /// By its address; for network load balancers.
        SourceIp = "source_ip",
    }

    /// Whether something is switched on.
    pub(crate) Switch {
        /// It is.
        On = "on",
        /// It is not.
        Off = "off",
    }

    /// A redirect's status.
    pub(crate) RedirectStatus {
        /// Moved permanently.
        Http301 = "HTTP_301",
        /// Found.
        Http302 = "HTTP_302",
    }

    /// Which protocols a TLS listener offers a client.
    pub(crate) AlpnPolicy {
        /// HTTP/1 only.
        Http1Only = "HTTP1Only",
        /// HTTP/2 only.
        Http2Only = "HTTP2Only",
        /// HTTP/2 where both can.
        Http2Optional = "HTTP2Optional",
        /// HTTP/2 rather than HTTP/1.
        Http2Preferred = "HTTP2Preferred",
        /// None.
        None = "None",
    }

    /// Whether clients show certificates.
    pub(crate) MutualAuthenticationMode {
        /// They need not.
        Off = "off",
        /// They may, and targets judge them.
        Passthrough = "passthrough",
        /// They must, and the load balancer judges them.
        Verify = "verify",
    }
}
