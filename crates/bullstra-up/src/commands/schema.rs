//! `schema`.

use clap::Args;

use up_engine::Failure;

use crate::{exit::Exit, terminal};

/// Writes the JSON Schema of stack files, for editors.
///
/// An editor with a TOML language server then completes, explains and checks while you write: point it at the file, or
/// put `#:schema ./stack.schema.json` into the stack's first line.
#[derive(Debug, Args)]
pub(crate) struct SchemaCommand {}

impl SchemaCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        terminal::json(up_stack::schema(&up_kinds::models()))?;
        Ok(Exit::Ok)
    }
}
