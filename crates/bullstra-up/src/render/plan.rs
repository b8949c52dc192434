//! Plans as diffs for people.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use up_core::{
    Address, Change, FieldChange, NewResource, Observed, Status, TagChange, Tags,
    schema::{Schema, Shape},
};
use up_plan::{Action, Kinds, Plan, Step};

use super::{
    change::{self, DiffLine, Mark},
    estimate,
    notices::notices,
    style::{ADDED, CHANGED, MOVED, QUIET, REMOVED, STRONG, paint},
    text::{count, id, safe},
    value::{block, inline, name},
};

/// The greatest number of lines for a field of a new resource.
const LONGEST_FIELD: usize = 24;

/// The whole plan: all resources with their changes, notices, and counts. The reasons of a refusal are in the error,
/// see [`up_engine::refused`].
///
/// `calls` is the number of API calls that the plan took.
pub(crate) fn plan(plan: &Plan, kinds: Kinds<'_>, calls: u64) -> String {
    let Plan { stack, account, region, .. } = plan;
    let names: BTreeSet<_> = plan.steps.iter().map(|step| step.address.kind.as_str()).collect();
    let schemas =
        names.into_iter().filter_map(|name| Some((name, Schema::read(kinds(name)?.schema().as_value())))).collect();
    let mut page = Page { plan, kinds, schemas: &schemas, common: common_tags(plan), lines: vec![] };
    page.lines.push(paint(STRONG, format_args!("Stack {stack} in account {account}, {region}")));
    page.lines.push(String::new());
    page.resources();
    page.notices();
    page.closing(calls);
    page.lines.join("\n")
}

struct Page<'a> {
    plan: &'a Plan,
    kinds: Kinds<'a>,
    /// By kind.
    schemas: &'a BTreeMap<&'a str, Schema>,
    /// Tags of all new resources, which are shown once.
    common: Tags,
    lines: Vec<String>,
}

impl<'a> Page<'a> {
    /// Shows the steps module by module, each in the order of work, with the instances of a `for_each` together.
    fn resources(&mut self) {
        let mut modules: Vec<(&str, Vec<&Step>)> = vec![];
        let mut places = BTreeMap::new();
        for step in self.plan.steps.iter().filter(|step| step.verb().is_some()) {
            let module = step.address.module.as_str();
            let place = *places.entry(module).or_insert(modules.len());
            if place == modules.len() {
                modules.push((module, vec![]));
            }
            modules[place].1.push(step);
        }
        let several = modules.len() > 1;
        modules.iter_mut().for_each(|(_, steps)| instances_together(steps));
        for (module, steps) in modules {
            if several {
                let title = if module.is_empty() { "the stack itself" } else { module };
                self.lines.extend([paint(STRONG.underline(), title), String::new()]);
            }
            for step in steps {
                self.resource(step);
                self.lines.push(String::new());
            }
        }
    }

    /// Shows the notices.
    fn notices(&mut self) {
        self.lines.extend(notices(self.plan.notices.iter().map(|it| (&it.address, it.message.as_str()))));
        if !self.plan.notices.is_empty() {
            self.lines.push(String::new());
        }
    }

    fn resource(&mut self, step: &Step) {
        self.lines.push(self.heading(step));
        if let Some(why) = &step.why {
            self.lines.push(format!("      {}", paint(QUIET, format_args!("because {}", safe(why)))));
        }
        let goes = matches!(step.verb(), Some("delete" | "replace"));
        if goes && (self.kinds)(&step.address.kind).is_some_and(|kind| kind.info().holds_data) {
            self.lines.push(format!("      {}", paint(REMOVED.bold(), "the data in it is lost")));
        }
        match &step.action {
            Action::Create { new, desired, replaces: false, .. } => self.wanted(&step.address.kind, new, desired),
            Action::Create { .. } => self.changes(step, &Tags::new(), &TagChange::default()),
            Action::Update { observed: Some(observed), tags, .. } => self.changes(step, &observed.tags, tags),
            Action::Update { observed: None, .. } | Action::Delete { .. } => {}
        }
    }

    fn heading(&self, step: &Step) -> String {
        let address = &step.address;
        let id = |observed: &Observed<Value>| paint(QUIET, format_args!(" ({})", id(&observed.id)));
        let strong = paint(STRONG, address);
        match &step.action {
            Action::Create { replaces: true, .. } => {
                let old = self.other_half(address).map(|(_, old)| id(old)).unwrap_or_default();
                let order = paint(QUIET, format_args!(", {}", self.order(step)));
                format!("  {} {strong}{old}{order}", paint(REMOVED, "± replace"))
            }
            Action::Create { .. } => format!("  {} {strong}", paint(ADDED, "+ create ")),
            Action::Update { observed: Some(observed), renamed_from: Some(was), .. } if step.changes.is_empty() => {
                format!("  {} {was} → {strong}{}", paint(MOVED, "↻ retag  "), id(observed))
            }
            Action::Update { observed: Some(observed), renamed_from, .. } if step.verb() == Some("update") => {
                let was = renamed_from.as_ref().map(|was| format!("{was} → ")).unwrap_or_default();
                format!("  {} {was}{strong}{}", paint(CHANGED, "~ update "), id(observed))
            }
            Action::Update { observed, .. } => {
                let state = observed.as_ref().map(state).unwrap_or_default();
                format!("  {} {strong}{state}", paint(MOVED, "… wait   "))
            }
            Action::Delete { observed, .. } => format!("  {} {strong}{}", paint(REMOVED, "- delete "), id(observed)),
        }
    }

    /// Which half of a replacement comes first.
    fn order(&self, create: &Step) -> &'static str {
        let place = self.plan.steps.iter().position(|step| std::ptr::eq(step, create));
        match self.other_half(&create.address) {
            Some((delete, _)) if place.is_some_and(|create| delete < create) => "the old one is deleted first",
            _ => "the new one is created first",
        }
    }

    /// The delete step of a replacement.
    fn other_half(&self, address: &Address) -> Option<(usize, &Observed<Value>)> {
        self.plan.steps.iter().enumerate().find_map(|(index, step)| match &step.action {
            Action::Delete { observed, replaced: true } if step.address == *address => Some((index, observed)),
            _ => None,
        })
    }

    /// The fields of a new resource that do not have their default value.
    fn wanted(&mut self, kind: &str, new: &NewResource, desired: &Value) {
        let shape = self.shape(kind).keys();
        let fields = desired.as_object().into_iter().flatten().map(|(field, value)| (field, value, shape(field)));
        for (field, value, shape) in fields {
            if is_nothing(value) || shape.is_default(value) {
                continue;
            }
            let mut lines = block(&name(field), value, shape);
            let more = lines.len().saturating_sub(LONGEST_FIELD);
            lines.truncate(LONGEST_FIELD);
            self.lines.extend(lines.into_iter().map(|line| format!("      {line}")));
            if more > 0 {
                let more = count(more, "more line");
                self.lines.push(format!("        {}", paint(QUIET, format_args!("… {more}; all are in `--json`"))));
            }
        }
        let own = own_tags(new);
        let tags: Map<_, _> = own.filter(|(key, _)| !self.common.contains_key(*key)).map(text_entry).collect();
        if !tags.is_empty() {
            let tags = block("tags", &tags.into(), Shape::default());
            self.lines.extend(tags.into_iter().map(|line| format!("      {line}")));
        }
    }

    fn changes(&mut self, step: &Step, observed: &Tags, tags: &TagChange) {
        let shape = self.shape(&step.address.kind).keys();
        for change in &step.changes {
            self.change(change, shape(&change.field));
        }
        let changed = |(key, _): &(&String, &String)| !key.starts_with("bullstra:");
        let desired: Map<_, _> = tags.set.iter().filter(changed).map(text_entry).collect();
        let known = |key: &String| tags.set.contains_key(key) || tags.remove.contains(key);
        let observed: Map<_, _> =
            observed.iter().filter(changed).filter(|(key, _)| known(key)).map(text_entry).collect();
        if !(desired.is_empty() && observed.is_empty()) {
            self.diff(change::field("tags", &observed.into(), &desired.into(), Shape::default()), None);
        }
    }

    fn change(&mut self, change: &FieldChange, shape: Shape<'_>) {
        let FieldChange { field, observed, desired, .. } = change;
        let lines = if observed == desired {
            // The field refers to a replaced resource: the reference stays, but its id changes.
            vec![DiffLine {
                depth: 0,
                mark: Mark::Changed,
                text: format!("{}: {}, the new one", name(field), inline(desired)),
            }]
        } else {
            change::field(field, observed, desired, shape)
        };
        let forces = matches!(change.change, Change::Replace | Change::Name).then_some("forces replacement");
        self.diff(lines, forces);
    }

    fn diff(&mut self, lines: Vec<DiffLine>, note: Option<&str>) {
        for (index, DiffLine { depth, mark, text }) in lines.into_iter().enumerate() {
            let indent = "  ".repeat(depth + 3);
            let line = match mark {
                Mark::Added => paint(ADDED, format_args!("+ {text}")),
                Mark::Removed => paint(REMOVED, format_args!("- {text}")),
                Mark::Changed | Mark::Context => text,
            };
            let note = note.filter(|_| index == 0).map(|note| paint(REMOVED.bold(), format_args!("  # {note}")));
            self.lines.push(format!("{indent}{line}{}", note.unwrap_or_default()));
        }
    }

    fn closing(&mut self, calls: u64) {
        let Plan { unchanged, .. } = self.plan;
        if self.plan.is_empty() && self.plan.refusals.is_empty() {
            let all = match unchanged {
                1 => "The 1 resource is".to_owned(),
                _ => format!("All {} are", count(*unchanged, "resource")),
            };
            self.lines.push(format!("{} {all} as declared.", paint(ADDED.bold(), "No changes.")));
        } else {
            if !self.common.is_empty() {
                let tags = inline(&Value::Object(self.common.iter().map(text_entry).collect()));
                self.lines.push(format!("Every new resource has the tags {tags}."));
            }
            let plan = match self.plan.refusals.is_empty() {
                true => paint(STRONG, "Plan:"),
                false => paint(REMOVED.bold(), "Plan, refused:"),
            };
            self.lines.push(format!("{plan} {}; {unchanged} unchanged.", counts(self.plan)));
            self.lines.extend(estimate::of_plan(self.plan));
        }
        self.lines.push(format!("API calls so far: {calls}."));
    }

    fn shape(&self, kind: &str) -> Shape<'a> {
        self.schemas.get(kind).map(Schema::whole).unwrap_or_default()
    }
}

/// Moves the instances of a `for_each` behind its first one, sorted by key.
fn instances_together(steps: &mut [&Step]) {
    fn resource(step: &Step) -> (&str, &str) {
        (&step.address.kind, &step.address.name)
    }
    let mut places = BTreeMap::new();
    for (place, step) in steps.iter().enumerate() {
        places.entry(resource(step)).or_insert(place);
    }
    steps.sort_by_key(|step| (places[&resource(step)], &step.address.key));
}

/// `3 to create, 1 to update`.
fn counts(plan: &Plan) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    plan.steps.iter().filter_map(Step::verb).for_each(|verb| *counts.entry(verb).or_default() += 1);
    let styles = [("create", ADDED), ("update", CHANGED), ("replace", REMOVED), ("delete", REMOVED), ("retag", MOVED)];
    let counted = styles.into_iter().chain([("wait", MOVED)]).filter_map(|(verb, style)| {
        let words = if verb == "wait" { "wait for" } else { verb };
        counts.get(verb).map(|number| paint(style, format_args!("{number} to {words}")))
    });
    let counted: Vec<_> = counted.collect();
    if counted.is_empty() { "nothing to do".to_owned() } else { counted.join(", ") }
}

fn state(observed: &Observed<Value>) -> String {
    let word = match &observed.status {
        Status::Ready => return String::new(),
        Status::Pending(word) | Status::Deleting(word) | Status::Failed(word) => safe(word),
        Status::Impaired(trouble) => safe(&trouble.why),
    };
    paint(QUIET, format_args!(" ({}, {word})", id(&observed.id)))
}

/// The user's own tags.
fn own_tags(new: &NewResource) -> impl Iterator<Item = (&String, &String)> {
    let derived = new.address.physical(&new.stack, new.generation, 255);
    new.tags.iter().filter(move |(key, value)| {
        let is_derived = *key == "Name" && **value == derived;
        !key.starts_with("bullstra:") && !is_derived
    })
}

/// The tags of all new resources, if there are several resources.
fn common_tags(plan: &Plan) -> Tags {
    let mut births = plan.steps.iter().filter_map(|step| match &step.action {
        Action::Create { new, .. } => Some(own_tags(new).map(|(k, v)| (k.clone(), v.clone())).collect::<Tags>()),
        _ => None,
    });
    let (Some(mut common), Some(second)) = (births.next(), births.next()) else { return Tags::new() };
    for tags in [second].into_iter().chain(births) {
        common.retain(|key, value| tags.get(key) == Some(value));
    }
    common
}

fn text_entry((key, value): (&String, &String)) -> (String, Value) {
    (key.clone(), value.clone().into())
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.values().all(Value::is_null),
        _ => false,
    }
}
