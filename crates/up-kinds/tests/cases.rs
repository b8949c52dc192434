//! What every kind's case in `tests/kinds` must hold, so that the end-to-end tests made from it leave nothing out.

use std::{collections::BTreeSet, fs, path::Path};

use up_core::{AnyKind, Change};

#[test]
fn every_field_that_changes_in_place_is_changed_by_hand() {
    let mut wrong = vec![];
    for kind in up_kinds::all() {
        let (life, name) = (life(kind), kind.name());
        let (drifted, excused) = (drifted(&life, name), excused(&life));
        let fields = kind.fields().iter().filter(|field| field.change == Change::Update).map(|field| field.name);
        let fields: BTreeSet<_> = fields.map(str::to_owned).collect();
        let unseen: BTreeSet<_> = fields.difference(&drifted).cloned().collect();
        let missing = unseen.difference(&excused);
        wrong.extend(missing.map(|field| format!("{name}: no `[[drift]]` in its life.toml changes {field}")));
        let stale = excused.difference(&unseen);
        wrong.extend(stale.map(|field| format!("{name}: {field} is in `[not_drifted]`, and need not be")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a kind's case says of its life.
fn life(kind: &dyn AnyKind) -> toml::Table {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/kinds").join(kind.name()).join("life.toml");
    let text = fs::read_to_string(&case).unwrap_or_else(|error| panic!("{}: {error}", case.display()));
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", case.display()))
}

/// The fields that a case changes by hand, of resources of its kind.
fn drifted(life: &toml::Table, kind: &str) -> BTreeSet<String> {
    let drifts = life.get("drift").and_then(|drifts| drifts.as_array()).into_iter().flatten();
    let text = |drift: &toml::Value, key: &str| Some(drift.get(key)?.as_str()?.to_owned());
    let is_its = |drift: &&toml::Value| text(drift, "address").is_some_and(|at| at.starts_with(&format!("{kind}.")));
    drifts.filter(is_its).filter_map(|drift| text(drift, "field")).collect()
}

/// Fields that no other hand can change: the case says why.
fn excused(life: &toml::Table) -> BTreeSet<String> {
    let excused = life.get("not_drifted").and_then(|fields| fields.as_table()).into_iter().flatten();
    excused.map(|(field, _)| field.clone()).collect()
}
