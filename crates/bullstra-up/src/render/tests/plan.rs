//! Plans.

use anstream::adapter::strip_str;
use serde_json::{Value, json};
use snapbox::{IntoData, assert_data_eq, str};
use up_core::{Status, TagChange, placeholder::Placeholder};
use up_plan::{Action, Notice, Plan, Refusal, Step};

use super::{change, create, delete, forcing, plan_of, replace, texts, update};
use crate::render;

fn text(plan: &Plan) -> String {
    strip_str(&render::plan(plan, &|_| None, 41)).to_string()
}

#[test]
fn new_resources_show_what_is_set() {
    let arn = Placeholder { address: "ecs.cluster.main".into(), attribute: "arn".into() };
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

Plan, refused: 2 to replace, 1 to delete; 3 unchanged.
About 10 min (longest chain: 2 steps, above all the new elbv2.target_group.web (10 min)).
API calls so far: 41.
"#]]
    );
}

#[test]
fn a_refusal_says_each_reason_once() {
    let refusal = |address: &str, message: &str| Refusal { address: address.parse().unwrap(), message: message.into() };
    let plan = Plan {
        refusals: vec![
            refusal("rds.instance.main", "would be deleted, but it is marked `prevent_destroy`"),
            refusal("ec2.vpc.b", "cannot be changed in one go"),
            refusal("ec2.vpc.a", "cannot be changed in one go"),
            refusal("ec2.vpc.a", "cannot be changed in one go"),
        ],
        ..plan_of(vec![], 4)
    };
    let refused = up_engine::refused(&plan);
    assert!(refused.hint.is_some_and(|hint| hint.contains("--unprotect")));
    assert_data_eq!(
        refused.message,
        str![[r#"
this plan is refused
rds.instance.main would be deleted, but it is marked `prevent_destroy`
2 resources cannot be changed in one go:
  ec2.vpc.a
  ec2.vpc.b
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
    if let Action::Update { observed: Some(observed), .. } = &mut waits.action {
        observed.status = Status::Pending("backing-up".into());
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
fn notices_are_shown_with_and_without_steps() {
    let notice = |address: &str, message: &str| Notice { address: address.parse().unwrap(), message: message.into() };
    let plan = Plan {
        notices: vec![
            notice("rds.instance.a", "`max_connections` waits for a reboot"),
            notice("rds.instance.b", "`max_connections` waits for a reboot"),
            notice("rds.instance.c", "AWS says: storage-full; raise `allocated_storage`"),
        ],
        ..plan_of(vec![], 3)
    };
    assert_data_eq!(
        text(&plan),
        str![[r#"
Stack prod in account 111122223333, us-east-1

note: 2 resources: `max_connections` waits for a reboot
        rds.instance.a
        rds.instance.b
note: rds.instance.c: AWS says: storage-full; raise `allocated_storage`

No changes. All 3 resources are as declared.
API calls so far: 41.
"#]]
    );
}

#[test]
fn an_operation_that_aws_failed_is_repeated() {
    let mut repaired = update("ecs.service.a", "a", vec![]);
    repaired.why = Some("AWS says: the deployment failed".into());
    assert_data_eq!(
        text(&plan_of(vec![repaired], 0)),
        str![[r#"
Stack prod in account 111122223333, us-east-1

  ~ update  ecs.service.a (a)
      because AWS says: the deployment failed

Plan: 1 to update; 0 unchanged.
About 2 s (ecs.service.a).
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
