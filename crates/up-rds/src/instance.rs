//! `rds.instance`: a PostgreSQL, MySQL or MariaDB database.

use std::collections::BTreeSet;

use aws_sdk_rds::types::{DbInstance, Filter};
use up_core::{Address, prelude::*};

use crate::{client, instance_calls, list, status};

/// A PostgreSQL, MySQL or MariaDB database. AWS makes its master password, keeps it in Secrets Manager and changes it
/// every week: no stack, plan or state ever holds it.
#[spec(reads = DbInstance)]
pub struct Instance {
    /// Its identifier, unique in account and region, of small letters. Default: derived from stack and address. A
    /// change replaces it.
    #[spec(name, member = db_instance_identifier)]
    pub(crate) name: Option<String>,
    /// `postgres`, `mysql` or `mariadb`.
    #[spec(replace)]
    pub(crate) engine: Engine,
    /// The whole version, such as `16.13` or `8.4.11`. A change stops the database for minutes; there is no way back. With
    /// `auto_minor_version_upgrade` it is the least: a newer minor version is no difference. Left out: RDS's default at
    /// birth, and whatever AWS makes of it later.
    pub(crate) engine_version: Option<String>,
    /// Lets a change of `engine_version` go to another major version, from which there is no way back. Default: false.
    #[spec(initial, default, unmirrored)]
    pub(crate) allow_major_version_upgrade: bool,
    /// What happens when AWS's standard support of its major version ends. `open-source-rds-extended-support`: AWS goes on to
    /// support it, and charges for it by the hour and vCPU. `open-source-rds-extended-support-disabled`: AWS upgrades it to
    /// the next major version, and makes no new one of the old version. For PostgreSQL and MySQL. Left out:
    /// `open-source-rds-extended-support-disabled` at birth, so that nobody pays unasked; later as it is.
    pub(crate) engine_lifecycle_support: Option<LifecycleSupport>,
    /// CPU and memory, such as `db.m7g.large`. A change stops the database for minutes, less with `multi_az`.
    #[spec(member = db_instance_class)]
    pub(crate) instance_class: String,
    /// GiB of storage. It never shrinks, and grows by 10 % at least. With `max_allocated_storage` it is where growing begins,
    /// and is kept as the tag `bullstra:allocated-storage` on the database: what has grown since is no drift.
    pub(crate) allocated_storage: u32,
    /// GiB up to which the storage grows by itself: a tenth more than `allocated_storage` at least. Default: 0, it does
    /// not.
    #[spec(default)]
    pub(crate) max_allocated_storage: u32,
    /// `gp3`, `gp2`, `io1` or `io2`. Default: `gp3`.
    #[spec(default = StorageType::Gp3)]
    pub(crate) storage_type: StorageType,
    /// Operations a second. `gp3` has 3000 below 400 GiB, and 12000 to 64000 from there on. Left out: the least.
    pub(crate) iops: Option<u32>,
    /// MiB a second, for `gp3`: 125 below 400 GiB, and 500 to 4000 from there on. Left out: the least.
    pub(crate) storage_throughput: Option<u32>,
    /// Encrypts storage and backups. Default: true.
    #[spec(replace, default = true)]
    pub(crate) storage_encrypted: bool,
    /// The KMS key, as an ARN, that encrypts them. Left out: AWS's own.
    #[spec(replace)]
    pub(crate) kms_key_id: Option<String>,
    /// Keeps a copy in another zone that takes over when this one fails. Default: false.
    #[spec(default)]
    pub(crate) multi_az: bool,
    /// The zone it is made in, without `multi_az`. Never compared: AWS may move it. Left out: any of the subnet group's.
    #[spec(initial)]
    pub(crate) availability_zone: Option<String>,
    /// Where in the network it stands.
    #[spec(replace, member = db_subnet_group, from = instance_calls::subnet_group)]
    pub(crate) subnet_group: Ref<names::DbSubnetGroup>,
    /// Firewalls around it, one at least.
    #[spec(member = vpc_security_groups, from = instance_calls::security_groups)]
    pub(crate) security_groups: BTreeSet<Ref<names::SecurityGroup>>,
    /// Gives it a public address. Default: false.
    #[spec(default)]
    pub(crate) publicly_accessible: bool,
    /// The port it listens on. A change restarts it. Left out: 5432 for PostgreSQL, 3306 for the others.
    #[spec(member = db_instance_port)]
    pub(crate) port: Option<u16>,
    /// How its engine is set up. Left out: AWS's defaults.
    #[spec(member = db_parameter_groups, from = instance_calls::parameter_group)]
    pub(crate) parameter_group: Option<Ref<names::DbParameterGroup>>,
    /// A database to make in it. Left out: none, or `postgres`.
    #[spec(replace)]
    pub(crate) db_name: Option<String>,
    /// The name of its master user.
    #[spec(replace)]
    pub(crate) master_username: String,
    /// The KMS key that encrypts the secret with the master password; set at birth only. Left out: AWS's own.
    #[spec(initial, member = master_user_secret, from = instance_calls::secret_key)]
    pub(crate) master_user_secret_kms_key_id: Option<String>,
    /// Lets users in by IAM instead of passwords. Default: false.
    #[spec(default)]
    pub(crate) iam_database_authentication_enabled: bool,
    /// The certificate authority of its TLS certificate, such as `rds-ca-rsa2048-g1`. Left out: AWS's default.
    pub(crate) ca_certificate_identifier: Option<String>,
    /// Days that backups are kept, 35 at most; 0 for no backups. Default: 7.
    #[spec(default = 7)]
    pub(crate) backup_retention_period: u32,
    /// When it is backed up, in UTC: `03:00-03:30`. Left out: as AWS likes.
    pub(crate) preferred_backup_window: Option<String>,
    /// When AWS may work on it, in UTC: `sun:05:00-sun:06:00`. Left out: as AWS likes.
    pub(crate) preferred_maintenance_window: Option<String>,
    /// Lets AWS move it to newer minor versions in maintenance windows. Default: false.
    #[spec(default)]
    pub(crate) auto_minor_version_upgrade: bool,
    /// Copies its tags to snapshots. Default: false.
    #[spec(default)]
    pub(crate) copy_tags_to_snapshot: bool,
    /// Makes AWS itself refuse to delete it. A plan that deletes it, once confirmed, lifts that. Default: false.
    #[spec(default)]
    pub(crate) deletion_protection: bool,
    /// Deletes it without a last snapshot (`<identifier>-final-…`). Kept as the tag `bullstra:skip-final-snapshot` on
    /// the database, so that it is known when the stack no longer declares it. Default: false.
    #[spec(default, unmirrored)]
    pub(crate) skip_final_snapshot: bool,
    /// Records which queries load it. Default: false.
    #[spec(default)]
    pub(crate) performance_insights_enabled: bool,
    /// Days that those records are kept: 7, months of 31 days, or 731. Left out: 7.
    pub(crate) performance_insights_retention_period: Option<u32>,
    /// The KMS key, as an ARN, that encrypts them. Left out: AWS's own.
    pub(crate) performance_insights_kms_key_id: Option<String>,
    /// Seconds between two measurements of its operating system: 1, 5, 10, 15, 30, 60, or 0 for none. Default: 0.
    #[spec(default)]
    pub(crate) monitoring_interval: u32,
    /// The role that writes those measurements.
    #[spec(loose, member = monitoring_role_arn)]
    pub(crate) monitoring_role: Option<Ref<names::Role>>,
    /// Logs that go to CloudWatch: `postgresql`, `upgrade`; or `audit`, `error`, `general`, `slowquery`. Default: none.
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
    /// How storage is bought.
    pub(crate) StorageType {
        /// Solid state, its speed bought apart from its size.
        Gp3 = "gp3",
        /// Solid state, its speed by its size.
        Gp2 = "gp2",
        /// Solid state with the speed that `iops` says.
        Io1 = "io1",
        /// The same, and more durable.
        Io2 = "io2",
    }
    /// What happens when standard support of a major version ends.
    pub(crate) LifecycleSupport {
        /// AWS supports it for some more years, for a price.
        Extended = "open-source-rds-extended-support",
        /// AWS upgrades it to the next major version.
        Disabled = "open-source-rds-extended-support-disabled",
    }
}

/// Of creates and deletes: AWS_FACTS, 5. Of changes: logs that users published (a class 20 min, storage 3 min) and what AWS
/// says of the others (an engine is stopped, upgraded and started; a standby is a restored snapshot).
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

    /// Safe to repeat: it is unique by its name.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        let name = self.name.clone().unwrap_or_else(|| new.name(Self::INFO.longest_name));
        // Copies of it, made from a snapshot, carry its tags under another name.
        let given = self.name.as_ref().map(|name| (Address::NAME_TAG.to_owned(), name.clone()));
        let tags = new.tags.clone().into_iter().chain(self.notes(self.grows())).chain(given).collect();
        let request = self.request(cx)?.db_instance_identifier(&name).set_tags(Some(list(&tags)));
        request.send().await?;
        Ok(name.into())
    }

    /// One call with all that differs, at once instead of in the next maintenance window. Safe to repeat: all is set.
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

    /// Lifts AWS's own protection (the engine's has been asked by then), and takes a last snapshot unless told not to.
    /// The snapshot's name is made from the database's own id, so that a repeated delete does not take another. Where RDS can
    /// take none, because of the database's state, its automated backups stay.
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

    /// No call: what it says is known.
    async fn before_delete(_cx: &Context, leaving: &Leaving<'_, Self>) -> Result<Vec<DeleteRemark>> {
        let mut remarks = vec![];
        for observed in leaving.resources {
            if observed.spec.deletion_protection {
                remarks.push(DeleteRemark::note(&observed.id, "AWS's deletion protection is lifted"));
            }
            let is_broken = status::has_no_snapshot(&observed.status);
            let message = match observed.spec.skip_final_snapshot {
                true => "no final snapshot is taken: `skip_final_snapshot`".to_owned(),
                false if is_broken => {
                    "RDS can take no final snapshot in its state; its automated backups stay".to_owned()
                }
                false => format!("a final snapshot is kept: {}", last_snapshot(observed)?),
            };
            remarks.push(DeleteRemark::note(&observed.id, message));
        }
        Ok(remarks)
    }

    /// One call: the snapshots of all these databases, by their own ids.
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

    /// A version that AWS has moved on is no difference, and neither is storage that has grown up to its limit: RDS then
    /// answers as if there were none.
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
    /// Where `skip_final_snapshot` is kept.
    pub(crate) const SKIP_TAG: &'static str = "bullstra:skip-final-snapshot";
    /// Where `allocated_storage` is kept while the storage is larger than that, or may grow.
    pub(crate) const STORAGE_TAG: &'static str = "bullstra:allocated-storage";
    /// The attribute with the storage's size as it is, grown or not.
    pub(crate) const SIZE: &'static str = "allocated_storage";

    /// What RDS does not know of a database, as tags: private to this kind, the engine neither sees nor removes them.
    fn notes(&self, keeps_size: bool) -> Tags {
        let skip = self.skip_final_snapshot.then(|| (Self::SKIP_TAG.to_owned(), "true".to_owned()));
        let storage = keeps_size.then(|| (Self::STORAGE_TAG.to_owned(), self.allocated_storage.to_string()));
        skip.into_iter().chain(storage).collect()
    }

    /// Whether its storage grows by itself.
    pub(crate) fn grows(&self) -> bool {
        self.max_allocated_storage > 0
    }

    /// Whether a database with `size` GiB has to remember what is declared: RDS makes of less than a tenth more a tenth.
    fn keeps_size(&self, size: u32) -> bool {
        let is_rounded = self.allocated_storage > size && self.allocated_storage < size + size.div_ceil(10);
        self.grows() || self.allocated_storage < size || is_rounded
    }
}

/// GiB of storage as it is, grown or not.
pub(crate) fn size(observed: &Observed<Instance>) -> Result<u32> {
    let size = observed.attrs.get(Instance::SIZE).and_then(|size| size.parse().ok());
    present(size, "size of a database's storage")
}

fn last_snapshot(observed: &Observed<Instance>) -> Result<String> {
    let id = present(observed.attrs.get("resource_id"), "resource id of a database")?;
    let start = id.len().saturating_sub(8);
    Ok(format!("{}-final-{}", observed.id, id[start..].to_ascii_lowercase()))
}
