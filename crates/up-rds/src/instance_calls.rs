//! A database as RDS takes it, and read back into what a user would have written.

use std::collections::BTreeSet;

use aws_sdk_rds::{
    operation::{
        create_db_instance::builders::CreateDBInstanceFluentBuilder,
        modify_db_instance::builders::ModifyDBInstanceFluentBuilder,
    },
    types::{self, CloudwatchLogsExportConfiguration, DbInstance, PendingModifiedValues},
};
use up_core::{Attrs, Context, Error, Observed, Ref, Result, Status, names};

use crate::{
    client, ids,
    instance::{Engine, Instance, LifecycleSupport, StorageType, size},
    instance_check::{IOPS, LARGE_GP3, THROUGHPUT},
    pending, status, tags,
};

impl Instance {
    /// An attribute that nobody quotes: the subnets it stands in, which RDS does not move it out of.
    pub(crate) const SUBNETS: &'static str = "occupied_subnets";

    pub(crate) fn request(&self, cx: &Context) -> Result<CreateDBInstanceFluentBuilder> {
        let logs = self.enabled_cloudwatch_logs_exports.iter().cloned().collect();
        let request = client(cx)
            .create_db_instance()
            .manage_master_user_password(true)
            .engine(self.engine.as_str())
            .set_engine_version(self.engine_version.clone())
            .db_instance_class(&self.instance_class)
            .allocated_storage(number(self.allocated_storage)?)
            .set_max_allocated_storage(maybe_number(self.grows().then_some(self.max_allocated_storage))?)
            .set_engine_lifecycle_support(self.lifecycle_support().map(|it| it.as_str().to_owned()))
            .storage_type(self.storage_type.as_str())
            .set_iops(maybe_number(self.iops)?)
            .set_storage_throughput(maybe_number(self.storage_throughput)?)
            .storage_encrypted(self.storage_encrypted)
            .set_kms_key_id(self.kms_key_id.clone())
            .multi_az(self.multi_az)
            .set_availability_zone(self.availability_zone.clone())
            .db_subnet_group_name(cx.id(&self.subnet_group)?)
            .set_vpc_security_group_ids(Some(ids(cx, &self.security_groups)?))
            .publicly_accessible(self.publicly_accessible)
            .set_port(self.port.map(i32::from))
            .set_db_parameter_group_name(self.parameter_group.as_ref().map(|group| cx.id(group)).transpose()?)
            .set_db_name(self.db_name.clone())
            .master_username(&self.master_username)
            .set_master_user_secret_kms_key_id(self.master_user_secret_kms_key_id.clone())
            .enable_iam_database_authentication(self.iam_database_authentication_enabled)
            .set_ca_certificate_identifier(self.ca_certificate_identifier.clone())
            .backup_retention_period(number(self.backup_retention_period)?)
            .set_preferred_backup_window(self.preferred_backup_window.clone())
            .set_preferred_maintenance_window(self.preferred_maintenance_window.clone())
            .auto_minor_version_upgrade(self.auto_minor_version_upgrade)
            .copy_tags_to_snapshot(self.copy_tags_to_snapshot)
            .deletion_protection(self.deletion_protection)
            .enable_performance_insights(self.performance_insights_enabled)
            .set_performance_insights_retention_period(maybe_number(self.performance_insights_retention_period)?)
            .set_performance_insights_kms_key_id(self.performance_insights_kms_key_id.clone())
            .monitoring_interval(number(self.monitoring_interval)?)
            .set_monitoring_role_arn(self.monitor(cx)?)
            .set_enable_cloudwatch_logs_exports(Some(logs));
        Ok(request)
    }

    /// A call with what differs, and whether anything does. Both sides are compared as RDS takes them, where a
    /// reference is the id it stands for.
    pub(crate) fn changes(
        &self,
        cx: &Context,
        observed: &Observed<Self>,
    ) -> Result<(ModifyDBInstanceFluentBuilder, bool)> {
        let is = &observed.spec;
        let groups = |of: &Self| of.parameter_group.as_ref().map(|group| cx.id(group)).transpose();
        let call = client(cx).modify_db_instance().db_instance_identifier(&observed.id);
        let untouched = call.as_input().clone();
        let version = wanted(&self.engine_version, &is.engine_version);
        let insights = differing(self.performance_insights_enabled, is.performance_insights_enabled);
        let retention = wanted(&self.performance_insights_retention_period, &is.performance_insights_retention_period);
        let lifecycle = wanted(&self.engine_lifecycle_support, &is.engine_lifecycle_support);
        let call = call
            .set_allow_major_version_upgrade(version.as_ref().map(|_| self.allow_major_version_upgrade))
            .set_engine_version(version)
            .set_db_instance_class(differing(self.instance_class.clone(), is.instance_class.clone()))
            .set_engine_lifecycle_support(lifecycle.map(|it| it.as_str().to_owned()))
            .set_multi_az(differing(self.multi_az, is.multi_az))
            .set_vpc_security_group_ids(differing(ids(cx, &self.security_groups)?, ids(cx, &is.security_groups)?))
            .set_publicly_accessible(differing(self.publicly_accessible, is.publicly_accessible))
            .set_db_port_number(wanted(&self.port, &is.port).map(i32::from))
            .set_db_parameter_group_name(wanted(&groups(self)?, &groups(is)?))
            .set_enable_iam_database_authentication(differing(
                self.iam_database_authentication_enabled,
                is.iam_database_authentication_enabled,
            ))
            .set_ca_certificate_identifier(wanted(&self.ca_certificate_identifier, &is.ca_certificate_identifier))
            .set_backup_retention_period(maybe_number(differing(
                self.backup_retention_period,
                is.backup_retention_period,
            ))?)
            .set_preferred_backup_window(wanted(&self.preferred_backup_window, &is.preferred_backup_window))
            .set_preferred_maintenance_window(wanted(
                &self.preferred_maintenance_window,
                &is.preferred_maintenance_window,
            ))
            .set_auto_minor_version_upgrade(differing(self.auto_minor_version_upgrade, is.auto_minor_version_upgrade))
            .set_copy_tags_to_snapshot(differing(self.copy_tags_to_snapshot, is.copy_tags_to_snapshot))
            .set_deletion_protection(differing(self.deletion_protection, is.deletion_protection))
            .set_enable_performance_insights(insights)
            .set_performance_insights_retention_period(maybe_number(retention)?)
            .set_performance_insights_kms_key_id(wanted(
                &self.performance_insights_kms_key_id,
                &is.performance_insights_kms_key_id,
            ))
            .set_cloudwatch_logs_export_configuration(self.logs(is));
        let call = self.monitoring(cx, is, self.storage(observed, call)?)?;
        let differs = *call.as_input() != untouched;
        Ok((call, differs))
    }

    /// RDS takes the parts of a volume together: its size and speed go with its type. What has grown by itself stays, and it
    /// is never asked to shrink.
    fn storage(
        &self,
        observed: &Observed<Self>,
        call: ModifyDBInstanceFluentBuilder,
    ) -> Result<ModifyDBInstanceFluentBuilder> {
        let (is, size) = (&observed.spec, size(observed)?);
        let grown = self.allocated_storage.max(size);
        let most = differing(self.max_allocated_storage, is.max_allocated_storage);
        // A limit at the size itself is how RDS is told that it is not to grow.
        let call = call.set_max_allocated_storage(maybe_number(most.map(|most| if most == 0 { grown } else { most }))?);
        let differs = self.storage_type != is.storage_type
            || grown != size
            || wanted(&self.iops, &is.iops).is_some()
            || wanted(&self.storage_throughput, &is.storage_throughput).is_some();
        if !differs {
            return Ok(call);
        }
        let (iops, throughput) = self.speed(is, grown);
        let call = call.allocated_storage(number(grown)?).storage_type(self.storage_type.as_str());
        Ok(call.set_iops(maybe_number(iops)?).set_storage_throughput(maybe_number(throughput)?))
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
        let (role, interval) = (self.monitor(cx)?, self.monitoring_interval);
        if (&role, interval) == (&is.monitor(cx)?, is.monitoring_interval) {
            return Ok(call);
        }
        Ok(call.monitoring_interval(number(interval)?).set_monitoring_role_arn(role))
    }

    fn monitor(&self, cx: &Context) -> Result<Option<String>> {
        self.monitoring_role.as_ref().map(|role| cx.attr(role, "arn")).transpose()
    }

    fn logs(&self, is: &Self) -> Option<CloudwatchLogsExportConfiguration> {
        let (desired, observed) = (&self.enabled_cloudwatch_logs_exports, &is.enabled_cloudwatch_logs_exports);
        let but = |these: &BTreeSet<String>, those| Some(these.difference(those).cloned().collect::<Vec<_>>());
        let some = |names: Option<Vec<String>>| names.filter(|names| !names.is_empty());
        let logs = CloudwatchLogsExportConfiguration::builder().set_enable_log_types(some(but(desired, observed)));
        (desired != observed).then(|| logs.set_disable_log_types(some(but(observed, desired))).build())
    }

    /// A database as it is; what is noted in its tags is taken out of them.
    ///
    /// What waits to be changed counts as changed while RDS is at it (`awaited`: a step has just asked for it). Otherwise it
    /// waits for the maintenance window: that is not done, and is told.
    pub(crate) fn read(mut instance: DbInstance, awaited: bool) -> Result<Observed<Self>> {
        let state = instance.db_instance_status.take().ok_or_else(|| Error::absent("status of a database"))?;
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
        let mut tags = tags(instance.tag_list.take());
        let (skips, begun) = (tags.remove(Self::SKIP_TAG), tags.remove(Self::STORAGE_TAG));
        let mut spec = Self::spec(instance)?;
        let id = spec.name.clone().ok_or_else(|| Error::absent("identifier of a database"))?;
        attrs.insert(Self::SIZE.into(), spec.allocated_storage.to_string());
        let begun = begun.and_then(|size| size.parse().ok()).filter(|size| *size < spec.allocated_storage);
        spec.allocated_storage = begun.unwrap_or(spec.allocated_storage);
        spec.skip_final_snapshot = skips.is_some();
        Ok(Observed { attrs, status, notes, ..Observed::new(id, tags, spec) })
    }

    /// What RDS is about to change counts as changed.
    fn spec(instance: DbInstance) -> Result<Self> {
        let pending = instance.pending_modified_values.unwrap_or_else(|| PendingModifiedValues::builder().build());
        let (Some(engine), Some(instance_class), Some(storage), Some(storage_type), Some(master_username)) = (
            instance.engine,
            pending.db_instance_class.or(instance.db_instance_class),
            pending.allocated_storage.or(instance.allocated_storage),
            pending.storage_type.or(instance.storage_type),
            instance.master_username,
        ) else {
            return Err(Error::absent("engine, class, storage and master user of a database"));
        };
        let lifecycle = instance.engine_lifecycle_support.map(|it| LifecycleSupport::observed(&it));
        // At the size itself, it is no limit to growing: there is none.
        let most = instance.max_allocated_storage.filter(|most| *most > storage);
        let subnet_group = instance.db_subnet_group.and_then(|group| group.db_subnet_group_name);
        let security = instance.vpc_security_groups.into_iter().flatten().filter_map(|it| it.vpc_security_group_id);
        let parameters = instance.db_parameter_groups.into_iter().flatten().find_map(|it| it.db_parameter_group_name);
        let number = pending.port.or(instance.endpoint.and_then(|it| it.port)).or(instance.db_instance_port);
        let is = |flag: Option<bool>| flag == Some(true);
        let authentication =
            pending.iam_database_authentication_enabled.or(instance.iam_database_authentication_enabled);
        let retention = pending.backup_retention_period.or(instance.backup_retention_period);
        Ok(Self {
            name: instance.db_instance_identifier,
            engine: Engine::observed(&engine),
            engine_version: pending.engine_version.or(instance.engine_version),
            engine_lifecycle_support: lifecycle,
            allow_major_version_upgrade: false,
            instance_class,
            allocated_storage: count(storage)?,
            max_allocated_storage: count(most.unwrap_or(0))?,
            storage_type: StorageType::observed(&storage_type),
            iops: maybe_count(pending.iops.or(instance.iops))?,
            storage_throughput: maybe_count(pending.storage_throughput.or(instance.storage_throughput))?,
            storage_encrypted: is(instance.storage_encrypted),
            kms_key_id: instance.kms_key_id,
            multi_az: is(pending.multi_az.or(instance.multi_az)),
            availability_zone: instance.availability_zone,
            subnet_group: Ref::id(subnet_group.unwrap_or_else(|| "default".into())),
            security_groups: security.map(Ref::id).collect(),
            publicly_accessible: is(instance.publicly_accessible),
            port: number.map(port).transpose()?.flatten(),
            parameter_group: parameters.map(Ref::id),
            db_name: instance.db_name,
            master_username,
            master_user_secret_kms_key_id: instance.master_user_secret.and_then(|secret| secret.kms_key_id),
            iam_database_authentication_enabled: is(authentication),
            ca_certificate_identifier: pending.ca_certificate_identifier.or(instance.ca_certificate_identifier),
            backup_retention_period: count(retention.unwrap_or(0))?,
            preferred_backup_window: instance.preferred_backup_window,
            preferred_maintenance_window: instance.preferred_maintenance_window,
            auto_minor_version_upgrade: is(instance.auto_minor_version_upgrade),
            copy_tags_to_snapshot: is(instance.copy_tags_to_snapshot),
            deletion_protection: is(instance.deletion_protection),
            skip_final_snapshot: false,
            performance_insights_enabled: is(instance.performance_insights_enabled),
            performance_insights_retention_period: maybe_count(instance.performance_insights_retention_period)?,
            performance_insights_kms_key_id: instance.performance_insights_kms_key_id,
            monitoring_interval: count(instance.monitoring_interval.unwrap_or(0))?,
            monitoring_role: instance.monitoring_role_arn.map(Ref::<names::Role>::id),
            enabled_cloudwatch_logs_exports: instance.enabled_cloudwatch_logs_exports.into_iter().flatten().collect(),
        })
    }
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
        ("arn", instance.db_instance_arn.clone()),
        ("name", instance.db_instance_identifier.clone()),
        ("resource_id", instance.dbi_resource_id.clone()),
        ("address", address),
        ("port", port),
        ("endpoint", whole),
        (Instance::SUBNETS, Some(occupied(instance)).filter(|subnets| !subnets.is_empty())),
        ("master_user_secret_arn", secret),
    ];
    if instance.db_instance_arn.is_none() {
        return Err(Error::absent("ARN of a database"));
    }
    Ok(all.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect())
}

fn differing<T: PartialEq>(desired: T, observed: T) -> Option<T> {
    (desired != observed).then_some(desired)
}

/// What is wanted, where it is not what is seen; where nothing is wanted, AWS chooses.
fn wanted<T: PartialEq + Clone>(desired: &Option<T>, observed: &Option<T>) -> Option<T> {
    desired.clone().filter(|_| desired != observed)
}

fn number(count: u32) -> Result<i32> {
    i32::try_from(count).map_err(|_| Error::refused("TooLarge", format!("{count} is more than RDS counts")))
}

fn maybe_number(count: Option<u32>) -> Result<Option<i32>> {
    count.map(number).transpose()
}

fn count(number: i32) -> Result<u32> {
    u32::try_from(number).map_err(|_| Error::absent("count that can be"))
}

fn maybe_count(number: Option<i32>) -> Result<Option<u32>> {
    number.map(count).transpose()
}

/// Before there is an endpoint, RDS says 0 where it has not chosen a port.
fn port(number: i32) -> Result<Option<u16>> {
    let port = u16::try_from(number).map_err(|_| Error::absent("port that can be"))?;
    Ok(Some(port).filter(|port| *port != 0))
}
