//! Tests of plans, behaviour by behaviour. Three small kinds stand in for AWS's: a `net`, a `box` in a net, and a
//! `group` that other groups may refer to. Unique values that pass between resources are in `handover`, changes made by
//! others in `others`.

mod drift;
mod handover;
mod kinds;
mod others;
mod scenario;

use serde_json::{Value, json};
use up_core::{Address, Order, Status, placeholder::Placeholder};
use up_plan::Plan;

use kinds::find;
use scenario::{Scenario, boxed, live, net, to};

fn web() -> Scenario {
    Scenario::default().declare("x.net.main", net("10.0.0.0/16")).declare("x.box.web", boxed(to("x.net.main"), 1))
}

fn web_exists() -> Scenario {
    web().see("x.net.main", "n1", net("10.0.0.0/16")).see("x.box.web", "b1", boxed(live("n1", "x.net"), 1))
}

#[test]
fn creates_targets_before_users() {
    web().plans(&["0 create x.net.main", "1 create x.box.web after 0"]);
}

#[test]
fn an_unchanged_stack_has_no_steps() {
    let plan = web_exists().plans(&[]);
    assert_eq!(plan.unchanged, 2);
}

fn box_of(zone: &str, declared: i64, live_size: i64) -> Scenario {
    let mut case = web_exists();
    case.declared[1].spec_mut()["size"] = declared.into();
    case.declared[1].spec_mut()["zone"] = zone.into();
    let observed = &mut case.live_stack.observed.get_mut("x.box").unwrap()[0];
    (observed.spec["size"], observed.spec["zone"]) = (live_size.into(), zone.into());
    case
}

#[test]
fn a_value_that_the_kind_accepts_is_no_difference() {
    box_of("growing", 1, 5).plans(&[]);
    box_of("growing", 7, 5).plans(&["0 update x.box.web"]);
}

#[test]
fn a_change_that_aws_refuses_is_refused_with_the_way_out() {
    let refused = box_of("fixed", 1, 5).plan().refusals;
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(refused[0].message, "`size`: it never shrinks: write `size = 5`");
    assert!(box_of("fixed", 7, 5).plan().refusals.is_empty());
}

#[test]
fn a_create_that_aws_would_refuse_is_refused() {
    let mut case = web();
    case.declared[0].spec_mut()["cidr"] = "nowhere".into();
    let refused = case.plan().refusals;
    assert_eq!(refused[0].message, "`net`: a box has no place in nowhere");
}

#[test]
fn what_is_replaced_is_asked_for_its_declaration() {
    let mut case = web_exists();
    case.live_stack.observed.get_mut("x.net").unwrap()[0].attrs.insert("cidr".into(), "nowhere".into());
    case.declared[1].spec_mut()["size"] = 2.into();
    assert_eq!(case.plan().refusals.len(), 1);
    case.declared[0].spec_mut()["cidr"] = "10.1.0.0/16".into();
    assert!(case.plan().refusals.is_empty(), "the old one is nowhere, and the new one is not");
}

#[test]
fn updates_in_place_where_possible() {
    let mut case = web_exists();
    case.declared[1].spec_mut()["size"] = 2.into();
    let plan = case.plans(&["0 update x.box.web"]);
    let change = &plan.steps[0].changes[0];
    assert_eq!((change.field.as_str(), &change.observed, &change.desired), ("size", &json!(1), &json!(2)));
}

#[test]
fn unset_and_ignored_fields_are_left_alone() {
    let mut case = web_exists();
    case.live_stack.observed.get_mut("x.box").unwrap()[0].spec["zone"] = "a".into();
    case.plans(&[]);
    case.declared[1].spec_mut()["size"] = 9.into();
    case.declared[1].ignore_changes.insert("size".into());
    case.plans(&[]);
}

#[test]
fn replaces_create_first_and_moves_users_before_the_old_one_is_deleted() {
    let mut case = web_exists();
    case.declared[0].spec_mut()["cidr"] = "10.1.0.0/16".into();
    let plan = case.plans(&[
        "0 replace x.net.main #1",
        "1 replace x.box.web #1 after 0",
        "2 delete x.box.web b1 after 1",
        "3 delete x.net.main n1 after 0 1 2",
    ]);
    assert_eq!(plan.steps[1].why.as_deref(), Some("x.net.main is replaced"));
    assert_eq!(plan.summary().replace, 2);
}

#[test]
fn a_resource_that_keeps_its_own_name_is_replaced_delete_first_with_its_users() {
    let mut case = web_exists();
    case.declared[0].spec_mut()["name"] = "front".into();
    case.live_stack.observed.get_mut("x.net").unwrap()[0].spec["name"] = "front".into();
    case.declared[0].spec_mut()["cidr"] = "10.1.0.0/16".into();
    case.plans(&[
        "0 delete x.box.web b1",
        "1 delete x.net.main n1 after 0",
        "2 replace x.net.main #1 after 1",
        "3 replace x.box.web #1 after 0 2",
    ]);
}

#[test]
fn a_rename_changes_only_tags_and_references_follow() {
    let case = Scenario::default()
        .declare("x.net.core", net("10.0.0.0/16"))
        .declare("x.box.web", boxed(to("x.net.core"), 1))
        .see("x.net.main", "n1", net("10.0.0.0/16"))
        .see("x.box.web", "b1", boxed(live("n1", "x.net"), 1));
    case.plans(&["0 retag x.net.core"]);
}

#[test]
fn a_new_resource_never_takes_the_name_of_a_renamed_one() {
    let case = Scenario::default()
        .declare("x.net.core", net("10.0.0.0/16"))
        .declare("x.net.main", net("10.1.0.0/16"))
        .see("x.net.main", "n1", net("10.0.0.0/16"));
    // A live resource keeps its address: a changed CIDR replaces it, and `core` is new.
    case.plans(&["0 create x.net.core", "1 replace x.net.main #1", "2 delete x.net.main n1 after 1"]);
    let renamed =
        Scenario::default().declare("x.net.core", net("10.0.0.0/16")).see("x.net.main", "n1", net("10.0.0.0/16"));
    renamed.plans(&["0 retag x.net.core"]);
}

#[test]
fn deletes_users_before_what_they_use() {
    let mut case = web_exists();
    case.declared.clear();
    case.plans(&["0 delete x.box.web b1", "1 delete x.net.main n1 after 0"]);
}

#[test]
fn moves_a_user_before_its_old_target_is_deleted() {
    let mut case = web_exists().declare("x.net.other", net("10.2.0.0/16")).see("x.net.other", "n2", net("10.2.0.0/16"));
    case.declared[1].spec_mut()["peer"] = to("x.net.other");
    case.live_stack.observed.get_mut("x.box").unwrap()[0].spec["peer"] = live("n3", "x.net");
    case = case.see("x.net.old", "n3", net("10.3.0.0/16"));
    case.plans(&["0 update x.box.web", "1 delete x.net.old n3 after 0"]);
}

#[test]
fn groups_that_refer_to_each_other_are_created_partially_and_updated_after() {
    let case = Scenario::default()
        .declare("x.group.a", json!({ "peers": [to("x.group.b")] }))
        .declare("x.group.b", json!({ "peers": [to("x.group.a")] }));
    case.plans(&[
        "0 create partial x.group.a",
        "1 create partial x.group.b",
        "2 finish x.group.a after 0 1",
        "3 finish x.group.b after 0 1",
    ]);
    let mut gone = case.see("x.group.a", "ga", json!({ "peers": [live("gb", "x.group")] })).see(
        "x.group.b",
        "gb",
        json!({ "peers": [live("ga", "x.group")] }),
    );
    gone.plans(&[]);
    gone.declared.clear();
    gone.plans(&["0 delete x.group.b gb", "1 delete x.group.a ga"]);
}

#[test]
fn groups_that_refer_to_each_other_are_updated_independently() {
    let peers = |peers: Value| json!({ "peers": peers });
    let case = Scenario::default()
        .declare("x.group.a", peers(json!([to("x.group.b")])))
        .declare("x.group.b", peers(json!([to("x.group.a")])))
        .see("x.group.a", "ga", peers(json!([])))
        .see("x.group.b", "gb", peers(json!([])));
    case.plans(&["0 update x.group.a", "1 update x.group.b"]);
}

#[test]
fn a_target_named_only_in_text_may_be_deleted_before_its_users_change() {
    let arn = Placeholder { address: "x.net.main".into(), attribute: "arn".into() };
    let text = |text: &str| json!({ "net": to("x.net.other"), "size": 1, "text": text });
    let case = Scenario::default()
        .declare("x.net.main", json!({ "cidr": "10.1.0.0/16", "name": "front" }))
        .declare("x.net.other", net("10.2.0.0/16"))
        .declare("x.box.web", text(&arn.mark()))
        .see("x.net.main", "n1", json!({ "cidr": "10.0.0.0/16", "name": "front" }))
        .see("x.net.other", "n2", net("10.2.0.0/16"))
        .see("x.box.web", "b1", json!({ "net": live("n2", "x.net"), "size": 1, "text": "arn:n1" }));
    case.plans(&["0 delete x.net.main n1", "1 replace x.net.main #1 after 0", "2 update x.box.web after 1"]);
}

#[test]
fn a_group_that_another_refers_to_comes_first_without_a_cycle() {
    let case = Scenario::default()
        .declare("x.group.a", json!({ "peers": [to("x.group.b")] }))
        .declare("x.group.b", json!({ "peers": [] }));
    case.plans(&["0 create x.group.b", "1 create x.group.a after 0"]);
}

#[test]
fn of_two_with_one_address_the_used_one_is_kept() {
    let case = web_exists().see("x.net.main", "n0", net("10.0.0.0/16"));
    let plan = case.plans(&["0 delete x.net.main n0"]);
    assert_eq!(plan.steps[0].why.as_deref(), Some("a second one of the same address"));
}

#[test]
fn of_two_with_one_address_the_one_as_declared_is_kept() {
    // The replacement was interrupted after the new one was created.
    let case = Scenario::default()
        .declare("x.net.main", net("10.1.0.0/16"))
        .see("x.net.main", "n1", net("10.0.0.0/16"))
        .see_as("x.net.main", "n2", Status::Ready, 1, net("10.1.0.0/16"));
    case.plans(&["0 delete x.net.main n1"]);
}

#[test]
fn a_replacement_interrupted_before_its_users_moved_is_finished() {
    // The new net exists, the box is still in the old one.
    let (old, new) = (net("10.1.0.0/16"), net("10.0.0.0/16"));
    let case = web().see("x.net.main", "n1", old).see_as("x.net.main", "n2", Status::Ready, 1, new);
    let case = case.see("x.box.web", "b1", boxed(live("n1", "x.net"), 1));
    case.plans(&["0 replace x.box.web #1", "1 delete x.box.web b1 after 0", "2 delete x.net.main n1 after 1"]);
}

#[test]
fn groups_that_refer_to_each_other_are_deleted_together_after_their_users() {
    let peers = |id: &str| json!({ "peers": [live(id, "x.group")] });
    let case = Scenario::default().see("x.group.a", "ga", peers("gb")).see("x.group.b", "gb", peers("ga"));
    let case = case.see("x.group.c", "gc", peers("ga"));
    case.plans(&["0 delete x.group.c gc", "1 delete x.group.b gb after 0", "2 delete x.group.a ga after 0"]);
}

#[test]
fn pending_resources_are_waited_for_and_failed_ones_replaced() {
    let on_its_way = Scenario::default()
        .declare("x.net.main", net("10.0.0.0/16"))
        .declare("x.box.web", boxed(to("x.net.main"), 1))
        .see_as("x.net.main", "n1", Status::Pending("pending".into()), 0, net("10.0.0.0/16"));
    on_its_way.plans(&["0 wait x.net.main", "1 create x.box.web after 0"]);
    let failed = Scenario::default().declare("x.net.main", net("10.0.0.0/16")).see_as(
        "x.net.main",
        "n1",
        Status::Failed("no room".into()),
        0,
        net("10.0.0.0/16"),
    );
    let plan = failed.plans(&["0 delete x.net.main n1", "1 replace x.net.main #1 after 0"]);
    assert_eq!(plan.steps[1].why.as_deref(), Some("it failed: no room"));
}

#[test]
fn text_with_placeholders_is_compared_once_their_values_exist() {
    let arn = Placeholder { address: "x.net.main".into(), attribute: "arn".into() };
    let quoting = |case: Scenario| {
        case.declare("x.box.web", json!({ "net": to("x.net.main"), "size": 1, "text": format!("<{}>", arn.mark()) }))
    };
    let new = quoting(Scenario::default().declare("x.net.main", net("10.0.0.0/16")));
    new.plans(&["0 create x.net.main", "1 create x.box.web after 0"]);
    let stands = new.see("x.net.main", "n1", net("10.0.0.0/16")).see(
        "x.box.web",
        "b1",
        json!({ "net": live("n1", "x.net"), "size": 1, "text": "<arn:n1>" }),
    );
    stands.plans(&[]);
}

#[test]
fn protected_data_is_not_lost() {
    let mut case = web_exists();
    case.protect = true;
    case.declared.remove(1);
    let refused = case.plan().refusals;
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(refused[0].message, "would be deleted, but it holds data and the stack is marked `protect`");
    let mut case = web_exists();
    case.declared[0].prevent_destroy = true;
    case.declared[0].spec_mut()["cidr"] = "10.1.0.0/16".into();
    let refused = case.plan().refusals;
    assert_eq!(refused[0].message, "would be replaced because of `cidr`, but it is marked `prevent_destroy`");
}

#[test]
fn a_target_includes_its_dependencies_and_nothing_else() {
    let mut case = web().declare("x.net.other", net("10.9.0.0/16"));
    case.targets = ["x.box.web".parse().unwrap()].into();
    case.plans(&["0 create x.net.main", "1 create x.box.web after 0"]);
}

#[test]
fn a_create_that_takes_over_a_name_waits_until_it_is_free() {
    let case = Scenario::default().declare("x.net.new", json!({ "cidr": "10.1.0.0/16", "name": "front" })).see(
        "x.net.old",
        "n1",
        json!({ "cidr": "10.0.0.0/16", "name": "front" }),
    );
    case.plans(&["0 delete x.net.old n1", "1 create x.net.new after 0"]);
}

#[test]
fn the_same_inputs_give_the_same_plan() {
    let mut case = web_exists();
    case.declared[0].spec_mut()["cidr"] = "10.1.0.0/16".into();
    let text = || serde_json::to_string(&case.plan()).unwrap();
    assert_eq!(text(), text());
    let mut turned = case.clone();
    turned.declared.reverse();
    assert_eq!(text(), serde_json::to_string(&turned.plan()).unwrap());
    let plan: Plan = serde_json::from_str(&text()).unwrap();
    assert_eq!(plan, case.plan());
}

#[test]
fn resources_that_changed_since_the_plan_are_named() {
    let before = web_exists();
    let mut after = web_exists();
    after.live_stack.observed.get_mut("x.box").unwrap()[0].spec["size"] = 7.into();
    after = after.see("x.net.extra", "n9", net("10.9.0.0/16"));
    let moved = before.live_stack.fingerprints().moved(&after.live_stack.fingerprints());
    assert_eq!(moved, ["x.box b1 has changed", "x.net n9 is new"]);
}

#[test]
fn the_longest_chain_of_steps_is_computed() {
    let plan = web().plan();
    let seconds: Vec<_> = plan.remaining().iter().map(std::time::Duration::as_secs).collect();
    assert_eq!(seconds, [102, 2]);
    assert_eq!(find("x.net").unwrap().info().replace, Order::CreateBeforeDestroy);
}

#[test]
fn an_update_takes_as_long_as_its_slowest_field() {
    let net = json!({ "cidr": "10.0.0.0/16" });
    let case = Scenario::default().declare("x.net.a", net.clone()).see("x.net.a", "net-1", net);
    let boxed = |size: i64, zone: &str| json!({ "net": { "$ref": "x.net.a" }, "size": size, "zone": zone });
    let observed = json!({ "net": { "$id": "net-1", "$kind": "x.net" }, "size": 1, "zone": "a" });
    let takes = |size, zone| {
        let case = case.clone().declare("x.box.a", boxed(size, zone)).see("x.box.a", "box-1", observed.clone());
        case.plan().steps.iter().map(|step| step.takes).collect::<Vec<_>>()
    };
    assert_eq!([takes(1, "b"), takes(2, "b")], [[2], [40]]);
}

#[test]
fn a_create_with_a_taken_name_is_refused() {
    let net = |name: &str| json!({ "name": name, "cidr": "10.0.0.0/16" });
    let mut case = Scenario::default().declare("x.net.a", net("taken")).declare("x.net.b", net("free"));
    let tags = [(Address::STACK_TAG.to_owned(), "other".to_owned())].into();
    case.live_stack.others = [("x.net".to_owned(), [("taken".to_owned(), tags)].into())].into();
    let refusals: Vec<_> = case.plan().refusals.iter().map(|it| format!("{} {}", it.address, it.message)).collect();
    assert_eq!(
        refusals,
        [
            "x.net.a cannot be created: another x.net is named `taken` already, and it belongs to the stack `other`; choose \
          another name, or delete that one"
        ]
    );
    let kept = case.see("x.net.a", "net-1", net("taken")).plan();
    assert_eq!(kept.refusals, [], "what the stack has already is not made");
}

#[test]
fn a_chain_of_renames_is_one_plan_and_the_last_comes_first() {
    let renamed = |case: Scenario, address: &str, was: &str, cidr: &str| {
        let mut case = case.declare(address, net(cidr));
        case.declared.last_mut().unwrap().renamed_from = vec![was.parse().unwrap()];
        case
    };
    let declared = renamed(Scenario::default(), "x.net.b", "x.net.a", "10.1.0.0/16");
    let declared = renamed(declared, "x.net.c", "x.net.b", "10.2.0.0/16");
    let live = |address: &str, id: &str, cidr: &str, case: Scenario| case.see(address, id, net(cidr));
    let before = live("x.net.b", "n2", "10.2.0.0/16", live("x.net.a", "n1", "10.1.0.0/16", declared.clone()));
    before.plans(&["0 retag x.net.c", "1 retag x.net.b after 0"]);
    // Interrupted after the first step, and finished.
    let half = live("x.net.c", "n2", "10.2.0.0/16", live("x.net.a", "n1", "10.1.0.0/16", declared.clone()));
    half.plans(&["0 retag x.net.b"]);
    let done = live("x.net.c", "n2", "10.2.0.0/16", live("x.net.b", "n1", "10.1.0.0/16", declared.clone()));
    done.plans(&[]);
    // The last resource of the chain was lost later: nothing is renamed.
    let lost = live("x.net.b", "n1", "10.1.0.0/16", declared);
    lost.plans(&["0 create x.net.c"]);
}
