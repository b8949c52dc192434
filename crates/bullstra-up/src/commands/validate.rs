//! `validate`.

use std::collections::BTreeSet;

use clap::Args;
use serde_json::json;

use crate::{
    cli::{AwsOptions, StackOptions},
    exit::{Exit, Failure},
    session, terminal,
};

/// Checks a stack's files, all of them, without a call to AWS.
///
/// Reports everything that is wrong at once: file, line, what was expected, and what may have been meant.
#[derive(Debug, Args)]
pub(crate) struct Validate {
    #[command(flatten)]
    pub(crate) stack: StackOptions,
    /// Writes what is wrong as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Validate {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        if self.json {
            return self.answer();
        }
        let stack = session::load(&self.stack, &AwsOptions::default())?;
        let kinds: BTreeSet<_> = stack.resources.iter().map(|declared| &declared.address.kind).collect();
        let (resources, kinds) = (stack.resources.len(), kinds.len());
        terminal::data(format!("{} is valid: {resources} resources of {kinds} kinds.", stack.name))?;
        Ok(Exit::Ok)
    }

    fn answer(&self) -> Result<Exit, Failure> {
        let (exit, errors) = match session::check(&self.stack.stack, &self.stack.inputs, &AwsOptions::default()) {
            Ok(_) => (Exit::Ok, json!([])),
            Err(wrong) => (Exit::Input, json!(wrong)),
        };
        let answer = json!({ "format": 1, "command": "validate", "valid": exit == Exit::Ok, "errors": errors });
        terminal::json(answer)?;
        Ok(exit)
    }
}
