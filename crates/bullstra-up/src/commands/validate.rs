//! `validate`.

use std::collections::BTreeSet;

use clap::Args;
use serde_json::json;

use up_engine::{Engine, Failure};

use crate::{
    exit::Exit,
    options::{AwsArgs, StackArgs},
    terminal,
};

/// Checks a stack's files, all of them, without a call to AWS.
///
/// Reports everything that is wrong at once: file, line, what was expected, and what may have been meant.
#[derive(Debug, Args)]
pub(crate) struct ValidateCommand {
    #[command(flatten)]
    pub(crate) stack: StackArgs,
    /// Writes what is wrong as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

impl ValidateCommand {
    pub(crate) fn run(self, engine: &Engine) -> Result<Exit, Failure> {
        if self.json {
            return self.report(engine);
        }
        let stack = self.stack.load(engine, &AwsArgs::default())?;
        let kinds: BTreeSet<_> = stack.resources.iter().map(|declared| &declared.address.kind).collect();
        let (resources, kinds) = (stack.resources.len(), kinds.len());
        terminal::data(format!("{} is valid: {resources} resources of {kinds} kinds.", stack.name))?;
        Ok(Exit::Ok)
    }

    fn report(&self, engine: &Engine) -> Result<Exit, Failure> {
        let (exit, errors) = match self.stack.load(engine, &AwsArgs::default()) {
            Ok(_) => (Exit::Ok, json!([])),
            Err(Failure { diagnostics: Some(wrong), .. }) => (Exit::Input, json!(wrong)),
            Err(failure) => return Err(failure),
        };
        let answer = json!({ "format": 1, "command": "validate", "valid": exit == Exit::Ok, "errors": errors });
        terminal::json(answer)?;
        Ok(exit)
    }
}
