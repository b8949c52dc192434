//! Writes the list of the Python package's files, so that a new one needs no line of Rust.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("python");
    println!("cargo::rerun-if-changed=python/bullstra_sandbox");
    let mut files = vec![];
    collect(&root.join("bullstra_sandbox"), &mut files)?;
    files.sort();
    let mut list = String::from("&[\n");
    for file in files {
        let name = file.strip_prefix(&root).expect("it was found below the root").display().to_string();
        // The folder is asked for when this is compiled: another clone may use this one's build folder.
        let path = format!("concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/python/{name}\")");
        writeln!(list, "    ({name:?}, include_str!({path})),").expect("a string takes everything");
    }
    list.push(']');
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("package_files.rs"), list)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "py" || extension == "json") {
            files.push(path);
        }
    }
    Ok(())
}
