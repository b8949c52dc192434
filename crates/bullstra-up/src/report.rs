//! The JSON object that a command ends with.

use std::{collections::BTreeMap, time::Duration};

use anstream::adapter::strip_str;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use up_core::{Address, Error, ErrorKind, Meter};
use up_engine::{Failure, FinishedRun, TeardownProof, TeardownRemark, advice};
use up_plan::{Notice, Plan, Refusal};

use crate::{
    exit::Exit,
    render::{self, ApiCalls, Counts},
};

/// The version of these objects. It rises when a reader of the older form would misread the newer.
const FORMAT: u32 = 1;

/// A finished run, to be reported.
pub(crate) struct RunReport<'a> {
    pub(crate) command: &'static str,
    pub(crate) plan: &'a Plan,
    pub(crate) remarks: &'a [TeardownRemark],
    pub(crate) finished: &'a FinishedRun,
    pub(crate) elapsed: Duration,
}

#[derive(Serialize)]
struct RunObject<'a> {
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
    /// Of a disposable stack: when it expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<Timestamp>,
    api_calls: ApiCalls,
    notices: Vec<Notice>,
    /// Of a destroy, as told before it began.
    remarks: &'a [TeardownRemark],
    /// Of a destroy that has done all its steps.
    proof: Option<&'a TeardownProof>,
    errors: Vec<ErrorObject<'a>>,
}

#[derive(Serialize)]
struct ErrorObject<'a> {
    address: &'a Address,
    code: &'a str,
    message: &'a str,
    request_id: Option<&'a str>,
    hint: Option<String>,
    /// Resources of the stack that the message names.
    holders: Vec<&'a Address>,
}

impl RunReport<'_> {
    /// How the program ends.
    pub(crate) fn exit(&self) -> Exit {
        let FinishedRun { outcome, interrupted, .. } = self.finished;
        let all = |kinds: &[ErrorKind]| outcome.failed.iter().all(|(_, error)| kinds.contains(&error.kind));
        match outcome.failed.is_empty() {
            true if *interrupted => Exit::Interrupted,
            true if outcome.skipped.is_empty() && self.is_proven() => Exit::Ok,
            // Nothing else can be done before signing in again.
            false if outcome.failed.iter().any(|(_, error)| error.kind == ErrorKind::Credentials) => Exit::Access,
            false if all(&[ErrorKind::Denied, ErrorKind::Credentials]) => Exit::Access,
            false if all(&[ErrorKind::Exists]) => Exit::Refused,
            _ => Exit::Failed,
        }
    }

    /// False after a destroy that cannot say that nothing is left.
    fn is_proven(&self) -> bool {
        self.finished.proof.as_ref().is_none_or(|proof| proof.left.is_empty() && proof.unread.is_empty())
    }

    /// The object. Outputs that are sensitive are left out.
    pub(crate) fn json(&self, meter: &Meter) -> Value {
        let Self { command, plan, remarks, finished, elapsed } = self;
        let FinishedRun { outcome, outputs, expires, .. } = finished;
        let shown = outputs.iter().filter(|(_, output)| !output.sensitive);
        let answer = RunObject {
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
            expires: *expires,
            api_calls: ApiCalls::of(meter),
            notices: render::remaining(plan, outcome),
            remarks,
            proof: finished.proof.as_ref(),
            errors: outcome.failed.iter().map(|(address, error)| self.problem(address, error)).collect(),
        };
        json!(answer)
    }

    fn problem<'e>(&'e self, address: &'e Address, error: &'e Error) -> ErrorObject<'e> {
        let outcome = &self.finished.outcome;
        let finished = &outcome.finished;
        let mut steps = self.plan.steps.iter().enumerate();
        let step = steps.find(|(index, step)| step.address == *address && !finished.contains(index));
        let calls = step.map_or(&[][..], |(_, step)| &step.calls);
        let holders = outcome.holders.get(address);
        let Error { code, message, request_id, .. } = error;
        let hint = advice(error, calls, holders);
        let holders = holders.into_iter().flatten().map(|holder| &holder.address).collect();
        ErrorObject { address, code, message, request_id: request_id.as_deref(), hint, holders }
    }
}

/// The object of a plan: the plan, its summary, and the API calls it took.
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
        ErrorObject { address, code: "Refused", message, request_id: None, hint: None, holders: vec![] }
    });
    answer["errors"] = json!(refused.collect::<Vec<_>>());
    answer
}

/// The object of a command that failed before it changed anything.
pub(crate) fn failed(command: &str, failure: &Failure, meter: &Meter) -> Value {
    let exit = Exit::from(failure.reason);
    json!({
        "format": FORMAT,
        "command": command,
        "exit_code": exit as u8,
        "summary": Counts::default(),
        "api_calls": ApiCalls::of(meter),
        "errors": errors(failure),
    })
}

/// What went wrong, as a list.
pub(crate) fn errors(failure: &Failure) -> Value {
    let Failure { hint, details, .. } = failure;
    let each = details.iter().map(|(address, message)| json!({ "address": address, "message": message }));
    match details.is_empty() {
        true => json!([{ "message": strip_str(&render::failure_text(failure)).to_string(), "hint": hint }]),
        false => each.collect(),
    }
}
