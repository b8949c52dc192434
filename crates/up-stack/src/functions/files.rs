//! Functions that read files in the stack's folder.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use regex_lite::Regex;
use serde_json::Value;

use super::Arguments;
use crate::{
    eval::Evaluator,
    paths,
    source::{self, Unreadable},
    template,
    value::{EvalError, EvalResult, as_resource, by_key},
};

/// What one access to the file system costs. It limits them to 100,000.
const ACCESS_COST: usize = 100;

pub(super) fn file(arguments: &Arguments<'_>) -> EvalResult {
    let text = read(arguments)?;
    arguments.external(text)
}

pub(super) fn fileexists(arguments: &Arguments<'_>) -> EvalResult {
    Ok(Value::Bool(located(arguments)?.is_some_and(|path| path.is_file())))
}

/// The bytes of a file, as base64.
pub(super) fn filebase64(arguments: &Arguments<'_>) -> EvalResult {
    Ok(STANDARD.encode(bytes(arguments)?).into())
}

/// The last component of a path.
pub(super) fn basename(arguments: &Arguments<'_>) -> EvalResult {
    let path = arguments.text(0)?;
    Ok(match path.trim_end_matches('/') {
        "" if path.is_empty() => ".".into(),
        "" => "/".into(),
        path => path.rsplit('/').next().unwrap_or(path).into(),
    })
}

/// A path without its last component, normalized.
pub(super) fn dirname(arguments: &Arguments<'_>) -> EvalResult {
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

/// Renders a string as a template, as `templatefile` does with a file.
pub(super) fn templatestring(arguments: &Arguments<'_>) -> EvalResult {
    let text = arguments.text(0)?;
    rendered(arguments, &text, "the template")
}

/// Renders a file as a template. It can use its variables and the functions, but no other names.
pub(super) fn templatefile(arguments: &Arguments<'_>) -> EvalResult {
    let text = read(arguments)?;
    arguments.external(text.clone())?;
    rendered(arguments, &text, &arguments.value(0).to_string())
}

fn rendered(arguments: &Arguments<'_>, text: &str, what: &str) -> EvalResult {
    let variables = arguments.map(1)?;
    let template = template::parse(text).map_err(|error| {
        let line =
            error.at.map(|at| 1 + text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count());
        let line = line.map_or(String::new(), |line| format!(" in line {line}"));
        arguments.invalid(0, &format!("is not a valid template{line}: {}", error.message))
    })?;
    let variables = by_key(variables).into_iter().map(|(name, value)| (name.clone(), value.clone().into()));
    let mut evaluator = Evaluator::of_file(*arguments.scope, variables.collect());
    let text = evaluator.text(&template).map_err(|error| match error {
        EvalError::Reported => EvalError::Reported,
        EvalError::Invalid(wrong) => {
            EvalError::new(format!("`{}`: {what}: {}", arguments.function(), wrong.message)).hint(wrong.hint)
        }
    })?;
    Ok(Value::String(text))
}

/// The bytes of the file that the first argument names.
pub(super) fn bytes(arguments: &Arguments<'_>) -> Result<Vec<u8>, EvalError> {
    content(arguments, source::read_bytes, Vec::len)
}

fn read(arguments: &Arguments<'_>) -> Result<String, EvalError> {
    content(arguments, source::read, String::len)
}

fn content<T>(
    arguments: &Arguments<'_>,
    read: fn(&Path) -> Result<T, Unreadable>,
    length: fn(&T) -> usize,
) -> Result<T, EvalError> {
    let absent = || {
        arguments.invalid(0, &format!("does not name a file: {}", arguments.value(0))).hint(paths::FROM_ROOT.to_owned())
    };
    let path = located(arguments)?.ok_or_else(absent)?;
    let content = read(&path).map_err(|(message, hint)| {
        arguments.invalid(0, &format!("names a file that cannot be read: {message}")).hint(hint)
    })?;
    // A file is read on each call, so its bytes count like those of computed values.
    arguments.scope.loader.spend(length(&content) / 32)?;
    Ok(content)
}

/// The paths of files in a folder that match a pattern, sorted.
pub(super) fn fileset(arguments: &Arguments<'_>) -> EvalResult {
    let pattern = glob(&arguments.text(1)?).ok_or_else(|| arguments.invalid(1, "has an unmatched brace"))?;
    let absent = || arguments.invalid(0, &format!("does not name a folder: {}", arguments.value(0)));
    let folder = located(arguments)?.filter(|path| path.is_dir()).ok_or_else(absent)?;
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.clone()];
    while let Some(next) = folders.pop() {
        let unreadable = |error| arguments.invalid(0, &format!("names a folder that cannot be read: {error}"));
        for entry in fs::read_dir(&next).map_err(unreadable)? {
            arguments.scope.loader.spend(ACCESS_COST)?;
            let path = entry.map_err(unreadable)?.path();
            // Links to folders are not followed: they may form a cycle.
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
    let found = found.into_iter().map(|name| arguments.external(name));
    found.collect()
}

/// `*` and `?` match anything but `/`, `**` anything, `[ab]` one of the characters, `{a,b}` one of the alternatives.
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

/// The canonical path of a file; `None` if it does not exist.
fn located(arguments: &Arguments<'_>) -> Result<Option<PathBuf>, EvalError> {
    if as_resource(arguments.value(0)).is_some() {
        return Err(arguments.wrong(0, "the path of a file"));
    }
    let (loader, path) = (arguments.scope.loader, arguments.text(0)?);
    if let Some(wrong) = paths::why_refused(&path) {
        return Err(arguments.invalid(0, wrong).hint(paths::FROM_ROOT.to_owned()));
    }
    loader.spend(ACCESS_COST)?;
    let Ok(found) = loader.root.join(&*path).canonicalize() else { return Ok(None) };
    if loader.may_read(&found) {
        return Ok(Some(found));
    }
    Err(arguments.invalid(0, "is outside the stack's folder").hint(loader.readable()))
}
