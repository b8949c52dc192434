//! Damaged stack files and expressions: loading ends soon and without a panic, and errors point into the file.

mod common;
#[path = "../../../tests/fuzz/mod.rs"]
mod fuzz;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
    time::{Duration, Instant},
};

use fuzz::{spoils, spoilt, tries};
use proptest::{prelude::*, sample::Index};
use up_stack::LoadOptions;

/// Tokens of stack files to insert, and edge cases.
const WORDS: &[&str] = &[
    "${",
    "}",
    "%{",
    "$${",
    "~}",
    "${each.key}",
    "for_each = ",
    "depends_on = ",
    "[stack]\n",
    "[inputs.x]\n",
    "[locals]\n",
    "[module.m]\nsource = \"a.toml\"\n",
    "[net.network.n]\n",
    "[net.network.n.tags]\n",
    "[[net.group.g.ingress]]\n",
    "{\n",
    ",\n}\n",
    "[\n",
    "source = \"../../x\"",
    "\"\"\"",
    "'''",
    "\"",
    "'",
    "=",
    "#",
    "{",
    "[",
    "]]",
    ".",
    ",",
    "\n",
    "\r",
    "\u{0}",
    "\u{feff}",
    "\u{e000}",
    "\u{e001}",
    "\u{202e}",
    "\u{1b}[31m",
    "ü",
    "𐀀",
    "é\u{301}",
    "99999999999999999999",
    "-1",
    "1e999",
    "nan",
    "inf",
    "0x7fffffffffffffff",
    "true",
    "null",
    "sensitive = true\n",
    "type = \"list(any)\"\n",
    "object({ a = string })",
    "optional(",
    "zones",
    "inputs.",
    "locals.",
    "module.",
    "stack.account",
    "[*]",
    "[\"a\"]",
    "? 1 : 2",
    "==",
    "&&",
    "!",
    "...",
    "=>",
    "if ",
    "for a in ",
    "cidrsubnet(",
    "jsonencode(",
    "file(\"",
    "templatefile(\"",
    "try(",
    "can(",
    "merge(",
    "format(\"%s%%%d\"",
    "regex(\"(a*)*\"",
    "range(1024)",
    "split(\"\", ",
    "<<EOT\n",
    "{ id = \"x\" }",
    "prevent_destroy = true\n",
    "ignore_changes = [\"x\"]\n",
    "ignore_tags = [\"a*\"]\n",
    "renamed_from = \"old\"\n",
    "x/net.network.old:k",
    "tags.Key",
    "10.0.0.0/33",
    "::/0",
    "aws:x",
    "bullstra:stack",
];

/// No load may take longer, even in a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The folders of stacks to damage, and their files.
static SEEDS: LazyLock<Vec<(PathBuf, Vec<PathBuf>)>> = LazyLock::new(|| {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![here.join("../../stacks")];
    for kind in ["tests/good", "tests/bad"] {
        folders.extend(fs::read_dir(here.join(kind)).unwrap().map(|entry| entry.unwrap().path()));
    }
    folders.sort();
    let files = |folder: PathBuf| {
        let mut files = vec![];
        toml_files(&folder, &mut files);
        (!files.is_empty()).then_some((folder, files))
    };
    folders.into_iter().filter_map(files).collect()
});

fn toml_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            toml_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            found.push(path);
        }
    }
    found.sort();
}

/// Loads the stack at `path`, and checks its errors.
fn check(path: &Path) -> Result<(), TestCaseError> {
    let begun = Instant::now();
    let options = LoadOptions { set: vec![("x".into(), "1".into())], ..LoadOptions::default() };
    let loaded = common::load(path.to_str().unwrap(), &options);
    if let Err(wrong) = loaded {
        prop_assert!(wrong.len() > 0);
        for diagnostic in &wrong {
            let Ok(text) = fs::read_to_string(&diagnostic.file) else { continue };
            let mut lines = text.split('\n').skip(diagnostic.line - 1);
            let Some(line) = lines.next() else {
                return Err(TestCaseError::fail(format!("{diagnostic:?} points behind the file")));
            };
            let columns = line.chars().count() + 1;
            prop_assert!((1..=columns).contains(&diagnostic.column), "{diagnostic:?} points beside {line:?}");
        }
        let shown = wrong.to_string();
        prop_assert!(shown.starts_with("error: "), "{shown}");
        let coloured = wrong.coloured();
        prop_assert!(!coloured.is_empty());
    }
    let took = begun.elapsed();
    prop_assert!(took < PATIENCE, "it took {took:?}");
    Ok(())
}

proptest! {
    #![proptest_config(tries(400))]

    #[test]
    fn a_spoilt_file_is_read_or_refused(seed in any::<Index>(), file in any::<Index>(), spoils in spoils(WORDS)) {
        let (folder, files) = &SEEDS[seed.index(SEEDS.len())];
        let file = &files[file.index(files.len())];
        let copy = tempfile::tempdir().unwrap();
        let copied = Command::new("cp").arg("-R").arg(folder.join(".")).arg(copy.path()).status().unwrap();
        prop_assert!(copied.success());
        let target = copy.path().join(file.strip_prefix(folder).unwrap());
        fs::write(&target, spoilt(&fs::read(file).unwrap(), &spoils)).unwrap();
        let root = ["stack.toml", "prod.toml"].map(|name| copy.path().join(name)).into_iter().find(|path| path.exists());
        check(&root.unwrap_or(target))?;
    }
}

/// Expressions to damage and to nest.
const EXPRESSIONS: &[&str] = &[
    "[for a in range(1000) : [for b in range(100) : a * b]]",
    "{ for k, v in { a = 1, b = [1, 2] } : upper(k) => v... if k != \"c\" }",
    "cidrsubnet(\"10.0.0.0/8\", 8, 255)",
    "join(\",\", [for z in zones : \"${z}-${stack.region}\"])",
    "merge({ a = 1 }, { b = { c = [true, null, -1.5] } }).b.c[*]",
    "try(tonumber(\"x\"), can(inputs.none), length(\"ü\") > 0 ? \"a\" : \"b\")",
    "format(\"%05d %-10s %x %q %%\", 42, \"a\", 255, \"b\")",
    "regexall(\"(?i)([a-z]+)-([0-9]+)\", \"ab-12 cd-34\")",
    "replace(substr(\"hello\", 1, -1), \"/l+/\", \"L\")",
    "jsondecode(jsonencode({ a = [1, { b = \"\\u00e9\" }] }))",
    "flatten([[1, [2]], setunion([1], [2]), slice(range(10), 2, 5)])",
    "base64decode(base64encode(sha256(urlencode(\"a b&c\"))))",
    "templatefile(\"t.tmpl\", { name = \"x\" })",
    "<<-EOT\n  %{ for x in [1, 2] ~}\n  ${x}\n  %{ endfor ~}\n  EOT\n",
    "zipmap([\"a\", \"b\"], [1, 2])[\"a\"] + pow(2, 10) % 7 - -3",
    "element(sort([\"b\", \"a\"]), 5) == \"a\" && !false || alltrue([])",
    "yamldecode(\"a: &x [1, {b: *y}, !!str 5]\\nb: <<\\n- |\\n c\")",
    "yamlencode({ a = [[1, [\"x\\ny\"]], { b = {} }], \"c: d\" = null })",
    "formatdate(\"EEEE 'at' hh:mm ZZZZ\", timeadd(\"2018-01-02T23:12:01-08:00\", \"-1h30m\"))",
    "csvdecode(\"a,b\\n\\\"1\\\"\\\"2\\\",3\")",
    "fileset(\".\", \"**/{t,[a-c]}*.tm?l\")",
    "setproduct([1, 2], [\"a\"], transpose({ a = [\"b\"] }).b)",
    "parseint(\"zZ\", 62) * 0.1 + pow(2, 0.5) / pow(10, 30)",
];

fn expressions() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        6 => proptest::sample::select(EXPRESSIONS).prop_map(str::to_owned),
        1 => any::<i64>().prop_map(|number| number.to_string()),
        1 => any::<f64>().prop_map(|number| format!("{number:e}")),
        1 => "\\PC{0,20}".prop_map(|text| format!("{text:?}")),
    ];
    leaf.prop_recursive(6, 64, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|a| format!("[for x in {a} : [x, {a}]]")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{{ a = {a}, \"b\" = {b} }}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) + ({b})")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a}) ? ({b}) : ({c})")),
            (proptest::sample::select(FUNCTIONS), proptest::collection::vec(inner.clone(), 0..4))
                .prop_map(|(name, arguments)| format!("{name}({})", arguments.join(", "))),
            inner.prop_map(|a| format!("\"x${{{a}}}y\"")),
        ]
    })
}

const FUNCTIONS: &[&str] = &[
    "abs",
    "alltrue",
    "base64decode",
    "base64encode",
    "ceil",
    "chunklist",
    "cidrhost",
    "cidrnetmask",
    "cidrsubnet",
    "coalesce",
    "compact",
    "concat",
    "contains",
    "distinct",
    "element",
    "endswith",
    "file",
    "fileexists",
    "flatten",
    "floor",
    "format",
    "indent",
    "index",
    "join",
    "jsondecode",
    "jsonencode",
    "keys",
    "length",
    "lookup",
    "lower",
    "max",
    "merge",
    "min",
    "one",
    "pow",
    "range",
    "regex",
    "regexall",
    "replace",
    "reverse",
    "setintersection",
    "setsubtract",
    "slice",
    "sort",
    "split",
    "substr",
    "sum",
    "templatefile",
    "title",
    "tobool",
    "tolist",
    "tomap",
    "tonumber",
    "toset",
    "tostring",
    "trim",
    "trimprefix",
    "upper",
    "urlencode",
    "values",
    "zipmap",
    "base64gzip",
    "csvdecode",
    "dirname",
    "fileset",
    "formatdate",
    "matchkeys",
    "md5",
    "parseint",
    "setproduct",
    "sum",
    "templatestring",
    "textdecodebase64",
    "textencodebase64",
    "timeadd",
    "transpose",
    "uuidv5",
    "yamldecode",
    "yamlencode",
    "try",
    "can",
];

proptest! {
    #![proptest_config(tries(800))]

    #[test]
    fn an_expression_is_evaluated_or_refused_soon(expression in expressions(), spoils in spoils(WORDS), is_spoilt in any::<bool>()) {
        let expression = match is_spoilt {
            true => String::from_utf8_lossy(&spoilt(expression.as_bytes(), &spoils)).into_owned(),
            false => expression,
        };
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("t.tmpl"), "hello ${name}").unwrap();
        let path = folder.path().join("stack.toml");
        let escaped: String = format!("${{{expression}}}").chars().map(escaped).collect();
        let text = format!("[stack]\nname = \"x\"\nregion = \"us-east-1\"\n[locals]\na = \"{escaped}\"\n[net.network.n]\ncidr_block = \"10.0.0.0/8\"\nlabel = \"${{jsonencode(locals.a)}}\"\n");
        fs::write(&path, text).unwrap();
        check(&path)?;
    }
}

/// Escapes a character for a basic string of TOML.
fn escaped(c: char) -> String {
    match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    }
}
