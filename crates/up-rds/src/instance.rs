//! `rds.instance`: a PostgreSQL, MySQL or MariaDB database.

use std::collections::BTreeSet;

use up_core::{prelude::*, quote};

use crate::{client, list, lower_case, retag, window};

/// A PostgreSQL, MySQL or MariaDB database. AWS makes its master password, keeps it in Secrets Manager and changes it
/// every week: no stack, plan or state ever holds it.
#[derive(Spec, Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    /// Its identifier, unique in account and region, of small letters. Default: derived from stack and address. A
    /// change replaces it.
    #[spec(name)]
    pub(crate) name: Option<String>,
    /// `postgres`, `mysql` or `mariadb`.
    #[spec(replace)]
    pub(crate) engine: Engine,
    /// The whole version, such as `16.4` or `8.4.3`. A change stops the database for minutes. Left out: the newest at
    /// birth, and whatever AWS makes of it later, as it should be with `auto_minor_version_upgrade`.
    pub(crate) engine_version: Option<String>,
    /// Lets a change of `engine_version` go to another major version, from which there is no way back. Default: false.
    #[serde(default)]
    #[spec(initial)]
    pub(crate) allow_major_version_upgrade: bool,
    /// CPU and memory, such as `db.m7g.large`. A change stops the database for minutes, less with `multi_az`.
    pub(crate) instance_class: String,
    /// GiB of storage. It never shrinks. With `max_allocated_storage` it is where growing begins, and is kept as the tag
    /// `bullstra:allocated-storage` on the database: what has grown since is no drift.
    pub(crate) allocated_storage: u32,
    /// GiB up to which the storage grows by itself. Left out: it does not.
    pub(crate) max_allocated_storage: Option<u32>,
    /// `gp3`, `gp2`, `io1` or `io2`. Default: `gp3`.
    #[serde(default = "gp3")]
    pub(crate) storage_type: StorageType,
    /// Operations a second. Left out: 3000 or more, by engine and size.
    pub(crate) iops: Option<u32>,
    /// MiB a second, for `gp3`. Left out: 125 or more, by engine and size.
    pub(crate) storage_throughput: Option<u32>,
    /// Encrypts storage and backups. Default: true.
    #[serde(default = "yes")]
    #[spec(replace)]
    pub(crate) storage_encrypted: bool,
    /// The KMS key, as an ARN, that encrypts them. Left out: AWS's own.
    #[spec(replace)]
    pub(crate) kms_key_id: Option<String>,
    /// Keeps a copy in another zone that takes over when this one fails. Default: false.
    #[serde(default)]
    pub(crate) multi_az: bool,
    /// The zone it is made in, without `multi_az`. Never compared: AWS may move it. Left out: any of the subnet group's.
    #[spec(initial)]
    pub(crate) availability_zone: Option<String>,
    /// Where in the network it stands.
    #[spec(replace)]
    pub(crate) subnet_group: Ref<names::DbSubnetGroup>,
    /// Firewalls around it, one at least.
    pub(crate) security_groups: BTreeSet<Ref<names::SecurityGroup>>,
    /// Gives it a public address. Default: false.
    #[serde(default)]
    pub(crate) publicly_accessible: bool,
    /// The port it listens on. A change restarts it. Left out: 5432 for PostgreSQL, 3306 for the others.
    pub(crate) port: Option<u16>,
    /// How its engine is set up. Left out: AWS's defaults.
    pub(crate) parameter_group: Option<Ref<names::DbParameterGroup>>,
    /// A database to make in it. Left out: none, or `postgres`.
    #[spec(replace)]
    pub(crate) db_name: Option<String>,
    /// The name of its master user.
    #[spec(replace)]
    pub(crate) master_username: String,
    /// The KMS key that encrypts the secret with the master password; set at birth only. Left out: AWS's own.
    #[spec(initial)]
    pub(crate) master_user_secret_kms_key_id: Option<String>,
    /// Lets users in by IAM instead of passwords. Default: false.
    #[serde(default)]
    pub(crate) iam_database_authentication_enabled: bool,
    /// The certificate authority of its TLS certificate, such as `rds-ca-rsa2048-g1`. Left out: AWS's default.
    pub(crate) ca_certificate_identifier: Option<String>,
    /// Days that backups are kept, 35 at most; 0 for no backups. Default: 7.
    #[serde(default = "a_week")]
    pub(crate) backup_retention_period: u32,
    /// When it is backed up, in UTC: `03:00-03:30`. Left out: as AWS likes.
    pub(crate) preferred_backup_window: Option<String>,
    /// When AWS may work on it, in UTC: `sun:05:00-sun:06:00`. Left out: as AWS likes.
    pub(crate) preferred_maintenance_window: Option<String>,
    /// Lets AWS move it to newer minor versions in maintenance windows. Default: false.
    #[serde(default)]
    pub(crate) auto_minor_version_upgrade: bool,
    /// Copies its tags to snapshots. Default: false.
    #[serde(default)]
    pub(crate) copy_tags_to_snapshot: bool,
    /// Makes AWS itself refuse to delete it. A plan that deletes it, once confirmed, lifts that. Default: false.
    #[serde(default)]
    pub(crate) deletion_protection: bool,
    /// Deletes it without a last snapshot (`<identifier>-final-…`). Kept as the tag `bullstra:skip-final-snapshot` on
    /// the database, so that it is known when the stack no longer declares it. Default: false.
    #[serde(default)]
    pub(crate) skip_final_snapshot: bool,
    /// Records which queries load it. Default: false.
    #[serde(default)]
    pub(crate) performance_insights_enabled: bool,
    /// Days that those records are kept: 7, months of 31 days, or 731. Left out: 7.
    pub(crate) performance_insights_retention_period: Option<u32>,
    /// The KMS key, as an ARN, that encrypts them. Left out: AWS's own.
    pub(crate) performance_insights_kms_key_id: Option<String>,
    /// Seconds between two measurements of its operating system: 1, 5, 10, 15, 30, 60, or 0 for none. Default: 0.
    #[serde(default)]
    pub(crate) monitoring_interval: u32,
    /// The role that writes those measurements.
    pub(crate) monitoring_role: Option<Ref<names::Role>>,
    /// Logs that go to CloudWatch: `postgresql`, `upgrade`; or `audit`, `error`, `general`, `slowquery`. Default: none.
    #[serde(default)]
    pub(crate) enabled_cloudwatch_logs_exports: BTreeSet<String>,
}

up_core::words! {
    /// A database engine.
    pub(crate) Engine {
        /// PostgreSQL.
        Postgres = "postgres",
        /// MySQL.
        Mysql = "mysql",
        /// MariaDB.
        Mariadb = "mariadb",
    }
}

up_core::words! {
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
}

impl Kind for Instance {
    const NAME: &'static str = "rds.instance";

    const ABOUT: About = About {
        cloudformation: "AWS::RDS::DBInstance",
        actions: Actions {
            observe: &["rds:DescribeDBInstances"],
            create: &[
                "rds:CreateDBInstance",
                "rds:AddTagsToResource",
                "iam:CreateServiceLinkedRole",
                "iam:PassRole",
                "kms:CreateGrant",
                "kms:DescribeKey",
                "secretsmanager:CreateSecret",
                "secretsmanager:TagResource",
            ],
            update: &["rds:ModifyDBInstance", "rds:AddTagsToResource", "rds:RemoveTagsFromResource", "iam:PassRole"],
            tag: &["rds:AddTagsToResource", "rds:RemoveTagsFromResource"],
            delete: &["rds:ModifyDBInstance", "rds:DeleteDBInstance", "rds:CreateDBSnapshot"],
        },
        attrs: &["arn", "name", "address", "port", "endpoint", "master_user_secret_arn", "resource_id"],
        costly: &[],
        longest_name: 63,
        holds_data: true,
        sent_once: false,
        tags_travel: true,
        constant: false,
        replace: Order::CreateFirst,
        wait: Wait { every: Duration::from_secs(15), at_most: Duration::from_secs(60 * 60) },
        takes: Takes { create: Duration::from_secs(600), delete: Duration::from_secs(300) },
    };

    async fn observe(cx: &Cx, scope: &Scope) -> Result<Vec<Seen<Self>>> {
        let instances = client(cx).describe_db_instances().into_paginator().items().send().try_collect().await?;
        let ours = instances.into_iter().filter(|instance| scope.owns(&crate::tags(instance.tag_list.clone())));
        ours.map(Self::read).collect()
    }

    /// Safe to repeat: it is unique by its name.
    async fn create(&self, cx: &Cx, birth: &Birth) -> Result<String> {
        let name = self.name.clone().unwrap_or_else(|| birth.name(Self::ABOUT.longest_name));
        let tags = birth.tags.clone().into_iter().chain(self.notes(self.grows())).collect();
        let request = self.request(cx)?.db_instance_identifier(&name).set_tags(Some(list(&tags)));
        request.send().await?;
        Ok(name)
    }

    /// One call with all that differs, at once instead of in the next maintenance window. Safe to repeat: all is set.
    async fn update(&self, cx: &Cx, seen: &Seen<Self>) -> Result<()> {
        let is = &seen.spec;
        let noted = TagChange::between(&is.notes(is.grows()), &self.notes(self.grows() || is.grows()), |_| true);
        retag(cx, seen.attrs.get("arn"), &noted).await?;
        let (call, differs) = self.changes(cx, seen)?;
        if differs {
            call.apply_immediately(true).send().await?;
        }
        Ok(())
    }

    /// Safe to repeat: keys are set and removed.
    async fn tag(cx: &Cx, seen: &Seen<Self>, change: &TagChange) -> Result<()> {
        retag(cx, seen.attrs.get("arn"), change).await
    }

    /// Lifts AWS's own protection (the engine's has been asked by then), and takes a last snapshot unless told not to.
    /// The snapshot's name is made from the database's own id, so that a repeated delete does not take another.
    async fn delete(cx: &Cx, seen: &Seen<Self>) -> Result<()> {
        if seen.spec.deletion_protection {
            let call = client(cx).modify_db_instance().db_instance_identifier(&seen.id);
            call.deletion_protection(false).apply_immediately(true).send().await.gone()?;
        }
        let skip = seen.spec.skip_final_snapshot;
        let snapshot = (!skip).then(|| last_snapshot(seen)).transpose()?;
        let call = client(cx).delete_db_instance().db_instance_identifier(&seen.id).skip_final_snapshot(skip);
        call.set_final_db_snapshot_identifier(snapshot).send().await.gone()
    }

    fn check(&self) -> Vec<Problem> {
        let mut problems =
            window::check(self.preferred_backup_window.as_deref(), self.preferred_maintenance_window.as_deref());
        problems.extend(lower_case(self.name.as_ref()));
        problems.extend(self.engine_version.as_ref().and_then(|version| self.engine.whole_version(version)));
        problems.extend(self.check_storage());
        problems.extend(self.check_watching());
        if self.security_groups.is_empty() {
            let message = "at least one is needed, or RDS takes the network's own";
            problems.push(Problem::new("security_groups", message));
        }
        if self.multi_az && self.availability_zone.is_some() {
            problems.push(Problem::new("availability_zone", "with multi_az, RDS chooses the zones"));
        }
        if self.backup_retention_period > 35 {
            problems.push(Problem::new("backup_retention_period", "RDS keeps backups for 35 days at most"));
        }
        let reserved = ["rdsadmin", "admin", "root", "public"];
        if self.engine == Engine::Postgres && reserved.contains(&self.master_username.as_str()) {
            let message = format!("`{}` is a word PostgreSQL or RDS keeps for itself", self.master_username);
            problems.push(Problem::new("master_username", message));
        }
        problems
    }
}

impl Instance {
    /// Where `skip_final_snapshot` is kept.
    pub(crate) const SKIP_TAG: &'static str = "bullstra:skip-final-snapshot";
    /// Where `allocated_storage` is kept while the storage grows by itself.
    pub(crate) const STORAGE_TAG: &'static str = "bullstra:allocated-storage";

    /// What RDS does not know of a database, as tags: private to this kind, the engine neither sees nor removes them.
    fn notes(&self, grows: bool) -> Tags {
        let skip = self.skip_final_snapshot.then(|| (Self::SKIP_TAG.to_owned(), "true".to_owned()));
        let storage = grows.then(|| (Self::STORAGE_TAG.to_owned(), self.allocated_storage.to_string()));
        skip.into_iter().chain(storage).collect()
    }

    /// Whether its storage grows by itself.
    pub(crate) fn grows(&self) -> bool {
        self.max_allocated_storage.is_some()
    }

    fn check_storage(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(most) = self.max_allocated_storage.filter(|most| *most <= self.allocated_storage) {
            let message = format!("{most} GiB leave no room to grow from {}", self.allocated_storage);
            problems.push(Problem::new("max_allocated_storage", message));
        }
        let provisioned = matches!(self.storage_type, StorageType::Io1 | StorageType::Io2);
        if provisioned && self.iops.is_none() {
            let message = format!("storage_type `{}` needs it", self.storage_type.as_str());
            problems.push(Problem::new("iops", message));
        }
        if self.storage_type == StorageType::Gp2 && self.iops.is_some() {
            problems.push(Problem::new("iops", "the speed of `gp2` goes by its size"));
        }
        if self.storage_type != StorageType::Gp3 && self.storage_throughput.is_some() {
            problems.push(Problem::new("storage_throughput", "only `gp3` takes it"));
        }
        if self.kms_key_id.is_some() && !self.storage_encrypted {
            problems.push(Problem::new("kms_key_id", "nothing is encrypted with `storage_encrypted = false`"));
        }
        problems.extend(arn("kms_key_id", self.kms_key_id.as_ref()));
        problems
    }

    fn check_watching(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if ![0, 1, 5, 10, 15, 30, 60].contains(&self.monitoring_interval) {
            let message = format!("{} is none of 0, 1, 5, 10, 15, 30, 60", self.monitoring_interval);
            problems.push(Problem::new("monitoring_interval", message));
        }
        if (self.monitoring_interval > 0) != self.monitoring_role.is_some() {
            problems.push(Problem::new("monitoring_role", "it goes with a monitoring_interval above 0"));
        }
        let is_period = |days: u32| days == 7 || days == 731 || (days.is_multiple_of(31) && (31..=713).contains(&days));
        if let Some(days) = self.performance_insights_retention_period.filter(|days| !is_period(*days)) {
            let message = format!("{days} days are neither 7, nor months of 31 days up to 23, nor 731");
            problems.push(Problem::new("performance_insights_retention_period", message));
        }
        let key = self.performance_insights_kms_key_id.as_ref();
        problems.extend(arn("performance_insights_kms_key_id", key));
        problems
    }
}

impl Engine {
    /// RDS takes `16` for the newest 16 there is, and answers with the whole: the two would never compare.
    fn whole_version(self, version: &str) -> Option<Problem> {
        let parts = if self == Self::Postgres { 2 } else { 3 };
        let is_whole = version.split('.').count() >= parts || quote::is_quoting(version);
        let example = if self == Self::Postgres { "16.4" } else { "8.4.3" };
        let message = format!("`{version}` is not a whole version such as `{example}`; left out, AWS chooses");
        (!is_whole).then(|| Problem::new("engine_version", message))
    }
}

fn last_snapshot(seen: &Seen<Instance>) -> Result<String> {
    let id = seen.attrs.get("resource_id").ok_or_else(|| Error::absent("resource id of a database"))?;
    let start = id.len().saturating_sub(8);
    Ok(format!("{}-final-{}", seen.id, id[start..].to_ascii_lowercase()))
}

fn arn(field: &str, key: Option<&String>) -> Option<Problem> {
    let key = key.filter(|key| !key.starts_with("arn:") && !quote::is_quoting(key))?;
    Some(Problem::new(field, format!("`{key}` is not an ARN; RDS answers with one, and the two would never compare")))
}

fn yes() -> bool {
    true
}

fn gp3() -> StorageType {
    StorageType::Gp3
}

fn a_week() -> u32 {
    7
}
