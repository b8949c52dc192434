//! `output`.

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};
use up_core::{Address, Context, Known, Meter, placeholder, references};
use up_stack::Stack;

use crate::{
    cli::{AwsOptions, StackOptions, StateOptions},
    exit::{Exit, Failure},
    render::{self, ApiCalls},
    session::{self, Home, Session},
    terminal,
};

/// The version of what `--json` writes.
const FORMAT: u32 = 1;

/// Shows the stack's outputs, or the value of one.
///
/// One that is text is written as it is, for scripts: `$(bullstra-up output STACK url)`. AWS is asked only where an
/// output says something of a resource.
#[derive(Debug, Args)]
pub(crate) struct Output {
    #[command(flatten)]
    pub(crate) stack: StackOptions,
    /// The output; all of them when left out.
    pub(crate) name: Option<String>,
    /// Writes JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) aws: AwsOptions,
    #[command(flatten)]
    pub(crate) state: StateOptions,
}

/// An output with its answers.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Answer {
    /// Absent while it says something of a resource that is not there, and for a sensitive one among others.
    pub(crate) value: Option<Value>,
    /// What it is for.
    pub(crate) description: Option<String>,
    /// Shown only when asked for by name.
    pub(crate) sensitive: bool,
}

/// What `--json` writes for all.
#[derive(Debug, Serialize)]
struct Face<'a> {
    format: u32,
    stack: &'a str,
    outputs: &'a BTreeMap<String, Answer>,
    api_calls: ApiCalls,
}

impl Output {
    pub(crate) async fn run(self) -> Result<Exit, Failure> {
        let mut stack = session::load(&self.stack, &self.aws)?;
        if let Some(name) = &self.name {
            let Some(output) = stack.outputs.remove(name) else { return Err(unknown(name, &stack)) };
            stack.outputs = [(name.clone(), output)].into();
        }
        let is_open = |output: &up_stack::OutputValue| {
            placeholder::holds_placeholder(&output.value) || !references(&output.value).is_empty()
        };
        let (mut cx, mut api_calls) = (None, ApiCalls::default());
        if stack.outputs.values().any(is_open) {
            let session = Session::open(&Home::of(&stack), &self.aws, &self.state, Meter::default()).await?;
            let world = session.look(&stack.resources, &stack.outputs).await?.world;
            for (_, observed) in world.iter() {
                if let Some(address) = observed.address(&stack.name) {
                    session.cx.learn(&address, Known { id: observed.id.clone(), attrs: observed.attrs.clone() });
                }
            }
            api_calls = ApiCalls::of(session.cx.meter());
            cx = Some(session.cx);
        }
        let outputs = answers(&stack.outputs, cx.as_deref(), self.name.is_some());
        match &self.name {
            Some(name) => terminal::reveal(one(name, &outputs[name])?, self.json)?,
            None if self.json => {
                let face = Face { format: FORMAT, stack: &stack.name, outputs: &outputs, api_calls };
                terminal::json(json!(face))?;
            }
            None => terminal::data(render::outputs(&outputs))?,
        }
        Ok(Exit::Ok)
    }
}

/// The outputs with what `cx` knows of the resources they speak of; sensitive ones without their values, unless `named`.
pub(crate) fn answers(
    outputs: &BTreeMap<String, up_stack::OutputValue>,
    cx: Option<&Context>,
    named: bool,
) -> BTreeMap<String, Answer> {
    let answers = outputs.iter().map(|(name, output)| {
        let up_stack::OutputValue { value, description, sensitive } = output.clone();
        let value = answered(value, cx).filter(|_| !sensitive || named);
        (name.clone(), Answer { value, description, sensitive })
    });
    answers.collect()
}

/// The value with everything in it known: text for marks, ids for references.
fn answered(mut value: Value, cx: Option<&Context>) -> Option<Value> {
    placeholder::fill(&mut value, &|quote| cx?.answer(quote));
    with_ids(&mut value, cx)?;
    (!placeholder::holds_placeholder(&value)).then_some(value)
}

fn with_ids(value: &mut Value, cx: Option<&Context>) -> Option<()> {
    match value {
        Value::Object(map) => match map.get("$ref").and_then(Value::as_str).map(str::parse::<Address>) {
            Some(Ok(address)) => {
                *value = cx?.known(&address)?.id.into();
                Some(())
            }
            _ => map.values_mut().try_for_each(|value| with_ids(value, cx)),
        },
        Value::Array(items) => items.iter_mut().try_for_each(|item| with_ids(item, cx)),
        _ => Some(()),
    }
}

/// The value of one.
fn one<'a>(name: &str, output: &'a Answer) -> Result<&'a Value, Failure> {
    output.value.as_ref().ok_or_else(|| {
        let message = format!("`{name}` is not known yet: it refers to a resource that does not exist yet");
        Failure::new(Exit::Failed, message).hint("`bullstra-up apply` makes it")
    })
}

fn unknown(name: &str, stack: &Stack) -> Failure {
    let names: Vec<_> = stack.outputs.keys().map(|name| format!("`{name}`")).collect();
    let failure = Failure::new(Exit::Input, format!("the stack `{}` has no output `{name}`", stack.name));
    if names.is_empty() {
        return failure.hint("outputs are declared in `[outputs.<name>]`");
    }
    failure.hint(format!("it has {}", names.join(", ")))
}
