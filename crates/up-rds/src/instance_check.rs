//! Rules of a database that its types cannot state.

use up_core::{Asked, Observed, Problem, Ref, placeholder};

use crate::{
    instance::{Engine, Instance, StorageType, size},
    lower_case, window,
};

impl Instance {
    /// Everything that is wrong with it by itself.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut problems =
            window::check(self.preferred_backup_window.as_deref(), self.preferred_maintenance_window.as_deref());
        problems.extend(lower_case(self.name.as_ref()));
        problems.extend(self.engine_version.as_ref().and_then(|version| self.engine.whole_version(version)));
        problems.extend(self.check_storage());
        problems.extend(self.check_watching());
        if self.engine == Engine::Mariadb && self.engine_lifecycle_support.is_some() {
            problems.push(Problem::new("engine_lifecycle_support", "RDS has it for PostgreSQL and MySQL only"));
        }
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

    /// RDS sells `gp3` in two sizes for these engines: a fixed speed below 400 GiB, and several volumes from there on.
    fn check_gp3(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut refuse = |field: &str, message: String| problems.push(Problem::new(field, message));
        let is_small = self.allocated_storage < LARGE_GP3;
        let speeds = [("iops", self.iops, IOPS), ("storage_throughput", self.storage_throughput, THROUGHPUT)];
        for (field, speed, (least, most)) in speeds {
            let Some(speed) = speed else { continue };
            if is_small {
                refuse(field, format!("RDS fixes the speed of `gp3` below {LARGE_GP3} GiB: leave it out"));
            } else if !(least..=most).contains(&speed) {
                refuse(field, format!("{speed} is not between {least} and {most}"));
            }
        }
        if let (Some(throughput), false) = (self.storage_throughput, is_small) {
            let iops = self.iops.unwrap_or(IOPS.0);
            if throughput > iops / 4 {
                refuse(
                    "storage_throughput",
                    format!("{throughput} MiB a second need {} iops at least", throughput * 4),
                );
            }
        }
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
        (is_shrinking && !self.grows()).then(|| Problem::new("allocated_storage", message))
    }

    /// MySQL and MariaDB write these logs into tables unless told otherwise, and then nothing reaches CloudWatch.
    pub(crate) fn check_slow_log(&self, asked: Asked<'_>) -> Vec<Problem> {
        let log = ["slowquery", "general"].into_iter().find(|log| self.enabled_cloudwatch_logs_exports.contains(*log));
        let Some(log) = log.filter(|_| self.engine != Engine::Postgres) else { return vec![] };
        let group = self.parameter_group.as_ref().map(Ref::address);
        let is_written = match group {
            None => false,
            // One outside the stack is its owner's matter.
            Some(None) => true,
            Some(Some(group)) => {
                let output = asked(group, "parameters.log_output");
                output.is_some_and(|output| output.to_ascii_uppercase().contains("FILE"))
            }
        };
        let message = format!(
            "the log `{log}` reaches CloudWatch only with `log_output = \"FILE\"` among the `parameters` of its parameter \
             group"
        );
        if is_written { vec![] } else { vec![Problem::new("enabled_cloudwatch_logs_exports", message)] }
    }

    fn check_storage(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let (size, most) = (self.allocated_storage, self.max_allocated_storage);
        let least = size.saturating_add(size.div_ceil(10));
        if self.grows() && most < least {
            let message = format!("{most} GiB leave no room to grow from {size}: {least} is the least");
            problems.push(Problem::new("max_allocated_storage", message));
        }
        if self.storage_type == StorageType::Gp3 {
            problems.extend(self.check_gp3());
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
        (!is_whole).then(|| Problem::new("engine_version", message))
    }
}

fn arn(field: &str, key: Option<&String>) -> Option<Problem> {
    let key = key.filter(|key| !key.starts_with("arn:") && !placeholder::has_placeholder(key))?;
    Some(Problem::new(field, format!("`{key}` is not an ARN; RDS answers with one, and the two would never compare")))
}
