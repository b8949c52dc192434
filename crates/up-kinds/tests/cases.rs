//! What every kind's case in `tests/kinds` must hold, so that the end-to-end tests made from it leave nothing out.

use std::{collections::BTreeSet, fs, path::Path};

use up_core::{AnyKind, Change};

/// Fields that no other hand can change, with the reason.
const NEVER_MOVED: &[(&str, &str, &str)] = &[];

#[test]
fn every_field_that_changes_in_place_is_changed_by_hand() {
    let mut wrong = vec![];
    for kind in up_kinds::all() {
        let drifted = drifted(kind);
        let fields = kind.fields().iter().filter(|field| field.change == Change::Update).map(|field| field.name);
        let is_known = |field: &str| NEVER_MOVED.iter().any(|(of, name, _)| *of == kind.name() && *name == field);
        let missing: Vec<_> = fields.filter(|field| !drifted.contains(*field) && !is_known(field)).collect();
        if !missing.is_empty() {
            wrong.push(format!("{}: {}", kind.name(), missing.join(", ")));
        }
    }
    assert!(wrong.is_empty(), "no `[[drift]]` in life.toml for\n{}", wrong.join("\n"));
}

/// The fields of a kind that its case changes by hand.
fn drifted(kind: &dyn AnyKind) -> BTreeSet<String> {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/kinds").join(kind.name()).join("life.toml");
    let text = fs::read_to_string(&case).unwrap_or_else(|error| panic!("{}: {error}", case.display()));
    let fields = text.lines().filter_map(|line| line.strip_prefix("field = \"")?.strip_suffix('"'));
    fields.map(str::to_owned).collect()
}
