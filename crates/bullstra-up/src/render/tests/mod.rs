//! Golden tests of plans, progress and summaries.

mod plan;
mod run;

use serde_json::{Value, json};
use up_core::{Change, FieldChange, NewResource, Observed, Tags};
use up_plan::{Action, FORMAT, Plan, Step};

fn plan_of(steps: Vec<Step>, unchanged: usize) -> Plan {
    let (stack, account) = ("prod".to_owned(), "111122223333".to_owned());
    let region = "us-east-1".to_owned();
    Plan {
        format: FORMAT,
        stack,
        account,
        region,
        unchanged,
        refusals: vec![],
        notices: vec![],
        copies: [].into(),
        steps,
        observed: Default::default(),
    }
}

fn step(address: &str, action: Action) -> Step {
    let address = address.parse().unwrap();
    Step { address, action, changes: vec![], why: None, after: vec![], takes: 2, calls: vec!["ec2:DoIt".into()] }
}

fn create(address: &str, desired: Value, tags: &[(&str, &str)]) -> Step {
    let stack = "prod".to_owned();
    let new = NewResource { stack, address: address.parse().unwrap(), generation: 0, tags: texts(tags) };
    step(
        address,
        Action::Create { new, desired: desired.into(), ignore: Default::default(), replaces: false, partial: false },
    )
}

fn replace(address: &str, changes: Vec<FieldChange>) -> Step {
    let mut step = create(address, json!({}), &[]);
    if let Action::Create { replaces, .. } = &mut step.action {
        *replaces = true;
    }
    Step { changes, ..step }
}

fn update(address: &str, id: &str, changes: Vec<FieldChange>) -> Step {
    let (ignore, tags) = Default::default();
    let observed = Some(observed(id));
    let action = Action::Update { observed, desired: json!({}).into(), ignore, tags, renamed_from: None };
    Step { changes, ..step(address, action) }
}

fn delete(address: &str, id: &str, replaced: bool) -> Step {
    step(address, Action::Delete { observed: observed(id), replaced })
}

fn observed(id: &str) -> Observed<Value> {
    let tags = texts(&[("bullstra:stack", "prod"), ("team", "freight"), ("owner", "ana")]);
    Observed::new(id, tags, json!({}))
}

fn texts(entries: &[(&str, &str)]) -> Tags {
    entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn change(field: &str, observed: Value, desired: Value) -> FieldChange {
    FieldChange { field: field.into(), change: Change::Update, observed, desired }
}

fn forcing(field: &str, observed: Value, desired: Value) -> FieldChange {
    FieldChange { change: Change::Replace, ..change(field, observed, desired) }
}
