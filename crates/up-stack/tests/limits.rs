//! Input of hostile size and depth: an answer comes soon, and the process lives.

mod common;

use std::{fs, time::Instant};

use up_stack::{Options, Stack};

/// Loads a stack of these lines, and what is said about it.
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
    let inner = |text: &str| format!("[locals]\na = '''{text}'''\n");
    let strings: String = (0..200).map(|n| format!("s{} = \"${{locals.s{n}}}${{locals.s{n}}}\"\n", n + 1)).collect();
    let cases = [
        ("parentheses", inner(&nested("(", ")", 40))),
        ("brackets", inner(&nested("[", "]", 40))),
        ("objects", inner(&nested("{ a = ", "}", 40))),
        ("calls", inner(&nested("abs(", ")", 40))),
        ("negations", inner(&nested("!", "", 390))),
        ("too many brackets", inner(&nested("[", "]", 100_000))),
        ("too many negations", inner(&nested("-", "", 100_000))),
        ("conditions", inner(&nested("true ? 1 : ", "", 300))),
        ("sums", inner(&nested("1 + ", "", 390))),
        ("directives", inner(&format!("{}{}", "%{ if true }".repeat(190), "%{ endif }".repeat(190)))),
        ("many directives", inner(&"%{ if true }".repeat(50_000))),
        ("quotes in quotes", inner(&nested("\"${", "}\"", 20))),
        ("open quotes", inner(&"${\"".repeat(10_000))),
        ("doubling", format!("[locals]\ns0 = \"0123456789\"\n{strings}")),
        ("loops", inner("${[for a in range(1000) : [for b in range(1000) : [for c in range(1000) : 1]]]}")),
        (
            "idle loops",
            inner(
                "${[for a in range(1000) : 1 if [for b in range(1000) : 1 if [for c in range(1000) : 1 if false] == 1] == 1]}",
            ),
        ),
        ("toml arrays", format!("[locals]\na = {}{}\n", "[".repeat(100_000), "]".repeat(100_000))),
        ("toml tables", format!("[{}]\n", vec!["a"; 50_000].join("."))),
        ("regex", inner("${regex(\"(a*)*b\", join(\"\", [for i in range(1000) : \"a\"]))}")),
        ("format", inner("${format(\"%999999999d\", 1)}")),
        ("range", inner("${range(1000000000)}")),
        ("pow", inner("${pow(10, 1000)}")),
    ];
    for (name, lines) in cases {
        let (loaded, took) = load(&lines);
        eprintln!(
            "{name}: {took:.2} s: {}",
            loaded.err().map_or("fine".into(), |wrong| wrong.lines().next().unwrap_or_default().to_owned())
        );
        assert!(took < PATIENCE, "{name} took {took} s");
    }
}

#[test]
fn ten_thousand_resources_are_read_at_once() {
    let mut lines = String::from(
        "[net.network.main]\ncidr_block = \"10.0.0.0/8\"\n[locals]\nnames = \"${[for i in range(1000) : \"s${i}\"]}\"\n",
    );
    for n in 0..5 {
        lines += &format!(
            "[net.group.many{n}]\nfor_each = '${{[for name in locals.names : \"${{name}}\"]}}'\nnetwork = \"main\"\ntags = {{ Name = \"${{each.key}}\" }}\nlabels = {{ of = \"${{each.key}}\", id = \"${{net.network.main.id}}\" }}\n"
        );
    }
    for n in 0..5000 {
        lines += &format!(
            "[net.group.one{n}]\nnetwork = \"main\"\nlabels = {{ of = \"${{net.group.many0[\"s1\"].arn}}\" }}\n"
        )
        .replace("[\"s1\"]", "[\\\"s1\\\"]");
    }
    lines = lines
        .replace("\"s${i}\"", "'s'")
        .replace("\"${[for i in range(1000) : 's']}\"", "'${[for i in range(1000) : \"s${i}\"]}'");
    let (loaded, took) = load(&lines);
    let stack = loaded.unwrap_or_else(|wrong| panic!("{}", wrong.chars().take(2000).collect::<String>()));
    eprintln!("{} resources took {took:.2} s", stack.resources.len());
    assert_eq!(stack.resources.len(), 10_001);
    assert!(took < PATIENCE, "{took} s");
}
