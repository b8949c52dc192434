//! Drift: three sides, and what follows from their differences.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use up_core::{Address, Declared, Status, placeholder::Placeholder};
use up_plan::{
    LiveStack,
    drift::{Acceptance, Baseline, BaselineSource, BaselineSpec, DriftClass, DriftInput, Finding, baseline, drift},
};

use crate::{
    kinds::find,
    scenario::{Scenario, boxed, live, net, to},
    web, web_exists,
};

/// What was applied last and lives as `live_stack`, and what is declared now.
#[derive(Clone)]
struct Sides {
    applied: Option<Vec<Declared>>,
    declared: Vec<Declared>,
    live_stack: LiveStack,
    baseline: Baseline,
    unread: BTreeSet<String>,
    accepted: Vec<Acceptance>,
}

impl Sides {
    /// A stack that was applied as it is declared.
    fn of(Scenario { declared, live_stack, .. }: Scenario) -> Self {
        let baseline = baseline("shop", &declared, &live_stack, &|_| BaselineSource::Read, &find);
        let (unread, accepted) = Default::default();
        Self { applied: Some(declared.clone()), declared, live_stack, baseline, unread, accepted }
    }

    /// A net with a box, applied and unchanged.
    fn web() -> Self {
        let mut sides = Self::of(web_exists());
        let ids = |id: &str| std::sync::Arc::new(BTreeSet::from([id.to_owned()]));
        sides.live_stack.known =
            std::sync::Arc::new([("x.net".to_owned(), ids("n1")), ("x.box".to_owned(), ids("b1"))].into());
        sides
    }

    fn live(&mut self, kind: &str) -> &mut Value {
        &mut self.live_stack.observed.get_mut(kind).unwrap()[0].spec
    }

    fn file(&mut self, address: &str) -> &mut Declared {
        self.declared.iter_mut().find(|declared| declared.address.to_string() == address).unwrap()
    }

    fn find(&self) -> Vec<Finding> {
        let input = DriftInput {
            stack: "shop",
            declared: &self.declared,
            applied: self.applied.as_deref().map(|applied| (applied, &self.live_stack)),
            baseline: &self.baseline,
            live_stack: &self.live_stack,
            unread: &self.unread,
            accepted: &self.accepted,
            mask: "(sensitive)",
        };
        drift(&input, &find)
    }

    /// Compares the findings with one line for each: class, address, and fields.
    #[track_caller]
    fn finds(&self, expected: &[&str]) -> Vec<Finding> {
        let findings = self.find();
        let lines = findings.iter().map(|finding| {
            let fields: Vec<_> = finding.fields.iter().map(|field| field.field.as_str()).collect();
            format!("{} {} {}", finding.class.word(), finding.address, fields.join(" ")).trim_end().to_owned()
        });
        let lines: Vec<_> = lines.collect();
        assert_eq!(lines, expected, "\n{findings:#?}");
        findings
    }
}

#[test]
fn nothing_is_found_after_an_apply() {
    Sides::web().finds(&[]);
}

#[test]
fn a_live_value_that_is_not_the_applied_one_was_changed_outside() {
    let mut sides = Sides::web();
    sides.live("x.box")["size"] = 7.into();
    let found = sides.finds(&["changed x.box.web size"]);
    let field = &found[0].fields[0];
    assert_eq!((&field.applied, &field.live, &field.declared), (&json!(1), &json!(7), &None));
    assert!(found[0].is_drift());
}

#[test]
fn an_edit_of_the_file_is_pending_and_no_drift() {
    let mut sides = Sides::web();
    sides.file("x.box.web").spec_mut()["size"] = 2.into();
    let found = sides.finds(&["pending x.box.web size"]);
    let field = &found[0].fields[0];
    assert_eq!((&field.applied, &field.live, &field.declared), (&json!(1), &json!(1), &Some(json!(2))));
    assert!(!found[0].is_drift());
}

#[test]
fn both_at_once_are_told_apart() {
    let mut sides = Sides::web();
    sides.live("x.box")["size"] = 7.into();
    sides.file("x.box.web").spec_mut()["text"] = "new".into();
    sides.finds(&["changed x.box.web size", "pending x.box.web text"]);
    sides.file("x.box.web").spec_mut()["size"] = 2.into();
    let found = sides.finds(&["changed x.box.web size", "pending x.box.web text"]);
    assert_eq!(found[0].fields[0].declared, Some(json!(2)), "the file wants a third value");
}

#[test]
fn a_change_that_the_file_has_followed_is_none() {
    let mut sides = Sides::web();
    sides.live("x.box")["size"] = 7.into();
    sides.file("x.box.web").spec_mut()["size"] = 7.into();
    sides.finds(&[]);
    // Or that the file says to ignore.
    sides.file("x.box.web").spec_mut()["size"] = 1.into();
    sides.file("x.box.web").ignore_changes.insert("size".into());
    sides.finds(&[]);
}

#[test]
fn what_was_applied_and_is_gone_is_missing_and_its_users_have_not_changed() {
    let mut sides = Sides::web();
    sides.live_stack.observed.remove("x.net");
    let found = sides.finds(&["missing x.net.main"]);
    assert!(found[0].is_drift());
    // An id that nobody knows is another net.
    *sides.live("x.box") = boxed(live("n9", "x.net"), 1);
    sides.finds(&["changed x.box.web net", "missing x.net.main"]);
    // The file does not want it either.
    sides.declared.clear();
    sides.finds(&["changed x.box.web net", "pending x.box.web"]);
}

#[test]
fn what_is_being_deleted_is_missing() {
    let mut sides = Sides::web();
    sides.live_stack.observed.get_mut("x.box").unwrap()[0].status = Status::Deleting("deleting".into());
    sides.finds(&["missing x.box.web"]);
}

#[test]
fn values_of_a_missing_resource_are_not_compared() {
    let arn = Placeholder { address: "x.net.main".into(), attribute: "arn".into() };
    let mut declared = boxed(to("x.net.main"), 1);
    declared["text"] = format!("net {}", arn.mark()).into();
    let mut seen = boxed(live("n1", "x.net"), 1);
    seen["text"] = "net arn:n1".into();
    let case = Scenario::default().declare("x.net.main", net("10.0.0.0/16")).declare("x.box.web", declared);
    let mut sides = Sides::of(case.see("x.net.main", "n1", net("10.0.0.0/16")).see("x.box.web", "b1", seen));
    sides.finds(&[]);
    sides.live("x.box")["text"] = "net of somebody".into();
    sides.finds(&["changed x.box.web text"]);
    sides.live_stack.known = Sides::web().live_stack.known;
    sides.live_stack.observed.remove("x.net");
    sides.finds(&["missing x.net.main"]);
}

#[test]
fn what_carries_the_tags_and_nobody_declared_is_added() {
    let mut sides = Sides::of(web_exists().see("x.box.other", "b2", boxed(live("n1", "x.net"), 1)));
    let found = sides.finds(&["added x.box.other"]);
    assert_eq!(found[0].id.as_deref(), Some("b2"));
    // A second one of an address.
    sides = Sides::of(web_exists().see("x.box.web", "b2", boxed(live("n1", "x.net"), 9)));
    sides.finds(&["added x.box.web"]);
}

#[test]
fn what_belongs_to_a_resource_of_the_stack_and_not_to_the_stack_is_added() {
    let mut sides = Sides::web();
    let other = |net: &str| {
        let mut observed = web_exists().live_stack.observed["x.box"][0].clone();
        (observed.id, observed.spec) = (format!("in-{net}"), boxed(live(net, "x.net"), 1));
        observed.tags.clear();
        observed
    };
    sides.live_stack.attached.insert("x.box".into(), vec![other("n1"), other("n7")]);
    let found = sides.finds(&["added x.net.main"]);
    assert_eq!(found[0].id.as_deref(), Some("in-n1"));
}

#[test]
fn what_is_declared_and_was_not_applied_is_pending() {
    let mut sides = Sides::web();
    sides.declared.extend(Scenario::default().declare("x.box.new", boxed(to("x.net.main"), 1)).declared);
    sides.finds(&["pending x.box.new"]);
    // The other way round: it is no longer declared, and still lives.
    sides = Sides::web();
    sides.declared.retain(|declared| declared.address.kind == "x.net");
    sides.finds(&["pending x.box.web"]);
    // Renamed.
    sides = Sides::web();
    let was = sides.file("x.box.web").address.clone();
    sides.file("x.box.web").renamed_from.push(was);
    sides.file("x.box.web").address = "x.box.web2".parse().unwrap();
    let found = sides.finds(&["pending x.box.web tags.Name"]);
    assert_eq!(found[0].note.as_deref(), Some("it is declared as x.box.web2 now"));
}

#[test]
fn what_a_kind_or_the_file_lets_others_move_is_governed() {
    let growing = |size: i64| {
        let mut case = web_exists();
        case.declared[1].spec_mut()["zone"] = "growing".into();
        let live = &mut case.live_stack.observed.get_mut("x.box").unwrap()[0].spec;
        (live["zone"], live["size"]) = ("growing".into(), size.into());
        case
    };
    let mut sides = Sides::of(growing(1));
    sides.live("x.box")["size"] = 5.into();
    let found = sides.finds(&["governed x.box.web size"]);
    assert!(!found[0].is_drift());
    // Outside of the bound.
    sides.live("x.box")["size"] = 0.into();
    sides.finds(&["changed x.box.web size"]);
    // It has been so since the last apply.
    Sides::of(growing(5)).finds(&[]);
    // By `ignore_changes`.
    let mut sides = Sides::web();
    for declared in sides.applied.iter_mut().flatten().chain(&mut sides.declared) {
        declared.ignore_changes.insert("size".into());
    }
    sides.live("x.box")["size"] = 7.into();
    sides.finds(&["governed x.box.web size"]);
}

#[test]
fn a_field_that_is_left_out_is_compared_with_how_it_was_seen() {
    let mut sides = Sides::web();
    sides.live("x.box")["zone"] = "b".into();
    let found = sides.finds(&["undeclared x.box.web zone"]);
    assert!(!found[0].is_drift());
    sides.baseline = Baseline::new();
    sides.finds(&[]);
    // Others were still changed around it.
    let web: Address = "x.box.web".parse().unwrap();
    sides.baseline = [(web, BaselineSpec { source: BaselineSource::Early, ..BaselineSpec::default() })].into();
    sides.finds(&[]);
}

#[test]
fn a_tag_of_the_stack_is_compared_and_those_of_others_are_not() {
    let mut case = web_exists();
    case.declared[1].tags.insert("Team".into(), "a".into());
    case.live_stack.observed.get_mut("x.box").unwrap()[0].tags.insert("Team".into(), "a".into());
    let mut sides = Sides::of(case);
    let tags = &mut sides.live_stack.observed.get_mut("x.box").unwrap()[0].tags;
    tags.insert("cost".into(), "1".into());
    sides.finds(&[]);
    let tags = &mut sides.live_stack.observed.get_mut("x.box").unwrap()[0].tags;
    tags.insert("Team".into(), "b".into());
    sides.finds(&["changed x.box.web tags.Team"]);
    sides.file("x.box.web").tags.insert("Team".into(), "b".into());
    sides.finds(&[]);
    sides.file("x.box.web").tags.insert("Owner".into(), "c".into());
    sides.finds(&["pending x.box.web tags.Owner"]);
}

#[test]
fn nothing_is_said_about_what_was_not_read() {
    let mut sides = Sides::web();
    sides.live_stack.observed.remove("x.net");
    sides.unread.insert("x.net".into());
    sides.finds(&[]);
    sides.live("x.box")["size"] = 7.into();
    sides.finds(&["changed x.box.web size"]);
}

#[test]
fn an_accepted_difference_does_not_count_until_its_day_is_over() {
    let mut sides = Sides::web();
    sides.live("x.box")["size"] = 7.into();
    sides.live("x.box")["text"] = "by hand".into();
    for declared in sides.applied.iter_mut().flatten().chain(&mut sides.declared) {
        declared.spec_mut()["text"] = "declared".into();
    }
    let accepted = |expired: bool| Acceptance {
        address: "x.box.web".parse().unwrap(),
        field: "size".into(),
        reason: "an incident".into(),
        until: "2026-12-01".into(),
        expired,
    };
    sides.accepted = vec![accepted(false)];
    let found = sides.finds(&["changed x.box.web text", "changed x.box.web size"]);
    assert_eq!([found[0].is_drift(), found[1].is_drift()], [true, false]);
    sides.accepted = vec![accepted(true)];
    assert!(sides.find().iter().all(Finding::is_drift));
}

#[test]
fn without_history_two_sides_are_compared() {
    let mut sides = Sides { applied: None, ..Sides::web() };
    sides.finds(&[]);
    sides.file("x.box.web").spec_mut()["size"] = 2.into();
    sides.finds(&["changed x.box.web size"]);
    sides.live_stack.observed.remove("x.net");
    sides.finds(&["changed x.box.web size", "missing x.net.main"]);
    // Nothing of the stack exists: it was never applied.
    sides.live_stack.observed.clear();
    let found = sides.finds(&["pending x.box.web", "pending x.net.main"]);
    assert!(found.iter().all(|finding| finding.class == DriftClass::Pending));
}

#[test]
fn a_secret_that_differs_from_the_file_may_have_been_changed_outside() {
    let mut sides = Sides::web();
    sides.applied.as_mut().unwrap()[1].spec_mut()["text"] = "(sensitive)".into();
    sides.live("x.box")["text"] = "(sensitive)".into();
    sides.file("x.box.web").spec_mut()["text"] = "s3cret".into();
    sides.finds(&["changed x.box.web text"]);
}

#[test]
fn the_worst_comes_first() {
    let mut sides = Sides::of(web().see("x.net.main", "n1", net("10.0.0.0/16")).see(
        "x.box.web",
        "b1",
        boxed(live("n1", "x.net"), 1),
    ));
    sides.live("x.net")["cidr"] = "10.1.0.0/16".into();
    sides.live("x.box")["size"] = 7.into();
    sides.file("x.net.main").tags.insert("Team".into(), "a".into());
    // A box holds data, a net does not.
    sides.finds(&["changed x.box.web size", "changed x.net.main cidr", "pending x.net.main tags.Team"]);
}
