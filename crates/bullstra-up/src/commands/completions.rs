//! `completions`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use up_engine::{Failure, Reason};

use crate::{cli::Cli, exit::Exit, terminal};

/// Writes the completions for a shell.
///
/// For bash: `bullstra-up completions bash > ~/.local/share/bash-completion/completions/bullstra-up`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsCommand {
    /// The shell.
    pub(crate) shell: Shell,
}

impl CompletionsCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let mut script = vec![];
        clap_complete::generate(self.shell, &mut Cli::command(), "bullstra-up", &mut script);
        let script = String::from_utf8(script)
            .map_err(|_| Failure::new(Reason::Failed, "failed to write completions: they are not text"))?;
        terminal::data(script.trim_end())?;
        Ok(Exit::Ok)
    }
}
