//! Random stacks, and random changes of them.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use up_core::{Address, Declared, Tags, quote::Quote, references};

use crate::{chance::Chance, kinds::find};

/// A stack in the making.
#[derive(Clone, Default)]
pub(crate) struct Stack {
    pub(crate) resources: Vec<Declared>,
    /// So that no name comes twice.
    count: usize,
}

impl Stack {
    pub(crate) fn random(chance: &mut Chance) -> Self {
        let mut stack = Self::default();
        stack.grow("x.net", 1, chance);
        for (kind, most) in [("x.net", 2), ("x.role", 3), ("x.group", 4), ("x.store", 2), ("x.gate", 3), ("x.task", 5)]
        {
            let count = chance.below(most + 1);
            stack.grow(kind, count, chance);
        }
        stack.join_groups(chance);
        stack
    }

    /// Adds one resource of a kind; its name ends in `e`, so that none begins with another.
    pub(crate) fn add(&mut self, kind: &str, spec: Value) -> Address {
        let address = Address::root(kind, format!("r{}e", self.count));
        self.count += 1;
        let spec = find(kind).expect("a kind there is").complete(spec).expect("completes");
        self.resources.push(Declared::new(address.clone(), spec));
        address
    }

    fn grow(&mut self, kind: &str, count: u64, chance: &mut Chance) {
        for _ in 0..count {
            let Some(spec) = self.spec(kind, chance) else { return };
            let address = self.add(kind, spec);
            let gates = self.all("x.gate");
            let last = self.resources.last_mut().expect("just added");
            if kind == "x.task" && chance.percent(20) {
                last.depends_on.extend(chance.pick(&gates).cloned());
            }
            if chance.percent(20) {
                last.tags.insert("team".into(), address.name);
            }
        }
    }

    fn spec(&self, kind: &str, chance: &mut Chance) -> Option<Value> {
        let size = chance.below(5);
        let net = chance.pick(&self.all("x.net")).map(to);
        Some(match kind {
            "x.net" => json!({ "range": size, "size": 1 }),
            "x.role" => json!({ "path": "/", "size": size }),
            "x.group" => json!({ "net": net, "range": size, "peers": [] }),
            "x.store" => {
                let name = chance.percent(50).then(|| format!("store-{}", self.count));
                json!({ "name": name, "net": net, "range": 1, "groups": self.some("x.group", chance), "size": size })
            }
            "x.gate" => json!({ "net": net, "size": size }),
            _ => {
                let role = chance.pick(&self.all("x.role")).cloned()?;
                let store = chance.pick(&self.all("x.store")).filter(|_| size > 1).cloned();
                let (groups, text) = (self.some("x.group", chance), self.text(chance));
                json!({ "role": to(&role), "groups": groups, "store": store.map(|at| to(&at)), "text": text })
            }
        })
    }

    fn text(&self, chance: &mut Chance) -> Option<String> {
        let quotable: Vec<_> = ["x.net", "x.store", "x.role"].iter().flat_map(|kind| self.all(kind)).collect();
        let quoted = chance.pick(&quotable)?.to_string();
        chance.percent(50).then(|| format!("<{}>", Quote { address: quoted, attribute: "arn".into() }.mark()))
    }

    fn some(&self, kind: &str, chance: &mut Chance) -> Value {
        self.all(kind).iter().filter(|_| chance.percent(40)).map(to).collect()
    }

    pub(crate) fn all(&self, kind: &str) -> Vec<Address> {
        let all = self.resources.iter().map(|declared| &declared.address);
        all.filter(|address| address.kind == kind).cloned().collect()
    }

    /// Groups name each other, and themselves, as it comes.
    fn join_groups(&mut self, chance: &mut Chance) {
        for index in 0..self.resources.len() {
            if self.resources[index].address.kind == "x.group" {
                self.resources[index].spec_mut()["peers"] = self.some("x.group", chance);
            }
        }
    }

    /// Another stack that has much of this one.
    pub(crate) fn changed(&self, chance: &mut Chance) -> Self {
        let mut stack = self.clone();
        let leaving: BTreeSet<_> =
            self.resources.iter().filter(|_| chance.percent(12)).map(|one| one.address.clone()).collect();
        stack.without(leaving);
        for index in 0..stack.resources.len() {
            stack.change(index, chance);
        }
        for kind in ["x.net", "x.role", "x.group", "x.store", "x.gate", "x.task"] {
            if !stack.all("x.net").is_empty() {
                let count = chance.below(2);
                stack.grow(kind, count, chance);
            }
        }
        if chance.percent(50) {
            stack.join_groups(chance);
        }
        stack.renamed(chance)
    }

    fn change(&mut self, index: usize, chance: &mut Chance) {
        let kind = self.resources[index].address.kind.clone();
        let (groups, text) = (self.some("x.group", chance), self.text(chance));
        let spec = self.resources[index].spec_mut();
        for (field, to) in [("size", json!(chance.below(5))), ("groups", groups), ("text", json!(text))] {
            if spec.get(field).is_some() && chance.percent(25) {
                spec[field] = to;
            }
        }
        let moved = if kind == "x.role" { "path" } else { "range" };
        if spec.get(moved).is_some() && chance.percent(15) {
            spec[moved] = json!(format!("/{}/", chance.below(1000)));
        }
        if chance.percent(10) {
            self.resources[index].tags = Tags::from([("team".to_owned(), format!("t{}", chance.below(9)))]);
        }
    }

    /// Takes resources away, and all that cannot be without them.
    fn without(&mut self, mut leaving: BTreeSet<Address>) {
        loop {
            let needs = |declared: &Declared| {
                let needed = ["net", "role"].into_iter().flat_map(|field| references(&declared.spec[field]));
                needed.into_iter().any(|address| leaving.contains(&address))
            };
            let more =
                self.resources.iter().filter(|declared| needs(declared)).map(|declared| declared.address.clone());
            let more: BTreeSet<_> = more.filter(|address| !leaving.contains(address)).collect();
            if more.is_empty() {
                break;
            }
            leaving.extend(more);
        }
        self.resources.retain(|declared| !leaving.contains(&declared.address));
        let names_one = |value: &Value| {
            references(value).iter().any(|at| leaving.contains(at))
                || up_core::quote::quotes(value)
                    .iter()
                    .any(|quote| leaving.contains(&quote.address.parse().expect("an address")))
        };
        for declared in &mut self.resources {
            declared.depends_on.retain(|address| !leaving.contains(address));
            for value in declared.spec_mut().as_object_mut().into_iter().flat_map(|map| map.values_mut()) {
                match value {
                    Value::Array(items) => items.retain(|item| !names_one(item)),
                    value if names_one(value) => *value = Value::Null,
                    _ => {}
                }
            }
        }
    }

    /// Some get another name.
    fn renamed(self, chance: &mut Chance) -> Self {
        let all: Vec<_> = self.resources.iter().map(|declared| declared.address.clone()).collect();
        all.iter().filter(|_| chance.percent(5)).fold(self, |stack, address| stack.rename(address))
    }

    /// Gives one another name, wherever it is named.
    pub(crate) fn rename(self, address: &Address) -> Self {
        let text = serde_json::to_string(&self.resources).expect("plain data");
        let old = address.to_string();
        let new = format!("{}ne", old.strip_suffix('e').expect("ends in e"));
        let resources = serde_json::from_str(&text.replace(&old, &new)).expect("as it was written");
        Self { resources, count: self.count }
    }
}

/// A reference.
pub(crate) fn to(address: &Address) -> Value {
    json!({ "$ref": address })
}
