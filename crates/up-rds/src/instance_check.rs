//! Rules of a database that its types cannot state.

use up_core::{Asked, Observed, Problem, placeholder, problems};

use crate::{
    instance::{Engine, Instance, StorageType, size},
    lower_case, window,
};

impl Instance {
    /// Everything that is wrong with it by itself.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let windows = window::check(self.preferred_backup_window.as_ref(), self.preferred_maintenance_window.as_ref());
        let version = self.engine_version.as_ref().and_then(|version| self.engine.whole_version(version));
        let is_reserved = ["rdsadmin", "admin", "root", "public"].contains(&self.master_username.as_str());
        let rules = problems! {
            self.engine == Engine::Mariadb && self.engine_lifecycle_support.is_some() =>
                "engine_lifecycle_support", "RDS has it for PostgreSQL and MySQL only";
            self.security_groups.is_empty() =>
                "security_groups", "at least one is needed, or RDS takes the network's own";
            self.multi_az && self.availability_zone.is_some() =>
                "availability_zone", "with multi_az, RDS chooses the zones";
            self.backup_retention_period > 35 =>
                "backup_retention_period", "RDS keeps backups for 35 days at most";
            self.engine == Engine::Postgres && is_reserved =>
                "master_username", "`{}` is a word PostgreSQL or RDS keeps for itself", self.master_username;
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
                "max_allocated_storage", "{most} GiB leave no room to grow from {size}: {least} is the least";
            is_provisioned && self.iops.is_none() => "iops", "storage_type `{}` needs it", storage.as_str();
            storage == StorageType::Gp2 && self.iops.is_some() => "iops", "the speed of `gp2` goes by its size";
            storage != StorageType::Gp3 && self.storage_throughput.is_some() =>
                "storage_throughput", "only `gp3` takes it";
            self.kms_key_id.is_some() && !self.storage_encrypted =>
                "kms_key_id", "nothing is encrypted with `storage_encrypted = false`";
        };
        problems.extend(if storage == StorageType::Gp3 { self.check_gp3() } else { vec![] });
        problems.extend(arn("kms_key_id", self.kms_key_id.as_ref()));
        problems
    }

    /// RDS sells `gp3` in two sizes for these engines: a fixed speed below 400 GiB, and several volumes from there on.
    fn check_gp3(&self) -> Vec<Problem> {
        let is_small = self.allocated_storage < LARGE_GP3;
        let speeds = [("iops", self.iops, IOPS), ("storage_throughput", self.storage_throughput, THROUGHPUT)];
        let speeds = speeds.into_iter().filter_map(|(field, speed, range)| Some((field, speed?, range)));
        let speeds = speeds.flat_map(|(field, speed, (least, most))| {
            problems! {
                is_small => field, "RDS fixes the speed of `gp3` below {LARGE_GP3} GiB: leave it out";
                !is_small && !(least..=most).contains(&speed) => field, "{speed} is not between {least} and {most}";
            }
        });
        let throughput = self.storage_throughput.filter(|_| !is_small).unwrap_or(0);
        let together = problems! {
            throughput > self.iops.unwrap_or(IOPS.0) / 4 =>
                "storage_throughput", "{throughput} MiB a second need {} iops at least", u64::from(throughput) * 4;
        };
        speeds.chain(together).collect()
    }

    fn check_watching(&self) -> Vec<Problem> {
        let (interval, days) = (self.monitoring_interval, self.performance_insights_retention_period.unwrap_or(7));
        let is_period = days == 7 || days == 731 || (days.is_multiple_of(31) && (31..=713).contains(&days));
        let mut problems = problems! {
            ![0, 1, 5, 10, 15, 30, 60].contains(&interval) =>
                "monitoring_interval", "{interval} is none of 0, 1, 5, 10, 15, 30, 60";
            (interval > 0) != self.monitoring_role.is_some() =>
                "monitoring_role", "it goes with a monitoring_interval above 0";
            !is_period => "performance_insights_retention_period",
                "{days} days are neither 7, nor months of 31 days up to 23, nor 731";
        };
        problems.extend(arn("performance_insights_kms_key_id", self.performance_insights_kms_key_id.as_ref()));
        problems
    }

    /// What RDS refuses of a change of the storage's size.
    pub(crate) fn refuses_storage(&self, observed: &Observed<Self>) -> Option<Problem> {
        let size = size(observed).ok()?;
        let is_shrinking = self.allocated_storage < size && self.allocated_storage != observed.spec.allocated_storage;
        let message = format!(
            "the database has {size} GiB, and storage never shrinks: write `allocated_storage = {size}`, or set \
             `max_allocated_storage` where it is to grow by itself"
        );
        Problem::when(is_shrinking && !self.grows(), "allocated_storage", message)
    }

    /// MySQL and MariaDB write these logs into tables unless told otherwise, and then nothing reaches CloudWatch.
    pub(crate) fn check_slow_log(&self, asked: Asked<'_>) -> Vec<Problem> {
        let log = ["slowquery", "general"].into_iter().find(|log| self.enabled_cloudwatch_logs_exports.contains(*log));
        let Some(log) = log.filter(|_| self.engine != Engine::Postgres) else { return vec![] };
        let output = |group| asked(group, "parameters.log_output");
        // A parameter group outside the stack is its owner's matter.
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

/// GiB from which on `gp3` is fast, and its speed is for sale.
pub(crate) const LARGE_GP3: u32 = 400;
/// The operations a second of large `gp3`: the least, and the most.
pub(crate) const IOPS: (u32, u32) = (12_000, 64_000);
/// The MiB a second of large `gp3`.
pub(crate) const THROUGHPUT: (u32, u32) = (500, 4_000);

impl Engine {
    /// RDS takes `16` for the newest 16 there is, and answers with the whole: the two would never compare.
    fn whole_version(self, version: &str) -> Option<Problem> {
        let parts = self.major_parts() + 1;
        let is_whole = version.split('.').count() >= parts || placeholder::has_placeholder(version);
        let example = if self == Self::Postgres { "16.13" } else { "8.4.11" };
        let message = format!("`{version}` is not a whole version such as `{example}`; left out, AWS chooses");
        Problem::when(!is_whole, "engine_version", message)
    }
}

fn arn(field: &str, key: Option<&String>) -> Option<Problem> {
    let key = key.filter(|key| !key.starts_with("arn:") && !placeholder::has_placeholder(key))?;
    Some(Problem::new(field, format!("`{key}` is not an ARN; RDS answers with one, and the two would never compare")))
}
