//! Unique values that pass between resources, and references that block deletes. Parts of a net have unique addresses,
//! doors a port, rows a position, hubs ways that guests use.

use serde_json::{Value, json};
use up_core::{Address, Status};

use crate::scenario::{Scenario, live, net, to};

fn part(block: &str) -> Value {
    json!({ "net": to("x.net.main"), "block": block })
}

fn live_part(block: &str, zone: &str) -> Value {
    json!({ "net": live("n1", "x.net"), "block": block, "zone": zone })
}

fn in_net() -> Scenario {
    Scenario::default().declare("x.net.main", net("10.0.0.0/16")).see("x.net.main", "n1", net("10.0.0.0/16"))
}

fn numbered(kind: &str, field: &str, declared: &[(&str, i64)], observed: &[(&str, i64)]) -> Scenario {
    let spec = |net: Value, number: &i64| json!({ "net": net, field: number });
    let declare = |case: Scenario, (name, number): &(&str, i64)| {
        case.declare(&format!("{kind}.{name}"), spec(to("x.net.main"), number))
    };
    let see = |case: Scenario, (name, number): &(&str, i64)| {
        case.see(&format!("{kind}.{name}"), name, spec(live("n1", "x.net"), number))
    };
    observed.iter().fold(declared.iter().fold(in_net(), declare), see)
}

#[test]
fn the_value_of_a_deleted_resource_is_taken_after_the_delete() {
    let case =
        in_net().declare("x.part.new", part("10.0.1.0/24")).see("x.part.old", "old", live_part("10.0.0.0/22", "z"));
    case.plans(&["0 delete x.part.old old", "1 create x.part.new after 0"]);
}

#[test]
fn the_value_of_an_updated_resource_is_taken_after_the_update() {
    // HTTP becomes HTTPS, and another listener redirects to it.
    let case = numbered("x.door", "port", &[("main", 443), ("redirect", 80)], &[("main", 80)]);
    case.plans(&["0 update x.door.main", "1 create x.door.redirect after 0"]);
    let back = numbered("x.door", "port", &[("main", 80)], &[("main", 443), ("redirect", 80)]);
    back.plans(&["0 delete x.door.redirect redirect", "1 update x.door.main after 0"]);
}

#[test]
fn values_that_shift_are_released_one_after_the_other() {
    let case = numbered("x.door", "port", &[("a", 2), ("b", 3), ("c", 4)], &[("a", 1), ("b", 2), ("c", 3)]);
    case.plans(&["0 update x.door.c", "1 update x.door.b after 0", "2 update x.door.a after 1"]);
}

#[test]
fn a_ring_of_updates_is_broken_by_replacing_one() {
    let case = numbered("x.door", "port", &[("a", 2), ("b", 1)], &[("a", 1), ("b", 2)]);
    let plan = case.plans(&["0 delete x.door.b b", "1 update x.door.a after 0", "2 replace x.door.b #1 after 0 1"]);
    assert_eq!(plan.steps[2].why.as_deref(), Some("x.door.a takes its `port`, and needs it released first"));
}

#[test]
fn a_ring_that_the_kind_can_exchange_needs_no_order() {
    let case = numbered("x.row", "place", &[("a", 2), ("b", 3), ("c", 1)], &[("a", 1), ("b", 2), ("c", 3)]);
    case.plans(&["0 update x.row.a", "1 update x.row.b", "2 update x.row.c"]);
    let taken = numbered("x.row", "place", &[("a", 2), ("new", 1)], &[("a", 1), ("b", 2)]);
    taken.plans(&["0 delete x.row.b b", "1 update x.row.a after 0", "2 create x.row.new after 1"]);
}

#[test]
fn the_same_value_in_another_parent_is_free() {
    let case = Scenario::default()
        .declare("x.net.main", net("10.0.0.0/16"))
        .declare("x.door.new", json!({ "net": to("x.net.main"), "port": 80 }))
        .see("x.net.old", "n0", net("10.1.0.0/16"))
        .see("x.door.old", "d0", json!({ "net": live("n0", "x.net"), "port": 80 }));
    case.plans(&[
        "0 create x.net.main",
        "1 create x.door.new after 0",
        "2 delete x.door.old d0",
        "3 delete x.net.old n0 after 2",
    ]);
}

#[test]
fn addresses_that_shift_are_released_one_after_the_other() {
    let case = in_net()
        .declare("x.part.a", part("10.0.1.0/24"))
        .declare("x.part.b", part("10.0.2.0/24"))
        .see("x.part.a", "a", live_part("10.0.8.0/24", "z"))
        .see("x.part.b", "b", live_part("10.0.0.0/22", "z"));
    case.plans(&[
        "0 delete x.part.b b",
        "1 replace x.part.a #1 after 0",
        "2 replace x.part.b #1 after 0",
        "3 delete x.part.a a after 1",
    ]);
}

#[test]
fn addresses_that_are_exchanged_are_both_released_first() {
    let case = in_net()
        .declare("x.part.a", part("10.0.1.0/24"))
        .declare("x.part.b", part("10.0.0.0/24"))
        .see("x.part.a", "a", live_part("10.0.0.0/24", "z"))
        .see("x.part.b", "b", live_part("10.0.1.0/24", "z"));
    case.plans(&[
        "0 delete x.part.b b",
        "1 delete x.part.a a",
        "2 replace x.part.a #1 after 0 1",
        "3 replace x.part.b #1 after 0 1",
    ]);
}

fn hub(field: &str, seen_block: &str) -> Scenario {
    in_net()
        .declare("x.part.a", json!({ "net": to("x.net.main"), "block": "10.0.1.0/24", "zone": "z" }))
        .declare("x.hub.main", json!({ field: [to("x.part.a")] }))
        .see("x.part.a", "a", live_part(seen_block, "y"))
        .see("x.hub.main", "h", json!({ field: [live("a", "x.part")] }))
}

#[test]
fn a_replacement_that_does_not_collide_is_made_first_and_its_users_move() {
    let case = hub("parts", "10.0.0.0/24");
    case.plans(&["0 replace x.part.a #1", "1 update x.hub.main after 0", "2 delete x.part.a a after 0 1"]);
}

#[test]
fn a_user_releases_a_target_that_must_be_deleted_first() {
    let case = hub("links", "10.0.1.0/24");
    let plan = case.plans(&[
        "0 update x.hub.main",
        "1 delete x.part.a a after 0",
        "2 replace x.part.a #1 after 1",
        "3 finish x.hub.main after 0 2",
    ]);
    let up_plan::Action::Update { desired, .. } = &plan.steps[0].action else { panic!("an update") };
    assert_eq!(desired["links"], json!([]));
}

#[test]
fn a_loose_reference_moves_after_the_delete() {
    let case = hub("routes", "10.0.1.0/24");
    case.plans(&["0 delete x.part.a a", "1 replace x.part.a #1 after 0", "2 update x.hub.main after 1"]);
}

#[test]
fn a_target_that_a_staying_user_blocks_is_not_replaced_delete_first() {
    let case = hub("parts", "10.0.1.0/24");
    let refusals = case.plan().refusals;
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    assert_eq!(refusals[0].address, "x.part.a".parse::<Address>().unwrap());
    assert_eq!(
        refusals[0].message,
        "must be deleted before the new one is created: both have the same `block`; x.hub.main uses it until then: \
         change `block` too, or take it away from x.hub.main first"
    );
}

#[test]
fn taking_the_name_of_a_resource_in_use_is_refused() {
    let case = in_net()
        .declare("x.part.new", part("10.0.1.0/24"))
        .declare("x.hub.main", json!({ "parts": [to("x.part.new")] }))
        .see("x.part.old", "a", live_part("10.0.0.0/16", "y"))
        .see("x.hub.main", "h", json!({ "parts": [live("a", "x.part")] }));
    let refusals = case.plan().refusals;
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    assert_eq!(
        refusals[0].message,
        "must be deleted before x.part.new takes its `block`; x.hub.main uses it until then: give x.part.new another \
         `block`, or take it away from x.hub.main first"
    );
}

#[test]
fn a_resource_that_cannot_leave_its_net_is_replaced() {
    let mut case = in_net()
        .declare("x.net.other", net("10.1.0.0/16"))
        .declare("x.part.a", part("10.0.1.0/24"))
        .declare("x.part.b", json!({ "net": to("x.net.other"), "block": "10.1.1.0/24" }))
        .declare("x.hub.main", json!({ "parts": [to("x.part.b")] }))
        .see("x.net.other", "n2", net("10.1.0.0/16"))
        .see("x.part.a", "a", live_part("10.0.1.0/24", "z"))
        .see("x.part.b", "b", json!({ "net": live("n2", "x.net"), "block": "10.1.1.0/24" }))
        .see("x.hub.main", "h", json!({ "parts": [live("a", "x.part")] }));
    case.plans(&["0 replace x.hub.main #1", "1 delete x.hub.main h after 0"]);
    // Inside the same net it is updated in place.
    case.declared[3].spec_mut()["net"] = to("x.net.main");
    case.declared[3].spec_mut()["block"] = "10.0.2.0/24".into();
    case.live_stack.observed.get_mut("x.part").unwrap()[1].spec = live_part("10.0.2.0/24", "z");
    case.plans(&["0 update x.hub.main"]);
}

#[test]
fn a_replaced_net_replaces_all_resources_in_it() {
    let mut case = hub("parts", "10.0.1.0/24");
    case.declared[1].spec_mut()["zone"] = "y".into();
    case.declared[0].spec_mut()["cidr"] = "10.9.0.0/16".into();
    case.plans(&[
        "0 replace x.net.main #1",
        "1 replace x.part.a #1 after 0",
        "2 replace x.hub.main #1 after 1",
        "3 delete x.hub.main h after 2",
        "4 delete x.part.a a after 1 2 3",
        "5 delete x.net.main n1 after 0 1 4",
    ]);
}

fn ways(observed: &[&str], declared: &[&str], way: &str, will: &str) -> Scenario {
    Scenario::default()
        .declare("x.hub.main", json!({ "ways": declared }))
        .declare("x.guest.one", json!({ "hub": to("x.hub.main"), "way": will }))
        .see("x.hub.main", "h", json!({ "parts": [], "links": [], "routes": [], "ways": observed }))
        .see("x.guest.one", "g", json!({ "hub": live("h", "x.hub"), "way": way }))
}

#[test]
fn members_that_others_use_are_removed_after_these_release_them() {
    let case = ways(&["air", "sea"], &["air"], "sea", "air");
    case.plans(&["0 update x.guest.one", "1 update x.hub.main after 0"]);
}

#[test]
fn members_are_added_before_their_users_and_removed_after_them() {
    let case = ways(&["sea"], &["air"], "sea", "air");
    let plan = case.plans(&["0 update x.hub.main", "1 update x.guest.one after 0", "2 finish x.hub.main after 0 1"]);
    let up_plan::Action::Update { desired, .. } = &plan.steps[0].action else { panic!("an update") };
    assert_eq!(desired["ways"], json!(["air", "sea"]));
}

#[test]
fn members_without_users_are_removed_in_one_step() {
    ways(&["air", "sea"], &["air"], "air", "air").plans(&["0 update x.hub.main"]);
}

#[test]
fn users_are_deleted_before_the_members_they_use_are_removed() {
    let mut case = ways(&["air", "sea"], &["air"], "sea", "sea");
    case.declared.pop();
    case.plans(&["0 delete x.guest.one g", "1 update x.hub.main after 0"]);
}

#[test]
fn a_user_known_from_the_last_apply_is_deleted_before_its_target() {
    // The service runs a task definition that CI registered; no live reference shows that it needs the role.
    let mut case = Scenario::default().see("x.net.role", "r", net("10.0.0.0/16")).see(
        "x.hub.service",
        "s",
        json!({ "name": "web" }),
    );
    let address = |text: &str| text.parse::<Address>().unwrap();
    case.plans(&["0 delete x.net.role r", "1 delete x.hub.service s"]);
    case.live_stack.named = [(address("x.hub.service"), [address("x.net.role")].into())].into();
    case.plans(&["0 delete x.hub.service s", "1 delete x.net.role r after 0"]);
}

#[test]
fn live_references_outweigh_those_of_the_last_apply() {
    let address = |text: &str| text.parse::<Address>().unwrap();
    let mut case = Scenario::default().see("x.net.main", "n", net("10.0.0.0/16")).see(
        "x.door.main",
        "d",
        json!({ "net": live("n", "x.net"), "port": 1 }),
    );
    case.live_stack.named = [(address("x.net.main"), [address("x.door.main")].into())].into();
    case.plans(&["0 delete x.door.main d", "1 delete x.net.main n after 0"]);
}

#[test]
fn a_failed_resource_is_replaced_though_a_user_refers_to_it() {
    let mut case = hub("parts", "10.0.1.0/24");
    case.declared[1].spec_mut()["zone"] = "y".into();
    case.live_stack.observed.get_mut("x.part").unwrap()[0].status = Status::Failed("no room".into());
    case.plans(&["0 delete x.part.a a", "1 replace x.part.a #1 after 0", "2 update x.hub.main after 1"]);
}
