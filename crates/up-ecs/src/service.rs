//! `ecs.service`: keeps a number of tasks running.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::types::{self as wire, ServiceField};
use serde_json::Value;
use up_core::{Address, placeholder, prelude::*};

use crate::{
    SERVICES_A_CALL, Strategy, blue_green, client, list, service_check,
    service_connect::ServiceConnect,
    service_parts::{
        DeploymentConfiguration, LoadBalancer, NetworkConfiguration, PlacementConstraint, PlacementStrategy,
        ServiceRegistry, WaitedImage,
    },
    words::{LaunchType, PropagateTags, SchedulingStrategy},
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

impl Kind for Service {
    const NAME: &'static str = "ecs.service";
    const SERVICE: &'static up_core::Service = &crate::SERVICE;

    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::ECS::Service",
        actions: Actions {
            observe: actions!(ecs: ListClusters ListServices DescribeServices),
            create: actions!(ecs: CreateService TagResource, iam: CreateServiceLinkedRole),
            update: actions!(ecs: UpdateService),
            tag: actions!(ecs: TagResource UntagResource),
            delete: actions!(ecs: DeleteService),
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

    /// Stops its tasks and takes it away in one call. Safe to repeat: a second delete finds nothing.
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
        service_check::check(self)
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
        // The index lists clusters that are gone.
        Ok((listed.try_collect().await.unless_gone()?, cluster))
    });
    for (listed, cluster) in concurrently(listed).await? {
        if let Some(name) = cluster.rsplit('/').next() {
            found.entry(name.to_owned()).or_default().extend(listed.into_iter().flatten());
        }
    }
    Ok(found)
}

/// Some services of one cluster, [`SERVICES_A_CALL`] at most.
async fn describe(cx: &Context, cluster: String, services: Vec<String>) -> Result<Vec<wire::Service>> {
    let request = client(cx).describe_services().cluster(cluster).include(ServiceField::Tags);
    let answer = request.set_services(Some(services)).send().await.unless_gone()?;
    Ok(answer.and_then(|answer| answer.services).into_iter().flatten().collect())
}

/// ARNs of the stack's clusters. A cluster that the index does not list yet can only hold services as new, whose
/// creation is safe to repeat: the others spare a call.
async fn clusters(cx: &Context, query: &Query) -> Result<Vec<String>> {
    let indexed = query.listed("ecs", "cluster/").map(str::to_owned).collect::<Vec<_>>();
    if query.is_by_id() || !indexed.is_empty() {
        return Ok(indexed);
    }
    let listed = client(cx).list_clusters().into_paginator().items().send().try_collect().await?;
    let named = |arn: &String| arn.rsplit('/').next().is_some_and(|name| query.derives(name));
    Ok(listed.into_iter().filter(named).collect())
}

/// `arn:aws:ecs:region:account:service/cluster/name`.
fn cluster_of(arn: &str) -> Option<&str> {
    let mut parts = arn.rsplit('/').skip(1);
    let cluster = parts.next()?;
    parts.next().is_some().then_some(cluster)
}

impl Service {
    /// Those known to be missing.
    pub(crate) fn missing_images(&self) -> Vec<&WaitedImage> {
        let known = self.wait_for_images.iter().filter(|image| !placeholder::has_placeholder(&image.pushed_tags));
        known.filter(|image| !image.is_pushed()).collect()
    }
}
