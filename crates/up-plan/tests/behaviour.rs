//! What a plan says, behaviour by behaviour. Three small kinds stand in for AWS's: a `net`, a `box` in a net, and a
//! `group` that other groups may name.

mod kinds;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use up_core::{Address, Declared, Impairment, Order, Seen, Status, quote::Quote};
use up_plan::{Action, Plan, Wanted, World, plan};

use kinds::find;

/// A stack and a world to plan on.
#[derive(Default, Clone)]
struct Case {
    declared: Vec<Declared>,
    world: World,
    protect: bool,
    targets: BTreeSet<Address>,
}

impl Case {
    fn declare(mut self, address: &str, spec: Value) -> Self {
        let address: Address = address.parse().unwrap();
        let spec = find(&address.kind).unwrap().complete(spec).unwrap();
        self.declared.push(Declared::new(address, spec));
        self
    }

    fn see(self, address: &str, id: &str, spec: Value) -> Self {
        self.see_as(address, id, Status::Ready, 0, spec)
    }

    fn see_as(mut self, address: &str, id: &str, status: Status, generation: u32, spec: Value) -> Self {
        let address: Address = address.parse().unwrap();
        let mut tags = up_core::Tags::new();
        tags.insert("Name".into(), address.physical("shop", generation, 255));
        tags.insert(Address::STACK_TAG.into(), "shop".into());
        tags.insert(Address::ADDRESS_TAG.into(), address.to_string());
        if generation > 0 {
            tags.insert(Address::GENERATION_TAG.into(), generation.to_string());
        }
        let attrs =
            [("arn".to_owned(), format!("arn:{id}")), ("name".to_owned(), address.physical("shop", generation, 40))];
        let seen = Seen { id: id.into(), tags, attrs: attrs.into(), status, notes: vec![], spec };
        self.world.seen.entry(address.kind).or_default().push(seen);
        self
    }

    fn plan(&self) -> Plan {
        let (none, targets) = (BTreeSet::new(), &self.targets);
        let Self { declared: resources, protect, .. } = self;
        let wanted = Wanted { stack: "shop", resources, protect: *protect, prevent_destroy: &none, targets };
        plan(&wanted, &self.world, &find)
    }

    /// A line a step: number, what, and what it waits for.
    #[track_caller]
    fn plans(&self, expected: &[&str]) -> Plan {
        let plan = self.plan();
        let lines: Vec<_> = plan
            .steps
            .iter()
            .enumerate()
            .map(|(index, step)| {
                let what = match &step.action {
                    Action::Create { birth, replaces, bare, .. } => {
                        let kind = if *replaces { "replace" } else { "create" };
                        let generation =
                            if birth.generation > 0 { format!(" #{}", birth.generation) } else { String::new() };
                        format!("{kind}{} {}{generation}", if *bare { " bare" } else { "" }, step.address)
                    }
                    Action::Update { seen: None, .. } => format!("finish {}", step.address),
                    Action::Update { .. } => format!("{} {}", step.verb().unwrap(), step.address),
                    Action::Delete { seen, .. } => format!("delete {} {}", step.address, seen.id),
                };
                let after: Vec<_> = step.after.iter().map(ToString::to_string).collect();
                let after = if after.is_empty() { String::new() } else { format!(" after {}", after.join(" ")) };
                format!("{index} {what}{after}")
            })
            .collect();
        assert_eq!(lines, expected, "\n{}", lines.join("\n"));
        plan
    }
}

fn net(cidr: &str) -> Value {
    json!({ "cidr": cidr })
}

fn boxed(net: Value, size: i64) -> Value {
    json!({ "net": net, "size": size })
}

fn to(address: &str) -> Value {
    json!({ "$ref": address })
}

fn live(id: &str, kind: &str) -> Value {
    json!({ "$id": id, "$kind": kind })
}

fn web() -> Case {
    Case::default().declare("x.net.main", net("10.0.0.0/16")).declare("x.box.web", boxed(to("x.net.main"), 1))
}

fn web_stands() -> Case {
    web().see("x.net.main", "n1", net("10.0.0.0/16")).see("x.box.web", "b1", boxed(live("n1", "x.net"), 1))
}

#[test]
fn creates_what_is_named_before_what_names_it() {
    web().plans(&["0 create x.net.main", "1 create x.box.web after 0"]);
}

#[test]
fn says_nothing_when_all_is_as_declared() {
    let plan = web_stands().plans(&[]);
    assert_eq!(plan.unchanged, 2);
}

#[test]
fn updates_in_place_what_can_be() {
    let mut case = web_stands();
    case.declared[1].spec_mut()["size"] = 2.into();
    let plan = case.plans(&["0 update x.box.web"]);
    let change = &plan.steps[0].changes[0];
    assert_eq!((change.field.as_str(), &change.seen, &change.want), ("size", &json!(1), &json!(2)));
}

#[test]
fn leaves_alone_what_the_user_left_to_aws_and_what_is_ignored() {
    let mut case = web_stands();
    case.world.seen.get_mut("x.box").unwrap()[0].spec["zone"] = "a".into();
    case.plans(&[]);
    case.declared[1].spec_mut()["size"] = 9.into();
    case.declared[1].ignore_changes.insert("size".into());
    case.plans(&[]);
}

#[test]
fn replaces_create_first_and_moves_users_over_before_the_old_one_goes() {
    let mut case = web_stands();
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
fn a_name_of_the_users_own_that_stays_goes_first_and_takes_its_users_along() {
    let mut case = web_stands();
    case.declared[0].spec_mut()["name"] = "front".into();
    case.world.seen.get_mut("x.net").unwrap()[0].spec["name"] = "front".into();
    case.declared[0].spec_mut()["cidr"] = "10.1.0.0/16".into();
    case.plans(&[
        "0 delete x.box.web b1",
        "1 delete x.net.main n1 after 0",
        "2 replace x.net.main #1 after 1",
        "3 replace x.box.web #1 after 0 2",
    ]);
}

#[test]
fn a_rename_is_a_tag_write_and_references_follow() {
    let case = Case::default()
        .declare("x.net.core", net("10.0.0.0/16"))
        .declare("x.box.web", boxed(to("x.net.core"), 1))
        .see("x.net.main", "n1", net("10.0.0.0/16"))
        .see("x.box.web", "b1", boxed(live("n1", "x.net"), 1));
    case.plans(&["0 retag x.net.core"]);
}

#[test]
fn a_new_resource_never_takes_the_name_a_renamed_one_keeps() {
    let case = Case::default().declare("x.net.core", net("10.0.0.0/16")).declare("x.net.main", net("10.1.0.0/16")).see(
        "x.net.main",
        "n1",
        net("10.0.0.0/16"),
    );
    // The address stays with what stands there: a changed CIDR replaces it, and `core` is new.
    case.plans(&["0 create x.net.core", "1 replace x.net.main #1", "2 delete x.net.main n1 after 1"]);
    let renamed = Case::default().declare("x.net.core", net("10.0.0.0/16")).see("x.net.main", "n1", net("10.0.0.0/16"));
    renamed.plans(&["0 retag x.net.core"]);
}

#[test]
fn deletes_users_before_what_they_use() {
    let mut case = web_stands();
    case.declared.clear();
    case.plans(&["0 delete x.box.web b1", "1 delete x.net.main n1 after 0"]);
}

#[test]
fn moves_a_user_away_before_the_used_goes() {
    let mut case = web_stands().declare("x.net.other", net("10.2.0.0/16")).see("x.net.other", "n2", net("10.2.0.0/16"));
    case.declared[1].spec_mut()["peer"] = to("x.net.other");
    case.world.seen.get_mut("x.box").unwrap()[0].spec["peer"] = live("n3", "x.net");
    case = case.see("x.net.old", "n3", net("10.3.0.0/16"));
    case.plans(&["0 update x.box.web", "1 delete x.net.old n3 after 0"]);
}

#[test]
fn groups_that_name_each_other_are_made_bare_and_finished_after() {
    let case = Case::default()
        .declare("x.group.a", json!({ "peers": [to("x.group.b")] }))
        .declare("x.group.b", json!({ "peers": [to("x.group.a")] }));
    case.plans(&[
        "0 create bare x.group.a",
        "1 create bare x.group.b",
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
fn groups_that_name_each_other_are_changed_side_by_side() {
    let peers = |peers: Value| json!({ "peers": peers });
    let case = Case::default()
        .declare("x.group.a", peers(json!([to("x.group.b")])))
        .declare("x.group.b", peers(json!([to("x.group.a")])))
        .see("x.group.a", "ga", peers(json!([])))
        .see("x.group.b", "gb", peers(json!([])));
    case.plans(&["0 update x.group.a", "1 update x.group.b"]);
}

#[test]
fn what_is_quoted_may_go_first_even_if_those_who_quote_it_stay_until_later() {
    let arn = Quote { address: "x.net.main".into(), attribute: "arn".into() };
    let text = |text: &str| json!({ "net": to("x.net.other"), "size": 1, "text": text });
    let case = Case::default()
        .declare("x.net.main", json!({ "cidr": "10.1.0.0/16", "name": "front" }))
        .declare("x.net.other", net("10.2.0.0/16"))
        .declare("x.box.web", text(&arn.mark()))
        .see("x.net.main", "n1", json!({ "cidr": "10.0.0.0/16", "name": "front" }))
        .see("x.net.other", "n2", net("10.2.0.0/16"))
        .see("x.box.web", "b1", json!({ "net": live("n2", "x.net"), "size": 1, "text": "arn:n1" }));
    case.plans(&["0 delete x.net.main n1", "1 replace x.net.main #1 after 0", "2 update x.box.web after 1"]);
}

#[test]
fn a_group_named_by_another_comes_first_where_there_is_no_circle() {
    let case = Case::default()
        .declare("x.group.a", json!({ "peers": [to("x.group.b")] }))
        .declare("x.group.b", json!({ "peers": [] }));
    case.plans(&["0 create x.group.b", "1 create x.group.a after 0"]);
}

#[test]
fn of_two_with_one_address_keeps_the_one_that_is_used() {
    let case = web_stands().see("x.net.main", "n0", net("10.0.0.0/16"));
    let plan = case.plans(&["0 delete x.net.main n0"]);
    assert_eq!(plan.steps[0].why.as_deref(), Some("a second one of the same address"));
}

#[test]
fn of_two_with_one_address_keeps_the_one_that_is_as_declared() {
    // A replacement was interrupted after the new one was made.
    let case = Case::default()
        .declare("x.net.main", net("10.1.0.0/16"))
        .see("x.net.main", "n1", net("10.0.0.0/16"))
        .see_as("x.net.main", "n2", Status::Ready, 1, net("10.1.0.0/16"));
    case.plans(&["0 delete x.net.main n1"]);
}

#[test]
fn a_replacement_that_was_interrupted_before_its_users_moved_is_finished() {
    // The new net is there, the box is still in the old one.
    let (old, new) = (net("10.1.0.0/16"), net("10.0.0.0/16"));
    let case = web().see("x.net.main", "n1", old).see_as("x.net.main", "n2", Status::Ready, 1, new);
    let case = case.see("x.box.web", "b1", boxed(live("n1", "x.net"), 1));
    case.plans(&["0 replace x.box.web #1", "1 delete x.box.web b1 after 0", "2 delete x.net.main n1 after 1"]);
}

#[test]
fn groups_that_name_each_other_go_together_once_nobody_uses_either() {
    let peers = |id: &str| json!({ "peers": [live(id, "x.group")] });
    let case = Case::default().see("x.group.a", "ga", peers("gb")).see("x.group.b", "gb", peers("ga"));
    let case = case.see("x.group.c", "gc", peers("ga"));
    case.plans(&["0 delete x.group.c gc", "1 delete x.group.b gb after 0", "2 delete x.group.a ga after 0"]);
}

#[test]
fn waits_for_what_is_on_its_way_and_replaces_what_failed() {
    let on_its_way = Case::default()
        .declare("x.net.main", net("10.0.0.0/16"))
        .declare("x.box.web", boxed(to("x.net.main"), 1))
        .see_as("x.net.main", "n1", Status::Pending("pending".into()), 0, net("10.0.0.0/16"));
    on_its_way.plans(&["0 wait x.net.main", "1 create x.box.web after 0"]);
    let failed = Case::default().declare("x.net.main", net("10.0.0.0/16")).see_as(
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
fn quoted_text_is_compared_once_what_it_quotes_exists() {
    let arn = Quote { address: "x.net.main".into(), attribute: "arn".into() };
    let quoting = |case: Case| {
        case.declare("x.box.web", json!({ "net": to("x.net.main"), "size": 1, "text": format!("<{}>", arn.mark()) }))
    };
    let new = quoting(Case::default().declare("x.net.main", net("10.0.0.0/16")));
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
    let mut case = web_stands();
    case.protect = true;
    case.declared.remove(1);
    let refused = case.plan().refusals;
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(refused[0].message, "would be deleted, but it holds data and the stack is marked `protect`");
    let mut case = web_stands();
    case.declared[0].prevent_destroy = true;
    case.declared[0].spec_mut()["cidr"] = "10.1.0.0/16".into();
    let refused = case.plan().refusals;
    assert_eq!(refused[0].message, "would be replaced because of `cidr`, but it is marked `prevent_destroy`");
}

#[test]
fn a_target_brings_what_it_needs_and_nothing_else() {
    let mut case = web().declare("x.net.other", net("10.9.0.0/16"));
    case.targets = ["x.box.web".parse().unwrap()].into();
    case.plans(&["0 create x.net.main", "1 create x.box.web after 0"]);
}

#[test]
fn what_takes_over_a_name_waits_until_it_is_free() {
    let case = Case::default().declare("x.net.new", json!({ "cidr": "10.1.0.0/16", "name": "front" })).see(
        "x.net.old",
        "n1",
        json!({ "cidr": "10.0.0.0/16", "name": "front" }),
    );
    case.plans(&["0 delete x.net.old n1", "1 create x.net.new after 0"]);
}

#[test]
fn the_same_inputs_give_the_same_plan() {
    let mut case = web_stands();
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
fn a_moved_world_is_named() {
    let before = web_stands();
    let mut after = web_stands();
    after.world.seen.get_mut("x.box").unwrap()[0].spec["size"] = 7.into();
    after = after.see("x.net.extra", "n9", net("10.9.0.0/16"));
    let moved = before.world.fingerprints().moved(&after.world.fingerprints());
    assert_eq!(moved, ["x.box b1 has changed", "x.net n9 is new"]);
}

#[test]
fn the_longest_chain_is_known() {
    let plan = web().plan();
    let seconds: Vec<_> = plan.remaining().iter().map(std::time::Duration::as_secs).collect();
    assert_eq!(seconds, [102, 2]);
    assert_eq!(find("x.net").unwrap().about().replace, Order::CreateFirst);
}

/// A box with a `size` that others move.
fn ignoring_size() -> Case {
    let mut case = web_stands();
    case.world.seen.get_mut("x.box").unwrap()[0].spec["size"] = 7.into();
    case.declared[1].ignore_changes.insert("size".into());
    case
}

#[test]
fn an_ignored_field_does_not_show_beside_one_that_differs() {
    let mut case = ignoring_size();
    case.plans(&[]);
    case.declared[1].spec_mut()["text"] = "new".into();
    let plan = case.plans(&["0 update x.box.web"]);
    let fields: Vec<_> = plan.steps[0].changes.iter().map(|change| change.field.as_str()).collect();
    assert_eq!(fields, ["text"]);
}

#[test]
fn part_of_a_field_can_be_ignored() {
    let peers = |first: &str| json!({ "peers": [live(first, "x.group"), live("gc", "x.group")] });
    let mut case = Case::default()
        .declare("x.group.a", json!({ "peers": [to("x.group.b"), to("x.group.c")] }))
        .declare("x.group.b", json!({ "peers": [] }))
        .declare("x.group.c", json!({ "peers": [] }))
        .see("x.group.a", "ga", peers("elsewhere"))
        .see("x.group.b", "gb", json!({ "peers": [] }))
        .see("x.group.c", "gc", json!({ "peers": [] }));
    case.plans(&["0 update x.group.a"]);
    case.declared[0].ignore_changes.insert("peers[0]".into());
    case.plans(&[]);
}

#[test]
fn what_an_ignored_field_uses_is_kept_and_said() {
    // Another hand gave the box a peer of the stack's that is no longer declared.
    let mut case = web_stands().see("x.net.old", "n3", net("10.3.0.0/16"));
    case.world.seen.get_mut("x.box").unwrap()[0].spec["peer"] = live("n3", "x.net");
    case.plans(&["0 delete x.net.old n3"]);
    case.declared[1].spec_mut()["peer"] = to("x.net.main");
    case.plans(&["0 update x.box.web", "1 delete x.net.old n3 after 0"]);
    case.declared[1].ignore_changes.insert("peer".into());
    let plan = case.plans(&[]);
    let notice = &plan.notices[0];
    assert_eq!(
        (notice.address.to_string().as_str(), notice.message.as_str()),
        ("x.net.old", "n3 is kept: x.box.web uses it")
    );
    // The same for one that is replaced, and for what the one that is kept uses itself.
    case.world.seen.get_mut("x.box").unwrap()[0].spec["peer"] = live("n1", "x.net");
    case.declared[0].spec_mut()["cidr"] = "10.1.0.0/16".into();
    case.declared[1].ignore_changes.insert("net".into());
    case.plans(&["0 replace x.net.main #1", "1 delete x.net.old n3"]);
}

#[test]
fn a_trouble_is_shown_and_nothing_is_deleted_for_it() {
    let impaired = |status: Status| {
        web().see_as("x.net.main", "n1", status, 0, net("10.0.0.0/16")).see(
            "x.box.web",
            "b1",
            boxed(live("n1", "x.net"), 1),
        )
    };
    let full = Impairment::explained("storage-full", "raise `size`");
    let plan = impaired(full.clone()).plans(&[]);
    assert_eq!(plan.notices[0].message, "AWS says: storage-full; raise `size`");
    assert_eq!(plan.unchanged, 2);
    impaired(Impairment::repairable("update failed", "it is sent again")).plans(&["0 update x.net.main"]);
    let mut mended = web_stands();
    mended.world.seen.get_mut("x.box").unwrap()[0].status = full;
    mended.declared[1].spec_mut()["size"] = 2.into();
    mended.plans(&["0 update x.box.web"]);
}

#[test]
fn tags_that_others_set_are_left_alone() {
    let mut case = web_stands();
    let tags = &mut case.world.seen.get_mut("x.box").unwrap()[0].tags;
    tags.extend(["kubernetes.io/cluster/shop", "cost-center", "team"].map(|key| (key.to_owned(), "x".to_owned())));
    case.plans(&[]);
    // What the last apply set and is no longer declared goes; a key that is ignored stays.
    let address: Address = "x.box.web".parse().unwrap();
    let set = ["team", "cost-center", "kubernetes.io/cluster/shop"].map(str::to_owned);
    case.world.tagged.insert(address, set.into());
    case.declared[1].ignore_tags.insert("cost-*".into());
    let plan = case.plans(&["0 update x.box.web"]);
    let Action::Update { tags, .. } = &plan.steps[0].action else { panic!("an update") };
    assert_eq!((tags.remove.iter().map(String::as_str).collect::<Vec<_>>(), tags.set.len()), (vec!["team"], 0));
    case.declared[1].ignore_changes.insert("tags".into());
    case.plans(&[]);
}

#[test]
fn what_only_carries_our_tags_is_named_and_left_alone() {
    // An ENI of a service carries the tags of the service: it is of another kind than they say.
    let mut case = web_stands();
    let mut other = case.world.seen["x.net"][0].clone();
    other.id = "eni-1".into();
    case.world.seen.insert("x.group".into(), vec![other]);
    let plan = case.plans(&[]);
    assert_eq!(plan.notices[0].message, "x.group eni-1 carries the tags of x.net.main and is none: it is left alone");
}

#[test]
fn a_copy_with_our_tags_is_not_deleted() {
    let copy = json!({ "size": 1 });
    let store = || Case::default().declare("x.store.db", copy.clone()).see("x.store.db", "s1", copy.clone());
    let named = |case: Case, id: &str, name: &str| {
        let mut case = case.see("x.store.db", id, copy.clone());
        case.world.seen.get_mut("x.store").unwrap().last_mut().unwrap().attrs.insert("name".into(), name.into());
        case
    };
    // Restored from a snapshot under a name that the stack does not give.
    let restored = named(store(), "s0", "restored");
    let plan = restored.plans(&[]);
    assert!(plan.notices[0].message.starts_with("s0 carries its tags"), "{:?}", plan.notices);
    // Its original was deleted by hand, and is no longer declared: it is still nobody's to delete.
    let mut alone = named(Case::default(), "s0", "restored");
    assert_eq!(alone.plans(&[]).notices.len(), 1);
    alone.world.known =
        std::sync::Arc::new([("x.store".to_owned(), std::sync::Arc::new(["s0".to_owned()].into()))].into());
    alone.plans(&["0 delete x.store.db s0"]);
    // Nothing tells which of the two is the stack's.
    let both = named(named(Case::default().declare("x.store.db", copy.clone()), "s0", "one"), "s1", "other");
    let plan = both.plan();
    assert!(plan.refusals[0].message.contains("both carry its tags"), "{:?}", plan.refusals);
}

#[test]
fn what_was_renamed_is_found_whatever_else_has_changed() {
    let mut case =
        Case::default().declare("x.net.core", net("10.0.0.0/16")).declare("x.box.api", boxed(to("x.net.core"), 2));
    case = case.see("x.net.main", "n1", net("10.0.0.0/16")).see("x.box.web", "b1", boxed(live("n1", "x.net"), 1));
    case.plans(&["0 retag x.net.core", "1 create x.box.api after 0", "2 delete x.box.web b1"]);
    case.declared[1].renamed_from = vec!["x.box.nobody".parse().unwrap(), "x.box.web".parse().unwrap()];
    let plan = case.plans(&["0 retag x.net.core", "1 update x.box.api after 0"]);
    let Action::Update { renamed_from, .. } = &plan.steps[1].action else { panic!("an update") };
    assert_eq!(renamed_from.as_ref().map(ToString::to_string).as_deref(), Some("x.box.web"));
    // An address that is declared again is no old one.
    case = case.declare("x.box.web", boxed(to("x.net.core"), 1));
    case.plans(&["0 retag x.net.core", "1 create x.box.api after 0"]);
}

#[test]
fn nothing_is_ignored_of_what_an_earlier_run_did_not_finish() {
    let mut case = ignoring_size();
    case.plans(&[]);
    case.world.unfinished.insert("x.box.web".parse().unwrap());
    let plan = case.plans(&["0 update x.box.web"]);
    let Action::Update { ignore, .. } = &plan.steps[0].action else { panic!("an update") };
    assert!(ignore.is_empty());
}
