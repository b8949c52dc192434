//! Ways to write TOML: inline tables over several lines and table headers; and the width of lines.

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::json;
use up_stack::LoadOptions;

/// The spec of `net.group.web` and its tags, in a stack with these lines.
fn group(lines: &str) -> (serde_json::Value, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stack.toml");
    let head = "[stack]\nname = \"x\"\nregion = \"us-east-1\"\n[net.network.main]\ncidr_block = \"10.0.0.0/16\"\n";
    fs::write(&path, format!("{head}{lines}")).unwrap();
    let stack = common::load(path.to_str().unwrap(), &LoadOptions::default()).unwrap_or_else(|wrong| panic!("{wrong}"));
    let found = stack.resources.iter().find(|resource| resource.address.to_string() == "net.group.web").unwrap();
    ((*found.spec).clone(), format!("{:?}", found.tags))
}

#[test]
fn a_table_means_the_same_on_one_line_on_several_and_under_headers() {
    let one_line = group(
        r#"
        [net.group.web]
        network = "main"
        labels = { tier = "web", note = "a" }
        ingress = [{ ports = [80, 80], peer = { cidr = "10.0.0.0/8" } }, { ports = [1, 2], peer = { group = "web" } }]
        tags = { Owner = "edge" }
        "#,
    );
    let several_lines = group(
        r#"
        [net.group.web]
        network = "main"
        labels = {
            tier = "web", # a comment
            note = '''a''',
        }
        ingress = [
            {
                ports = [80, 80],
                peer = {
                    cidr = "10.0.0.0/8"
                },
            },
            { ports = [1, 2], peer = { group = "web", } },
        ]
        tags = {
            Owner = "edge"
        }
        "#,
    );
    let headers = group(
        r#"
        [net.group.web]
        network = "main"

        [net.group.web.labels]
        tier = "web"
        note = "a"

        [[net.group.web.ingress]]
        ports = [80, 80]
        peer.cidr = "10.0.0.0/8"

        [[net.group.web.ingress]]
        ports = [1, 2]

        [net.group.web.ingress.peer]
        group = "web"

        [net.group.web.tags]
        Owner = "edge"
        "#,
    );
    assert_eq!(one_line.0["ingress"][1]["peer"], json!({ "group": { "$ref": "net.group.web" } }));
    assert_eq!(several_lines, one_line);
    assert_eq!(headers, one_line);
}

/// All files of the repository with this extension, except build folders.
fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !path.is_symlink() && !name.starts_with('.') && name != "target" {
            files(&path, extension, found);
        } else if name.ends_with(extension) {
            found.push(path);
        }
    }
}

/// The lines of TOML in a page of documentation, others empty.
fn examples(page: &str) -> Vec<&str> {
    let mut is_toml = false;
    let line = |line| {
        is_toml = if is_toml { line != "```" } else { line == "```toml" };
        if is_toml { line } else { "" }
    };
    page.lines().map(line).collect()
}

#[test]
fn no_line_of_toml_is_longer_than_120_columns() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let (mut stacks, mut pages) = (vec![], vec![]);
    files(&root, ".toml", &mut stacks);
    files(&root, ".md", &mut pages);
    assert!(stacks.len() > 100 && pages.len() > 30, "{} and {}", stacks.len(), pages.len());
    let mut long = vec![];
    for path in stacks.iter().chain(&pages) {
        let text = String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        let lines =
            if path.extension().is_some_and(|it| it == "md") { examples(&text) } else { text.lines().collect() };
        let columns = lines.iter().enumerate().map(|(index, line)| (index + 1, line.chars().count()));
        long.extend(columns.filter(|(_, columns)| *columns > 120).map(|(line, columns)| (path, line, columns)));
    }
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn defaults_of_sensitive_inputs_are_hidden_in_a_file_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stack.toml");
    let input = "[inputs.password]\ntype = \"map(string)\"\nsensitive = true\ndescription = \"A.\"\n";
    let text = format!("[stack]\nname = \"x\"\n{input}default = {{ admin = \"hunter22\", other = [\n");
    fs::write(&path, text).unwrap();
    let wrong = common::load(path.to_str().unwrap(), &LoadOptions::default()).unwrap_err();
    assert!(wrong.to_string().contains("unclosed"), "{wrong}");
    assert!(wrong.secrets().contains("hunter22"), "{:?}", wrong.secrets());
}
