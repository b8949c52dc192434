//! `reference`.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use clap::Args;

use up_engine::{Failure, Level, Reason};

use crate::{exit::Exit, render, terminal};

/// Writes the reference: a page for each kind, and their index.
///
/// For developers of this program: run it in the repository.
#[derive(Debug, Args)]
pub(crate) struct ReferenceCommand {
    /// The folder of the pages. Pages of kinds that no longer exist are deleted.
    #[arg(long, value_name = "DIR", default_value = "docs/kinds")]
    pub(crate) pages: PathBuf,
    /// The folder of the kinds' test cases, which the pages' examples come from.
    #[arg(long, value_name = "DIR", default_value = "tests/kinds")]
    pub(crate) examples: PathBuf,
}

impl ReferenceCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let Self { pages: folder, examples } = self;
        let failed = |error| Failure::new(Reason::Failed, format!("failed to write {}: {error}", folder.display()));
        let written = pages(&examples).and_then(|pages| write(&folder, &pages)).map_err(failed)?;
        terminal::say(render::message(Level::Note, &format!("{written} pages are in {}", folder.display())));
        Ok(Exit::Ok)
    }
}

/// Every page by the name of its file.
fn pages(examples: &Path) -> io::Result<BTreeMap<String, String>> {
    let mut kinds = up_kinds::all();
    kinds.sort_by_key(|kind| kind.name());
    let mut pages = BTreeMap::from([("README.md".to_owned(), render::reference::index(&kinds))]);
    for kind in kinds {
        let stack = match fs::read_to_string(examples.join(kind.name()).join("stack.toml")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            stack => Some(stack?),
        };
        let example = stack.and_then(|stack| example(&stack, kind.name()));
        pages.insert(format!("{}.md", kind.name()), render::reference::page(kind, example.as_deref()));
    }
    Ok(pages)
}

fn write(folder: &Path, pages: &BTreeMap<String, String>) -> io::Result<usize> {
    fs::create_dir_all(folder)?;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.ends_with(".md") && !pages.contains_key(&name) {
            fs::remove_file(path)?;
        }
    }
    pages.iter().try_for_each(|(name, page)| fs::write(folder.join(name), page))?;
    Ok(pages.len())
}

/// The first of the kind in a test case's stack, with inputs as their defaults: an example that is known to work.
fn example(stack: &str, kind: &str) -> Option<String> {
    let tables = tables(stack);
    let mut inputs = vec![];
    let mut examples: Vec<(&str, String)> = vec![];
    for table in &tables {
        let header = table.lines().next().unwrap_or_default().trim_matches(['[', ']']);
        let default = table.lines().find_map(|line| line.strip_prefix("default = "));
        inputs.extend(header.strip_prefix("inputs.").zip(default));
        let Some(path) = header.strip_prefix(kind).and_then(|path| path.strip_prefix('.')) else { continue };
        let name = path.split('.').next().unwrap_or_default();
        match examples.last_mut() {
            // A table inside the resource, not another resource.
            Some((last, example)) if *last == name => *example += table,
            _ => examples.push((name, table.clone())),
        }
    }
    let filled = examples.into_iter().map(|(_, example)| {
        inputs.iter().fold(example.trim().to_owned(), |text, (name, default)| {
            let expression = format!("${{inputs.{name}}}");
            text.replace(&format!("\"{expression}\""), default).replace(&expression, default.trim_matches('"'))
        })
    });
    filled.into_iter().find(|example| !example.contains("inputs."))
}

/// The file's tables, each from its header to the next, comments of the next left out.
fn tables(stack: &str) -> Vec<String> {
    let mut tables: Vec<String> = vec![];
    let is_header = |line: &str| line.starts_with('[') && line.ends_with(']') && !line.contains(['"', ',', ' ']);
    for line in stack.lines() {
        match tables.last_mut() {
            _ if is_header(line) => tables.push(format!("{line}\n")),
            Some(_) if line.starts_with('#') => {}
            Some(table) => *table += &format!("{line}\n"),
            None => {}
        }
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A failure is corrected by `UPDATE=1 cargo test --workspace the_pages`.
    #[test]
    fn the_pages_are_up_to_date() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let folder = root.join("docs/kinds");
        let pages = pages(&root.join("tests/kinds")).unwrap();
        if std::env::var_os("UPDATE").is_some() {
            write(&folder, &pages).unwrap();
        }
        for (name, page) in &pages {
            let written = fs::read_to_string(folder.join(name)).unwrap_or_default();
            assert!(written == *page, "docs/kinds/{name} is out of date: run `bullstra-up reference`");
        }
        let files = fs::read_dir(&folder).unwrap().count();
        assert_eq!(
            files,
            pages.len(),
            "docs/kinds has pages of kinds that no longer exist: run `bullstra-up reference`"
        );
    }

    #[test]
    fn an_example_is_a_table_that_needs_no_input() {
        let stack = r#"
[inputs.cidr]
type = "string"
default = "10.0.0.0/16"

# Not this one.
[ec2.vpc.odd]
cidr_block = "${inputs.cidr == "x" ? 1 : 2}"

[ec2.vpc.main]
cidr_block = "${inputs.cidr}"
note = "net ${inputs.cidr}"

[ec2.vpc.main.tags]
Team = "net"

# A subnet.
[ec2.subnet.a]
vpc = "main"
"#;
        let expected = r#"
[ec2.vpc.main]
cidr_block = "10.0.0.0/16"
note = "net 10.0.0.0/16"

[ec2.vpc.main.tags]
Team = "net"
"#;
        assert_eq!(example(stack, "ec2.vpc").as_deref(), Some(expected.trim()));
        assert_eq!(example(stack, "ec2.eip"), None);
    }
}
