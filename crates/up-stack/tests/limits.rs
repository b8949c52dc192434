//! Input of hostile size and depth: an answer comes soon, and the process lives.

mod common;

use std::{fs, time::Instant};

use up_stack::{Options, Stack};

/// Loads a stack of these lines: what comes of it or is said about it, and the seconds it took.
fn load(lines: &str) -> (Result<Stack, String>, f64) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stack.toml");
    fs::write(&path, format!("[stack]\nname = \"x\"\nregion = \"us-east-1\"\n{lines}")).unwrap();
    let start = Instant::now();
    let loaded = common::load(path.to_str().unwrap(), &Options::default());
    (loaded.map_err(|wrong| wrong.to_string()), start.elapsed().as_secs_f64())
}

/// A debug build on a busy machine is slow; nothing here may take longer than this even so.
const PATIENCE: f64 = 60.0;

#[test]
fn no_input_hangs_or_kills() {
    let nested = |open: &str, close: &str, times: usize| format!("${{{}1{}}}", open.repeat(times), close.repeat(times));
    let local = |text: &str| format!("[locals]\na = '''{text}'''\n");
    let doubling: String = (0..200).map(|n| format!("s{} = \"${{locals.s{n}}}${{locals.s{n}}}\"\n", n + 1)).collect();
    let loops = "${[for a in range(1000) : [for b in range(1000) : [for c in range(1000) : 1]]]}";
    let idle =
        "${[for a in range(1000) : 1 if [for b in range(1000) : 1 if [for c in range(1000) : 1 if false] == 1] == 1]}";
    let many = "'''${flatten([for a in range(300) : [for b in range(300) : \"${a}-${b}\"]])}'''";
    let cases = [
        ("parentheses", local(&nested("(", ")", 40)), ""),
        ("brackets", local(&nested("[", "]", 40)), ""),
        ("objects", local(&nested("{ a = ", "}", 40)), ""),
        ("calls", local(&nested("abs(", ")", 40)), ""),
        ("quotes in quotes", local(&nested("\"${", "}\"", 20)), ""),
        ("many brackets", local(&nested("[", "]", 100_000)), "nesting depth"),
        ("many negations", local(&nested("-", "", 100_000)), "no expression"),
        ("conditions", local(&nested("true ? 1 : ", "", 300)), "nesting depth"),
        ("sums", local(&nested("1 + ", "", 100_000)), "chained binary operators"),
        ("accesses", local(&format!("${{null{}}}", ".a".repeat(100_000))), "there is no `a` in null"),
        ("directives", local(&"%{ if true }".repeat(50_000)), "nesting depth"),
        ("open quotes", local(&"${\"".repeat(10_000)), "no expression"),
        ("doubling", format!("[locals]\ns0 = \"0123456789\"\n{doubling}"), "more than 4 MiB"),
        ("loops", local(loops), "more than 4 MiB"),
        ("idle loops", local(idle), "too much time or memory"),
        ("resources", format!("[net.network.a]\nfor_each = {many}\ncidr_block = \"10.0.0.0/8\"\n"), "too much time"),
        ("toml arrays", format!("[locals]\na = {}{}\n", "[".repeat(100_000), "]".repeat(100_000)), "recurse"),
        ("toml tables", format!("[{}]\n", vec!["a"; 50_000].join(".")), "recursion limit"),
        ("regex", local("${regex(\"(a*)*b\", join(\"\", [for i in range(1000) : \"a\"]))}"), "does not match"),
        ("format", local("${format(\"%999999999d\", 1)}"), ""),
        ("range", local("${range(1000000000)}"), "at most 1024"),
        ("pow", local("${pow(10, 1000)}"), "too large a number"),
    ];
    for (name, lines, want) in cases {
        let (loaded, took) = load(&lines);
        let said = loaded.err().unwrap_or_default();
        let fits = if want.is_empty() { said.is_empty() } else { said.contains(want) };
        assert!(fits, "{name}: {}", said.chars().take(500).collect::<String>());
        assert!(took < PATIENCE, "{name} took {took} s");
    }
}

#[test]
fn ten_thousand_resources_are_read_at_once() {
    let mut lines = String::from("[net.network.main]\ncidr_block = \"10.0.0.0/8\"\n[locals]\n");
    lines += "names = '${[for i in range(1000) : \"s${i}\"]}'\n";
    for n in 0..5 {
        lines += &format!("[net.group.many{n}]\nfor_each = '${{[for name in locals.names : \"${{name}}\"]}}'\n");
        lines += "network = \"main\"\ntags = { Name = \"${each.key}\" }\n";
        lines += "labels = { of = \"${each.key}\", id = \"${net.network.main.id}\" }\n";
    }
    for n in 0..5000 {
        lines += &format!("[net.group.one{n}]\nnetwork = \"main\"\nlabels.of = '${{net.group.many0[\"s1\"].arn}}'\n");
    }
    let (loaded, took) = load(&lines);
    let stack = loaded.unwrap_or_else(|wrong| panic!("{}", wrong.chars().take(2000).collect::<String>()));
    assert_eq!(stack.resources.len(), 10_001);
    assert!(took < PATIENCE, "{took} s");
}
