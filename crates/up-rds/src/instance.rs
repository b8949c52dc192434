//! `rds.instance`: a PostgreSQL, MySQL or MariaDB DB instance.

use std::collections::BTreeSet;

use aws_sdk_rds::types::{DbInstance, Filter};
use up_core::{Address, prelude::*};

use crate::{client, instance_calls, list, status};

/// A DB instance with PostgreSQL, MySQL or MariaDB. RDS manages its master password in Secrets Manager and rotates it
/// every week: no stack, plan or state contains it.
#[spec(reads = DbInstance)]
pub struct Instance {
    /// The DB instance identifier, unique in the account and region, in lower case. Default: derived from stack and
    /// address. A change replaces the instance.
    #[spec(name, member = db_instance_identifier)]
    pub(crate) name: Option<String>,
    /// The database engine: `postgres`, `mysql` or `mariadb`.
    #[spec(replace)]
    pub(crate) engine: Engine,
    /// The full engine version, such as `16.13` or `8.4.11`. A change means minutes of downtime; downgrades are not
    /// possible. With `auto_minor_version_upgrade` it is the minimum: a newer minor version is no difference. Left out:
    /// RDS's default version on creation; later versions are not compared.
    pub(crate) engine_version: Option<String>,
    /// Allows a change of `engine_version` to upgrade the major version, which cannot be undone. Default: false.
    #[spec(initial, default, unmirrored)]
    pub(crate) allow_major_version_upgrade: bool,
    /// The lifecycle type: what happens when the standard support of its major version ends.
    /// `open-source-rds-extended-support`: RDS Extended Support, which AWS charges for each hour and vCPU.
    /// `open-source-rds-extended-support-disabled`: AWS upgrades the instance to the next major version, and creates no
    /// new instances of the old version. For PostgreSQL and MySQL. Left out:
    /// `open-source-rds-extended-support-disabled` on creation, so that no charges arise unasked; then unchanged.
    pub(crate) engine_lifecycle_support: Option<LifecycleSupport>,
    /// The DB instance class (CPU and memory), such as `db.m7g.large`. A change means minutes of downtime, less with
    /// `multi_az`.
    #[spec(member = db_instance_class)]
    pub(crate) instance_class: String,
    /// The allocated storage in GiB. It cannot shrink, and must grow by at least 10 %. With `max_allocated_storage` it
    /// is the initial size, kept as the tag `bullstra:allocated-storage` on the instance: what autoscaling has added is
    /// no drift.
    pub(crate) allocated_storage: u32,
    /// The maximum storage in GiB for storage autoscaling: at least 10 % more than `allocated_storage`. Default: 0, no
    /// autoscaling.
    #[spec(default)]
    pub(crate) max_allocated_storage: u32,
    /// The storage type: `gp3`, `gp2`, `io1` or `io2`. Default: `gp3`.
    #[spec(default = StorageType::Gp3)]
    pub(crate) storage_type: StorageType,
    /// The provisioned I/O operations per second. `gp3` has 3000 below 400 GiB, and 12000 to 64000 from 400 GiB. Left
    /// out: the minimum.
    pub(crate) iops: Option<u32>,
    /// The storage throughput of `gp3` in MiB per second: 125 below 400 GiB, and 500 to 4000 from 400 GiB. Left out:
    /// the minimum.
    pub(crate) storage_throughput: Option<u32>,
    /// Encrypts the storage and its backups. Default: true.
    #[spec(replace, default = true)]
    pub(crate) storage_encrypted: bool,
    /// The ARN of the KMS key for storage encryption. Left out: the AWS managed key for RDS.
    #[spec(replace)]
    pub(crate) kms_key_id: Option<String>,
    /// Creates a Multi-AZ deployment, with a standby in another availability zone for failover. Default: false.
    #[spec(default)]
    pub(crate) multi_az: bool,
    /// The availability zone on creation, without `multi_az`. Never compared, because AWS may move the instance. Left
    /// out: any zone of the subnet group.
    #[spec(initial)]
    pub(crate) availability_zone: Option<String>,
    /// The DB subnet group: the VPC and the subnets of the instance.
    #[spec(replace, member = db_subnet_group, from = instance_calls::subnet_group)]
    pub(crate) subnet_group: Ref<names::DbSubnetGroup>,
    /// The VPC security groups of the instance, at least one.
    #[spec(member = vpc_security_groups, from = instance_calls::security_groups)]
    pub(crate) security_groups: BTreeSet<Ref<names::SecurityGroup>>,
    /// Gives the instance a public address. Default: false.
    #[spec(default)]
    pub(crate) publicly_accessible: bool,
    /// The port for connections. A change restarts the database. Left out: 5432 for PostgreSQL, 3306 for MySQL and
    /// MariaDB.
    #[spec(member = db_instance_port)]
    pub(crate) port: Option<u16>,
    /// The DB parameter group. Left out: the default one of the engine version.
    #[spec(member = db_parameter_groups, from = instance_calls::parameter_group)]
    pub(crate) parameter_group: Option<Ref<names::DbParameterGroup>>,
    /// The name of a database to create in the instance. Left out: no database (PostgreSQL: `postgres`).
    #[spec(replace)]
    pub(crate) db_name: Option<String>,
    /// The name of the master user.
    #[spec(replace)]
    pub(crate) master_username: String,
    /// The KMS key that encrypts the secret with the master password; only used on creation. Left out: the AWS managed
    /// key for Secrets Manager.
    #[spec(initial, member = master_user_secret, from = instance_calls::secret_key)]
    pub(crate) master_user_secret_kms_key_id: Option<String>,
    /// Enables IAM database authentication. Default: false.
    #[spec(default)]
    pub(crate) iam_database_authentication_enabled: bool,
    /// The CA certificate that its server certificate is issued by, such as `rds-ca-rsa2048-g1`. Left out: AWS's
    /// default.
    pub(crate) ca_certificate_identifier: Option<String>,
    /// The number of days for which automated backups are retained, up to 35; 0 disables them. Default: 7.
    #[spec(default = 7)]
    pub(crate) backup_retention_period: u32,
    /// The daily time range for automated backups, in UTC: `03:00-03:30`. Left out: AWS chooses.
    pub(crate) preferred_backup_window: Option<String>,
    /// The weekly time range for maintenance, in UTC: `sun:05:00-sun:06:00`. Left out: AWS chooses.
    pub(crate) preferred_maintenance_window: Option<String>,
    /// Lets AWS upgrade the minor version during maintenance windows. Default: false.
    #[spec(default)]
    pub(crate) auto_minor_version_upgrade: bool,
    /// Copies the tags of the instance to its snapshots. Default: false.
    #[spec(default)]
    pub(crate) copy_tags_to_snapshot: bool,
    /// Makes AWS reject the deletion of the instance. A deletion that is planned and confirmed disables it first.
    /// Default: false.
    #[spec(default)]
    pub(crate) deletion_protection: bool,
    /// Deletes the instance without a final snapshot (`<identifier>-final-…`). Kept as the tag
    /// `bullstra:skip-final-snapshot` on the instance, for the time when the stack no longer declares it.
    /// Default: false.
    #[spec(default, unmirrored)]
    pub(crate) skip_final_snapshot: bool,
    /// Enables Performance Insights. Default: false.
    #[spec(default)]
    pub(crate) performance_insights_enabled: bool,
    /// The number of days for which Performance Insights data is retained: 7, a multiple of 31 up to 713, or 731. Left
    /// out: 7.
    pub(crate) performance_insights_retention_period: Option<u32>,
    /// The ARN of the KMS key for Performance Insights data. Left out: the AWS managed key for RDS.
    pub(crate) performance_insights_kms_key_id: Option<String>,
    /// The interval of Enhanced Monitoring metrics in seconds: 1, 5, 10, 15, 30, 60, or 0 for none. Default: 0.
    #[spec(default)]
    pub(crate) monitoring_interval: u32,
    /// The IAM role with which RDS sends Enhanced Monitoring metrics to CloudWatch Logs. Needed if
    /// `monitoring_interval` is not 0.
    #[spec(loose, member = monitoring_role_arn)]
    pub(crate) monitoring_role: Option<Ref<names::Role>>,
    /// The log types to export to CloudWatch Logs: `postgresql`, `upgrade` for PostgreSQL; `audit`, `error`, `general`,
    /// `slowquery` for MySQL and MariaDB. Default: none.
    #[spec(default)]
    pub(crate) enabled_cloudwatch_logs_exports: BTreeSet<String>,
}

up_core::aws_enum! {
    /// A database engine.
    pub(crate) Engine {
        /// PostgreSQL.
        Postgres = "postgres",
        /// MySQL.
        Mysql = "mysql",
        /// MariaDB.
        Mariadb = "mariadb",
    }
    /// A storage type.
    pub(crate) StorageType {
        /// General Purpose SSD, with a performance that is independent of the size.
        Gp3 = "gp3",
        /// General Purpose SSD, with a performance that grows with the size.
        Gp2 = "gp2",
        /// Provisioned IOPS SSD.
        Io1 = "io1",
        /// Provisioned IOPS SSD (io2 Block Express), more durable.
        Io2 = "io2",
    }
    /// What happens when the standard support of a major version ends.
    pub(crate) LifecycleSupport {
        /// RDS Extended Support, for a charge.
        Extended = "open-source-rds-extended-support",
        /// AWS upgrades it to the next major version.
        Disabled = "open-source-rds-extended-support-disabled",
    }
}

/// Creates and deletes: AWS_FACTS, 5. Changes: logs that users published (a class 20 min, storage 3 min), and AWS's
/// documentation for the others (an engine is stopped, upgraded and started; a standby is a restored snapshot).
const TAKES: Takes = Takes {
    create: Duration::from_secs(600),
    update: Duration::from_secs(60),
    fields: &[
        ("engine_version", Duration::from_secs(900)),
        ("instance_class", Duration::from_secs(1200)),
        ("multi_az", Duration::from_secs(900)),
        ("allocated_storage", Duration::from_secs(180)),
        ("storage_type", Duration::from_secs(180)),
        ("iops", Duration::from_secs(180)),
        ("storage_throughput", Duration::from_secs(180)),
    ],
    delete: Duration::from_secs(300),
};

impl Kind for Instance {
    const NAME: &'static str = "rds.instance";
    const SERVICE: &'static up_core::Service = &crate::SERVICE;

    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::RDS::DBInstance",
        actions: Actions {
            observe: actions!(rds: DescribeDBInstances),
            create: actions!(rds: CreateDBInstance AddTagsToResource, iam: CreateServiceLinkedRole PassRole,
                kms: CreateGrant Decrypt DescribeKey GenerateDataKey, secretsmanager: CreateSecret TagResource),
            update: actions!(rds: ModifyDBInstance AddTagsToResource RemoveTagsFromResource, iam: PassRole,
                kms: CreateGrant Decrypt DescribeKey GenerateDataKey,
                secretsmanager: CreateSecret RotateSecret TagResource),
            tag: actions!(rds: AddTagsToResource RemoveTagsFromResource),
            delete: actions!(rds: ModifyDBInstance DeleteDBInstance CreateDBSnapshot DescribeDBSnapshots AddTagsToResource,
                iam: PassRole,
                kms: CreateGrant Decrypt DescribeKey GenerateDataKey,
                secretsmanager: CreateSecret RotateSecret TagResource),
        },
        attrs: &["arn", "name", "address", "port", "endpoint", "master_user_secret_arn", "resource_id"],
        occupies: Some((Self::SUBNETS, names::Subnet::NAME)),
        longest_name: 63,
        holds_data: true,
        tags_travel: true,
        replace: Order::CreateBeforeDestroy,
        wait: Wait { every: Duration::from_secs(15), at_most: Duration::from_secs(60 * 60) },
        takes: TAKES,
        ..KindInfo::DEFAULT
    };

    async fn observe(cx: &Context, query: &Query) -> Result<Vec<Observed<Self>>> {
        let instances = client(cx).describe_db_instances().into_paginator().items().send().try_collect().await?;
        let ours = instances.into_iter().filter(|instance| {
            let name = instance.db_instance_identifier.as_deref().unwrap_or_default();
            query.accepts(name, &crate::tags(instance.tag_list.clone()))
        });
        ours.map(|instance| Self::read(instance, query.is_by_id())).collect()
    }

    /// Safe to repeat: identifiers are unique.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        let name = self.name.clone().unwrap_or_else(|| new.name(Self::INFO.longest_name));
        // Instances restored from a snapshot have the tags of the original, under another identifier.
        let given = self.name.as_ref().map(|name| (Address::NAME_TAG.to_owned(), name.clone()));
        let tags = new.tags.clone().into_iter().chain(self.notes(self.grows())).chain(given).collect();
        let request = self.request(cx)?.db_instance_identifier(&name).set_tags(Some(list(&tags)));
        request.send().await?;
        Ok(name.into())
    }

    /// One call with all differences, applied immediately instead of in the next maintenance window. Safe to repeat:
    /// all values are set.
    async fn update(&self, cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let (is, size) = (&observed.spec, size(observed)?);
        let noted = TagChange::between(&is.notes(is.keeps_size(size)), &self.notes(self.keeps_size(size)), |_| true);
        Self::tag(cx, observed, &noted).await?;
        let (call, differs) = self.changes(cx, observed)?;
        if differs {
            call.apply_immediately(true).send().await?;
        }
        Ok(())
    }

    /// Disables AWS's deletion protection (the engine has checked `protect` by then), and takes a final snapshot unless
    /// `skip_final_snapshot` is set. The snapshot's name is derived from the instance's resource id, so that a repeated
    /// delete does not take another. If the state of the instance allows no snapshot, its automated backups are
    /// retained.
    async fn delete(cx: &Context, observed: &Observed<Self>) -> Result<()> {
        if observed.spec.deletion_protection {
            let call = client(cx).modify_db_instance().db_instance_identifier(&observed.id);
            call.deletion_protection(false).apply_immediately(true).send().await.ignore_not_found()?;
        }
        let is_broken = status::has_no_snapshot(&observed.status);
        let skip = observed.spec.skip_final_snapshot || is_broken;
        let snapshot = (!skip).then(|| last_snapshot(observed)).transpose()?;
        let call = client(cx).delete_db_instance().db_instance_identifier(&observed.id).skip_final_snapshot(skip);
        let call = call.set_delete_automated_backups(is_broken.then_some(false));
        call.set_final_db_snapshot_identifier(snapshot).send().await?;
        Ok(())
    }

    fn disposed(self) -> Self {
        Self { skip_final_snapshot: true, ..self }
    }

    /// Makes no call: all remarks follow from what was observed.
    async fn before_delete(_cx: &Context, leaving: &Leaving<'_, Self>) -> Result<Vec<DeleteRemark>> {
        let mut remarks = vec![];
        for observed in leaving.resources {
            if observed.spec.deletion_protection {
                remarks.push(DeleteRemark::note(&observed.id, "AWS's deletion protection is disabled first"));
            }
            let is_broken = status::has_no_snapshot(&observed.status);
            let message = match observed.spec.skip_final_snapshot {
                true => "no final snapshot is taken: `skip_final_snapshot`".to_owned(),
                false if is_broken => {
                    "its state allows no final snapshot; its automated backups are retained".to_owned()
                }
                false => format!("a final snapshot is kept: {}", last_snapshot(observed)?),
            };
            remarks.push(DeleteRemark::note(&observed.id, message));
        }
        Ok(remarks)
    }

    /// One call: the snapshots of all these instances, by their identifiers.
    async fn kept(cx: &Context, deleted: &[Observed<Self>]) -> Result<Vec<String>> {
        let ids: Vec<_> = deleted.iter().filter_map(|it| it.attrs.get("resource_id").cloned()).collect();
        if ids.is_empty() {
            return Ok(vec![]);
        }
        let filter = Filter::builder().name("dbi-resource-id").set_values(Some(ids)).build();
        let request = client(cx).describe_db_snapshots().filters(filter).into_paginator();
        let snapshots = request.items().send().try_collect().await?;
        let kept = snapshots.into_iter().map(|snapshot| {
            let id = present(snapshot.db_snapshot_identifier, "identifier of a snapshot")?;
            let of = snapshot.db_instance_identifier.unwrap_or_default();
            let size = snapshot.allocated_storage.map(|size| format!(", {size} GiB")).unwrap_or_default();
            Ok(format!("snapshot {id} (of {of}{size})"))
        });
        kept.collect()
    }

    fn check(&self) -> Vec<Problem> {
        self.problems()
    }

    /// A version that AWS has upgraded is no difference, and neither is storage that has grown up to its maximum: RDS
    /// then answers as if there were no maximum.
    fn accept(mut self, observed: &Observed<Self>) -> Self {
        let is = &observed.spec;
        if is.engine_version.as_deref().is_some_and(|live| self.accepts_version(live)) {
            self.engine_version.clone_from(&is.engine_version);
        }
        if !is.grows() && size(observed).is_ok_and(|size| size >= self.max_allocated_storage) {
            self.max_allocated_storage = 0;
        }
        self
    }

    fn refuses(&self, observed: Option<&Observed<Self>>, asked: Asked<'_>) -> Vec<Problem> {
        let Some(observed) = observed else { return self.check_slow_log(asked) };
        let version = observed.spec.engine_version.as_deref().and_then(|live| self.refuses_version(live));
        version.into_iter().chain(self.refuses_storage(observed)).collect()
    }
}

impl Instance {
    /// The tag in which `skip_final_snapshot` is kept.
    pub(crate) const SKIP_TAG: &'static str = "bullstra:skip-final-snapshot";
    /// The tag in which `allocated_storage` is kept while the storage is larger, or may grow.
    pub(crate) const STORAGE_TAG: &'static str = "bullstra:allocated-storage";
    /// The attribute with the current size of the storage.
    pub(crate) const SIZE: &'static str = "allocated_storage";

    /// Values that RDS does not store, as tags. They are private to this kind: the engine neither sees nor removes
    /// them.
    fn notes(&self, keeps_size: bool) -> Tags {
        let skip = self.skip_final_snapshot.then(|| (Self::SKIP_TAG.to_owned(), "true".to_owned()));
        let storage = keeps_size.then(|| (Self::STORAGE_TAG.to_owned(), self.allocated_storage.to_string()));
        skip.into_iter().chain(storage).collect()
    }

    /// True if storage autoscaling is enabled.
    pub(crate) fn grows(&self) -> bool {
        self.max_allocated_storage > 0
    }

    /// True if the declared size of an instance with `size` GiB must be stored: RDS raises a growth of less than 10 %
    /// to 10 %.
    fn keeps_size(&self, size: u32) -> bool {
        let is_rounded = self.allocated_storage > size && self.allocated_storage < size + size.div_ceil(10);
        self.grows() || self.allocated_storage < size || is_rounded
    }
}

/// The current size of the storage, in GiB.
pub(crate) fn size(observed: &Observed<Instance>) -> Result<u32> {
    let size = observed.attrs.get(Instance::SIZE).and_then(|size| size.parse().ok());
    present(size, "size of a database's storage")
}

fn last_snapshot(observed: &Observed<Instance>) -> Result<String> {
    let id = present(observed.attrs.get("resource_id"), "resource id of a database")?;
    let start = id.len().saturating_sub(8);
    Ok(format!("{}-final-{}", observed.id, id[start..].to_ascii_lowercase()))
}
