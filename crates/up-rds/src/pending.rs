//! The pending changes of a DB instance.

use aws_sdk_rds::types::PendingModifiedValues;

/// Each pending value with its field; a password without its value.
pub(crate) fn texts(pending: &PendingModifiedValues) -> Vec<String> {
    let text = |value: &Option<String>| value.clone();
    let number = |value: Option<i32>| value.map(|value| value.to_string());
    let flag = |value: Option<bool>| value.map(|value| value.to_string());
    let all = [
        ("instance_class", text(&pending.db_instance_class)),
        ("allocated_storage", number(pending.allocated_storage)),
        ("port", number(pending.port)),
        ("backup_retention_period", number(pending.backup_retention_period)),
        ("multi_az", flag(pending.multi_az)),
        ("engine_version", text(&pending.engine_version)),
        ("iops", number(pending.iops)),
        ("storage_throughput", number(pending.storage_throughput)),
        ("name", text(&pending.db_instance_identifier)),
        ("storage_type", text(&pending.storage_type)),
        ("ca_certificate_identifier", text(&pending.ca_certificate_identifier)),
        ("subnet_group", text(&pending.db_subnet_group_name)),
        ("iam_database_authentication_enabled", flag(pending.iam_database_authentication_enabled)),
    ];
    let named = all.into_iter().filter_map(|(field, value)| Some(format!("`{field}` {}", value?)));
    let logs = pending
        .pending_cloudwatch_logs_exports
        .as_ref()
        .filter(|logs| !logs.log_types_to_enable().is_empty() || !logs.log_types_to_disable().is_empty());
    let others = [
        pending.master_user_password.as_ref().map(|_| "the master password".to_owned()),
        logs.map(|_| "`enabled_cloudwatch_logs_exports`".to_owned()),
    ];
    named.chain(others.into_iter().flatten()).collect()
}
