//! The meaning of a DB instance's states.

use aws_sdk_rds::types::DbInstance;
use up_core::{Impairment, Status};

/// What a state means for a DB instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Ready,
    /// AWS is working on it.
    Busy,
    Deleting,
    /// It has a problem that can be repaired, with the remedy.
    Impaired(&'static str),
    /// It cannot be repaired, and its data may be in a backup. An instance that was never available is replaced.
    Lost(&'static str),
}

use Meaning::{Busy, Deleting, Impaired, Lost, Ready};

const RESTORE: &str =
    "restore its latest backup under another identifier; delete this one yourself when it is no longer needed";

/// All states that RDS documents ("Viewing Amazon RDS DB instance status" in its user guide), and some that only the
/// API has. The spelling is the API's.
const STATES: &[(&str, Meaning)] = &[
    ("available", Ready),
    ("backing-up", Busy),
    ("backtracking", Busy),
    ("configuring-activity-stream", Busy),
    ("configuring-associated-roles", Busy),
    ("configuring-enhanced-monitoring", Busy),
    ("configuring-iam-database-auth", Busy),
    ("configuring-log-exports", Busy),
    ("converting-to-vpc", Busy),
    ("creating", Busy),
    ("delete-precheck", Deleting),
    ("deleting", Deleting),
    ("failed", Lost(RESTORE)),
    ("inaccessible-encryption-credentials", Lost(RESTORE)),
    (
        "inaccessible-encryption-credentials-recoverable",
        Impaired(
            "enable its KMS key and grant RDS access to it, then start the database (`aws rds start-db-instance`)",
        ),
    ),
    ("incompatible-create", Lost("see its recent events for the reason, and delete it")),
    ("incompatible-credentials", Impaired("set new master credentials (`aws rds modify-db-instance`)")),
    (
        "incompatible-network",
        Impaired("give its subnets free addresses and a route to RDS; RDS then continues automatically"),
    ),
    ("incompatible-option-group", Impaired("see its recent events, and choose a compatible option group")),
    (
        "incompatible-parameters",
        Impaired("correct the parameters of its parameter group, then reboot it (`aws rds reboot-db-instance`)"),
    ),
    ("incompatible-restore", Lost(RESTORE)),
    (
        "insufficient-capacity",
        Impaired(
            "choose another `instance_class` or availability zone; or delete it, and create it again some hours later",
        ),
    ),
    ("maintenance", Busy),
    ("modifying", Busy),
    ("moving-to-vpc", Busy),
    ("rebooting", Busy),
    ("renaming", Busy),
    ("resetting-master-credentials", Busy),
    ("restore-error", Lost(RESTORE)),
    ("starting", Busy),
    ("stopped", Impaired("start it (`aws rds start-db-instance`); AWS starts it automatically after 7 days")),
    ("stopping", Busy),
    ("storage-config-upgrade", Ready),
    ("storage-full", Impaired("raise `allocated_storage` by at least 10 %, or set `max_allocated_storage`")),
    ("storage-initialization", Ready),
    ("storage-optimization", Ready),
    ("upgrading", Busy),
];

/// The states in which RDS takes no final snapshot.
const NO_SNAPSHOT: [&str; 5] =
    ["failed", "incompatible-create", "incompatible-network", "incompatible-restore", "insufficient-capacity"];

/// The status of a DB instance in `state`. A state that this version does not know counts as pending.
pub(crate) fn status(instance: &DbInstance, state: &str) -> Status {
    let known = STATES.iter().find(|(word, _)| *word == state);
    match known.map_or(Busy, |(_, meaning)| *meaning) {
        Ready => Status::Ready,
        Busy => Status::Pending(state.into()),
        Deleting => Status::Deleting(state.into()),
        Impaired(remedy) => Impairment::explained(state, remedy),
        Lost(remedy) if came_up(instance) => Impairment::explained(state, remedy),
        Lost(_) => Status::Failed(state.into()),
    }
}

/// True for a DB instance that was available once: it is never replaced because of a state, because of its data.
fn came_up(instance: &DbInstance) -> bool {
    instance.endpoint.as_ref().is_some_and(|endpoint| endpoint.address.is_some())
        || instance.latest_restorable_time.is_some()
}

/// True if RDS refuses to take a final snapshot when the DB instance is deleted.
pub(crate) fn has_no_snapshot(status: &Status) -> bool {
    let state = match status {
        Status::Impaired(trouble) => &trouble.why,
        Status::Failed(state) => state,
        _ => return false,
    };
    NO_SNAPSHOT.contains(&state.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_rds::types::Endpoint;

    fn standing() -> DbInstance {
        DbInstance::builder().endpoint(Endpoint::builder().address("db.example").build()).build()
    }

    #[test]
    fn no_state_fails_a_database_that_came_up() {
        for (state, _) in STATES {
            assert!(!matches!(status(&standing(), state), Status::Failed(_)), "{state}");
        }
    }

    #[test]
    fn only_what_never_came_up_has_failed() {
        let never = DbInstance::builder().build();
        let failed =
            STATES.iter().map(|(state, _)| *state).filter(|state| matches!(status(&never, state), Status::Failed(_)));
        let expected = [
            "failed",
            "inaccessible-encryption-credentials",
            "incompatible-create",
            "incompatible-restore",
            "restore-error",
        ];
        assert_eq!(failed.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_heals_says_how() {
        for (state, meaning) in STATES {
            let status = status(&standing(), state);
            let is_trouble = matches!(meaning, Impaired(_) | Lost(_));
            assert_eq!(
                matches!(&status, Status::Impaired(trouble) if trouble.why == *state && !trouble.remedy.is_empty()),
                is_trouble,
                "{state}"
            );
        }
    }

    #[test]
    fn an_unknown_state_is_waited_in() {
        assert_eq!(status(&standing(), "folding"), Status::Pending("folding".into()));
    }

    #[test]
    fn the_table_is_in_order() {
        assert!(STATES.is_sorted_by_key(|(state, _)| *state));
    }
}
