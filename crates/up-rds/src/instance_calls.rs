//! A database as RDS takes it, and read back into what a user would have written.

use std::collections::BTreeSet;

use aws_sdk_rds::{
    operation::{
        create_db_instance::builders::CreateDBInstanceFluentBuilder,
        modify_db_instance::builders::ModifyDBInstanceFluentBuilder,
    },
    types::{self, CloudwatchLogsExportConfiguration, DbInstance, PendingModifiedValues},
};
use up_core::{Address, prelude::*};

use crate::{
    client,
    instance::{Engine, Instance, LifecycleSupport, StorageType, size},
    instance_check::{IOPS, LARGE_GP3, THROUGHPUT},
    pending, status, tags,
};

impl Instance {
    /// An attribute that nobody quotes: the subnets it stands in, which RDS does not move it out of.
    pub(crate) const SUBNETS: &'static str = "occupied_subnets";

    pub(crate) fn request(&self, cx: &Context) -> Result<CreateDBInstanceFluentBuilder> {
        let most = self.grows().then_some(self.max_allocated_storage);
        let request = client(cx)
            .create_db_instance()
            .manage_master_user_password(true)
            .set_max_allocated_storage(most.to_aws(cx)?)
            .set_engine_lifecycle_support(self.lifecycle_support().to_aws(cx)?)
            .set_monitoring_role_arn(self.monitor(cx)?)
            .set_enable_cloudwatch_logs_exports(self.enabled_cloudwatch_logs_exports.to_aws(cx)?);
        Ok(fill!(request, cx, self: engine, engine_version, instance_class as db_instance_class, allocated_storage,
            storage_type, iops, storage_throughput, storage_encrypted, kms_key_id, multi_az, availability_zone,
            subnet_group as db_subnet_group_name, security_groups as vpc_security_group_ids, publicly_accessible, port,
            parameter_group as db_parameter_group_name, db_name, master_username, master_user_secret_kms_key_id,
            iam_database_authentication_enabled as enable_iam_database_authentication, ca_certificate_identifier,
            backup_retention_period, preferred_backup_window, preferred_maintenance_window,
            auto_minor_version_upgrade, copy_tags_to_snapshot, deletion_protection,
            performance_insights_enabled as enable_performance_insights, performance_insights_retention_period,
            performance_insights_kms_key_id, monitoring_interval))
    }

    /// A call with what differs, and whether anything does. Both sides are compared as RDS takes them, where a
    /// reference is the id it stands for.
    pub(crate) fn changes(
        &self,
        cx: &Context,
        observed: &Observed<Self>,
    ) -> Result<(ModifyDBInstanceFluentBuilder, bool)> {
        let is = &observed.spec;
        let call = client(cx).modify_db_instance().db_instance_identifier(&observed.id);
        let untouched = call.as_input().clone();
        let is_upgraded = self.engine_version.is_some() && self.engine_version != is.engine_version;
        let call = call
            .set_allow_major_version_upgrade(is_upgraded.then_some(self.allow_major_version_upgrade))
            .set_cloudwatch_logs_export_configuration(self.logs(is));
        let call = fill_changed!(call, cx, self, is: engine_version, instance_class as db_instance_class,
            engine_lifecycle_support, multi_az, security_groups as vpc_security_group_ids, publicly_accessible,
            port as db_port_number, parameter_group as db_parameter_group_name,
            iam_database_authentication_enabled as enable_iam_database_authentication, ca_certificate_identifier,
            backup_retention_period, preferred_backup_window, preferred_maintenance_window,
            auto_minor_version_upgrade, copy_tags_to_snapshot, deletion_protection,
            performance_insights_enabled as enable_performance_insights, performance_insights_retention_period,
            performance_insights_kms_key_id);
        let call = self.monitoring(cx, is, self.storage(cx, observed, call)?)?;
        let differs = *call.as_input() != untouched;
        Ok((call, differs))
    }

    /// RDS takes the parts of a volume together: its size and speed go with its type. What has grown by itself stays, and it
    /// is never asked to shrink.
    fn storage(
        &self,
        cx: &Context,
        observed: &Observed<Self>,
        call: ModifyDBInstanceFluentBuilder,
    ) -> Result<ModifyDBInstanceFluentBuilder> {
        let (is, size) = (&observed.spec, size(observed)?);
        let grown = self.allocated_storage.max(size);
        // A limit at the size itself is how RDS is told that it is not to grow.
        let most = if self.grows() { self.max_allocated_storage } else { grown };
        let moves = self.max_allocated_storage != is.max_allocated_storage;
        let call = call.set_max_allocated_storage(moves.then_some(most).to_aws(cx)?);
        let is_other = |desired: Option<u32>, live| desired.is_some() && desired != live;
        let differs = self.storage_type != is.storage_type
            || grown != size
            || is_other(self.iops, is.iops)
            || is_other(self.storage_throughput, is.storage_throughput);
        if !differs {
            return Ok(call);
        }
        let (iops, throughput) = self.speed(is, grown);
        let call = call.set_iops(iops.to_aws(cx)?).set_storage_throughput(throughput.to_aws(cx)?);
        Ok(call.set_allocated_storage(grown.to_aws(cx)?).set_storage_type(self.storage_type.to_aws(cx)?))
    }

    /// Operations and MiB a second to ask for with a size: large `gp3` must be told both when it grows, small takes neither.
    fn speed(&self, is: &Self, size: u32) -> (Option<u32>, Option<u32>) {
        if self.storage_type != StorageType::Gp3 {
            return (self.iops, self.storage_throughput);
        }
        let live =
            |speed: Option<u32>, least| speed.filter(|_| is.storage_type == StorageType::Gp3).unwrap_or(0).max(least);
        let iops = self.iops.unwrap_or_else(|| live(is.iops, IOPS.0));
        let throughput = self.storage_throughput.unwrap_or_else(|| live(is.storage_throughput, THROUGHPUT.0));
        if size < LARGE_GP3 { (None, None) } else { (Some(iops), Some(throughput)) }
    }

    /// Left out, extended support is not paid for; see the field.
    fn lifecycle_support(&self) -> Option<LifecycleSupport> {
        self.engine_lifecycle_support.or((self.engine != Engine::Mariadb).then_some(LifecycleSupport::Disabled))
    }

    /// RDS takes role and interval of its monitoring together.
    fn monitoring(
        &self,
        cx: &Context,
        is: &Self,
        call: ModifyDBInstanceFluentBuilder,
    ) -> Result<ModifyDBInstanceFluentBuilder> {
        let role = self.monitor(cx)?;
        if (&role, self.monitoring_interval) == (&is.monitor(cx)?, is.monitoring_interval) {
            return Ok(call);
        }
        Ok(fill!(call, cx, self: monitoring_interval).set_monitoring_role_arn(role))
    }

    fn monitor(&self, cx: &Context) -> Result<Option<String>> {
        self.monitoring_role.as_ref().map(|role| cx.attr(role, "arn")).transpose()
    }

    fn logs(&self, is: &Self) -> Option<CloudwatchLogsExportConfiguration> {
        let (desired, observed) = (&self.enabled_cloudwatch_logs_exports, &is.enabled_cloudwatch_logs_exports);
        let but = |these: &BTreeSet<String>, those| {
            let names: Vec<_> = these.difference(those).cloned().collect();
            (!names.is_empty()).then_some(names)
        };
        let logs = CloudwatchLogsExportConfiguration::builder().set_enable_log_types(but(desired, observed));
        (desired != observed).then(|| logs.set_disable_log_types(but(observed, desired)).build())
    }

    /// A database as it is; what is noted in its tags is taken out of them.
    ///
    /// What waits to be changed counts as changed while RDS is at it (`awaited`: a step has just asked for it). Otherwise it
    /// waits for the maintenance window: that is not done, and is told.
    pub(crate) fn read(mut instance: DbInstance, awaited: bool) -> Result<Observed<Self>> {
        let state = present(instance.db_instance_status.take(), "status of a database")?;
        let (mut status, mut attrs) = (status::status(&instance, &state), attributes(&instance)?);
        let mut notes = waits_for_reboot(&instance);
        let waiting = instance.pending_modified_values.as_ref().map(pending::texts).unwrap_or_default();
        if !waiting.is_empty() && matches!(status, Status::Ready | Status::Impaired(_)) {
            if awaited {
                status = Status::Pending("pending modified values".into());
            } else {
                instance.pending_modified_values = None;
                notes.push(format!("waits for the maintenance window: {}", waiting.join(", ")));
            }
        }
        let created = instance.instance_create_time.take();
        let mut tags = tags(instance.tag_list.take());
        let (skips, begun) = (tags.remove(Self::SKIP_TAG), tags.remove(Self::STORAGE_TAG));
        let given = tags.remove(Address::NAME_TAG).map(|name| (Address::NAME_TAG.to_owned(), name));
        present(instance.storage_type.as_ref(), "storage type of a database")?;
        let mut spec = Self::from_aws(with_pending(instance))?;
        let id = present(spec.name.clone(), "identifier of a database")?;
        attrs.insert(Self::SIZE.into(), spec.allocated_storage.to_string());
        let begun = begun.and_then(|size| size.parse().ok()).filter(|size| *size < spec.allocated_storage);
        spec.allocated_storage = begun.unwrap_or(spec.allocated_storage);
        spec.skip_final_snapshot = skips.is_some();
        let private = given.into_iter().collect();
        Ok(Observed { attrs, status, notes, private, ..Observed::new(id, tags, spec).created_at(created) })
    }
}

/// A database of which counts as changed what RDS is about to change.
fn with_pending(mut instance: DbInstance) -> DbInstance {
    let pending = instance.pending_modified_values.take();
    let mut pending = pending.unwrap_or_else(|| PendingModifiedValues::builder().build());
    macro_rules! change {
        ($($member:ident)+) => {$( instance.$member = pending.$member.take().or(instance.$member); )+};
    }
    change![db_instance_class allocated_storage storage_type engine_version iops storage_throughput multi_az
        ca_certificate_identifier iam_database_authentication_enabled backup_retention_period];
    let port = pending.port.or(instance.endpoint.as_ref().and_then(|it| it.port)).or(instance.db_instance_port);
    // Before there is an endpoint, RDS says 0 where it has not chosen a port.
    instance.db_instance_port = port.filter(|port| *port != 0);
    // At the size itself, it is no limit to growing: there is none.
    instance.max_allocated_storage =
        instance.max_allocated_storage.filter(|most| Some(*most) > instance.allocated_storage);
    // What RDS leaves out is off.
    instance.storage_encrypted.get_or_insert(false);
    instance.backup_retention_period.get_or_insert(0);
    instance
}

pub(crate) fn subnet_group(group: Option<types::DbSubnetGroup>) -> Ref<names::DbSubnetGroup> {
    Ref::id(group.and_then(|group| group.db_subnet_group_name).unwrap_or_else(|| "default".into()))
}

pub(crate) fn security_groups(
    groups: Option<Vec<types::VpcSecurityGroupMembership>>,
) -> BTreeSet<Ref<names::SecurityGroup>> {
    groups.into_iter().flatten().filter_map(|group| group.vpc_security_group_id).map(Ref::id).collect()
}

pub(crate) fn parameter_group(
    groups: Option<Vec<types::DbParameterGroupStatus>>,
) -> Option<Ref<names::DbParameterGroup>> {
    groups.into_iter().flatten().find_map(|group| group.db_parameter_group_name).map(Ref::id)
}

pub(crate) fn secret_key(secret: Option<types::MasterUserSecret>) -> Option<String> {
    secret.and_then(|secret| secret.kms_key_id)
}

/// Static parameters that the database does not have yet.
fn waits_for_reboot(instance: &DbInstance) -> Vec<String> {
    let groups = instance.db_parameter_groups.iter().flatten();
    let waiting = groups.filter(|group| group.parameter_apply_status.as_deref() == Some("pending-reboot"));
    let names = waiting.filter_map(|group| group.db_parameter_group_name.as_deref());
    names.map(|name| format!("waits for a reboot: parameter group {name}")).collect()
}

/// Those of its group's subnets that are in its zones, separated by commas.
fn occupied(instance: &DbInstance) -> String {
    let zones = [instance.availability_zone(), instance.secondary_availability_zone()];
    let subnets = instance.db_subnet_group().map(|group| group.subnets()).unwrap_or_default().iter();
    let here = subnets.filter(|subnet| {
        let zone = subnet.subnet_availability_zone().and_then(|zone| zone.name());
        zone.is_some() && zones.contains(&zone)
    });
    here.filter_map(types::Subnet::subnet_identifier).collect::<Vec<_>>().join(",")
}

/// The endpoint and the secret come with the database's first readiness.
fn attributes(instance: &DbInstance) -> Result<Attrs> {
    let endpoint = instance.endpoint.as_ref();
    let address = endpoint.and_then(|endpoint| endpoint.address.clone());
    let port = endpoint.and_then(|endpoint| endpoint.port).map(|port| port.to_string());
    let whole = address.as_ref().zip(port.as_ref()).map(|(address, port)| format!("{address}:{port}"));
    let secret = instance.master_user_secret.as_ref().and_then(|secret| secret.secret_arn.clone());
    let all = [
        ("arn", Some(present(instance.db_instance_arn.clone(), "ARN of a database")?)),
        ("name", instance.db_instance_identifier.clone()),
        ("resource_id", instance.dbi_resource_id.clone()),
        ("address", address),
        ("port", port),
        ("endpoint", whole),
        (Instance::SUBNETS, Some(occupied(instance)).filter(|subnets| !subnets.is_empty())),
        ("master_user_secret_arn", secret),
    ];
    Ok(all.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect())
}
