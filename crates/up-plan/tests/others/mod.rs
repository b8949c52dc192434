//! Plans where others have changed resources: somebody at the console, an AWS service, a deployment by CI, a copied
//! tag.

mod stamps;

use serde_json::json;
use up_core::{Address, Impairment, Status, placeholder::Placeholder};
use up_plan::Action;

use crate::{
    kinds::find,
    scenario::{Scenario, boxed, live, net, to},
    web, web_exists,
};

/// A box with an ignored `size` that others change.
fn ignoring_size() -> Scenario {
    let mut case = web_exists();
    case.live_stack.observed.get_mut("x.box").unwrap()[0].spec["size"] = 7.into();
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
    let mut case = Scenario::default()
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
fn a_resource_used_by_an_ignored_field_is_kept_with_a_notice() {
    // Somebody gave the box a peer of the stack that is no longer declared.
    let mut case = web_exists().see("x.net.old", "n3", net("10.3.0.0/16"));
    case.live_stack.observed.get_mut("x.box").unwrap()[0].spec["peer"] = live("n3", "x.net");
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
    // The same for a replaced one, and for what the kept one uses itself.
    case.live_stack.observed.get_mut("x.box").unwrap()[0].spec["peer"] = live("n1", "x.net");
    case.declared[0].spec_mut()["cidr"] = "10.1.0.0/16".into();
    case.declared[1].ignore_changes.insert("net".into());
    case.plans(&["0 replace x.net.main #1", "1 delete x.net.old n3"]);
}

#[test]
fn an_impairment_is_shown_and_nothing_is_deleted_for_it() {
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
    let mut repaired = web_exists();
    repaired.live_stack.observed.get_mut("x.box").unwrap()[0].status = full;
    repaired.declared[1].spec_mut()["size"] = 2.into();
    repaired.plans(&["0 update x.box.web"]);
}

#[test]
fn what_quotes_an_attribute_that_an_impaired_resource_lacks_stays() {
    let mut case = web_exists();
    let endpoint = Placeholder { address: "x.net.main".into(), attribute: "endpoint".into() };
    case.declared[1].spec_mut()["text"] = endpoint.mark().into();
    case.live_stack.observed.get_mut("x.box").unwrap()[0].spec["text"] = "the endpoint".into();
    case.plans(&["0 update x.box.web"]);
    case.live_stack.observed.get_mut("x.net").unwrap()[0].status = Impairment::explained("FAILED", "delete it");
    case.plans(&[]);
}

#[test]
fn tags_that_others_set_are_left_alone() {
    let mut case = web_exists();
    let tags = &mut case.live_stack.observed.get_mut("x.box").unwrap()[0].tags;
    tags.extend(["kubernetes.io/cluster/shop", "cost-center", "team"].map(|key| (key.to_owned(), "x".to_owned())));
    case.plans(&[]);
    // Of the tags that the last apply set, those no longer declared are removed; an ignored key stays.
    let address: Address = "x.box.web".parse().unwrap();
    let set = ["team", "cost-center", "kubernetes.io/cluster/shop"].map(str::to_owned);
    case.live_stack.tagged.insert(address, set.into());
    case.declared[1].ignore_tags.insert("cost-*".into());
    let plan = case.plans(&["0 update x.box.web"]);
    let Action::Update { tags, .. } = &plan.steps[0].action else { panic!("an update") };
    assert_eq!((tags.remove.iter().map(String::as_str).collect::<Vec<_>>(), tags.set.len()), (vec!["team"], 0));
    case.declared[1].ignore_changes.insert("tags".into());
    case.plans(&[]);
}

#[test]
fn a_resource_of_another_kind_with_our_tags_is_reported_and_left_alone() {
    // A service's ENI carries the service's tags: it is of another kind than they say.
    let mut case = web_exists();
    let mut other = case.live_stack.observed["x.net"][0].clone();
    other.id = "eni-1".into();
    case.live_stack.observed.insert("x.group".into(), vec![other]);
    let plan = case.plans(&[]);
    assert_eq!(
        plan.notices[0].message,
        "x.group eni-1 carries the tags of x.net.main and is not of that kind: it is left alone"
    );
}

#[test]
fn a_copy_with_our_tags_is_not_deleted() {
    let copy = json!({ "size": 1 });
    let store = || Scenario::default().declare("x.store.db", copy.clone()).see("x.store.db", "s1", copy.clone());
    let named = |case: Scenario, id: &str, name: &str| {
        let mut case = case.see("x.store.db", id, copy.clone());
        case.live_stack
            .observed
            .get_mut("x.store")
            .unwrap()
            .last_mut()
            .unwrap()
            .attrs
            .insert("name".into(), name.into());
        case
    };
    // Restored from a snapshot under a name that the stack does not give.
    let restored = named(store(), "s0", "restored");
    let plan = restored.plans(&[]);
    assert!(plan.notices[0].message.starts_with("s0 carries its tags"), "{:?}", plan.notices);
    // Its original was deleted by hand and is no longer declared: the copy is still not the stack's to delete.
    let mut alone = named(Scenario::default(), "s0", "restored");
    assert_eq!(alone.plans(&[]).notices.len(), 1);
    alone.live_stack.known =
        std::sync::Arc::new([("x.store".to_owned(), std::sync::Arc::new(["s0".to_owned()].into()))].into());
    alone.plans(&["0 delete x.store.db s0"]);
    // Nothing tells which of the two belongs to the stack.
    let both = named(named(Scenario::default().declare("x.store.db", copy.clone()), "s0", "one"), "s1", "other");
    let plan = both.plan();
    assert!(plan.refusals[0].message.contains("both carry its tags"), "{:?}", plan.refusals);
}

#[test]
fn a_renamed_resource_is_found_whatever_else_has_changed() {
    let mut case =
        Scenario::default().declare("x.net.core", net("10.0.0.0/16")).declare("x.box.api", boxed(to("x.net.core"), 2));
    case = case.see("x.net.main", "n1", net("10.0.0.0/16")).see("x.box.web", "b1", boxed(live("n1", "x.net"), 1));
    case.plans(&["0 retag x.net.core", "1 create x.box.api after 0", "2 delete x.box.web b1"]);
    case.declared[1].renamed_from = vec!["x.box.nobody".parse().unwrap(), "x.box.web".parse().unwrap()];
    let plan = case.plans(&["0 retag x.net.core", "1 update x.box.api after 0"]);
    let Action::Update { renamed_from, .. } = &plan.steps[1].action else { panic!("an update") };
    assert_eq!(renamed_from.as_ref().map(ToString::to_string).as_deref(), Some("x.box.web"));
    // An address that is declared again is not an old one.
    case = case.declare("x.box.web", boxed(to("x.net.core"), 1));
    case.plans(&["0 retag x.net.core", "1 create x.box.api after 0"]);
}

#[test]
fn ignore_changes_does_not_apply_to_an_unfinished_create() {
    let mut case = ignoring_size();
    case.plans(&[]);
    case.live_stack.unfinished.insert("x.box.web".parse().unwrap());
    let plan = case.plans(&["0 update x.box.web"]);
    let Action::Update { ignore, .. } = &plan.steps[0].action else { panic!("an update") };
    assert!(ignore.is_empty());
}

#[test]
fn a_resource_with_its_declared_name_is_destroyed() {
    let mut case = Scenario::default().see("x.store.db", "s1", json!({ "size": 1, "name": "orders" }));
    case.live_stack.observed.get_mut("x.store").unwrap()[0].attrs.insert("name".into(), "orders".into());
    assert_eq!(case.plans(&[]).notices.len(), 1, "it may be a copy");
    case.given.insert("x.store.db".parse().unwrap(), "orders".into());
    case.plans(&["0 delete x.store.db s1"]);
}

/// A store created by the stack, and one restored from its snapshot: another name, the same tags.
fn with_a_copy(generation: u32) -> Scenario {
    let spec = json!({ "size": 1 });
    let case = Scenario::default().declare("x.store.db", spec.clone());
    let mut case =
        case.see_as("x.store.db", "s9", Status::Ready, generation, spec.clone()).see("x.store.db", "s1", spec);
    case.live_stack.observed.get_mut("x.store").unwrap()[1].attrs.insert("name".into(), "restored".into());
    case
}

#[test]
fn a_copy_outlives_the_replacement_of_its_original() {
    for generation in [0, 1] {
        let plan = with_a_copy(generation).plans(&[]);
        assert!(plan.notices[0].message.starts_with("s1 carries its tags"), "{:?}", plan.notices);
    }
}

#[test]
fn the_original_is_renamed_and_not_its_copy() {
    let mut case = with_a_copy(0);
    case.declared.clear();
    case = case.declare("x.store.shop", json!({ "size": 2 }));
    case.declared[0].renamed_from = vec!["x.store.db".parse().unwrap()];
    let plan = case.plans(&["0 update x.store.shop"]);
    let Action::Update { observed: Some(observed), .. } = &plan.steps[0].action else { panic!("an update") };
    assert_eq!((observed.id.as_str(), plan.refusals.len()), ("s9", 0));
}

#[test]
fn a_copy_does_not_take_the_place_of_a_lost_resource() {
    let mut case = with_a_copy(0);
    case.live_stack.observed.get_mut("x.store").unwrap().remove(0);
    let refusal = &case.plan().refusals[0];
    assert!(refusal.message.starts_with("s1 carries its tags, and nothing says that the stack made it"), "{refusal:?}");
    case.declared[0].spec_mut()["name"] = "restored".into();
    case.live_stack.observed.get_mut("x.store").unwrap()[0].spec["name"] = "restored".into();
    assert!(case.plan().refusals.is_empty());
}

#[test]
fn a_revision_that_ci_registered_stays_when_its_original_is_deleted() {
    let task = || {
        Scenario::default().see("x.task.web", "t1", json!({ "image": "1" })).see(
            "x.task.web",
            "t2",
            json!({ "image": "2" }),
        )
    };
    // Without history nothing tells them apart.
    assert_eq!(task().plan().steps.len(), 2);
    let mut case = task();
    case.live_stack.known =
        std::sync::Arc::new([("x.task".to_owned(), std::sync::Arc::new(["t1".to_owned()].into()))].into());
    case.plans(&["0 delete x.task.web t1"]);
}

#[test]
fn the_same_name_is_the_same_resource_whatever_its_address() {
    let mut case = Scenario::default().declare("x.store.new", json!({ "name": "orders", "size": 2 })).see(
        "x.store.old",
        "s1",
        json!({ "name": "orders", "size": 1 }),
    );
    case.live_stack.observed.get_mut("x.store").unwrap()[0].attrs.insert("name".into(), "orders".into());
    case.plans(&["0 update x.store.new"]);
}

#[test]
fn a_resource_that_has_lost_its_tag_is_not_created_again() {
    let mut case = web();
    case.live_stack.untagged.insert("x.net".into(), ["n1".to_owned()].into());
    let refused = case.plan().refusals;
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(refused[0].address, "x.net.main".parse().unwrap());
    assert!(refused[0].message.starts_with("an earlier run created n1, which exists without"), "{refused:?}");
    assert!(web_exists().plan().refusals.is_empty());
}

#[test]
fn a_former_address_that_nothing_has_is_reported() {
    let mut case = web_exists().declare("x.box.shop", boxed(to("x.net.main"), 3));
    case.declared.remove(1);
    let asks = |case: &Scenario| case.plan().notices.into_iter().map(|notice| notice.message).collect::<Vec<_>>();
    assert!(asks(&case)[0].contains("write `renamed_from = \"x.box.web\"`"), "{:?}", asks(&case));
    case.declared[1].renamed_from = vec!["x.box.wbe".parse().unwrap()];
    let notices = asks(&case);
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(notices[0].starts_with("`renamed_from`: the stack has no x.box.wbe; it is created"), "{notices:?}");
    case.declared[1].renamed_from = vec!["x.box.web".parse().unwrap()];
    case.plans(&["0 update x.box.shop"]);
}

fn fleet(size: u32, image: &str) -> serde_json::Value {
    json!({ "size": size, "containers": [{ "name": "log", "image": "fluent" }, { "name": "web", "image": image }] })
}

/// A fleet that was deployed twice since it was created, with all of its ids known.
fn deployed() -> Scenario {
    let mut case = Scenario::default().declare("x.fleet.web", fleet(1, "default"));
    case = case.see("x.fleet.web", "f1", fleet(1, "default"));
    case = case.see("x.fleet.web", "f2", fleet(1, "shop@sha256:0123456789abcdef")).see(
        "x.fleet.web",
        "f3",
        fleet(1, "v3"),
    );
    case.declared[0].deployed.insert("web".into());
    let ids = ["f1", "f2", "f3"].map(str::to_owned).into();
    case.live_stack.known = std::sync::Arc::new([("x.fleet".to_owned(), std::sync::Arc::new(ids))].into());
    case
}

#[test]
fn what_was_deployed_stays_and_so_do_the_ones_before() {
    let mut case = deployed();
    let address: Address = "x.fleet.web".parse().unwrap();
    // The second one runs: the third failed, and AWS has gone back.
    let running = case.live_stack.observed["x.fleet"][1].clone();
    case.live_stack.deployed.insert(address.clone(), running);
    let notices = case.live_stack.keep_deployed(&mut case.declared, &find);
    assert_eq!(notices[0].message, "image of `web`: as deployed (sha256:0123456789ab)");
    let plan = case.plans(&[]);
    assert_eq!((plan.unchanged, plan.notices.len()), (1, 0), "{:?}", plan.notices);
    // An edit of something else carries the image; what it replaces goes, and the ones before stay.
    case.declared[0].spec_mut()["size"] = 2.into();
    let plan = case.plans(&["0 replace x.fleet.web #1", "1 delete x.fleet.web f2 after 0"]);
    let Action::Create { desired, .. } = &plan.steps[0].action else { panic!("a create") };
    assert_eq!(desired["containers"][1]["image"], "shop@sha256:0123456789abcdef");
    // What is no longer declared goes with all of its revisions.
    case.declared.clear();
    assert_eq!(case.plan().steps.len(), 3);
}

#[test]
fn what_is_not_left_to_deployments_is_put_back() {
    let mut case = deployed();
    case.declared[0].deployed.clear();
    assert!(case.live_stack.keep_deployed(&mut case.declared, &find).is_empty());
    let plan = case.plan();
    assert_eq!((plan.unchanged, plan.steps.len()), (1, 2), "the others are surplus");
}
