//! The names of kinds that other kinds refer to, one line each.
//!
//! These are only names, so that a kind can refer to another without building its SDK. A kind that no other refers to
//! has its name in its own file.

use crate::Name;

macro_rules! names {
    ($($kind:ident = $name:literal;)*) => {$(
        #[doc = concat!("`", $name, "`, as the target of a [`crate::Ref`].")]
        #[derive(Debug)]
        pub enum $kind {}

        impl Name for $kind {
            const NAME: &'static str = $name;
        }
    )*};
}

names! {
    Cluster = "ecs.cluster";
    DbParameterGroup = "rds.parameter_group";
    DbSubnetGroup = "rds.subnet_group";
    Eip = "ec2.eip";
    InternetGateway = "ec2.internet_gateway";
    KafkaConfiguration = "kafka.configuration";
    Listener = "elbv2.listener";
    ListenerRule = "elbv2.rule";
    LoadBalancer = "elbv2.load_balancer";
    NatGateway = "ec2.nat_gateway";
    Policy = "iam.policy";
    Role = "iam.role";
    RouteTable = "ec2.route_table";
    SecurityGroup = "ec2.security_group";
    Subnet = "ec2.subnet";
    TargetGroup = "elbv2.target_group";
    TaskDefinition = "ecs.task_definition";
    Topic = "sns.topic";
    Vpc = "ec2.vpc";
    VpcEndpoint = "ec2.vpc_endpoint";
}
