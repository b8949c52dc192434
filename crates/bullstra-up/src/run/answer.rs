//! The one JSON object that a command ends with.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;
use serde_json::{Value, json};
use up_apply::Outcome;
use up_core::{Address, Error, ErrorKind, Meter};
use up_plan::{Notice, Plan, Refusal};

use crate::{
    commands::output::Answer,
    exit::{Exit, Failure},
    render::{self, ApiCalls, Counts},
};

/// The version of these objects. It rises when a reader of the older form would misread the newer.
const FORMAT: u32 = 1;

/// A run that has come to its end.
pub(super) struct Ended<'a> {
    pub(super) command: &'static str,
    pub(super) plan: &'a Plan,
    pub(super) outcome: &'a Outcome,
    pub(super) interrupted: bool,
    pub(super) elapsed: Duration,
    pub(super) outputs: &'a BTreeMap<String, Answer>,
}

#[derive(Serialize)]
struct Face<'a> {
    format: u32,
    command: &'a str,
    stack: &'a str,
    account: &'a str,
    region: &'a str,
    exit_code: u8,
    summary: Counts,
    unchanged: usize,
    skipped: &'a [Address],
    seconds: f64,
    outputs: BTreeMap<&'a str, &'a Option<Value>>,
    api_calls: ApiCalls,
    notices: Vec<Notice>,
    errors: Vec<Problem<'a>>,
}

#[derive(Serialize)]
struct Problem<'a> {
    address: &'a Address,
    code: &'a str,
    message: &'a str,
    request_id: Option<&'a str>,
    hint: Option<String>,
    /// Resources of the stack that the message names.
    holders: Vec<&'a Address>,
}

impl Ended<'_> {
    /// How the program ends.
    pub(super) fn exit(&self) -> Exit {
        let all = |kinds: &[ErrorKind]| self.outcome.failed.iter().all(|(_, error)| kinds.contains(&error.kind));
        match self.outcome.failed.is_empty() {
            true if self.interrupted => Exit::Interrupted,
            true if self.outcome.skipped.is_empty() => Exit::Ok,
            // Whatever else failed, signing in comes first.
            false if self.outcome.failed.iter().any(|(_, error)| error.kind == ErrorKind::Credentials) => Exit::Access,
            false if all(&[ErrorKind::Denied, ErrorKind::Credentials]) => Exit::Access,
            false if all(&[ErrorKind::Exists]) => Exit::Refused,
            _ => Exit::Failed,
        }
    }

    /// The object. Outputs that are sensitive are left out.
    pub(super) fn json(&self, meter: &Meter) -> Value {
        let Self { command, plan, outcome, elapsed, outputs, .. } = self;
        let shown = outputs.iter().filter(|(_, output)| !output.sensitive);
        let answer = Face {
            format: FORMAT,
            command,
            stack: &plan.stack,
            account: &plan.account,
            region: &plan.region,
            exit_code: self.exit() as u8,
            summary: Counts::done(outcome),
            unchanged: plan.unchanged,
            skipped: &outcome.skipped,
            seconds: elapsed.as_secs_f64(),
            outputs: shown.map(|(name, output)| (name.as_str(), &output.value)).collect(),
            api_calls: ApiCalls::of(meter),
            notices: render::remaining(plan, outcome),
            errors: outcome.failed.iter().map(|(address, error)| self.problem(address, error)).collect(),
        };
        json!(answer)
    }

    fn problem<'e>(&'e self, address: &'e Address, error: &'e Error) -> Problem<'e> {
        let finished = &self.outcome.finished;
        let mut steps = self.plan.steps.iter().enumerate();
        let step = steps.find(|(index, step)| step.address == *address && !finished.contains(index));
        let calls = step.map_or(&[][..], |(_, step)| &step.calls);
        let holders = self.outcome.holders.get(address);
        let Error { code, message, request_id, .. } = error;
        let hint = render::advice(error, calls, holders);
        let holders = holders.into_iter().flatten().map(|holder| &holder.address).collect();
        Problem { address, code, message, request_id: request_id.as_deref(), hint, holders }
    }
}

/// The object of a plan: all of the plan, what it comes to, and what making it took.
pub(crate) fn planned(plan: &Plan, exit: Exit, meter: &Meter) -> Value {
    let mut answer = serde_json::to_value(plan).expect("a plan is plain data");
    answer["command"] = "plan".into();
    answer["exit_code"] = json!(exit as u8);
    answer["notices"] = json!(plan.notices);
    let steps = answer["steps"].as_array_mut().into_iter().flatten();
    steps.zip(&plan.steps).for_each(|(answer, step)| answer["verb"] = json!(step.verb()));
    answer["summary"] = json!(Counts::planned(&plan.summary()));
    answer["api_calls"] = json!(ApiCalls::of(meter));
    let refused = plan.refusals.iter().map(|refusal| {
        let Refusal { address, message } = refusal;
        Problem { address, code: "Refused", message, request_id: None, hint: None, holders: vec![] }
    });
    answer["errors"] = json!(refused.collect::<Vec<_>>());
    answer
}

/// The object of a command that did not come to do anything.
pub(super) fn failed(command: &str, failure: &Failure, meter: &Meter) -> Value {
    let Failure { exit, message, hint, details, .. } = failure;
    let each = details.iter().map(|(address, message)| json!({ "address": address, "message": message }));
    let errors = match details.is_empty() {
        true => json!([{ "message": anstream::adapter::strip_str(message).to_string(), "hint": hint }]),
        false => each.collect(),
    };
    json!({
        "format": FORMAT,
        "command": command,
        "exit_code": *exit as u8,
        "summary": Counts::default(),
        "api_calls": ApiCalls::of(meter),
        "errors": errors,
    })
}
