//! Progress and summaries.

use std::time::Duration;

use anstream::adapter::strip_str;
use serde_json::json;
use snapbox::{IntoData, assert_data_eq, str};
use up_apply::{Event, EventKind, Outcome};
use up_core::{Call, Error, ErrorKind};
use up_plan::{Plan, Step};

use super::{create, delete, plan_of, replace, step, update};
use crate::render::{
    ApiCalls,
    progress::{Board, Calls},
    summary,
};

/// A network, a database in it that takes ten minutes, and a service that needs the database.
fn run() -> Plan {
    let database = Step { after: vec![0], takes: 600, ..create("rds.instance.main", json!({}), &[]) };
    let service = Step { after: vec![1], takes: 60, ..create("ecs.service.orders", json!({}), &[]) };
    plan_of(vec![create("network/ec2.vpc.main", json!({}), &[]), database, service], 0)
}

fn event(plan: &Plan, step: usize, what: EventKind) -> Event {
    Event { step, address: plan.steps[step].address.clone(), what }
}

#[test]
fn a_log_has_each_event_once() {
    let plan = run();
    let mut board = Board::new(&plan);
    let waiting = || EventKind::Waiting { state: "creating".into() };
    let retrying = EventKind::Retrying { why: "Throttling: slow down".into(), pause: Duration::from_secs(2) };
    let answered = EventKind::Answered { verb: "create", id: Some("vpc-1".into()), error: None };
    let failed = EventKind::Failed { error: "Bad\u{1b}: no such engine".into() };
    let events = [
        (0, 0, EventKind::Started),
        (0, 0, EventKind::Calling { verb: "create" }),
        (1, 0, answered),
        (2, 0, EventKind::Done),
        (2, 1, EventKind::Started),
        (3, 1, retrying),
        (9, 1, waiting()),
        (70, 1, waiting()),
        (190, 1, failed),
        (190, 2, EventKind::Skipped { because: Some(plan.steps[1].address.clone()) }),
    ];
    let lines = events.into_iter().filter_map(|(second, step, what)| {
        board.take(&event(&plan, step, what), Duration::from_secs(second)).map(|told| told.line)
    });
    let lines: Vec<_> = lines.collect();
    assert_data_eq!(
        strip_str(&lines.join("\n")).to_string(),
        str![[r#"
 0:02 created network/ec2.vpc.main (vpc-1) in 2.0s
 0:02 creating rds.instance.main (about 10 min)
 0:03 trying again in 2.0s to create rds.instance.main: Throttling: slow down
 0:09 waiting for rds.instance.main: creating
 3:10 failed to create rds.instance.main after 3m08s: Bad\u{1b}: no such engine
"#]]
        .raw()
    );
}

#[test]
fn a_live_view_shows_what_runs_and_what_remains() {
    let plan = run();
    let mut board = Board::new(&plan);
    let seconds = Duration::from_secs;
    board.take(&event(&plan, 0, EventKind::Started), seconds(0));
    board.take(&event(&plan, 0, EventKind::Done), seconds(2));
    board.take(&event(&plan, 1, EventKind::Started), seconds(2));
    board.take(&event(&plan, 1, EventKind::Waiting { state: "creating".into() }), seconds(9));
    let calls = Calls { sent: 312, held_back: 0 };
    let frame = board.frame(seconds(194), calls, (40, 100)).join("\n");
    assert_data_eq!(
        strip_str(&frame).to_string(),
        str![[r#"
  creating rds.instance.main 3m12s of ~10 min, creating
  ━━━━━━━━──────────────── 1 of 3 steps done · 3m14s · about 8 min left · 312 API calls
"#]]
    );
    let narrow = board.frame(seconds(194), calls, (40, 40));
    assert!(narrow.iter().all(|line| strip_str(line).to_string().chars().count() <= 40), "{narrow:#?}");
    assert_data_eq!(
        strip_str(&board.sign_of_life(seconds(194), Calls { held_back: 40, ..calls })).to_string(),
        str![
            " 3:14 1 of 3 steps done · 3m14s · about 8 min left · 312 API calls · 40 waiting for AWS's request limits; creating rds.instance.main for 3m12s"
        ]
    );
}

fn calls() -> ApiCalls {
    let call = |service: &str, operation: &str| Call { service: service.into(), operation: operation.into() };
    let sent = [(call("ec2", "CreateVpc"), 1), (call("ec2", "DescribeVpcs"), 3), (call("rds", "CreateDBInstance"), 1)];
    ApiCalls::counted(&sent.into())
}

#[test]
fn a_summary_names_what_failed_and_what_was_not_reached() {
    let plan = run();
    let error = Error {
        kind: ErrorKind::Denied,
        code: "AccessDenied".into(),
        message: "not authorized to perform: rds:CreateDBInstance".into(),
        request_id: Some("12ab".into()),
    };
    let outcome = Outcome {
        done: [("create", 1)].into(),
        failed: vec![(plan.steps[1].address.clone(), error)],
        skipped: vec![plan.steps[2].address.clone()],
        ..Outcome::default()
    };
    let text = summary(&plan, &outcome, Duration::from_secs(191), &calls());
    assert_data_eq!(
        strip_str(&text).to_string(),
        str![[r#"
error: failed to create rds.instance.main
       AccessDenied: not authorized to perform: rds:CreateDBInstance
       request id 12ab
hint: the needed permissions are ec2:DoIt

1 step not begun, because rds.instance.main failed:
  create ecs.service.orders

Not done after 3m11s: 1 created, 1 failed.
API calls: 5, 2 of them mutating: ec2 4, rds 1.
hint: run the same command again to continue from here
"#]]
    );
}

#[test]
fn a_summary_after_expired_credentials_says_to_sign_in() {
    let plan = run();
    let error = Error {
        kind: ErrorKind::Credentials,
        code: "ExpiredToken".into(),
        message: "The security token included in the request is expired".into(),
        request_id: None,
    };
    let outcome = Outcome {
        failed: vec![(plan.steps[2].address.clone(), error)],
        skipped: vec![plan.steps[0].address.clone(), plan.steps[1].address.clone()],
        ..Outcome::default()
    };
    let text = summary(&plan, &outcome, Duration::from_secs(191), &calls());
    assert_data_eq!(
        strip_str(&text).to_string(),
        str![[r#"
error: failed to create ecs.service.orders
       ExpiredToken: The security token included in the request is expired

2 steps not finished, because the credentials expired:
  create network/ec2.vpc.main
  create rds.instance.main

Not done after 3m11s: 1 failed.
API calls: 5, 2 of them mutating: ec2 4, rds 1.
hint: the credentials expired: sign in again and run the same command again
"#]]
    );
}

fn refused(kind: ErrorKind, code: &str, message: &str) -> Error {
    Error { kind, code: code.into(), message: message.into(), request_id: Some("12ab".into()) }
}

fn said(plan: &Plan, outcome: &Outcome) -> String {
    strip_str(&summary(plan, outcome, Duration::from_secs(191), &calls())).to_string()
}

#[test]
fn an_interrupted_summary_lists_only_what_is_left() {
    let group = create("ec2.security_group.a", json!({}), &[]);
    let finish = up_plan::Action::Update {
        observed: None,
        desired: json!({}).into(),
        ignore: Default::default(),
        tags: Default::default(),
        renamed_from: None,
    };
    let finish = Step { after: vec![0], ..step("ec2.security_group.a", finish) };
    let new = replace("ec2.subnet.a", vec![]);
    let old = Step { after: vec![2], ..delete("ec2.subnet.a", "subnet-1", true) };
    let plan = plan_of(vec![group, finish, new, old, create("ec2.eip.a", json!({}), &[])], 0);
    let address = |step: usize| plan.steps[step].address.clone();
    let outcome = Outcome {
        done: [("create", 1), ("replace", 1)].into(),
        skipped: vec![address(1), address(3), address(4)],
        finished: [0, 2].into(),
        ..Outcome::default()
    };
    assert_data_eq!(
        said(&plan, &outcome),
        str![[r#"
3 steps not finished, because the run was interrupted:
  complete ec2.security_group.a
  delete the old ec2.subnet.a
  create ec2.eip.a

Not done after 3m11s: 1 created, 1 replaced.
API calls: 5, 2 of them mutating: ec2 4, rds 1.
hint: run the same command again to continue from here
"#]]
    );
}

#[test]
fn a_summary_names_what_was_deleted_for_a_replacement_that_failed() {
    let old = |name: &str| delete(&format!("ec2.subnet.{name}"), &format!("subnet-{name}"), true);
    let new = |name: &str, after| Step { after: vec![after], ..replace(&format!("ec2.subnet.{name}"), vec![]) };
    let plan = plan_of(vec![old("a"), new("a", 0), old("b"), new("b", 2)], 0);
    let address = |step: usize| plan.steps[step].address.clone();
    let error = || refused(ErrorKind::Other, "InvalidParameterValue", "the zone is invalid");
    let outcome = Outcome {
        done: [("replace", 1)].into(),
        failed: vec![(address(1), error())],
        finished: [0, 2, 3].into(),
        ..Outcome::default()
    };
    assert_data_eq!(
        said(&plan, &outcome),
        str![[r#"
error: failed to create the new ec2.subnet.a
       InvalidParameterValue: the zone is invalid
       request id 12ab

1 resource deleted, and not created again:
  ec2.subnet.a (subnet-a)

Not done after 3m11s: 1 replaced, 1 failed.
API calls: 5, 2 of them mutating: ec2 4, rds 1.
hint: run the same command again to continue from here
"#]]
    );
}

#[test]
fn failures_with_the_same_reason_share_a_message() {
    let names = ["a", "b", "c"].map(|name| create(&format!("logs.log_group.{name}"), json!({}), &[]));
    let plan = plan_of(names.into(), 0);
    let denied = |step: usize| {
        let address = plan.steps[step].address.clone();
        let message = format!("not authorized to perform: logs:CreateLogGroup on resource: arn:aws:logs:::{address}");
        (address, refused(ErrorKind::Denied, "AccessDenied", &message))
    };
    let outcome = Outcome { failed: vec![denied(0), denied(1), denied(2)], ..Outcome::default() };
    assert_data_eq!(
        said(&plan, &outcome),
        str![[r#"
error: failed to create 3 resources:
         logs.log_group.a
         logs.log_group.b
         logs.log_group.c
       AccessDenied: not authorized to perform: logs:CreateLogGroup on resource: …
hint: the needed permissions are ec2:DoIt

Not done after 3m11s: 3 failed.
API calls: 5, 2 of them mutating: ec2 4, rds 1.
hint: run the same command again to continue from here
"#]]
    );
}

#[test]
fn a_holder_of_the_stack_is_named_by_its_address() {
    let plan = plan_of(vec![delete("ec2.subnet.a", "subnet-1", false)], 0);
    let address = plan.steps[0].address.clone();
    let message = "subnet-1 is still used by eni-1 (Interface for NAT Gateway nat-12345678)";
    let holder =
        |leaves| up_apply::Holder { address: "ec2.nat_gateway.a".parse().unwrap(), id: "nat-12345678".into(), leaves };
    let hint = |holders: Vec<up_apply::Holder>| {
        let holders = if holders.is_empty() { vec![] } else { vec![(address.clone(), holders.into_iter().collect())] };
        let outcome = Outcome {
            failed: vec![(address.clone(), refused(ErrorKind::Conflict, "DependencyViolation", message))],
            holders: holders.into_iter().collect(),
            ..Outcome::default()
        };
        let said = said(&plan, &outcome);
        said.lines().find_map(|line| line.strip_prefix("hint: ")).unwrap().to_owned()
    };
    assert_eq!(
        hint(vec![holder(true)]),
        "this stack's own ec2.nat_gateway.a (nat-12345678) still uses it, and this plan deletes that: run the same \
         command again once AWS has released it"
    );
    assert_eq!(
        hint(vec![holder(false)]),
        "this stack's own ec2.nat_gateway.a (nat-12345678) still uses it: change that first"
    );
    assert_eq!(
        hint(vec![]),
        "another resource, which AWS's message may name, still uses it: remove that first, then run the same command again"
    );
}

#[test]
fn a_summary_keeps_the_notices_that_still_hold() {
    let mut full = update("rds.instance.full", "full", vec![]);
    let trouble = up_core::Impairment::explained("storage-full", "raise `allocated_storage`");
    if let up_plan::Action::Update { observed: Some(observed), .. } = &mut full.action {
        observed.status = trouble;
    }
    let notice =
        |address: &str, message: &str| up_plan::Notice { address: address.parse().unwrap(), message: message.into() };
    let plan = Plan {
        notices: vec![
            notice("rds.instance.full", "AWS says: storage-full; raise `allocated_storage`"),
            notice("ec2.vpc.main", "vpc-2 carries its tags"),
        ],
        ..plan_of(vec![full], 0)
    };
    let outcome = Outcome {
        done: [("update", 1)].into(),
        finished: [0].into(),
        notes: [("rds.instance.full".parse().unwrap(), vec!["`max_connections` waits for a reboot".into()])].into(),
        ..Outcome::default()
    };
    assert_data_eq!(
        said(&plan, &outcome),
        str![[r#"
note: ec2.vpc.main: vpc-2 carries its tags
note: rds.instance.full: `max_connections` waits for a reboot
Done after 3m11s: 1 updated.
API calls: 5, 2 of them mutating: ec2 4, rds 1.
"#]]
    );
}

#[test]
fn a_summary_of_a_successful_run_is_short() {
    let outcome = Outcome { done: [("create", 3)].into(), ..Outcome::default() };
    let text = summary(&run(), &outcome, Duration::from_secs(724), &calls());
    assert_data_eq!(
        strip_str(&text).to_string(),
        str![[r#"
Done after 12m04s: 3 created.
API calls: 5, 2 of them mutating: ec2 4, rds 1.
"#]]
    );
}
