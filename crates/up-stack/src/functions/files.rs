//! Functions that read files: only those under the stack's folder.

use std::path::PathBuf;

use serde_json::Value;

use super::{Answer, Arguments};
use crate::{
    eval::Evaluator,
    source, template,
    value::{Fault, as_resource, by_key},
};

pub(super) fn file(arguments: &Arguments<'_>) -> Answer {
    let text = read(arguments)?;
    arguments.outside(text)
}

pub(super) fn fileexists(arguments: &Arguments<'_>) -> Answer {
    Ok(Value::Bool(located(arguments)?.is_some_and(|path| path.is_file())))
}

/// A file as a template that knows its variables and the functions, and nothing else of the stack.
pub(super) fn templatefile(arguments: &Arguments<'_>) -> Answer {
    let text = read(arguments)?;
    let variables = arguments.map(1)?;
    arguments.outside(text.clone())?;
    let template = template::parse(&text).map_err(|error| {
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
            Fault::new(format!("`templatefile`: {}: {}", arguments.value(0), wrong.message)).hint(wrong.hint)
        }
    })?;
    Ok(Value::String(text))
}

fn read(arguments: &Arguments<'_>) -> Result<String, Fault> {
    let absent = || {
        let hint = "the path is relative to the stack's folder".to_owned();
        arguments.fault(0, &format!("names no file: {}", arguments.value(0))).hint(hint)
    };
    let path = located(arguments)?.ok_or_else(absent)?;
    source::read(&path)
        .map_err(|(message, hint)| arguments.fault(0, &format!("names a file of no use: {message}")).hint(hint))
}

/// Where a file is, links followed; `None` where there is nothing.
fn located(arguments: &Arguments<'_>) -> Result<Option<PathBuf>, Fault> {
    if as_resource(arguments.value(0)).is_some() {
        return Err(arguments.wrong(0, "the path of a file"));
    }
    let root = &arguments.scope.world.root;
    let Ok(path) = root.join(&*arguments.text(0)?).canonicalize() else { return Ok(None) };
    if path.starts_with(root) {
        return Ok(Some(path));
    }
    Err(arguments.fault(0, &format!("lies outside the stack's folder, {}", root.display())))
}
