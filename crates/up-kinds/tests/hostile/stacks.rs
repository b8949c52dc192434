//! Production's own files, spoilt, with all kinds there are: their checks take whatever fits their types.

use std::{fs, path::Path, process::Command};

use proptest::{prelude::*, sample::Index};
use up_stack::LoadOptions;

use crate::fuzz::{spoils, spoilt, tries};

const WORDS: &[&str] = &[
    "-1",
    "0",
    "65536",
    "99999999999",
    "9223372036854775807",
    "-9223372036854775808",
    "1.5",
    "[]",
    "{}",
    "\"\"",
    "true",
    "\"*\"",
    "\"10.0.0.0/0\"",
    "\"0.0.0.0/32\"",
    "\"::/0\"",
    "[0, 65535]",
    "[65535, 0]",
    "\"ü\"",
    "\"\\u001b[2J\"",
    "${null}",
    "${zones[0]}",
    "${[for a in range(100) : a]}",
    "\"arn:\"",
    "\"mon:99:99-sun:00:00\"",
    "{ id = \"\" }",
    "[[\"\"]]",
    "replace",
    "\n",
    "=",
    "\"",
];

proptest! {
    #![proptest_config(tries(60))]

    #[test]
    fn spoilt_production_is_read_or_refused(file in any::<Index>(), spoils in spoils(WORDS)) {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stacks");
        let copy = tempfile::tempdir().unwrap();
        let copied = Command::new("cp").arg("-R").arg(from.join(".")).arg(copy.path()).status().unwrap();
        prop_assert!(copied.success());
        let mut files: Vec<_> = fs::read_dir(copy.path().join("modules")).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files.push(copy.path().join("prod.toml"));
        let file = &files[file.index(files.len())];
        fs::write(file, spoilt(&fs::read(file).unwrap(), &spoils)).unwrap();
        if let Err(wrong) = up_stack::load(&copy.path().join("prod.toml"), &up_kinds::models(), &LoadOptions::default()) {
            let shown = wrong.to_string();
            prop_assert!(shown.starts_with("error: "), "{shown}");
        }
    }
}
