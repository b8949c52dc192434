//! A change replaces a resource where CloudFormation's schema says that only a create sets the property.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use up_core::{AnyKind, Change};

use crate::{Excuses, published, report, stale};

/// What CloudFormation's schema of a type says. Paths are separated by `/`.
#[derive(Debug, Deserialize)]
struct PublishedType {
    /// What only a create sets.
    create_only: Vec<String>,
    /// What an update replaces the resource for, under some conditions.
    conditional: Vec<String>,
    /// All properties at the top.
    properties: Vec<String>,
}

#[test]
fn a_field_replaces_where_only_a_create_sets_it() {
    let types: BTreeMap<String, PublishedType> = published(include_str!("cloudformation.json"));
    let mut wrong = vec![];
    for kind in up_kinds::all() {
        let (excuses, mut met) = (Excuses::of(kind), BTreeSet::new());
        let Some(schema) = types.get(kind.info().cloudformation) else {
            wrong.push(format!("{}: CloudFormation has no type {:?}", kind.name(), kind.info().cloudformation));
            continue;
        };
        let mut ours = BTreeSet::new();
        for field in kind.fields().iter().filter(|field| field.change != Change::Initial) {
            let property = property(kind, &excuses, schema, field.name);
            ours.extend(property.clone());
            if let Err(why) = agrees(schema, property.as_deref(), field.change != Change::Update) {
                match excuses.otherwise.contains_key(field.name) {
                    true => drop(met.insert(field.name.to_owned())),
                    false => wrong.push(format!("{} {}: {why}", kind.name(), field.name)),
                }
            }
        }
        for path in schema.create_only.iter().filter(|path| !is_covered(schema, &ours, path)) {
            match excuses.no_field.contains(path) {
                true => drop(met.insert(path.clone())),
                false => {
                    wrong.push(format!("{} {path}: only a create sets it, and no field is known to be it", kind.name()))
                }
            }
        }
        wrong.extend(stale(kind, excuses.otherwise.into_keys().chain(excuses.no_field), &met));
    }
    report(&wrong);
}

/// What is wrong with a field that replaces, or that does not.
fn agrees(schema: &PublishedType, property: Option<&str>, replaces: bool) -> Result<(), &'static str> {
    let is_in = |paths: &[String]| property.is_some_and(|property| paths.iter().any(|path| path == property));
    match replaces {
        true if property.is_none() => Err("it replaces, and CloudFormation has no property of its name"),
        true if !is_in(&schema.create_only) && !is_in(&schema.conditional) => {
            Err("it replaces, and CloudFormation changes it in place")
        }
        false if is_in(&schema.create_only) => Err("it changes in place, and CloudFormation replaces"),
        _ => Ok(()),
    }
}

/// True for a path that a field of ours is, or that lies inside of one that only a create sets.
fn is_covered(schema: &PublishedType, ours: &BTreeSet<String>, path: &str) -> bool {
    let is_around = |outer: &&String| path == **outer || path.starts_with(&format!("{outer}/"));
    schema.create_only.iter().filter(is_around).any(|outer| ours.contains(outer))
}

/// The path of the property that a field is: by the kind's case, or by the field's own name, which may leave out what every reference
/// and every name has: `vpc` is `VpcId`, `name` is `RoleName`.
fn property(kind: &dyn AnyKind, excuses: &Excuses, schema: &PublishedType, field: &str) -> Option<String> {
    if let Some(path) = excuses.properties.get(field) {
        return Some(path.clone());
    }
    let plain = field.replace('_', "");
    let resource = kind.info().cloudformation.rsplit("::").next().unwrap_or_default().to_lowercase();
    let mut names = vec![plain.clone(), format!("{plain}id"), format!("{plain}s"), format!("{plain}arn")];
    names.extend([format!("{}ids", plain.trim_end_matches('s')), format!("db{plain}name")]);
    if field == "name" {
        names.extend(["name", "identifier"].map(|end| format!("{resource}{end}")));
        names.extend(["keyname", "groupname", "dbsubnetgroupname"].map(str::to_owned));
    }
    let is_named = |property: &&String| names.contains(&property.to_lowercase());
    // What AWS tells of a resource may have the shorter name: a service's `Name` beside the `ServiceName` that a create sets.
    schema.create_only.iter().find(is_named).or_else(|| schema.properties.iter().find(is_named)).cloned()
}
