//! Invalid stacks: each folder of `bad/` holds one, and the messages that it must get, word for word.
//!
//! `UPDATE=1 cargo nextest run -p up-stack` rewrites the messages; read the difference before you commit it.

mod common;

use std::{env, fs, path::Path};

use up_stack::LoadOptions;

#[test]
fn each_bad_stack_gets_its_message() {
    let mut names: Vec<_> = fs::read_dir("tests/bad").unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    let mut wrong = vec![];
    for name in &names {
        let name = name.to_str().unwrap();
        let messages = messages(name);
        let path = format!("tests/bad/{name}/expected.txt");
        if env::var_os("UPDATE").is_some() {
            fs::write(&path, &messages).unwrap();
        } else if fs::read_to_string(&path).unwrap_or_default() != messages {
            wrong.push(format!("--- {name}\n{messages}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), names.len(), wrong.join("\n"));
}

/// The messages for an invalid stack. Its `set.txt` holds the values of `--set`, one a line.
fn messages(name: &str) -> String {
    let folder = format!("tests/bad/{name}");
    let set = fs::read_to_string(format!("{folder}/set.txt")).unwrap_or_default();
    let large = (name == "too_large").then(|| format!("{folder}/stack.toml"));
    // A file of ten megabytes is not committed.
    large.iter().for_each(|path| fs::write(path, "# ten megabytes\n".repeat(655_360)).unwrap());
    let set = set.lines().filter_map(|line| line.split_once('=')).map(|(name, value)| (name.into(), value.into()));
    let options = LoadOptions { set: set.collect(), ..LoadOptions::default() };
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
