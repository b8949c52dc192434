//! Every row of the table of invariants in `crates/README.md` names what keeps it, and that exists.

use std::{
    fs,
    path::{Path, PathBuf},
};

#[test]
fn every_test_that_the_table_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = fs::read_to_string(root.join("crates/README.md")).unwrap();
    let (_, table) = page.split_once("| invariant | kept by |").unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let mut sources = vec![];
    for folder in ["crates", "tests"] {
        find(&root.join(folder), &mut sources);
    }
    let texts: Vec<_> = sources.iter().map(|path| fs::read_to_string(path).unwrap_or_default()).collect();
    let (mut wrong, mut checked) = (vec![], 0);
    for row in rows {
        let kept_by = row.trim_end_matches('|').rsplit('|').next().unwrap_or_default().trim();
        if kept_by.is_empty() {
            wrong.push(format!("nothing keeps: {row}"));
        }
        for name in kept_by.split('`').skip(1).step_by(2) {
            checked += 1;
            let is_test = |name: &str| texts.iter().any(|text| names(text, name));
            let exists = match name.rsplit("::").next().unwrap_or(name) {
                _ if name.starts_with(['[']) || name.starts_with("x.") || name.contains(char::is_uppercase) => true,
                file if file.contains(['.', '/']) => {
                    root.join(file).exists() || sources.iter().any(|path| path.ends_with(file) || is_in(path, file))
                }
                test if test.matches('_').count() > 1 => is_test(test) || is_trial(&texts, name),
                _ => true,
            };
            if !exists {
                wrong.push(format!("there is no `{name}`: {row}"));
            }
        }
    }
    assert!(checked > 100, "{checked} names were checked");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// True where a text has a test of this name, or one that begins or ends so: `…_ring_…`.
fn names(text: &str, test: &str) -> bool {
    let part = test.trim_matches('…');
    let begins = if test.starts_with('…') { "" } else { "fn " };
    let ends = if test.ends_with('…') { "" } else { "(" };
    text.contains(&format!("{begins}{part}{ends}"))
}

/// True where an end-to-end test has this name, or one that begins so.
fn is_trial(texts: &[String], name: &str) -> bool {
    let begins = format!("\"{}", name.trim_end_matches('…'));
    texts.iter().any(|text| text.contains(&begins))
}

/// True for a file in the folder that a path such as `tests/kinds` or `crates/up-plan/tests/hands` ends with.
fn is_in(path: &Path, folder: &str) -> bool {
    path.ancestors().any(|above| above.ends_with(folder.trim_end_matches("/*/life.toml")))
}

fn find(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        match entry.is_dir() {
            true => find(&entry, found),
            false if entry.extension().is_some_and(|it| it == "rs" || it == "toml" || it == "txt") => found.push(entry),
            false => {}
        }
    }
}
