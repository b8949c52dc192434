//! Every folder of `bad/` is a stack with something wrong, and holds what is said about it, word by word.
//!
//! `UPDATE=1 cargo nextest run -p up-stack` writes what is said now; read the difference before committing it.

mod common;

use std::{env, fs, path::Path};

use up_stack::Options;

#[test]
fn each_bad_stack_gets_its_message() {
    let mut names: Vec<_> = fs::read_dir("tests/bad").unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    let mut wrong = vec![];
    for name in &names {
        let name = name.to_str().unwrap();
        let said = said(name);
        let path = format!("tests/bad/{name}/expected.txt");
        if env::var_os("UPDATE").is_some() {
            fs::write(&path, &said).unwrap();
        } else if fs::read_to_string(&path).unwrap_or_default() != said {
            wrong.push(format!("--- {name}\n{said}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), names.len(), wrong.join("\n"));
}

/// What is said about a bad stack. `set.txt` beside it holds lines of `--set`.
fn said(name: &str) -> String {
    let folder = format!("tests/bad/{name}");
    let set = fs::read_to_string(format!("{folder}/set.txt")).unwrap_or_default();
    let large = (name == "too_large").then(|| format!("{folder}/stack.toml"));
    // Ten megabytes do not belong into the repository.
    large.iter().for_each(|path| fs::write(path, "# ten megabytes\n".repeat(655_360)).unwrap());
    let set = set.lines().filter_map(|line| line.split_once('=')).map(|(name, value)| (name.into(), value.into()));
    let options = Options { set: set.collect(), ..Options::default() };
    let loaded = common::load(&format!("{folder}/stack.toml"), &options);
    large.iter().for_each(|path| fs::remove_file(path).unwrap());
    match loaded {
        Ok(_) => panic!("{name} is not bad"),
        Err(diagnostics) => {
            assert!(diagnostics.iter().all(|diagnostic| diagnostic.line > 0 && diagnostic.column > 0), "{name}");
            let here = Path::new(".").canonicalize().unwrap();
            format!("{diagnostics}\n").replace(&format!("{}/", here.display()), "")
        }
    }
}
