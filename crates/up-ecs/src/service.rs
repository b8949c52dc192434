//! `ecs.service`: keeps a number of tasks running.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::{
    operation::{
        create_service::builders::CreateServiceFluentBuilder, update_service::builders::UpdateServiceFluentBuilder,
    },
    types::{self as wire, ServiceField},
};
use serde_json::Value;
use up_core::{Address, placeholder, prelude::*};

use crate::{
    SERVICES_A_CALL, Strategy,
    blue_green::{self, AdvancedConfiguration},
    client, convert, list,
    service_connect::ServiceConnect,
    words::{ConstraintType, DeploymentStrategy, LaunchType, PropagateTags, SchedulingStrategy, StrategyType},
};

/// Keeps a number of tasks running, and puts them behind load balancers.
#[spec]
pub struct Service {
    /// Its name, unique in the cluster. Default: derived from stack and address. A change replaces it.
    #[spec(name)]
    pub(crate) name: Option<String>,
    /// The cluster it runs in.
    #[spec(replace)]
    pub(crate) cluster: Ref<names::Cluster>,
    /// What its tasks run. A change starts a deployment.
    #[spec(loose)]
    pub(crate) task_definition: Ref<names::TaskDefinition>,
    /// How many tasks it runs. Left out: 1 at birth, and whatever autoscaling makes of it later. Where something else scales
    /// the service, leave it out, or name it in `ignore_changes` to have it count at birth only: a declared count is put back.
    pub(crate) desired_count: Option<u32>,
    /// Images that must have been pushed before its first tasks start: while one is missing, a new service is made without
    /// tasks, and the count of one that exists stays as it is. Default: none.
    #[spec(initial, default)]
    pub(crate) wait_for_images: BTreeSet<WaitedImage>,
    /// `FARGATE`, `EC2`, `EXTERNAL` or `MANAGED_INSTANCES`. Left out where a capacity provider strategy says it.
    #[spec(replace)]
    pub(crate) launch_type: Option<LaunchType>,
    /// How tasks are shared out among capacity providers. Left out: the cluster's default.
    pub(crate) capacity_provider_strategy: Option<Strategy>,
    /// The version of Fargate. Left out: `LATEST`.
    pub(crate) platform_version: Option<String>,
    /// Where in the network its tasks are, for network mode `awsvpc`.
    pub(crate) network_configuration: Option<NetworkConfiguration>,
    /// Target groups its tasks register with. A target group must have a listener by then: until it has, ECS refuses.
    #[spec(default)]
    pub(crate) load_balancers: BTreeSet<LoadBalancer>,
    /// Seconds after a task's start in which load balancers cannot make it unhealthy. Default: 0.
    #[spec(default)]
    pub(crate) health_check_grace_period_seconds: u32,
    /// How new tasks replace old ones.
    #[spec(default)]
    pub(crate) deployment_configuration: DeploymentConfiguration,
    /// `REPLICA` for a number of tasks, `DAEMON` for one on each instance. Default: `REPLICA`.
    #[spec(replace, default = SchedulingStrategy::Replica)]
    pub(crate) scheduling_strategy: SchedulingStrategy,
    /// Lets `aws ecs execute-command` into its containers. Default: false.
    #[spec(default)]
    pub(crate) enable_execute_command: bool,
    /// Tags tasks with the names of cluster and service. Default: false.
    #[spec(default)]
    pub(crate) enable_ecs_managed_tags: bool,
    /// Whose tags tasks get: `NONE`, `SERVICE` or `TASK_DEFINITION`. Default: `NONE`.
    #[spec(default = PropagateTags::None)]
    pub(crate) propagate_tags: PropagateTags,
    /// Moves tasks so that they are spread evenly over the zones. Left out: as AWS has it.
    pub(crate) availability_zone_rebalancing: Option<bool>,
    /// Which instances may run its tasks; not on Fargate. Default: any.
    #[spec(default)]
    pub(crate) placement_constraints: BTreeSet<PlacementConstraint>,
    /// How tasks are spread over instances, in order of weight; not on Fargate. Default: as ECS likes.
    #[spec(default)]
    pub(crate) placement_strategy: Vec<PlacementStrategy>,
    /// Cloud Map services its tasks register with.
    #[spec(default)]
    pub(crate) service_registries: BTreeSet<ServiceRegistry>,
    /// How it finds, and is found by, others of its namespace. Left out: not compared.
    pub(crate) service_connect_configuration: Option<ServiceConnect>,
}

#[part(Eq, mirrors = wire::AwsVpcConfiguration)]
pub(crate) struct NetworkConfiguration {
    /// Subnets to run in, of one network.
    pub(crate) subnets: BTreeSet<Ref<names::Subnet>>,
    /// Firewalls around each task, 5 at most. Default: the network's own.
    #[spec(default)]
    pub(crate) security_groups: BTreeSet<Ref<names::SecurityGroup>>,
    /// Gives tasks public addresses, as Fargate needs in subnets without NAT. Default: false.
    #[spec(default, with = convert::enabled)]
    pub(crate) assign_public_ip: bool,
}

#[part(Eq, PartialOrd, Ord)]
pub(crate) struct WaitedImage {
    /// The tag that a container of the task definition names.
    pub(crate) tag: String,
    /// The tags there are: `"${ecr.repository.main.pushed_tags}"`.
    pub(crate) pushed_tags: String,
}

#[part(Eq, PartialOrd, Ord, mirrors = wire::LoadBalancer)]
pub(crate) struct LoadBalancer {
    /// The target group.
    #[spec(member = target_group_arn, attribute = "arn")]
    pub(crate) target_group: Ref<names::TargetGroup>,
    /// A container of the task definition.
    pub(crate) container_name: String,
    /// A port it maps.
    pub(crate) container_port: u16,
    /// The second target group, and where requests come in by: for every deployment strategy but `ROLLING`.
    #[spec(with = blue_green)]
    pub(crate) advanced_configuration: Option<AdvancedConfiguration>,
}

#[part(Default, Eq, mirrors = wire::DeploymentConfiguration)]
pub(crate) struct DeploymentConfiguration {
    /// `ROLLING`: new tasks take the places of old ones. `BLUE_GREEN`: they come up beside these, and then get all requests.
    /// `LINEAR` and `CANARY`: in steps, those that AWS takes by default. Default: `ROLLING`.
    #[spec(default)]
    pub(crate) strategy: DeploymentStrategy,
    /// Minutes that old tasks stay after the new ones have got all requests, 0 to 1,440: needed for `BLUE_GREEN`.
    pub(crate) bake_time_in_minutes: Option<u32>,
    /// How many tasks may run in a deployment, in percent of the desired count. Default: 200; 100, the most, for a DAEMON.
    pub(crate) maximum_percent: Option<u32>,
    /// How many must stay healthy in a deployment, in percent of the desired count. Default: 100; 0 for a DAEMON.
    pub(crate) minimum_healthy_percent: Option<u32>,
    /// What ends a deployment whose tasks do not come up. Without it, ECS tries for ever.
    #[spec(default)]
    pub(crate) deployment_circuit_breaker: CircuitBreaker,
    /// CloudWatch alarms that end a deployment. Left out: none.
    #[spec(with = convert::alarms)]
    pub(crate) alarms: Option<Alarms>,
}

#[part(Default, Eq, mirrors = wire::DeploymentCircuitBreaker)]
pub(crate) struct CircuitBreaker {
    /// Ends a deployment whose tasks do not come up. Default: false.
    #[spec(default)]
    pub(crate) enable: bool,
    /// Goes back to the last deployment that worked. Default: false.
    #[spec(default)]
    pub(crate) rollback: bool,
}

#[part(Eq, mirrors = wire::DeploymentAlarms)]
pub(crate) struct Alarms {
    /// Names of the alarms.
    pub(crate) alarm_names: BTreeSet<String>,
    /// Whether they are watched. Default: true.
    #[spec(default = true)]
    pub(crate) enable: bool,
    /// Goes back to the last deployment that worked. Default: false.
    #[spec(default)]
    pub(crate) rollback: bool,
}

#[part(Eq, PartialOrd, Ord, mirrors = wire::PlacementConstraint)]
pub(crate) struct PlacementConstraint {
    /// `distinctInstance`, or `memberOf` with an expression.
    #[serde(rename = "type")]
    #[spec(member = type)]
    pub(crate) constraint: ConstraintType,
    /// In ECS's cluster query language.
    pub(crate) expression: Option<String>,
}

#[part(Eq, PartialOrd, Ord, mirrors = wire::PlacementStrategy)]
pub(crate) struct PlacementStrategy {
    /// `random`, `spread` or `binpack`.
    #[serde(rename = "type")]
    #[spec(member = type)]
    pub(crate) strategy: StrategyType,
    /// What to spread over (`instanceId`, `attribute:ecs.availability-zone`) or to pack by (`cpu`, `memory`).
    pub(crate) field: Option<String>,
}

#[part(Eq, PartialOrd, Ord, mirrors = wire::ServiceRegistry)]
pub(crate) struct ServiceRegistry {
    /// The Cloud Map service, as an ARN.
    pub(crate) registry_arn: String,
    /// A container of the task definition, for SRV records.
    pub(crate) container_name: Option<String>,
    /// A port it maps, for SRV records.
    pub(crate) container_port: Option<u16>,
}

impl Kind for Service {
    const NAME: &'static str = "ecs.service";
    const SERVICE: &'static up_core::Service = &crate::SERVICE;

    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::ECS::Service",
        actions: Actions {
            observe: &["ecs:ListClusters", "ecs:ListServices", "ecs:DescribeServices"],
            create: &["ecs:CreateService", "ecs:TagResource", "iam:CreateServiceLinkedRole"],
            update: &["ecs:UpdateService"],
            tag: &["ecs:TagResource", "ecs:UntagResource"],
            delete: &["ecs:DeleteService"],
        },
        attrs: &["arn", "name"],
        longest_name: 255,
        replace: Order::CreateBeforeDestroy,
        wait: Wait { every: Duration::from_secs(5), at_most: Duration::from_secs(30 * 60) },
        takes: Takes {
            create: Duration::from_secs(90),
            // A deployment: as long as the tasks take to start and to drain.
            update: Duration::from_secs(120),
            delete: Duration::from_secs(60),
            ..Takes::DEFAULT
        },
        ..KindInfo::DEFAULT
    };

    /// Asks for those the index lists, those known, and all in clusters of the stack: the index lags.
    async fn observe(cx: &Context, query: &Query) -> Result<Vec<Observed<Self>>> {
        let mut asked = Vec::new();
        for (cluster, services) in candidates(cx, query).await? {
            let services: Vec<_> = services.into_iter().collect();
            asked.extend(services.chunks(SERVICES_A_CALL).map(|some| (cluster.clone(), some.to_vec())));
        }
        let described =
            concurrently(asked.into_iter().map(|(cluster, services)| describe(cx, cluster, services))).await?;
        let mut observed = Vec::new();
        for service in described.into_iter().flatten() {
            let service = Self::read(service)?;
            observed.extend(service);
        }
        Ok(observed)
    }

    /// Safe to repeat: a service is unique by its name in the cluster. A client token would add nothing to that, and
    /// would not let a service be made again that somebody has deleted.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        let name = self.name.clone().unwrap_or_else(|| new.name(Self::INFO.longest_name));
        let request = self.request(cx)?.service_name(name).set_tags(Some(list(&new.tags)));
        let service = request.send().await?.service;
        let arn = service.and_then(|service| service.service_arn);
        arn.map(Created::Id).ok_or_else(|| Error::absent("ARN of the service it made"))
    }

    /// One call with all that differs. Safe to repeat: everything is set, and a deployment that is forced a second time takes
    /// the place of the first.
    async fn update(&self, cx: &Context, observed: &Observed<Self>) -> Result<()> {
        self.changes(cx, observed)?.send().await?;
        Ok(())
    }

    /// Stops its tasks and takes it away in one call. Safe to repeat: gone is gone.
    async fn delete(cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let call = client(cx).delete_service().cluster(cx.attr(&observed.spec.cluster, "arn")?).service(&observed.id);
        call.force(true).send().await?;
        Ok(())
    }

    fn unique(&self) -> Vec<Unique> {
        let name = self.name.as_ref().and_then(|name| Unique::value("name", name));
        name.map(|name| name.within(&self.cluster)).into_iter().collect()
    }

    fn check(&self) -> Vec<Problem> {
        let (launch, network) = (self.launch_type, self.network_configuration.as_ref());
        let breaker = &self.deployment_configuration.deployment_circuit_breaker;
        let is_alone = self.load_balancers.is_empty();
        let rules = [
            Problem::when(
                launch.is_some() && self.capacity_provider_strategy.is_some(),
                "launch_type",
                "a capacity provider strategy says where tasks run already",
            ),
            Problem::when(
                self.health_check_grace_period_seconds > 0 && is_alone,
                "health_check_grace_period_seconds",
                "ECS takes a grace period only with a load balancer",
            ),
            Problem::when(
                network.is_some_and(|network| network.subnets.is_empty()),
                "network_configuration.subnets",
                "at least one is needed",
            ),
            Problem::when(
                launch == Some(LaunchType::Fargate) && network.is_none(),
                "network_configuration",
                "Fargate demands one",
            ),
            Problem::when(
                breaker.rollback && !breaker.enable,
                "deployment_configuration.deployment_circuit_breaker",
                "rollback needs `enable = true`",
            ),
        ];
        let daemon = if self.scheduling_strategy == SchedulingStrategy::Daemon { self.check_daemon() } else { vec![] };
        let beside = blue_green::check(&self.deployment_configuration, &self.load_balancers);
        rules.into_iter().flatten().chain(daemon).chain(beside).collect()
    }

    fn moves(&self) -> Vec<(Address, &'static str)> {
        blue_green::moves(&self.deployment_configuration, &self.load_balancers)
    }

    fn normal(mut self) -> Self {
        self.deployment_configuration = self.deployment_configuration.complete(self.scheduling_strategy);
        self.placement_strategy = self.placement_strategy.into_iter().map(PlacementStrategy::normal).collect();
        // What runs is never scaled down because an image has gone.
        if !self.missing_images().is_empty() {
            self.desired_count = None;
        }
        self
    }

    fn remarks(spec: &Value) -> Vec<String> {
        let waited = Option::<BTreeSet<WaitedImage>>::deserialize(&spec["wait_for_images"]).ok().flatten();
        let missing = waited.unwrap_or_default().into_iter().filter(|image| !image.is_pushed());
        let remark = |WaitedImage { tag, .. }: WaitedImage| {
            let tag = placeholder::readable(&tag);
            format!("no new task can start before the image with the tag `{tag}` is pushed; push it, then apply again")
        };
        missing.map(remark).collect()
    }
}

/// ARNs of services that may be the stack's, by the ARN or name of their cluster.
async fn candidates(cx: &Context, query: &Query) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let mut found = BTreeMap::<String, BTreeSet<String>>::new();
    let indexed = query.listed("ecs", "service/").map(str::to_owned);
    for arn in indexed.chain(query.known.iter().cloned()) {
        if let Some(cluster) = cluster_of(&arn) {
            found.entry(cluster.to_owned()).or_default().insert(arn);
        }
    }
    let listed = clusters(cx, query).await?.into_iter().map(async |cluster| {
        let listed = client(cx).list_services().cluster(&cluster).max_results(100).into_paginator().items().send();
        Ok((present(listed.try_collect().await.map_err(Error::from))?, cluster))
    });
    for (listed, cluster) in concurrently(listed).await? {
        if let Some(name) = cluster.rsplit('/').next() {
            found.entry(name.to_owned()).or_default().extend(listed.into_iter().flatten());
        }
    }
    Ok(found)
}

/// Some services of one cluster, [`SERVICES_A_CALL`] at most.
async fn describe(cx: &Context, cluster: String, services: Vec<String>) -> Result<Vec<aws_sdk_ecs::types::Service>> {
    let request = client(cx).describe_services().cluster(cluster).include(ServiceField::Tags);
    let answer = request.set_services(Some(services)).send().await.map_err(Error::from);
    Ok(present(answer)?.and_then(|answer| answer.services).into_iter().flatten().collect())
}

/// ARNs of the stack's clusters. A cluster that the index does not list yet can only hold services as new, whose
/// creation is safe to repeat: the others spare a call.
async fn clusters(cx: &Context, query: &Query) -> Result<Vec<String>> {
    let indexed = query.listed("ecs", "cluster/").map(str::to_owned).collect::<Vec<_>>();
    if query.is_by_id() || !indexed.is_empty() {
        return Ok(indexed);
    }
    let listed = client(cx).list_clusters().into_paginator().items().send().try_collect().await?;
    let named = |arn: &String| arn.rsplit('/').next().is_some_and(|name| name.starts_with(&query.prefix()));
    Ok(listed.into_iter().filter(named).collect())
}

/// `arn:aws:ecs:region:account:service/cluster/name`.
fn cluster_of(arn: &str) -> Option<&str> {
    let mut parts = arn.rsplit('/').skip(1);
    let cluster = parts.next()?;
    parts.next().is_some().then_some(cluster)
}

/// What stands in a cluster, where the cluster is still there: the index lists what is gone.
fn present<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        answer => answer.map(Some),
    }
}

impl WaitedImage {
    /// False as well while the repository is still to be made, and nobody can tell.
    fn is_pushed(&self) -> bool {
        self.pushed_tags.split_whitespace().any(|tag| tag == self.tag)
    }
}

impl Service {
    /// Those known to be missing.
    fn missing_images(&self) -> Vec<&WaitedImage> {
        let known = self.wait_for_images.iter().filter(|image| !placeholder::has_placeholder(&image.pushed_tags));
        known.filter(|image| !image.is_pushed()).collect()
    }

    /// What ECS refuses of a service with one task on each instance (https://github.com/aws/aws-cdk/issues/2209).
    fn check_daemon(&self) -> Vec<Problem> {
        let one_each = "a DAEMON runs one task on each instance";
        let rules = [
            (self.desired_count.is_some(), "desired_count", one_each.into()),
            (!self.placement_strategy.is_empty(), "placement_strategy", one_each.into()),
            (!self.wait_for_images.is_empty(), "wait_for_images", one_each.into()),
            (
                self.deployment_configuration.maximum_percent.is_some_and(|percent| percent > 100),
                "deployment_configuration.maximum_percent",
                "a DAEMON takes 100 at most: its task stops before the new one starts".into(),
            ),
            (
                self.capacity_provider_strategy.is_some(),
                "capacity_provider_strategy",
                "a DAEMON takes none: name a launch type".into(),
            ),
            (self.launch_type == Some(LaunchType::Fargate), "launch_type", "Fargate runs no DAEMON".to_owned()),
            (
                self.deployment_configuration.strategy != DeploymentStrategy::Rolling,
                "deployment_configuration.strategy",
                "a DAEMON is deployed by ROLLING alone".into(),
            ),
        ];
        rules
            .into_iter()
            .filter(|(breaks, ..)| *breaks)
            .map(|(_, field, message)| Problem::new(field, message))
            .collect()
    }

    fn request(&self, cx: &Context) -> Result<CreateServiceFluentBuilder> {
        let desired = match self.scheduling_strategy {
            SchedulingStrategy::Daemon => None,
            _ if !self.missing_images().is_empty() => Some(0),
            _ => Some(self.desired_count.unwrap_or(1)),
        };
        let grace = Some(self.health_check_grace_period_seconds).filter(|seconds| *seconds > 0);
        // ECS has no `NONE` at birth: leaving it out says so.
        let propagates = Some(self.propagate_tags).filter(|propagates| *propagates != PropagateTags::None);
        let request = client(cx)
            .create_service()
            .cluster(cx.attr(&self.cluster, "arn")?)
            .task_definition(cx.attr(&self.task_definition, "arn")?)
            .set_desired_count(desired.to_aws(cx)?)
            .set_health_check_grace_period_seconds(grace.to_aws(cx)?)
            .set_propagate_tags(propagates.to_aws(cx)?)
            .set_availability_zone_rebalancing(self.rebalancing());
        Ok(fill!(request, cx, self: launch_type, capacity_provider_strategy, platform_version, network_configuration,
            load_balancers, deployment_configuration, scheduling_strategy, enable_execute_command,
            enable_ecs_managed_tags, placement_constraints, placement_strategy, service_registries,
            service_connect_configuration))
    }

    /// True for what ECS does only with a new deployment: another strategy, and starting again what has failed. The first
    /// tasks of a service come with one as well, so that its circuit breaker watches over them.
    fn forces_deployment(&self, observed: &Observed<Self>) -> bool {
        let is = &observed.spec;
        let moves = self
            .capacity_provider_strategy
            .as_ref()
            .is_some_and(|strategy| Some(strategy) != is.capacity_provider_strategy.as_ref());
        let starts = is.desired_count == Some(0) && self.desired_count.is_some_and(|count| count > 0);
        moves || starts || matches!(&observed.status, Status::Impaired(trouble) if trouble.repair)
    }

    /// Both sides are compared as ECS takes them, where a reference is the id it stands for.
    fn changes(&self, cx: &Context, observed: &Observed<Self>) -> Result<UpdateServiceFluentBuilder> {
        let is = &observed.spec;
        let definition = cx.attr(&self.task_definition, "arn")?;
        let moves = cx.attr(&is.task_definition, "arn").map_or(true, |arn| arn != definition);
        let call = client(cx)
            .update_service()
            .cluster(cx.attr(&is.cluster, "arn")?)
            .service(&observed.id)
            .set_task_definition(moves.then_some(definition))
            .set_force_new_deployment(self.forces_deployment(observed).then_some(true))
            .set_availability_zone_rebalancing(self.rebalancing());
        Ok(fill_changed!(call, cx, self, is: desired_count, capacity_provider_strategy, platform_version,
            network_configuration, load_balancers, health_check_grace_period_seconds, deployment_configuration,
            enable_execute_command, enable_ecs_managed_tags, propagate_tags, placement_constraints, placement_strategy,
            service_registries, service_connect_configuration))
    }
}
