//! Very large and very deep input: loading ends soon, and the process survives.

mod common;

use std::{fs, time::Instant};

use up_stack::{LoadOptions, Stack};

/// Loads a stack with these lines: the stack or the error messages, and the seconds it took.
fn load(lines: &str) -> (Result<Stack, String>, f64) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stack.toml");
    fs::write(&path, format!("[stack]\nname = \"x\"\nregion = \"us-east-1\"\n{lines}")).unwrap();
    let start = Instant::now();
    let loaded = common::load(path.to_str().unwrap(), &LoadOptions::default());
    (loaded.map_err(|wrong| wrong.to_string()), start.elapsed().as_secs_f64())
}

/// No load may take longer, even in a debug build on a busy machine.
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
        ("many negations", local(&nested("-", "", 100_000)), "invalid expression"),
        ("conditions", local(&nested("true ? 1 : ", "", 300)), "nesting depth"),
        ("sums", local(&nested("1 + ", "", 100_000)), "chained binary operators"),
        ("accesses", local(&format!("${{null{}}}", ".a".repeat(100_000))), "null has no `a`"),
        ("directives", local(&"%{ if true }".repeat(50_000)), "nesting depth"),
        ("open quotes", local(&"${\"".repeat(10_000)), "invalid expression"),
        ("doubling", format!("[locals]\ns0 = \"0123456789\"\n{doubling}"), "larger than 4 MiB"),
        ("loops", local(loops), "larger than 4 MiB"),
        ("idle loops", local(idle), "too much time or memory"),
        ("resources", format!("[net.network.a]\nfor_each = {many}\ncidr_block = \"10.0.0.0/8\"\n"), "too much time"),
        ("toml arrays", format!("[locals]\na = {}{}\n", "[".repeat(100_000), "]".repeat(100_000)), "recurse"),
        ("toml tables", format!("[{}]\n", vec!["a"; 50_000].join(".")), "recursion limit"),
        ("regex", local("${regex(\"(a*)*b\", join(\"\", [for i in range(1000) : \"a\"]))}"), "does not match"),
        ("format", local("${format(\"%999999999d\", 1)}"), ""),
        ("range", local("${range(1000000000)}"), "at most 1024"),
        ("pow", local("${pow(10, 1000)}"), "the result is too large"),
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

#[test]
fn a_flood_of_mistakes_is_counted_and_its_beginning_shown() {
    let unknown: String = (0..10_000).map(|n| format!("a{n} = \"${{locals.nothing{n}}}\"\n")).collect();
    let kinds: String = (0..5000).map(|n| format!("[net.network.n{n}]\ncidr_blok = \"x\"\n")).collect();
    let long = "x".repeat(200_000);
    let long = format!("[locals]\n{long}a = 1\nb = \"${{locals.{long}b}}\"\n");
    let (loaded, took) = load(&long);
    assert!(loaded.is_err() && took < PATIENCE, "long names took {took} s");
    for (name, lines) in [("names", format!("[locals]\n{unknown}")), ("kinds", kinds)] {
        let (loaded, took) = load(&lines);
        let said = loaded.err().unwrap_or_default();
        assert!(said.contains(" more") && said.matches("error: ").count() == 100, "{name}: {}", said.len());
        assert!(took < PATIENCE, "{name} took {took} s");
    }
}

#[test]
fn modules_of_modules_and_many_files_come_to_an_end() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let stack = "[stack]\nname = \"x\"\nregion = \"us-east-1\"\n";
    // 300 modules of 300 modules of 300 networks.
    let many = "for_each = '${[for n in range(300) : \"n${n}\"]}'";
    write("stack.toml", &format!("{stack}[module.a]\nsource = \"a.toml\"\n{many}\n"));
    write("a.toml", &format!("[module.b]\nsource = \"b.toml\"\n{many}\n"));
    write("b.toml", &format!("[net.network.n]\n{many}\ncidr_block = \"10.0.0.0/8\"\n"));
    let files: String = (0..600).map(|n| format!("[module.m{n}]\nsource = \"m{n}.toml\"\n")).collect();
    write("files.toml", &format!("{stack}{files}"));
    (0..600).for_each(|n| write(&format!("m{n}.toml"), ""));
    for (file, want) in [("stack.toml", "too much time or memory"), ("files.toml", "a stack has at most 500")] {
        let start = Instant::now();
        let wrong = common::load(folder.path().join(file).to_str().unwrap(), &LoadOptions::default()).unwrap_err();
        assert!(wrong.to_string().contains(want), "{wrong:.2000}");
        assert!(start.elapsed().as_secs_f64() < PATIENCE, "{file}");
    }
}

#[test]
fn nothing_is_read_from_outside_the_stack_s_folder_unless_it_is_allowed() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("m.toml"), "").unwrap();
    fs::write(outside.path().join("secret.txt"), "outside").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::os::unix::fs::symlink(outside.path(), at("link")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", at("zero")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
    fs::write(at("long.txt"), "x".repeat(1024 * 1024 + 1)).unwrap();
    let load = |lines: &str, allow: Vec<std::path::PathBuf>| {
        fs::write(at("stack.toml"), format!("[stack]\nname = \"x\"\nregion = \"us-east-1\"\n{lines}\n")).unwrap();
        let options = LoadOptions { allow, ..LoadOptions::default() };
        common::load(at("stack.toml").to_str().unwrap(), &options).map_err(|wrong| wrong.to_string())
    };
    let file = |path: &str| format!("[locals]\na = '${{file(\"{path}\")}}'");
    let module = |path: &str| format!("[module.m]\nsource = \"{path}\"");
    let absolute = outside.path().join("secret.txt").display().to_string();
    for (lines, want) in [
        (file("link/secret.txt"), "outside the stack's folder"),
        (file("zero"), "outside the stack's folder"),
        (file("pipe"), "not a regular file"),
        (file("long.txt"), "too large"),
        (file(&absolute), "is absolute"),
        (file("~/.aws/credentials"), "`~`"),
        (file(""), "is empty"),
        (file("."), "a folder"),
        (file("/dev/stdin"), "is absolute"),
        (module("link/m.toml"), "outside the stack's folder"),
        (module(&outside.path().join("m.toml").display().to_string()), "is absolute"),
        (module("pipe"), "not a regular file"),
    ] {
        let wrong = load(&lines, vec![]).unwrap_err();
        assert!(wrong.contains(want), "{lines}: {wrong}");
    }
    let allow = vec![outside.path().to_owned()];
    load(&file("link/secret.txt"), allow.clone()).unwrap();
    load(&module("link/m.toml"), allow.clone()).unwrap();
    assert!(load(&file("zero"), allow).is_err());
}
