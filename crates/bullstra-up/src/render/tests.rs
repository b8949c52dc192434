//! How plans, progress and summaries read, word for word.

use std::{collections::BTreeMap, time::Duration};

use anstream::adapter::strip_str;
use serde_json::{Value, json};
use snapbox::{IntoData, assert_data_eq, str};
use up_apply::{Event, Outcome, What};
use up_core::{Birth, Call, Change, Error, ErrorKind, FieldChange, Seen, Status, TagChange, Tags, quote::Quote};
use up_plan::{Action, FORMAT, Plan, Refusal, Step};

fn plan_of(steps: Vec<Step>, unchanged: usize) -> Plan {
    let (stack, account) = ("prod".to_owned(), "111122223333".to_owned());
    let region = "us-east-1".to_owned();
    Plan { format: FORMAT, stack, account, region, unchanged, refusals: vec![], steps, observed: Default::default() }
}

fn step(address: &str, action: Action) -> Step {
    let address = address.parse().unwrap();
    Step { address, action, changes: vec![], why: None, after: vec![], takes: 2, calls: vec!["ec2:DoIt".into()] }
}

fn create(address: &str, want: Value, tags: &[(&str, &str)]) -> Step {
    let stack = "prod".to_owned();
    let birth = Birth { stack, address: address.parse().unwrap(), generation: 0, tags: texts(tags) };
    step(address, Action::Create { birth, want, ignore: Default::default(), replaces: false, bare: false })
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
    let seen = Some(seen(id));
    let action = Action::Update { seen, want: json!({}), ignore, tags, renamed_from: None };
    Step { changes, ..step(address, action) }
}

fn delete(address: &str, id: &str, replaced: bool) -> Step {
    step(address, Action::Delete { seen: seen(id), replaced })
}

fn seen(id: &str) -> Seen<Value> {
    let tags = texts(&[("bullstra:stack", "prod"), ("team", "freight"), ("owner", "ana")]);
    Seen { id: id.into(), tags, attrs: BTreeMap::new(), status: Status::Ready, spec: json!({}) }
}

fn texts(entries: &[(&str, &str)]) -> Tags {
    entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn change(field: &str, seen: Value, want: Value) -> FieldChange {
    FieldChange { field: field.into(), change: Change::Update, seen, want }
}

fn forcing(field: &str, seen: Value, want: Value) -> FieldChange {
    FieldChange { change: Change::Replace, ..change(field, seen, want) }
}

fn text(plan: &Plan) -> String {
    strip_str(&super::plan(plan, &|_| None, 41)).to_string()
}

#[test]
fn new_resources_show_what_is_set() {
    let arn = Quote { address: "ecs.cluster.main".into(), attribute: "arn".into() };
    let vpc = json!({ "cidr_block": "10.0.0.0/16", "tenancy": null, "dns": true, "none": [] });
    let tags = [("bullstra:stack", "prod"), ("team", "freight"), ("Name", "prod-network-main")];
    let subnet = json!({ "vpc": { "$ref": "network/ec2.vpc.main" }, "zone": "us-east-1a" });
    let text_of = json!({ "resource": format!("{}/*", arn.mark()), "evil": "\u{1b}[2J" });
    let plan = plan_of(
        vec![
            create("network/ec2.vpc.main", vpc, &tags),
            Step {
                after: vec![0],
                ..create("network/ec2.subnet.private:a", subnet, &[("team", "freight"), ("tier", "1")])
            },
            create("iam.policy.run", text_of, &[("team", "freight")]),
        ],
        0,
    );
    assert_data_eq!(
        text(&plan),
        str![[r#"
Stack prod in account 111122223333, us-east-1

network

  + create  network/ec2.vpc.main
      cidr_block: "10.0.0.0/16"
      dns: true

  + create  network/ec2.subnet.private:a
      vpc: network/ec2.vpc.main
      zone: "us-east-1a"
      tags: { tier = "1" }

the stack itself

  + create  iam.policy.run
      resource: "${ecs.cluster.main.arn}/*"
      evil: "\u{1b}[2J"

Every new resource has the tags { team = "freight" }.
Plan: 3 to create; 0 unchanged.
About 4 s (longest chain: network/ec2.vpc.main → network/ec2.subnet.private:a).
API calls so far: 41.
"#]]
        .raw()
    );
}

#[test]
fn changes_show_only_what_differs() {
    let rule = |port: u16| json!({ "protocol": "tcp", "ports": [port, port], "peer": { "cidr": "10.0.0.0/8" } });
    let container = |image: &str| json!({ "name": "app", "image": image, "port": 80, "environment": { "A": "1" } });
    let policy = |actions: &[&str]| json!({ "Version": "2012-10-17", "Statement": [{ "Action": actions }] });
    let web = vec![
        change("description", json!("the door"), json!("the front door")),
        change("ingress", json!([rule(80), rule(443)]), json!([rule(443), rule(8443)])),
    ];
    let service = vec![
        change("containers", json!([container("orders:1")]), json!([container("orders:2")])),
        change(
            "health",
            json!({ "path": "/a", "port": 80, "old": 1 }),
            json!({ "path": "/b", "port": null, "new": 2 }),
        ),
        change("zones", json!(["a", "b"]), json!(["b", "a"])),
        change("policy", policy(&["s3:GetObject"]), policy(&["s3:GetObject", "s3:PutObject"])),
        change("script", json!("one\ntwo\nthree\n"), json!("one\n2\nthree\n")),
        change("size", Value::Null, json!(20)),
    ];
    let mut tagged = update("ec2.vpc.main", "vpc-1", vec![]);
    if let Action::Update { tags, .. } = &mut tagged.action {
        *tags = TagChange { set: texts(&[("team", "fleet"), ("cost", "9")]), remove: ["owner".to_owned()].into() };
    }
    let plan = plan_of(
        vec![update("ec2.security_group.web", "sg-1", web), update("ecs.service.orders", "orders", service), tagged],
        118,
    );
    assert_data_eq!(
        text(&plan),
        str![[r#"
Stack prod in account 111122223333, us-east-1

  ~ update  ec2.security_group.web (sg-1)
      description: "the door" → "the front door"
      ingress:
        - { protocol = "tcp", ports = [80, 80], peer = { cidr = "10.0.0.0/8" } }
        + { protocol = "tcp", ports = [8443, 8443], peer = { cidr = "10.0.0.0/8" } }

  ~ update  ecs.service.orders (orders)
      containers:
        "app":
          image: "orders:1" → "orders:2"
      health:
        - old: 1
        path: "/a" → "/b"
        + new: 2
      zones: ["a", "b"] → ["b", "a"] (order)
      policy:
        Statement:
          - { Action = ["s3:GetObject"] }
          + { Action = ["s3:GetObject", "s3:PutObject"] }
      script:
          one
        - two
        + 2
          three
      size: unset → 20

  ~ update  ec2.vpc.main (vpc-1)
      tags:
        - owner: "ana"
        + cost: "9"
        team: "freight" → "fleet"

Plan: 3 to update; 118 unchanged.
About 2 s (ec2.security_group.web).
API calls so far: 41.
"#]]
    );
}

#[test]
fn a_replacement_says_why_and_in_which_order() {
    let network = json!({ "$ref": "network/ec2.vpc.main" });
    let plan = Plan {
        refusals: vec![Refusal {
            address: "rds.instance.main".parse().unwrap(),
            message: "would be deleted, but it is marked `prevent_destroy`".into(),
        }],
        ..plan_of(
            vec![
                replace(
                    "network/ec2.vpc.main",
                    vec![forcing("cidr_block", json!("10.0.0.0/16"), json!("10.1.0.0/16"))],
                ),
                delete("elbv2.target_group.web", "tg-1", true),
                Step {
                    why: Some("network/ec2.vpc.main is replaced".into()),
                    after: vec![0, 1],
                    takes: 600,
                    ..replace("elbv2.target_group.web", vec![forcing("vpc", network.clone(), network)])
                },
                delete("network/ec2.vpc.main", "vpc-1", true),
                delete("rds.instance.main", "db-1", false),
            ],
            3,
        )
    };
    assert_data_eq!(
        text(&plan),
        str![[r#"
Stack prod in account 111122223333, us-east-1

network

  ± replace network/ec2.vpc.main (vpc-1), the new one is created first
      cidr_block: "10.0.0.0/16" → "10.1.0.0/16"  # forces replacement

the stack itself

  ± replace elbv2.target_group.web (tg-1), the old one is deleted first
      because network/ec2.vpc.main is replaced
      vpc: network/ec2.vpc.main, the new one  # forces replacement

  - delete  rds.instance.main (db-1)

error: this plan is refused
  ✗ rds.instance.main would be deleted, but it is marked `prevent_destroy`
hint: `--unprotect` allows what `protect` and `prevent_destroy` refuse

Plan: 2 to replace, 1 to delete; 3 unchanged.
About 10 min (longest chain: network/ec2.vpc.main → elbv2.target_group.web).
API calls so far: 41.
"#]]
    );
}

#[test]
fn renames_and_waits() {
    let mut renamed = update("ec2.vpc.new", "vpc-1", vec![]);
    if let Action::Update { renamed_from, tags, .. } = &mut renamed.action {
        *renamed_from = Some("ec2.vpc.old".parse().unwrap());
        *tags = TagChange { set: texts(&[("bullstra:address", "ec2.vpc.new")]), ..TagChange::default() };
    }
    let mut waits = update("rds.instance.main", "db-1", vec![]);
    if let Action::Update { seen: Some(seen), .. } = &mut waits.action {
        seen.status = Status::Pending("backing-up".into());
    }
    assert_data_eq!(
        text(&plan_of(vec![renamed, waits], 3)),
        str![[r#"
Stack prod in account 111122223333, us-east-1

  ↻ retag   ec2.vpc.old → ec2.vpc.new (vpc-1)

  … wait    rds.instance.main (db-1, backing-up)

Plan: 1 to retag, 1 to wait for; 3 unchanged.
About 2 s (ec2.vpc.new).
API calls so far: 41.
"#]]
    );
}

#[test]
fn no_changes() {
    assert_data_eq!(
        text(&plan_of(vec![], 121)),
        str![[r#"
Stack prod in account 111122223333, us-east-1

No changes. All 121 resources are as declared.
API calls so far: 41.
"#]]
    );
}

/// A network, a database in it that takes ten minutes, and a service that needs the database.
fn run() -> Plan {
    let database = Step { after: vec![0], takes: 600, ..create("rds.instance.main", json!({}), &[]) };
    let service = Step { after: vec![1], takes: 60, ..create("ecs.service.orders", json!({}), &[]) };
    plan_of(vec![create("network/ec2.vpc.main", json!({}), &[]), database, service], 0)
}

fn event(plan: &Plan, step: usize, what: What) -> Event {
    Event { step, address: plan.steps[step].address.clone(), what }
}

#[test]
fn a_log_tells_what_happens_once() {
    let plan = run();
    let mut board = super::progress::Board::new(&plan);
    let waiting = || What::Waiting { state: "creating".into() };
    let retrying = What::Retrying { why: "Throttling: slow down".into(), pause: Duration::from_secs(2) };
    let answered = What::Answered { verb: "create", id: Some("vpc-1".into()), error: None };
    let failed = What::Failed { error: "Bad\u{1b}: no such engine".into() };
    let events = [
        (0, 0, What::Started),
        (0, 0, What::Calling { verb: "create" }),
        (1, 0, answered),
        (2, 0, What::Done),
        (2, 1, What::Started),
        (3, 1, retrying),
        (9, 1, waiting()),
        (70, 1, waiting()),
        (190, 1, failed),
        (190, 2, What::Skipped { because: Some(plan.steps[1].address.clone()) }),
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
    let mut board = super::progress::Board::new(&plan);
    let seconds = Duration::from_secs;
    board.take(&event(&plan, 0, What::Started), seconds(0));
    board.take(&event(&plan, 0, What::Done), seconds(2));
    board.take(&event(&plan, 1, What::Started), seconds(2));
    board.take(&event(&plan, 1, What::Waiting { state: "creating".into() }), seconds(9));
    let frame = board.frame(seconds(194), 312, (40, 100)).join("\n");
    assert_data_eq!(
        strip_str(&frame).to_string(),
        str![[r#"
  creating rds.instance.main 3m12s of ~10 min, creating
  ━━━━━━━━──────────────── 1 of 3 steps done · 3m14s · about 8 min left · 312 API calls
"#]]
    );
    let narrow = board.frame(seconds(194), 312, (40, 40));
    assert!(narrow.iter().all(|line| strip_str(line).to_string().chars().count() <= 40), "{narrow:#?}");
    assert_data_eq!(
        strip_str(&board.sign_of_life(seconds(194), 312)).to_string(),
        str![
            " 3:14 1 of 3 steps done · 3m14s · about 8 min left · 312 API calls; creating rds.instance.main for 3m12s"
        ]
    );
}

fn calls() -> BTreeMap<Call, u64> {
    let call = |service: &str, operation: &str| Call { service: service.into(), operation: operation.into() };
    [(call("EC2", "CreateVpc"), 1), (call("EC2", "DescribeVpcs"), 3), (call("RDS", "CreateDBInstance"), 1)].into()
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
    };
    let summary = super::summary(&plan, &outcome, Duration::from_secs(191), &calls());
    assert_data_eq!(
        strip_str(&summary).to_string(),
        str![[r#"
error: failed to create rds.instance.main
       AccessDenied: not authorized to perform: rds:CreateDBInstance
       request id 12ab
hint: this needs the permissions ec2:DoIt

1 step not reached:
  create ecs.service.orders: it needs rds.instance.main, which failed

Not done after 3m11s: 1 created, 1 failed.
API calls: 5, 2 of them to change something: ec2 4, rds 1.
hint: run the same command again to go on where this ended
"#]]
    );
}

#[test]
fn a_summary_of_what_went_well_is_short() {
    let outcome = Outcome { done: [("create", 3)].into(), ..Outcome::default() };
    let summary = super::summary(&run(), &outcome, Duration::from_secs(724), &calls());
    assert_data_eq!(
        strip_str(&summary).to_string(),
        str![[r#"
Done after 12m04s: 3 created.
API calls: 5, 2 of them to change something: ec2 4, rds 1.
"#]]
    );
}
