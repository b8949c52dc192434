//! `output`.

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};
use up_engine::{Engine, Failure, Reason, ResolvedOutput, StackTarget, output_values};
use up_stack::Stack;

use crate::{
    exit::Exit,
    options::{AwsArgs, StackArgs, StateArgs},
    render::{self, ApiCalls},
    terminal,
};

/// The version of what `--json` writes.
const FORMAT: u32 = 1;

/// Shows the stack's outputs, or the value of one.
///
/// A single output that is text is written without quotes, for scripts: `$(bullstra-up output STACK url)`. AWS is called only
/// if an output refers to a resource.
#[derive(Debug, Args)]
pub(crate) struct OutputCommand {
    #[command(flatten)]
    pub(crate) stack: StackArgs,
    /// The output; by default all of them.
    pub(crate) name: Option<String>,
    /// Writes JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
    #[command(flatten)]
    pub(crate) state: StateArgs,
}

/// The JSON object for all outputs.
#[derive(Debug, Serialize)]
struct OutputsReport<'a> {
    format: u32,
    stack: &'a str,
    outputs: &'a BTreeMap<String, ResolvedOutput>,
    api_calls: ApiCalls,
}

impl OutputCommand {
    pub(crate) async fn run(self, engine: &Engine) -> Result<Exit, Failure> {
        let mut stack = self.stack.load(engine, &self.aws)?;
        if let Some(name) = &self.name {
            let Some(output) = stack.outputs.remove(name) else { return Err(unknown(name, &stack)) };
            stack.outputs = [(name.clone(), output)].into();
        }
        let (mut cx, mut api_calls) = (None, ApiCalls::default());
        if stack.outputs.values().any(ResolvedOutput::needs_resources) {
            let session = engine.open(&StackTarget::of(&stack), &self.aws.session(&self.state).await?).await?;
            session.learn(&session.observe(&stack.resources, &stack.outputs).await?.live_stack);
            api_calls = ApiCalls::of(&engine.meter);
            cx = Some(session.cx);
        }
        let outputs = output_values(&stack.outputs, cx.as_deref(), self.name.is_some());
        match &self.name {
            Some(name) => terminal::reveal(one(name, &outputs[name])?, self.json)?,
            None if self.json => {
                let report = OutputsReport { format: FORMAT, stack: &stack.name, outputs: &outputs, api_calls };
                terminal::json(json!(report))?;
            }
            None => terminal::data(render::outputs(&outputs))?,
        }
        Ok(Exit::Ok)
    }
}

/// The value of one.
fn one<'a>(name: &str, output: &'a ResolvedOutput) -> Result<&'a Value, Failure> {
    output.value.as_ref().ok_or_else(|| {
        let message = format!("`{name}` is not known yet: it refers to a resource that does not exist yet");
        Failure::new(Reason::Failed, message).hint("`bullstra-up apply` makes it")
    })
}

fn unknown(name: &str, stack: &Stack) -> Failure {
    let names: Vec<_> = stack.outputs.keys().map(|name| format!("`{name}`")).collect();
    let failure = Failure::new(Reason::Input, format!("the stack `{}` has no output `{name}`", stack.name));
    if names.is_empty() {
        return failure.hint("outputs are declared in `[outputs.<name>]`");
    }
    failure.hint(format!("it has {}", names.join(", ")))
}
