//! What every kind's case in `tests/kinds` must hold, so that the end-to-end tests made from it leave nothing out.

use std::{collections::BTreeSet, fs, path::Path};

use up_core::{AnyKind, Change};

/// Fields that no other hand can change, with the reason.
const NEVER_MOVED: &[(&str, &str, &str)] = &[
    ("elbv2.listener", "additional_certificate_arns", TLS),
    ("elbv2.listener", "alpn_policy", TLS),
    ("elbv2.listener", "certificate_arn", TLS),
    ("elbv2.listener", "mutual_authentication", TLS),
    ("elbv2.listener", "ssl_policy", TLS),
    ("elbv2.target_group", "anomaly_mitigation", "moto has no such attribute"),
    ("kafka.cluster", "configuration_revision", "it goes with `configuration`"),
    ("kafka.cluster", "ebs_storage", ONE_WAY),
    ("kafka.cluster", "kafka_version", ONE_WAY),
    ("kafka.cluster", "number_of_broker_nodes", ONE_WAY),
    ("kafka.cluster", "storage_mode", ONE_WAY),
    ("rds.instance", "allocated_storage", ONE_WAY),
    ("rds.instance", "engine_version", ONE_WAY),
    ("rds.instance", "performance_insights_kms_key_id", "RDS keeps the key for as long as Performance Insights is on"),
    ("ssm.parameter", "secure_value", "AWS never shows it"),
    ("ssm.parameter", "tier", ONE_WAY),
];
const TLS: &str = "a certificate must be uploaded before: its changes are in the `[[change]]` tables";
const ONE_WAY: &str = "AWS has no way back: a test of its own plays what another hand did";

#[test]
fn every_field_that_changes_in_place_is_changed_by_hand() {
    let (mut wrong, mut met) = (vec![], BTreeSet::new());
    for kind in up_kinds::all() {
        let drifted = drifted(kind);
        for field in kind.fields().iter().filter(|field| field.change == Change::Update) {
            let is_excused = NEVER_MOVED.iter().any(|(of, name, _)| *of == kind.name() && *name == field.name);
            match (drifted.contains(field.name), is_excused) {
                (false, false) => wrong.push(format!("{}: no `[[drift]]` in life.toml of {}", kind.name(), field.name)),
                (false, true) => drop(met.insert((kind.name(), field.name))),
                (true, _) => {}
            }
        }
    }
    let built = |kind: &str| up_kinds::find(kind).is_some();
    let stale = NEVER_MOVED.iter().filter(|(kind, field, _)| built(kind) && !met.contains(&(*kind, *field)));
    wrong.extend(stale.map(|(kind, field, _)| format!("{kind}: {field} is excused, and need not be")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The fields of a kind that its case changes by hand, of resources of the kind.
fn drifted(kind: &dyn AnyKind) -> BTreeSet<String> {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/kinds").join(kind.name()).join("life.toml");
    let text = fs::read_to_string(&case).unwrap_or_else(|error| panic!("{}: {error}", case.display()));
    let life: toml::Table = text.parse().unwrap_or_else(|error| panic!("{}: {error}", case.display()));
    let drifts = life.get("drift").and_then(|drifts| drifts.as_array()).into_iter().flatten();
    let text = |drift: &toml::Value, key: &str| Some(drift.get(key)?.as_str()?.to_owned());
    let is_its =
        |drift: &&toml::Value| text(drift, "address").is_some_and(|at| at.starts_with(&format!("{}.", kind.name())));
    drifts.filter(is_its).filter_map(|drift| text(drift, "field")).collect()
}
