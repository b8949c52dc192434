//! `show`.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};
use up_core::{Address, Attrs, Declared, Meter, Status, Tags, name_references};
use up_plan::World;
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

/// Shows what the stack owns in AWS right now, or one resource of it.
///
/// Everything that carries the stack's tags is shown, whether it is still declared or not; and everything declared that
/// is not there.
#[derive(Debug, Args)]
pub(crate) struct Show {
    #[command(flatten)]
    pub(crate) stack: StackOptions,
    /// The resource, such as `network/ec2.vpc.main`; all of them in a list when left out.
    pub(crate) address: Option<Address>,
    /// Writes JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) aws: AwsOptions,
    #[command(flatten)]
    pub(crate) state: StateOptions,
}

/// A resource as AWS shows it.
#[derive(Debug, Serialize)]
pub(crate) struct Live {
    /// The address written on it.
    pub(crate) address: Address,
    /// False for what is no longer in the stack's files.
    pub(crate) declared: bool,
    /// What AWS calls it.
    pub(crate) id: String,
    /// Whether it is there yet.
    pub(crate) status: Status,
    /// What to know that no field says: a parameter that waits for a reboot.
    pub(crate) notes: Vec<String>,
    /// What a user would have written to get it.
    pub(crate) fields: Value,
    /// What others may quote.
    pub(crate) attributes: Attrs,
    /// Its tags.
    pub(crate) tags: Tags,
}

/// What `--json` writes.
#[derive(Debug, Serialize)]
struct Face<'a> {
    format: u32,
    stack: &'a str,
    account: &'a str,
    region: &'a str,
    resources: &'a [Live],
    /// Declared, and not there.
    absent: &'a BTreeSet<Address>,
    api_calls: ApiCalls,
}

impl Show {
    pub(crate) async fn run(self) -> Result<Exit, Failure> {
        let stack = session::load(&self.stack, &self.aws)?;
        let session = Session::open(&Home::of(&stack), &self.aws, &self.state, Meter::default()).await?;
        let world = session.look(&stack.resources, &stack.outputs).await?.world;
        let mut resources = live(&stack, &world);
        let mut absent = absent(&stack.resources, &resources);
        if let Some(address) = &self.address {
            resources.retain(|live| live.address == *address);
            absent.retain(|absent| absent == address);
            if resources.is_empty() {
                return Err(unknown(address, &stack));
            }
        }
        if self.json {
            let face = face(&stack, &world, &resources, &absent, session.cx.meter());
            terminal::json(json!(face))?;
        } else if self.address.is_some() {
            let pages: Vec<_> = resources.iter().map(render::live).collect();
            terminal::data(pages.join("\n\n"))?;
        } else {
            terminal::data(render::live_list(&resources, &absent))?;
        }
        Ok(Exit::Ok)
    }
}

/// What the stack owns, references to its own resources by their addresses.
fn live(stack: &Stack, world: &World) -> Vec<Live> {
    let addressed = world.iter().filter_map(|(kind, observed)| Some((kind, observed.address(&stack.name)?, observed)));
    let addressed: Vec<_> = addressed.collect();
    let names = addressed.iter().flat_map(|(kind, address, observed)| {
        let names = [Some(&observed.id), observed.attrs.get("arn")].into_iter().flatten();
        names.map(move |name| ((*kind, name.as_str()), address.clone()))
    });
    let names: BTreeMap<(&str, &str), Address> = names.collect();
    let declared: BTreeSet<_> = stack.resources.iter().map(|declared| &declared.address).collect();
    let address_of = |kind: &str, id: &str| names.get(&(kind, id)).cloned();
    let live = addressed.into_iter().map(|(_, address, observed)| {
        let mut fields = observed.spec.clone();
        name_references(&mut fields, &address_of);
        Live {
            declared: declared.contains(&address),
            address,
            id: observed.id.clone(),
            status: observed.status.clone(),
            notes: observed.notes.clone(),
            fields,
            attributes: observed.attrs.clone(),
            tags: observed.tags.clone(),
        }
    });
    let mut live: Vec<_> = live.collect();
    live.sort_by(|one, other| (&one.address, &one.id).cmp(&(&other.address, &other.id)));
    live
}

fn absent(declared: &[Declared], live: &[Live]) -> BTreeSet<Address> {
    let there: BTreeSet<_> = live.iter().map(|live| &live.address).collect();
    declared.iter().map(|declared| &declared.address).filter(|address| !there.contains(address)).cloned().collect()
}

fn face<'a>(
    stack: &'a Stack,
    world: &'a World,
    resources: &'a [Live],
    absent: &'a BTreeSet<Address>,
    meter: &Meter,
) -> Face<'a> {
    let (account, region) = (&world.account, &world.region);
    let api_calls = ApiCalls::of(meter);
    Face { format: FORMAT, stack: &stack.name, account, region, resources, absent, api_calls }
}

fn unknown(address: &Address, stack: &Stack) -> Failure {
    if stack.resources.iter().any(|declared| declared.address == *address) {
        let failure = Failure::new(Exit::Failed, format!("{address} is declared, and does not exist yet"));
        return failure.hint("`bullstra-up apply` creates it");
    }
    let failure = Failure::new(Exit::Input, format!("the stack `{}` has no {address}", stack.name));
    failure.hint("`bullstra-up show` without an address lists what there is")
}
