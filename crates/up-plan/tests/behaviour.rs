//! What a plan says, behaviour by behaviour. Three small kinds stand in for AWS's: a `net`, a `box` in a net, and a
//! `group` that other groups may name.

mod kinds;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use up_core::{Address, Declared, Order, Seen, Status, quote::Quote};
use up_plan::{Action, Plan, Wanted, World, plan};

use kinds::find;

/// A stack and a world to plan on.
#[derive(Default, Clone)]
struct Case {
    declared: Vec<Declared>,
    leaving: Vec<Declared>,
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
        let Self { declared: resources, leaving, protect, .. } = self;
        let wanted = Wanted { stack: "shop", resources, leaving, protect: *protect, prevent_destroy: &none, targets };
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
fn what_the_files_refer_to_goes_after_whatever_aws_shows() {
    let mut case = Case::default().see("x.net.main", "n1", net("10.0.0.0/16")).see(
        "x.box.web",
        "b1",
        boxed(live("by-hand", "x.net"), 1),
    );
    case.leaving = web().declared;
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
