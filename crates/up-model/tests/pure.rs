//! Reading and planning a stack need nothing of AWS's SDK.

use std::process::Command;

#[test]
fn no_pure_crate_depends_on_the_sdk() {
    for pure in ["up-model", "up-plan", "up-stack"] {
        let tree = Command::new(env!("CARGO"))
            .args(["tree", "--offline", "--locked", "--edges", "normal", "--prefix", "none", "--package", pure])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        let crates = String::from_utf8(tree.stdout).unwrap();
        assert!(crates.starts_with(pure), "{}", String::from_utf8_lossy(&tree.stderr));
        let theirs: Vec<_> =
            crates.lines().filter(|it| ["aws-", "tokio ", "up-core "].iter().any(|no| it.starts_with(no))).collect();
        assert!(theirs.is_empty(), "{pure} depends on {theirs:?}");
    }
}
