//! What `apply` and `destroy` share: prepare, show the plan, ask, apply, and show the result.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use serde_json::Value;
use up_core::Address;
use up_engine::{Engine, Failure, Goal, PreparedRun, Reason, ResolvedOutput, RunRequest, refused};
use up_plan::Plan;

use crate::{
    approval,
    exit::Exit,
    options::{AwsArgs, RunArgs, StateArgs},
    render::{self, ApiCalls},
    report::{self, RunReport},
    terminal,
};

/// A command that changes AWS.
#[derive(Debug)]
pub(crate) struct ChangingCommand<'a> {
    /// `apply`, `destroy`.
    pub(crate) command: &'static str,
    /// The desired state of the stack.
    pub(crate) goal: Goal,
    /// The plan that was reviewed before, if there is one.
    pub(crate) saved: Option<Plan>,
    /// The only resource that the plan may change, if it is to be one.
    pub(crate) only: Option<&'a Address>,
    pub(crate) run: &'a RunArgs,
    pub(crate) aws: &'a AwsArgs,
    pub(crate) state: &'a StateArgs,
}

impl ChangingCommand<'_> {
    /// Runs the command, and shows the result.
    pub(crate) async fn run(self, engine: &Engine) -> Result<Exit, Failure> {
        let begun = Instant::now();
        let Self { command, goal, saved, only, run: args, aws, state } = self;
        let destroys = goal.resources.is_empty();
        let session = aws.session(state).await?;
        let prepared = engine.prepare(RunRequest { command, goal, saved, options: args.options(), session }).await?;
        show(engine, &prepared, destroys, args.json)?;
        let PreparedRun { plan, remarks, .. } = &prepared;
        if !plan.refusals.is_empty() {
            return Err(refused(plan));
        }
        if let Some(only) = only {
            is_alone(only, plan)?;
        }
        if !plan.is_empty() {
            prepared.check_lifetime(args.strict)?;
            render::remarks(remarks).into_iter().for_each(terminal::say);
            if args.strict && remarks.iter().any(|remark| remark.blocks) {
                return Err(Failure::new(Reason::Refused, "something that is not the stack's blocks the destroy"));
            }
            confirm(args, plan).await?;
        }
        let CarriedOut { outputs, report, exit } = carry_out(command, engine, prepared, begun).await?;
        if args.json {
            terminal::json(report)?;
        } else if exit == Exit::Ok && !outputs.is_empty() {
            terminal::data(render::outputs(&outputs))?;
        }
        Ok(exit)
    }
}

/// What a run has come to.
pub(crate) struct CarriedOut {
    /// The stack's outputs.
    pub(crate) outputs: BTreeMap<String, ResolvedOutput>,
    /// The object for `--json`.
    pub(crate) report: Value,
    pub(crate) exit: Exit,
}

/// Carries out a plan, and tells people how that ended. Its time counts from when it was `begun`.
pub(crate) async fn carry_out(
    command: &'static str,
    engine: &Engine,
    prepared: PreparedRun,
    begun: Instant,
) -> Result<CarriedOut, Failure> {
    let (plan, remarks) = (prepared.plan.clone(), prepared.remarks.clone());
    let finished = prepared.apply().await?;
    let elapsed = begun.elapsed();
    if !plan.is_empty() {
        terminal::say(render::summary(&plan, &finished.outcome, elapsed, &ApiCalls::of(&engine.meter)));
        finished.proof.iter().flat_map(render::proof).for_each(terminal::say);
    }
    finished.expires.iter().for_each(|at| terminal::say(render::expires(*at)));
    let report = RunReport { command, plan: &plan, remarks: &remarks, finished: &finished, elapsed };
    let (report, exit) = (report.json(&engine.meter), report.exit());
    Ok(CarriedOut { outputs: finished.outputs, report, exit })
}

/// Refuses a plan that changes others beside this one.
fn is_alone(only: &Address, plan: &Plan) -> Result<(), Failure> {
    let others: BTreeSet<_> = plan.steps.iter().map(|step| &step.address).filter(|address| *address != only).collect();
    if others.is_empty() {
        return Ok(());
    }
    let others: Vec<_> = others.into_iter().map(Address::to_string).collect();
    let message = format!("{only} cannot be changed alone: the plan changes {}", others.join(", "));
    Err(Failure::new(Reason::Refused, message)
        .hint("use `apply --target`, which changes what a resource needs as well"))
}

/// Shows the plan: on stdout, unless that is for JSON.
fn show(engine: &Engine, PreparedRun { plan, .. }: &PreparedRun, destroys: bool, json: bool) -> Result<(), Failure> {
    let Plan { stack, account, region, .. } = plan;
    let text = match destroys && plan.is_empty() {
        true => format!("The stack {stack} owns nothing in account {account}, {region}."),
        false => render::plan(plan, &up_kinds::model, engine.meter.counts().values().sum()),
    };
    if json {
        terminal::say(text);
        return Ok(());
    }
    terminal::data(text)
}

async fn confirm(args: &RunArgs, plan: &Plan) -> Result<(), Failure> {
    let Plan { account, region, .. } = plan;
    let question = format!("Carry out this plan in account {account}, {region}? Only `yes` approves:");
    approval::given(args.auto_approve, "this plan", question).await
}

/// Does `work`. Where it fails and JSON is wanted, writes the failure as JSON.
pub(crate) async fn reported(
    command: &str,
    json: bool,
    engine: &Engine,
    work: impl Future<Output = Result<Exit, Failure>>,
) -> Result<Exit, Failure> {
    let ended = work.await;
    if let Err(failure) = &ended
        && json
    {
        terminal::json(report::failed(command, failure, &engine.meter))?;
    }
    ended
}
