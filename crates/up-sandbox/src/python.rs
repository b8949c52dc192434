//! Finds a Python to make the environment with.

use std::env;

use tokio::process::Command;

use crate::{Error, Result};

const OLDEST: (u32, u32) = (3, 10);

/// Tried in this order where `BULLSTRA_UP_PYTHON` names none: the system's own first, as it is the one kept up to date.
const NAMES: [&str; 6] = ["python3", "python3.13", "python3.12", "python3.11", "python3.10", "python"];

/// Prints version, path, and whether virtual environments can be made: Debian ships Python without them.
const PROBE: &str = "\
import importlib.util as find, sys
print(*sys.version_info[:3], all(find.find_spec(name) for name in ('venv', 'ensurepip')), sys.executable)";

/// A Python that will do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Interpreter {
    pub(crate) path: String,
    pub(crate) version: String,
}

/// The Python that `BULLSTRA_UP_PYTHON` names, else the first on the path that is new enough.
pub(crate) async fn find() -> Result<Interpreter> {
    let named = env::var("BULLSTRA_UP_PYTHON").ok().filter(|name| !name.is_empty());
    let names = named.as_deref().map_or(NAMES.to_vec(), |name| vec![name]);
    let mut tried = vec![];
    let mut without_venv = None;
    for name in names {
        match probe(name).await {
            Some(Probed { python, can_make_environments: true, .. }) => return Ok(python),
            Some(Probed { python, is_new_enough: true, .. }) => without_venv = without_venv.or(Some(python)),
            Some(Probed { python, .. }) => tried.push(format!("{name} is {}", python.version)),
            None if named.is_some() => tried.push(format!("BULLSTRA_UP_PYTHON={name} does not run")),
            None => {}
        }
    }
    Err(match without_venv {
        Some(python) => Error::NoVenv { python: python.path },
        None => Error::NoPython { tried },
    })
}

struct Probed {
    python: Interpreter,
    is_new_enough: bool,
    can_make_environments: bool,
}

async fn probe(name: &str) -> Option<Probed> {
    let output = Command::new(name).args(["-I", "-c", PROBE]).output().await.ok()?;
    read_probe(&String::from_utf8(output.stdout).ok()?)
}

fn read_probe(printed: &str) -> Option<Probed> {
    let mut words = printed.trim().splitn(5, ' ');
    let [major, minor, patch]: [u32; 3] =
        [words.next()?.parse().ok()?, words.next()?.parse().ok()?, words.next()?.parse().ok()?];
    let is_new_enough = (major, minor) >= OLDEST;
    let can_make_environments = words.next()? == "True" && is_new_enough;
    let python = Interpreter { path: words.next()?.to_owned(), version: format!("{major}.{minor}.{patch}") };
    Some(Probed { python, is_new_enough, can_make_environments })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probe_tells_old_from_incomplete() {
        let good = read_probe("3 11 7 True /opt/my python/bin/python3\n").unwrap();
        assert!(good.is_new_enough && good.can_make_environments);
        let python = Interpreter { path: "/opt/my python/bin/python3".to_owned(), version: "3.11.7".to_owned() };
        assert_eq!(good.python, python);
        let incomplete = read_probe("3 12 0 False /usr/bin/python3\n").unwrap();
        assert!(incomplete.is_new_enough && !incomplete.can_make_environments);
        let old = read_probe("3 9 1 True /usr/bin/python3\n").unwrap();
        assert!(!old.is_new_enough && !old.can_make_environments);
        assert!(read_probe("Python was not found").is_none());
    }
}
