//! `show`.

use std::collections::BTreeSet;

use clap::Args;
use serde::Serialize;
use serde_json::json;
use up_core::{Address, Declared};
use up_engine::{Engine, Failure, LiveResource, Reason, StackTarget, live_resources};
use up_stack::Stack;

use crate::{
    exit::Exit,
    options::{AwsArgs, StackArgs, StateArgs},
    render::{self, ApiCalls},
    terminal,
};

/// The version of what `--json` writes.
const FORMAT: u32 = 1;

/// Shows the resources that the stack owns in AWS right now, or one of them.
///
/// Lists every resource with the stack's tags, declared or not, and every declared resource that does not exist.
#[derive(Debug, Args)]
pub(crate) struct ShowCommand {
    #[command(flatten)]
    pub(crate) stack: StackArgs,
    /// The resource, such as `network/ec2.vpc.main`; by default all of them, as a list.
    pub(crate) address: Option<Address>,
    /// Writes JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
    #[command(flatten)]
    pub(crate) state: StateArgs,
}

/// The JSON object.
#[derive(Debug, Serialize)]
struct ShowReport<'a> {
    format: u32,
    stack: &'a str,
    account: &'a str,
    region: &'a str,
    resources: &'a [LiveResource],
    /// Declared, and not in AWS.
    absent: &'a BTreeSet<Address>,
    api_calls: ApiCalls,
}

impl ShowCommand {
    pub(crate) async fn run(self, engine: &Engine) -> Result<Exit, Failure> {
        let stack = self.stack.load(engine, &self.aws)?;
        let session = engine.open(&StackTarget::of(&stack), &self.aws.session(&self.state).await?).await?;
        let live_stack = session.observe(&stack.resources, &stack.outputs).await?.live_stack;
        let mut resources = live_resources(&stack, &live_stack);
        let mut absent = absent(&stack.resources, &resources);
        if let Some(address) = &self.address {
            resources.retain(|live| live.address == *address);
            absent.retain(|absent| absent == address);
            if resources.is_empty() {
                return Err(unknown(address, &stack));
            }
        }
        if self.json {
            let report = ShowReport {
                format: FORMAT,
                stack: &stack.name,
                account: &live_stack.account,
                region: &live_stack.region,
                resources: &resources,
                absent: &absent,
                api_calls: ApiCalls::of(&engine.meter),
            };
            terminal::json(json!(report))?;
        } else if self.address.is_some() {
            let pages: Vec<_> = resources.iter().map(render::live).collect();
            terminal::data(pages.join("\n\n"))?;
        } else {
            terminal::data(render::live_list(&resources, &absent))?;
        }
        Ok(Exit::Ok)
    }
}

fn absent(declared: &[Declared], live: &[LiveResource]) -> BTreeSet<Address> {
    let there: BTreeSet<_> = live.iter().map(|live| &live.address).collect();
    declared.iter().map(|declared| &declared.address).filter(|address| !there.contains(address)).cloned().collect()
}

fn unknown(address: &Address, stack: &Stack) -> Failure {
    if stack.resources.iter().any(|declared| declared.address == *address) {
        let failure = Failure::new(Reason::Failed, format!("{address} is declared, but does not exist yet"));
        return failure.hint("`bullstra-up apply` creates it");
    }
    let failure = Failure::new(Reason::Input, format!("the stack `{}` has no {address}", stack.name));
    failure.hint("`bullstra-up show` without an address lists all resources")
}
