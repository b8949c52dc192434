//! `ecs.cluster`: where services and tasks run.

use std::collections::BTreeSet;

use aws_sdk_ecs::types::{
    self as wire, Attachment, ClusterField, ClusterServiceConnectDefaultsRequest, ClusterSetting, ClusterSettingName,
};
use up_core::{mirror, prelude::*};

use crate::{
    Strategy, arn, client, list, tags,
    words::{ContainerInsights, ExecuteCommandLogging},
};

/// A place where services and tasks run.
#[spec]
pub struct Cluster {
    /// Its name, unique in account and region. Default: derived from stack and address. A change replaces it.
    #[spec(name)]
    name: Option<String>,
    /// What it measures.
    #[spec(default)]
    settings: Settings,
    /// How sessions into containers are recorded, and which keys encrypt what Fargate stores.
    #[spec(default)]
    configuration: Configuration,
    /// `FARGATE`, `FARGATE_SPOT`, and names of those made for Auto Scaling groups. Default: none.
    #[spec(shared, default)]
    capacity_providers: BTreeSet<String>,
    /// Where services run that name neither a launch type nor a strategy. Default: nowhere in particular.
    #[spec(default)]
    default_capacity_provider_strategy: Strategy,
    /// Where its services find one another.
    #[spec(default)]
    service_connect_defaults: ServiceConnectDefaults,
}

#[part(Default, Eq)]
struct Settings {
    /// CloudWatch Container Insights: `disabled`, `enabled`, or `enhanced` for every task and container. Costs money.
    /// Default: `disabled`, whatever the account's own default is.
    #[spec(default = ContainerInsights::Disabled)]
    container_insights: ContainerInsights,
}

#[part(Default, Eq, mirrors = wire::ClusterConfiguration)]
struct Configuration {
    /// How `aws ecs execute-command` sessions are encrypted and recorded. Left out: not compared.
    execute_command_configuration: Option<ExecuteCommand>,
    /// Which keys encrypt storage. Left out: AWS's own.
    managed_storage_configuration: Option<ManagedStorage>,
}

#[part(Eq, mirrors = wire::ExecuteCommandConfiguration)]
struct ExecuteCommand {
    /// The KMS key that encrypts the session.
    kms_key_id: Option<String>,
    /// `NONE`, `DEFAULT` for the task's own awslogs, or `OVERRIDE` for `log_configuration`. Default: `DEFAULT`.
    #[spec(default = ExecuteCommandLogging::Default)]
    logging: ExecuteCommandLogging,
    /// Where sessions are recorded, with `OVERRIDE`.
    log_configuration: Option<ExecuteCommandLog>,
}

#[part(Eq, mirrors = wire::ExecuteCommandLogConfiguration)]
struct ExecuteCommandLog {
    /// The log group's name.
    cloud_watch_log_group_name: Option<String>,
    /// True where the log group is encrypted with a key. Default: false.
    #[spec(default)]
    cloud_watch_encryption_enabled: bool,
    /// The bucket's name.
    s3_bucket_name: Option<String>,
    /// Where in the bucket.
    s3_key_prefix: Option<String>,
    /// True where the bucket is encrypted with a key. Default: false.
    #[spec(default)]
    s3_encryption_enabled: bool,
}

#[part(Eq, mirrors = wire::ManagedStorageConfiguration)]
struct ManagedStorage {
    /// The KMS key, as an ARN, for volumes that ECS manages.
    kms_key_id: Option<String>,
    /// The KMS key, as an ARN, for the ephemeral storage of Fargate tasks.
    fargate_ephemeral_storage_kms_key_id: Option<String>,
}

#[part(Default, Eq)]
struct ServiceConnectDefaults {
    /// The Cloud Map namespace, as an ARN (ECS would make a new one for an unknown name). Default: empty, none.
    #[spec(default)]
    namespace: String,
}

impl Kind for Cluster {
    const NAME: &'static str = names::Cluster::NAME;
    const SERVICE: &'static up_core::Service = &crate::SERVICE;

    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::ECS::Cluster",
        actions: Actions {
            observe: actions!(ecs: ListClusters DescribeClusters),
            create: actions!(ecs: CreateCluster TagResource, iam: CreateServiceLinkedRole),
            update: actions!(ecs: UpdateCluster PutClusterCapacityProviders),
            tag: actions!(ecs: TagResource UntagResource),
            delete: actions!(ecs: DeleteCluster),
        },
        attrs: &["arn", "name"],
        longest_name: 255,
        replace: Order::CreateBeforeDestroy,
        ..KindInfo::DEFAULT
    };

    /// Asks for those the index lists and those known: see `candidates`.
    async fn observe(cx: &Context, query: &Query) -> Result<Vec<Observed<Self>>> {
        let arns = candidates(cx, query).await?.into_iter().collect::<Vec<_>>();
        let some_each: Vec<_> = arns.chunks(CLUSTERS_A_CALL).map(<[_]>::to_vec).collect();
        let described = concurrently(some_each.into_iter().map(|arns| describe(cx, arns))).await?;
        let mut observed = Vec::new();
        for cluster in described.into_iter().flatten() {
            let cluster = read(cluster)?;
            observed
                .extend(cluster.filter(|it| query.accepts(it.attrs.get("name").map_or("", String::as_str), &it.tags)));
        }
        Ok(observed)
    }

    /// Safe to repeat: a cluster of this name that carries our tags is the one made before. ECS would also answer with
    /// a foreign one, and change its settings, so it is looked for first and refused.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        let name = self.name.clone().unwrap_or_else(|| new.name(Self::INFO.longest_name));
        for cluster in describe(cx, vec![name.clone()]).await? {
            if let Some(there) = read(cluster)? {
                return ours(there, new).map(Created::Id);
            }
        }
        let request = client(cx).create_cluster().cluster_name(name).set_tags(Some(list(&new.tags)));
        let request = request.settings(self.settings.wire()).set_configuration(self.configuration(cx)?);
        let request = fill!(request, cx, self: capacity_providers, default_capacity_provider_strategy);
        let connect =
            (!self.service_connect_defaults.namespace.is_empty()).then(|| self.service_connect_defaults.wire());
        let request = request.set_service_connect_defaults(connect.transpose()?);
        let cluster = request.send().await?.cluster;
        let arn = cluster.and_then(|cluster| cluster.cluster_arn);
        arn.map(Created::Id).ok_or_else(|| Error::absent("ARN of the cluster it made"))
    }

    /// One call for settings, one for capacity providers. Safe to repeat: both are set.
    async fn update(&self, cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let is = &observed.spec;
        if (&self.settings, &self.configuration, &self.service_connect_defaults)
            != (&is.settings, &is.configuration, &is.service_connect_defaults)
        {
            let call = client(cx).update_cluster().cluster(&observed.id).settings(self.settings.wire());
            let call = call.set_configuration(self.configuration(cx)?);
            let moves = self.service_connect_defaults != is.service_connect_defaults;
            let connect = moves.then(|| self.service_connect_defaults.wire()).transpose()?;
            call.set_service_connect_defaults(connect).send().await?;
        }
        let is_impaired = matches!(&observed.status, Status::Impaired(_));
        let moves = (&self.capacity_providers, &self.default_capacity_provider_strategy)
            != (&is.capacity_providers, &is.default_capacity_provider_strategy);
        if moves || is_impaired {
            let call = client(cx).put_cluster_capacity_providers().cluster(&observed.id);
            let call = call.set_capacity_providers(self.capacity_providers.to_aws(cx)?);
            let strategy = self.default_capacity_provider_strategy.to_aws(cx)?;
            call.set_default_capacity_provider_strategy(strategy).send().await?;
        }
        Ok(())
    }

    /// Safe to repeat: a second delete finds nothing. Services and tasks in it hold it.
    async fn delete(cx: &Context, observed: &Observed<Self>) -> Result<()> {
        client(cx).delete_cluster().cluster(&observed.id).send().await?;
        Ok(())
    }

    fn check(&self) -> Vec<Problem> {
        let namespace = &self.service_connect_defaults.namespace;
        let namespace = (!namespace.is_empty()).then(|| arn("service_connect_defaults.namespace", namespace)).flatten();
        let stranger = self.default_capacity_provider_strategy.iter().find_map(|item| {
            let name = &item.capacity_provider;
            let message = format!("`{name}` is not among the capacity_providers of this cluster");
            let known = self.capacity_providers.contains(name);
            (!known).then(|| Problem::new("default_capacity_provider_strategy", message))
        });
        [namespace, stranger].into_iter().flatten().collect()
    }
}

/// DescribeClusters takes no more.
const CLUSTERS_A_CALL: usize = 100;

/// ARNs of what may be the stack's. One that neither the index nor the run knows yet is found by the create that would
/// make it again, so that the list of all is spared where there is anything to go by.
async fn candidates(cx: &Context, query: &Query) -> Result<BTreeSet<String>> {
    let indexed = query.listed("ecs", "cluster/").map(str::to_owned);
    let known: BTreeSet<_> = indexed.chain(query.known.iter().cloned()).collect();
    if !known.is_empty() {
        let named = query.names.iter().filter(|_| !query.is_by_id());
        let arn = |name| crate::SERVICE.arn(cx, format_args!("cluster/{name}"));
        return Ok(known.into_iter().chain(named.map(arn)).collect());
    }
    let listed = client(cx).list_clusters().into_paginator().items().send().try_collect().await?;
    let is_named = |name: &str| query.derives(name) || query.names.contains(name);
    let named = |arn: &String| arn.rsplit('/').next().is_some_and(is_named);
    Ok(listed.into_iter().filter(named).collect())
}

async fn describe(cx: &Context, clusters: Vec<String>) -> Result<Vec<wire::Cluster>> {
    let request = client(cx).describe_clusters().set_clusters(Some(clusters));
    let include = [ClusterField::Tags, ClusterField::Settings, ClusterField::Configurations, ClusterField::Attachments];
    Ok(request.set_include(Some(include.into())).send().await?.clusters.into_iter().flatten().collect())
}

/// The cluster, unless it is gone: ECS describes an `INACTIVE` one for a while.
fn read(cluster: wire::Cluster) -> Result<Option<Observed<Cluster>>> {
    let (Some(id), Some(name), Some(state)) = (cluster.cluster_arn, cluster.cluster_name, cluster.status) else {
        return Err(Error::absent("ARN, name and status of a cluster"));
    };
    let Some(status) = status(state, cluster.attachments_status, cluster.attachments.as_deref()) else {
        return Ok(None);
    };
    let namespace = cluster.service_connect_defaults.and_then(|defaults| defaults.namespace);
    let spec = Cluster {
        name: Some(name.clone()),
        settings: Settings::observed(cluster.settings)?,
        configuration: read!(cluster.configuration or Configuration::default())?,
        capacity_providers: read!(cluster.capacity_providers)?,
        default_capacity_provider_strategy: read!(cluster.default_capacity_provider_strategy)?,
        service_connect_defaults: ServiceConnectDefaults { namespace: namespace.unwrap_or_default() },
    };
    let observed = Observed::new(&id, tags(cluster.tags), spec).attr("arn", id.clone()).attr("name", name);
    Ok(Some(Observed { status, ..observed }))
}

/// `None` where it is gone. A cluster is never deleted because its capacity providers failed: they are put again.
fn status(state: String, attaching: Option<String>, attachments: Option<&[Attachment]>) -> Option<Status> {
    let failed = |word: String| {
        let why = attachments.into_iter().flatten().flat_map(reasons).collect::<Vec<_>>().join("; ");
        let why = format!(
            "{word}: ECS failed to set up its capacity providers{}{why}",
            if why.is_empty() { "" } else { ": " }
        );
        Impairment::repairable(why, "an apply puts them again; see that their Auto Scaling groups are there")
    };
    Some(match (state.as_str(), attaching) {
        ("INACTIVE", _) => return None,
        ("ACTIVE", None) => Status::Ready,
        ("ACTIVE", Some(attaching)) if attaching == "UPDATE_COMPLETE" => Status::Ready,
        ("ACTIVE", Some(attaching)) if attaching == "UPDATE_FAILED" => failed(attaching),
        ("ACTIVE", Some(attaching)) => Status::Pending(attaching),
        ("FAILED", _) => failed(state),
        // DEPROVISIONING is said of the resources of capacity providers, whether the cluster goes with them or not.
        _ => Status::Pending(state),
    })
}

/// What ECS says of an attachment that failed.
fn reasons(attachment: &Attachment) -> Option<String> {
    let status = attachment.status.as_deref().filter(|status| status.contains("FAILED"))?;
    let details =
        attachment.details().iter().filter(|detail| detail.name.as_deref().is_some_and(|it| it.contains("eason")));
    let details: Vec<_> = details.filter_map(|detail| detail.value.as_deref()).collect();
    Some(
        format!("{} {status} {}", attachment.r#type.as_deref().unwrap_or("attachment"), details.join(", "))
            .trim_end()
            .into(),
    )
}

/// The id of a cluster that is there already, if it is the one that was to be made.
fn ours(there: Observed<Cluster>, new: &NewResource) -> Result<String> {
    if there.address(&new.stack).as_ref() == Some(&new.address) {
        return Ok(there.id);
    }
    let message = format!("{} exists already", there.id);
    Err(Error { kind: ErrorKind::Exists, ..Error::refused("ClusterAlreadyExists", message) })
}

impl Cluster {
    /// Nothing is sent of what is not compared.
    fn configuration(&self, cx: &Context) -> Result<Option<wire::ClusterConfiguration>> {
        if self.configuration == Configuration::default() { Ok(None) } else { self.configuration.to_aws(cx) }
    }
}

impl Settings {
    fn wire(&self) -> ClusterSetting {
        ClusterSetting::builder()
            .name(ClusterSettingName::ContainerInsights)
            .value(self.container_insights.as_str())
            .build()
    }

    fn observed(settings: Option<Vec<ClusterSetting>>) -> Result<Self> {
        let insights = settings.into_iter().flatten().find_map(|setting| {
            (setting.name == Some(ClusterSettingName::ContainerInsights)).then_some(setting.value).flatten()
        });
        Ok(Self { container_insights: mirror::read_or(insights, Self::default_container_insights)? })
    }
}

impl ServiceConnectDefaults {
    fn wire(&self) -> Result<ClusterServiceConnectDefaultsRequest> {
        Ok(ClusterServiceConnectDefaultsRequest::builder().namespace(&self.namespace).build()?)
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::KeyValuePair;

    use super::*;

    fn found(state: &str, attaching: Option<&str>) -> Option<Status> {
        status(state.into(), attaching.map(str::to_owned), None)
    }

    #[test]
    fn providers_that_failed_are_put_again() {
        for trouble in [found("ACTIVE", Some("UPDATE_FAILED")), found("FAILED", None)] {
            assert!(matches!(&trouble, Some(Status::Impaired(it)) if it.repair), "{trouble:?}");
        }
        let details = KeyValuePair::builder().name("statusReason").value("the group is gone").build();
        let failed = Attachment::builder().r#type("as_policy").status("FAILED").details(details).build();
        let Some(Status::Impaired(trouble)) = status("ACTIVE".into(), Some("UPDATE_FAILED".into()), Some(&[failed]))
        else {
            panic!()
        };
        assert!(trouble.why.ends_with("as_policy FAILED the group is gone"), "{trouble:?}");
    }

    #[test]
    fn no_state_leads_to_a_delete() {
        for state in ["ACTIVE", "PROVISIONING", "DEPROVISIONING", "FAILED", "NEW_WORD"] {
            for attaching in [None, Some("UPDATE_IN_PROGRESS"), Some("UPDATE_FAILED"), Some("NEW_WORD")] {
                let found = found(state, attaching);
                assert!(!matches!(found, None | Some(Status::Failed(_) | Status::Deleting(_))), "{state}: {found:?}");
            }
        }
    }
}
