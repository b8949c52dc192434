//! `ecs.cluster`: where services and tasks run.

use std::collections::BTreeSet;

use aws_sdk_ecs::types::{
    Attachment, ClusterConfiguration, ClusterField, ClusterServiceConnectDefaultsRequest, ClusterSetting,
    ClusterSettingName, ExecuteCommandConfiguration, ExecuteCommandLogConfiguration, ManagedStorageConfiguration,
};
use up_core::prelude::*;

use crate::{
    Strategy, Words, arn, attrs, client, list, set, some, strategy, strategy_items, tags, texts,
    words::{ContainerInsights, ExecuteCommandLogging},
};

/// A place where services and tasks run.
#[derive(Spec, Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// Its name, unique in account and region. Default: derived from stack and address. A change replaces it.
    #[spec(name)]
    name: Option<String>,
    /// What it measures.
    #[serde(default)]
    settings: Settings,
    /// How sessions into containers are recorded, and which keys encrypt what Fargate stores.
    #[serde(default)]
    configuration: Configuration,
    /// `FARGATE`, `FARGATE_SPOT`, and names of those made for Auto Scaling groups. Default: none.
    #[serde(default)]
    #[spec(shared)]
    capacity_providers: BTreeSet<String>,
    /// Where services run that name neither a launch type nor a strategy. Default: nowhere in particular.
    #[serde(default)]
    default_capacity_provider_strategy: Strategy,
    /// Where its services find one another.
    #[serde(default)]
    service_connect_defaults: ServiceConnectDefaults,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// CloudWatch Container Insights: `disabled`, `enabled`, or `enhanced` for every task and container. Costs money.
    /// Default: `disabled`, whatever the account's own default is.
    #[serde(default = "disabled")]
    container_insights: ContainerInsights,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Configuration {
    /// How `aws ecs execute-command` sessions are encrypted and recorded. Left out: not compared.
    execute_command_configuration: Option<ExecuteCommand>,
    /// Which keys encrypt storage. Left out: AWS's own.
    managed_storage_configuration: Option<ManagedStorage>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ExecuteCommand {
    /// The KMS key that encrypts the session.
    kms_key_id: Option<String>,
    /// `NONE`, `DEFAULT` for the task's own awslogs, or `OVERRIDE` for `log_configuration`. Default: `DEFAULT`.
    #[serde(default = "default_logging")]
    logging: ExecuteCommandLogging,
    /// Where sessions are recorded, with `OVERRIDE`.
    log_configuration: Option<ExecuteCommandLog>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ExecuteCommandLog {
    /// The log group's name.
    cloud_watch_log_group_name: Option<String>,
    /// True where the log group is encrypted with a key. Default: false.
    #[serde(default)]
    cloud_watch_encryption_enabled: bool,
    /// The bucket's name.
    s3_bucket_name: Option<String>,
    /// Where in the bucket.
    s3_key_prefix: Option<String>,
    /// True where the bucket is encrypted with a key. Default: false.
    #[serde(default)]
    s3_encryption_enabled: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ManagedStorage {
    /// The KMS key, as an ARN, for volumes that ECS manages.
    kms_key_id: Option<String>,
    /// The KMS key, as an ARN, for the ephemeral storage of Fargate tasks.
    fargate_ephemeral_storage_kms_key_id: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ServiceConnectDefaults {
    /// The Cloud Map namespace, as an ARN (ECS would make a new one for an unknown name). Default: empty, none.
    #[serde(default)]
    namespace: String,
}

impl Kind for Cluster {
    const NAME: &'static str = names::Cluster::NAME;
    const SERVICE: &'static up_core::Service = &crate::SERVICE;

    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::ECS::Cluster",
        actions: Actions {
            observe: &["ecs:ListClusters", "ecs:DescribeClusters"],
            create: &["ecs:CreateCluster", "ecs:TagResource", "iam:CreateServiceLinkedRole"],
            update: &["ecs:UpdateCluster", "ecs:PutClusterCapacityProviders"],
            tag: &["ecs:TagResource", "ecs:UntagResource"],
            delete: &["ecs:DeleteCluster"],
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
        let request = request.settings(self.settings.wire()).set_configuration(self.configuration.wire()?);
        let request = request.set_capacity_providers(texts(&self.capacity_providers));
        let strategy = some(strategy_items(&self.default_capacity_provider_strategy)?);
        let request = request.set_default_capacity_provider_strategy(strategy);
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
            let call = call.set_configuration(self.configuration.wire()?);
            let moves = self.service_connect_defaults != is.service_connect_defaults;
            let connect = moves.then(|| self.service_connect_defaults.wire()).transpose()?;
            call.set_service_connect_defaults(connect).send().await?;
        }
        let is_impaired = matches!(&observed.status, Status::Impaired(_));
        let moves = (&self.capacity_providers, &self.default_capacity_provider_strategy)
            != (&is.capacity_providers, &is.default_capacity_provider_strategy);
        if moves || is_impaired {
            let call = client(cx).put_cluster_capacity_providers().cluster(&observed.id);
            let call = call.set_capacity_providers(Some(self.capacity_providers.iter().cloned().collect()));
            let strategy = strategy_items(&self.default_capacity_provider_strategy)?;
            call.set_default_capacity_provider_strategy(Some(strategy)).send().await?;
        }
        Ok(())
    }

    /// Safe to repeat: gone is gone. Services and tasks in it hold it.
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
    let is_named = |name: &str| name.starts_with(&query.prefix()) || query.names.contains(name);
    let named = |arn: &String| arn.rsplit('/').next().is_some_and(is_named);
    Ok(listed.into_iter().filter(named).collect())
}

async fn describe(cx: &Context, clusters: Vec<String>) -> Result<Vec<aws_sdk_ecs::types::Cluster>> {
    let request = client(cx).describe_clusters().set_clusters(Some(clusters));
    let include = [ClusterField::Tags, ClusterField::Settings, ClusterField::Configurations, ClusterField::Attachments];
    Ok(request.set_include(Some(include.into())).send().await?.clusters.into_iter().flatten().collect())
}

/// The cluster, unless it is gone: ECS describes an `INACTIVE` one for a while.
fn read(cluster: aws_sdk_ecs::types::Cluster) -> Result<Option<Observed<Cluster>>> {
    let (Some(id), Some(name), Some(state)) = (cluster.cluster_arn, cluster.cluster_name, cluster.status) else {
        return Err(Error::absent("ARN, name and status of a cluster"));
    };
    let Some(status) = status(state, cluster.attachments_status, cluster.attachments.as_deref()) else {
        return Ok(None);
    };
    let mut words = Words::default();
    let namespace = cluster.service_connect_defaults.and_then(|defaults| defaults.namespace);
    let spec = Cluster {
        name: Some(name.clone()),
        settings: Settings::observed(cluster.settings, &mut words),
        configuration: cluster.configuration.map(|it| Configuration::observed(it, &mut words)).unwrap_or_default(),
        capacity_providers: set(cluster.capacity_providers),
        default_capacity_provider_strategy: strategy(cluster.default_capacity_provider_strategy)?,
        service_connect_defaults: ServiceConnectDefaults { namespace: namespace.unwrap_or_default() },
    };
    let attrs = attrs([("arn", &id), ("name", &name)]);
    Ok(Some(Observed { attrs, status, notes: words.notes, ..Observed::new(id, tags(cluster.tags), spec) }))
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

impl Settings {
    fn wire(&self) -> ClusterSetting {
        ClusterSetting::builder()
            .name(ClusterSettingName::ContainerInsights)
            .value(self.container_insights.as_str())
            .build()
    }

    fn observed(settings: Option<Vec<ClusterSetting>>, words: &mut Words) -> Self {
        let insights = settings.into_iter().flatten().find_map(|setting| {
            (setting.name == Some(ClusterSettingName::ContainerInsights)).then_some(setting.value).flatten()
        });
        let insights = insights.and_then(|word| words.known(&word, ContainerInsights::observed));
        Self { container_insights: insights.unwrap_or(disabled()) }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self { container_insights: disabled() }
    }
}

impl Configuration {
    fn wire(&self) -> Result<Option<ClusterConfiguration>> {
        let execute = self.execute_command_configuration.as_ref().map(ExecuteCommand::wire);
        let storage = self.managed_storage_configuration.as_ref().map(ManagedStorage::wire);
        let is_set = execute.is_some() || storage.is_some();
        let configuration = ClusterConfiguration::builder().set_execute_command_configuration(execute);
        Ok(is_set.then(|| configuration.set_managed_storage_configuration(storage).build()))
    }

    fn observed(configuration: ClusterConfiguration, words: &mut Words) -> Self {
        let execute = configuration.execute_command_configuration;
        Self {
            execute_command_configuration: execute.map(|it| ExecuteCommand::observed(it, words)),
            managed_storage_configuration: configuration.managed_storage_configuration.map(ManagedStorage::observed),
        }
    }
}

impl ExecuteCommand {
    fn wire(&self) -> ExecuteCommandConfiguration {
        let log = self.log_configuration.as_ref().map(|log| {
            ExecuteCommandLogConfiguration::builder()
                .set_cloud_watch_log_group_name(log.cloud_watch_log_group_name.clone())
                .cloud_watch_encryption_enabled(log.cloud_watch_encryption_enabled)
                .set_s3_bucket_name(log.s3_bucket_name.clone())
                .set_s3_key_prefix(log.s3_key_prefix.clone())
                .s3_encryption_enabled(log.s3_encryption_enabled)
                .build()
        });
        let execute = ExecuteCommandConfiguration::builder().set_kms_key_id(self.kms_key_id.clone());
        execute.logging(self.logging.as_str().into()).set_log_configuration(log).build()
    }

    fn observed(execute: ExecuteCommandConfiguration, words: &mut Words) -> Self {
        let log = execute.log_configuration.map(|log| ExecuteCommandLog {
            cloud_watch_log_group_name: log.cloud_watch_log_group_name,
            cloud_watch_encryption_enabled: log.cloud_watch_encryption_enabled,
            s3_bucket_name: log.s3_bucket_name,
            s3_key_prefix: log.s3_key_prefix,
            s3_encryption_enabled: log.s3_encryption_enabled,
        });
        let logging = execute.logging.and_then(|word| words.known(word.as_str(), ExecuteCommandLogging::observed));
        Self { kms_key_id: execute.kms_key_id, logging: logging.unwrap_or(default_logging()), log_configuration: log }
    }
}

impl ManagedStorage {
    fn wire(&self) -> ManagedStorageConfiguration {
        ManagedStorageConfiguration::builder()
            .set_kms_key_id(self.kms_key_id.clone())
            .set_fargate_ephemeral_storage_kms_key_id(self.fargate_ephemeral_storage_kms_key_id.clone())
            .build()
    }

    fn observed(storage: ManagedStorageConfiguration) -> Self {
        Self {
            kms_key_id: storage.kms_key_id,
            fargate_ephemeral_storage_kms_key_id: storage.fargate_ephemeral_storage_kms_key_id,
        }
    }
}

impl ServiceConnectDefaults {
    fn wire(&self) -> Result<ClusterServiceConnectDefaultsRequest> {
        Ok(ClusterServiceConnectDefaultsRequest::builder().namespace(&self.namespace).build()?)
    }
}

fn disabled() -> ContainerInsights {
    ContainerInsights::Disabled
}

fn default_logging() -> ExecuteCommandLogging {
    ExecuteCommandLogging::Default
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
