//! Functions that read files: only those under the stack's folder.

use std::path::PathBuf;

use serde_json::Value;

use super::{Answer, Arguments};
use crate::{
    eval::Evaluator,
    paths, source, template,
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
    let absent =
        || arguments.fault(0, &format!("names no file: {}", arguments.value(0))).hint(paths::FROM_ROOT.to_owned());
    let path = located(arguments)?.ok_or_else(absent)?;
    let text = source::read(&path)
        .map_err(|(message, hint)| arguments.fault(0, &format!("names a file of no use: {message}")).hint(hint))?;
    // Read again each time: a loop over files is paid for by the byte, as what expressions make is.
    arguments.scope.world.burn(text.len() / 32)?;
    Ok(text)
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
