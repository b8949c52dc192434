//! Versions of database engines: `16.13`, `8.4.11`, `5.7.44-rds.20240408`.

use up_core::Problem;

use crate::instance::{Engine, Instance};

/// The numbers of a version, most significant first.
fn numbers(version: &str) -> Vec<u64> {
    let parts = version.split(|c: char| !c.is_ascii_digit());
    parts.filter_map(|part| part.parse().ok()).collect()
}

impl Engine {
    /// The number of components of a version that form the major version.
    pub(crate) fn major_parts(self) -> usize {
        if self == Self::Postgres { 1 } else { 2 }
    }

    fn major(self, version: &str) -> Vec<u64> {
        numbers(version).into_iter().take(self.major_parts()).collect()
    }
}

impl Instance {
    /// True if the live version satisfies the declared one: RDS adds patch level and date to a version, and upgrades
    /// minor versions if this is allowed.
    pub(crate) fn accepts_version(&self, live: &str) -> bool {
        let Some(version) = self.engine_version.as_deref() else { return false };
        let has_more = |rest: &str| rest.starts_with(['.', '-']);
        let is_moved = self.auto_minor_version_upgrade
            && self.engine.major(version) == self.engine.major(live)
            && numbers(version) < numbers(live);
        live.strip_prefix(version).is_some_and(has_more) || is_moved
    }

    /// Changes from `live` to the declared version that RDS refuses.
    pub(crate) fn refuses_version(&self, live: &str) -> Option<Problem> {
        let version = self.engine_version.as_deref().filter(|version| *version != live)?;
        let (before, after) = (self.engine.major(live), self.engine.major(version));
        let message = if numbers(version) < numbers(live) {
            let other = match before == after {
                true => ", or set `auto_minor_version_upgrade = true`, which accepts newer minor versions",
                false => "",
            };
            format!(
                "the database has the newer version {live}, and RDS cannot downgrade to {version}: write \
                 `engine_version = \"{live}\"`{other}"
            )
        } else if before != after && !self.allow_major_version_upgrade {
            format!(
                "the upgrade from {live} to {version} is a major version upgrade, which cannot be undone: set \
                 `allow_major_version_upgrade = true` to allow it"
            )
        } else {
            return None;
        };
        Some(Problem::new("engine_version", message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers() {
        assert!(numbers("16.9") < numbers("16.13"));
        assert!(numbers("5.7.44-rds.20240408") < numbers("5.7.44-rds.20250103"));
        assert_eq!(Engine::Mysql.major("8.4.11"), [8, 4]);
        assert_eq!(Engine::Postgres.major("16.13"), [16]);
    }
}
