//! Functions that read files: only those under the stack's folder.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use regex_lite::Regex;
use serde_json::Value;

use super::{Answer, Arguments};
use crate::{
    eval::Evaluator,
    paths,
    source::{self, Unreadable},
    template,
    value::{Fault, as_resource, by_key},
};

/// What asking for a file counts for: so there are at most 100,000 looks.
const LOOK: usize = 100;

pub(super) fn file(arguments: &Arguments<'_>) -> Answer {
    let text = read(arguments)?;
    arguments.outside(text)
}

pub(super) fn fileexists(arguments: &Arguments<'_>) -> Answer {
    Ok(Value::Bool(located(arguments)?.is_some_and(|path| path.is_file())))
}

/// The bytes of a file, as base64.
pub(super) fn filebase64(arguments: &Arguments<'_>) -> Answer {
    Ok(STANDARD.encode(bytes(arguments)?).into())
}

/// The last part of a path.
pub(super) fn basename(arguments: &Arguments<'_>) -> Answer {
    let path = arguments.text(0)?;
    Ok(match path.trim_end_matches('/') {
        "" if path.is_empty() => ".".into(),
        "" => "/".into(),
        path => path.rsplit('/').next().unwrap_or(path).into(),
    })
}

/// A path without its last part, in its shortest form.
pub(super) fn dirname(arguments: &Arguments<'_>) -> Answer {
    let path = arguments.text(0)?;
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = vec![];
    for part in folder.split('/').filter(|part| !matches!(*part, "" | ".")) {
        match (part, parts.last()) {
            ("..", Some(last)) if *last != ".." => _ = parts.pop(),
            ("..", None) if path.starts_with('/') => {}
            _ => parts.push(part),
        }
    }
    let (root, joined) = (if path.starts_with('/') { "/" } else { "" }, parts.join("/"));
    Ok(if root.is_empty() && joined.is_empty() { ".".into() } else { format!("{root}{joined}").into() })
}

/// A text as a template, as a file is one for `templatefile`.
pub(super) fn templatestring(arguments: &Arguments<'_>) -> Answer {
    let text = arguments.text(0)?;
    rendered(arguments, &text, "the text")
}

/// A file as a template that knows its variables and the functions, and nothing else of the stack.
pub(super) fn templatefile(arguments: &Arguments<'_>) -> Answer {
    let text = read(arguments)?;
    arguments.outside(text.clone())?;
    rendered(arguments, &text, &arguments.value(0).to_string())
}

fn rendered(arguments: &Arguments<'_>, text: &str, what: &str) -> Answer {
    let variables = arguments.map(1)?;
    let template = template::parse(text).map_err(|error| {
        let line =
            error.at.map(|at| 1 + text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count());
        let line = line.map_or(String::new(), |line| format!(" in line {line}"));
        arguments.fault(0, &format!("is no template{line}: {}", error.message))
    })?;
    let variables = by_key(variables).into_iter().map(|(name, value)| (name.clone(), value.clone().into()));
    let mut evaluator = Evaluator::of_file(*arguments.scope, variables.collect());
    let text = evaluator.text(&template).map_err(|fault| match fault {
        Fault::Said => Fault::Said,
        Fault::Wrong(wrong) => {
            Fault::new(format!("`{}`: {what}: {}", arguments.function(), wrong.message)).hint(wrong.hint)
        }
    })?;
    Ok(Value::String(text))
}

/// The content of the file that the first argument names.
pub(super) fn bytes(arguments: &Arguments<'_>) -> Result<Vec<u8>, Fault> {
    content(arguments, source::read_bytes, Vec::len)
}

fn read(arguments: &Arguments<'_>) -> Result<String, Fault> {
    content(arguments, source::read, String::len)
}

fn content<T>(
    arguments: &Arguments<'_>,
    read: fn(&Path) -> Result<T, Unreadable>,
    length: fn(&T) -> usize,
) -> Result<T, Fault> {
    let absent =
        || arguments.fault(0, &format!("names no file: {}", arguments.value(0))).hint(paths::FROM_ROOT.to_owned());
    let path = located(arguments)?.ok_or_else(absent)?;
    let content = read(&path)
        .map_err(|(message, hint)| arguments.fault(0, &format!("names a file of no use: {message}")).hint(hint))?;
    // Read again each time: a loop over files is paid for by the byte, as what expressions make is.
    arguments.scope.world.burn(length(&content) / 32)?;
    Ok(content)
}

/// The files under a folder whose paths fit a pattern, in order.
pub(super) fn fileset(arguments: &Arguments<'_>) -> Answer {
    let pattern = glob(&arguments.text(1)?).ok_or_else(|| arguments.fault(1, "has a brace without its other one"))?;
    let absent = || arguments.fault(0, &format!("names no folder: {}", arguments.value(0)));
    let folder = located(arguments)?.filter(|path| path.is_dir()).ok_or_else(absent)?;
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.clone()];
    while let Some(next) = folders.pop() {
        let unreadable = |error| arguments.fault(0, &format!("names a folder of no use: {error}"));
        for entry in fs::read_dir(&next).map_err(unreadable)? {
            arguments.scope.world.burn(LOOK)?;
            let path = entry.map_err(unreadable)?.path();
            // Links to folders are not followed: they may lead round in a circle.
            let is_link = path.is_symlink();
            if path.is_dir() && !is_link {
                folders.push(path);
            } else if path.is_file()
                && let Some(name) = path.strip_prefix(&folder).ok().and_then(Path::to_str)
                && pattern.is_match(name)
            {
                found.insert(name.to_owned());
            }
        }
    }
    let found = found.into_iter().map(|name| arguments.outside(name));
    found.collect()
}

/// `*` and `?` stand for what is no `/`, `**` for anything, `[ab]` for one of these, `{a,b}` for either.
fn glob(pattern: &str) -> Option<Regex> {
    let (mut form, mut braces) = (String::from("^"), 0_usize);
    let mut rest = pattern.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            '*' if rest.next_if_eq(&'*').is_some() => match rest.next_if_eq(&'/') {
                Some(_) => form += "(?:.*/)?",
                None => form += ".*",
            },
            '*' => form += "[^/]*",
            '?' => form += "[^/]",
            '[' => {
                form.push('[');
                form += rest.next_if(|c| matches!(c, '!' | '^')).map_or("", |_| "^");
            }
            ']' | '-' => form.push(next),
            '{' => {
                braces += 1;
                form += "(?:";
            }
            '}' => {
                braces = braces.checked_sub(1)?;
                form.push(')');
            }
            ',' if braces > 0 => form.push('|'),
            c => form += &regex_lite::escape(&c.to_string()),
        }
    }
    form.push('$');
    if braces == 0 { Regex::new(&form).ok() } else { None }
}

/// Where a file is, links followed; `None` where there is nothing.
fn located(arguments: &Arguments<'_>) -> Result<Option<PathBuf>, Fault> {
    if as_resource(arguments.value(0)).is_some() {
        return Err(arguments.wrong(0, "the path of a file"));
    }
    let (world, path) = (arguments.scope.world, arguments.text(0)?);
    if let Some(wrong) = paths::unfit(&path) {
        return Err(arguments.fault(0, wrong).hint(paths::FROM_ROOT.to_owned()));
    }
    world.burn(LOOK)?;
    let Ok(found) = world.root.join(&*path).canonicalize() else { return Ok(None) };
    if world.may_read(&found) {
        return Ok(Some(found));
    }
    Err(arguments.fault(0, "lies outside the stack's folder").hint(world.readable()))
}
