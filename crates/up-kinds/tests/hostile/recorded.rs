//! The stack that was recorded, see `record.py`: production, and what the cases of kinds that it does not use add to it.

use std::{collections::BTreeSet, fs, path::PathBuf, sync::LazyLock};

use up_core::{Address, AnyKind, Declared};
use up_stack::LoadOptions;

/// Its name.
pub(crate) const STACK: &str = "bullstra-hostile";

/// All that it declares, and services of production beside the one that was recorded.
static DECLARED: LazyLock<Vec<Declared>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let added: String = up_kinds::all().into_iter().map(|kind| case(kind, "recorded.toml")).collect();
    let file = folder.path().join("added.toml");
    fs::write(&file, format!("[stack]\nname = \"{STACK}\"\nregion = \"us-east-1\"\n\n{added}")).unwrap();
    let load = |file: PathBuf| up_stack::load(&file, &up_kinds::models(), &LoadOptions::default());
    let stacks =
        [root().join("stacks/prod.toml"), file].map(|file| load(file).unwrap_or_else(|wrong| panic!("{wrong}")));
    stacks.into_iter().flat_map(|stack| stack.resources).collect()
});

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A file of a kind's case; nothing where it has none.
pub(crate) fn case(kind: &dyn AnyKind, file: &str) -> String {
    fs::read_to_string(root().join("tests/kinds").join(kind.name()).join(file)).unwrap_or_default()
}

fn declared(kind: &str) -> impl Iterator<Item = &'static Declared> {
    DECLARED.iter().filter(move |declared| declared.address.kind == kind)
}

/// The fields that resources of a kind set.
pub(crate) fn fields(kind: &dyn AnyKind) -> BTreeSet<String> {
    let specs = declared(kind.name()).filter_map(|declared| declared.spec.as_object());
    specs.flatten().filter(|(_, value)| !value.is_null()).map(|(field, _)| field.clone()).collect()
}

/// The parent and the natural key of each resource of a kind without tags.
pub(crate) fn children(kind: &dyn AnyKind) -> Vec<(Address, String)> {
    let Some(field) = kind.info().parent else { return vec![] };
    let child = |declared: &Declared| {
        let parent = declared.spec[field]["$ref"].as_str()?.parse().ok()?;
        Some((parent, kind.natural_key(&declared.spec)?))
    };
    declared(kind.name()).filter_map(child).collect()
}
