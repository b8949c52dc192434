//! Checks of a DB instance that its types cannot express.

use up_core::{Asked, Observed, Problem, placeholder, problems};

use crate::{
    instance::{Engine, Instance, StorageType, size},
    lower_case, window,
};

impl Instance {
    /// Everything that is wrong with it on its own.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let windows = window::check(self.preferred_backup_window.as_ref(), self.preferred_maintenance_window.as_ref());
        let version = self.engine_version.as_ref().and_then(|version| self.engine.whole_version(version));
        let is_reserved = ["rdsadmin", "admin", "root", "public"].contains(&self.master_username.as_str());
        let rules = problems! {
            self.engine == Engine::Mariadb && self.engine_lifecycle_support.is_some() =>
                "engine_lifecycle_support", "RDS supports it for PostgreSQL and MySQL only";
            self.security_groups.is_empty() =>
                "security_groups", "at least one is needed: without any, RDS uses the VPC's default security group";
            self.multi_az && self.availability_zone.is_some() =>
                "availability_zone", "with `multi_az`, RDS chooses the availability zones";
            self.backup_retention_period > 35 =>
                "backup_retention_period", "RDS keeps backups for 35 days at most";
            self.engine == Engine::Postgres && is_reserved =>
                "master_username", "`{}` is reserved by PostgreSQL or RDS", self.master_username;
        };
        let texts = [lower_case(self.name.as_ref()), version].into_iter().flatten();
        [windows, texts.collect(), self.check_storage(), self.check_watching(), rules].concat()
    }

    fn check_storage(&self) -> Vec<Problem> {
        let (size, most, storage) = (self.allocated_storage, self.max_allocated_storage, self.storage_type);
        let least = size.saturating_add(size.div_ceil(10));
        let is_provisioned = matches!(storage, StorageType::Io1 | StorageType::Io2);
        let mut problems = problems! {
            self.grows() && most < least =>
                "max_allocated_storage", "{most} GiB are too few for autoscaling from {size}: write {least} or more";
            is_provisioned && self.iops.is_none() => "iops", "required for storage_type `{}`", storage.as_str();
            storage == StorageType::Gp2 && self.iops.is_some() =>
                "iops", "not possible for `gp2`, whose performance depends on its size";
            storage != StorageType::Gp3 && self.storage_throughput.is_some() =>
                "storage_throughput", "only possible for `gp3`";
            self.kms_key_id.is_some() && !self.storage_encrypted =>
                "kms_key_id", "not possible with `storage_encrypted = false`";
        };
        problems.extend(if storage == StorageType::Gp3 { self.check_gp3() } else { vec![] });
        problems.extend(arn("kms_key_id", self.kms_key_id.as_ref()));
        problems
    }

    /// For these engines, RDS has two variants of `gp3`: fixed performance below 400 GiB, and striped volumes from 400
    /// GiB on.
    fn check_gp3(&self) -> Vec<Problem> {
        let is_small = self.allocated_storage < LARGE_GP3;
        let speeds = [("iops", self.iops, IOPS), ("storage_throughput", self.storage_throughput, THROUGHPUT)];
        let speeds = speeds.into_iter().filter_map(|(field, speed, range)| Some((field, speed?, range)));
        let speeds = speeds.flat_map(|(field, speed, (least, most))| {
            problems! {
                is_small => field, "RDS fixes the performance of `gp3` below {LARGE_GP3} GiB: leave it out";
                !is_small && !(least..=most).contains(&speed) => field, "{speed} is not between {least} and {most}";
            }
        });
        let throughput = self.storage_throughput.filter(|_| !is_small).unwrap_or(0);
        let together = problems! {
            throughput > self.iops.unwrap_or(IOPS.0) / 4 =>
                "storage_throughput", "{throughput} MiB per second need at least {} iops", u64::from(throughput) * 4;
        };
        speeds.chain(together).collect()
    }

    fn check_watching(&self) -> Vec<Problem> {
        let (interval, days) = (self.monitoring_interval, self.performance_insights_retention_period.unwrap_or(7));
        let is_period = days == 7 || days == 731 || (days.is_multiple_of(31) && (31..=713).contains(&days));
        let mut problems = problems! {
            ![0, 1, 5, 10, 15, 30, 60].contains(&interval) =>
                "monitoring_interval", "expected 0, 1, 5, 10, 15, 30 or 60 seconds, and this is {interval}";
            (interval > 0) != self.monitoring_role.is_some() =>
                "monitoring_role", "needed for a `monitoring_interval` above 0, and only then";
            !is_period => "performance_insights_retention_period",
                "expected 7, a multiple of 31 up to 713, or 731 days, and this is {days}";
        };
        problems.extend(arn("performance_insights_kms_key_id", self.performance_insights_kms_key_id.as_ref()));
        problems
    }

    /// Changes of the storage's size that RDS refuses.
    pub(crate) fn refuses_storage(&self, observed: &Observed<Self>) -> Option<Problem> {
        let size = size(observed).ok()?;
        let is_shrinking = self.allocated_storage < size && self.allocated_storage != observed.spec.allocated_storage;
        let message = format!(
            "the database has {size} GiB, and storage cannot shrink: write `allocated_storage = {size}`, or set \
             `max_allocated_storage` for storage autoscaling"
        );
        Problem::when(is_shrinking && !self.grows(), "allocated_storage", message)
    }

    /// MySQL and MariaDB write these logs into tables by default, and then nothing reaches CloudWatch.
    pub(crate) fn check_slow_log(&self, asked: Asked<'_>) -> Vec<Problem> {
        let log = ["slowquery", "general"].into_iter().find(|log| self.enabled_cloudwatch_logs_exports.contains(*log));
        let Some(log) = log.filter(|_| self.engine != Engine::Postgres) else { return vec![] };
        let output = |group| asked(group, "parameters.log_output");
        // A parameter group outside the stack is not checked.
        let is_written = self.parameter_group.as_ref().is_some_and(|group| {
            let in_stack = group.address();
            in_stack.is_none_or(|group| output(group).is_some_and(|it| it.to_ascii_uppercase().contains("FILE")))
        });
        let message = format!(
            "the log `{log}` reaches CloudWatch only with `log_output = \"FILE\"` among the `parameters` of its parameter \
             group"
        );
        Problem::when(!is_written, "enabled_cloudwatch_logs_exports", message).into_iter().collect()
    }
}

/// The size in GiB from which on the performance of `gp3` can be provisioned.
pub(crate) const LARGE_GP3: u32 = 400;
/// The minimum and the maximum IOPS of `gp3` from 400 GiB on.
pub(crate) const IOPS: (u32, u32) = (12_000, 64_000);
/// The minimum and the maximum throughput of `gp3` from 400 GiB on, in MiB per second.
pub(crate) const THROUGHPUT: (u32, u32) = (500, 4_000);

impl Engine {
    /// RDS takes `16` for the newest 16, and answers with the full version: the two would always differ.
    fn whole_version(self, version: &str) -> Option<Problem> {
        let parts = self.major_parts() + 1;
        let is_whole = version.split('.').count() >= parts || placeholder::has_placeholder(version);
        let example = if self == Self::Postgres { "16.13" } else { "8.4.11" };
        let message = format!("`{version}` is not a full version such as `{example}`; if it is left out, AWS chooses");
        Problem::when(!is_whole, "engine_version", message)
    }
}

fn arn(field: &str, key: Option<&String>) -> Option<Problem> {
    let key = key.filter(|key| !key.starts_with("arn:") && !placeholder::has_placeholder(key))?;
    Some(Problem::new(field, format!("`{key}` is not an ARN; RDS answers with ARNs, so that it would always differ")))
}
