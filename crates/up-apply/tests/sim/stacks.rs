//! Random stacks, and random changes to them.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use up_core::{Address, Declared, Tags, placeholder::Placeholder, references};

use crate::{
    kinds::{UniqueField, find, sim},
    random::Random,
};

/// All kinds, targets before their users, with the greatest number in a stack.
const KINDS: [(&str, u64); 11] = [
    ("x.net", 2),
    ("x.role", 3),
    ("x.group", 4),
    ("x.store", 2),
    ("x.gate", 3),
    ("x.task", 5),
    ("x.part", 5),
    ("x.door", 4),
    ("x.row", 4),
    ("x.pool", 2),
    ("x.guest", 3),
];

/// A stack under construction.
#[derive(Clone, Default)]
pub(crate) struct RandomStack {
    pub(crate) resources: Vec<Declared>,
    /// Keeps names distinct.
    count: usize,
}

impl RandomStack {
    pub(crate) fn random(random: &mut Random) -> Self {
        let mut stack = Self::default();
        stack.grow("x.net", 1, random);
        for (kind, most) in KINDS {
            let count = random.below(most + 1);
            stack.grow(kind, count, random);
        }
        stack.join_groups(random);
        stack
    }

    /// Adds a resource of a kind; its name ends in `e`, so that no name is a prefix of another.
    pub(crate) fn add(&mut self, kind: &str, spec: Value) -> Address {
        let address = Address::root(kind, format!("r{}e", self.count));
        self.count += 1;
        let spec = find(kind).expect("a kind there is").complete(spec).expect("completes");
        self.resources.push(Declared::new(address.clone(), spec));
        address
    }

    fn grow(&mut self, kind: &str, count: u64, random: &mut Random) {
        for _ in 0..count {
            let Some(spec) = self.spec(kind, random) else { return };
            let address = self.add(kind, spec);
            let gates = self.all("x.gate");
            let last = self.resources.last_mut().expect("just added");
            if kind == "x.task" && random.percent(20) {
                last.depends_on.extend(random.pick(&gates).cloned());
            }
            if random.percent(20) {
                last.tags.insert("team".into(), address.name);
            }
        }
    }

    fn spec(&self, kind: &str, random: &mut Random) -> Option<Value> {
        let size = random.below(5);
        let net = random.pick(&self.all("x.net")).map(to);
        Some(match kind {
            "x.net" => json!({ "range": size, "size": 1 }),
            "x.role" => json!({ "path": "/", "size": size }),
            "x.group" => json!({ "net": net, "range": size, "peers": [] }),
            "x.store" => {
                let name = random.percent(50).then(|| format!("store-{}", self.count));
                json!({ "name": name, "net": net, "range": 1, "groups": self.some("x.group", random), "size": size })
            }
            "x.gate" => json!({ "net": net, "size": size }),
            "x.part" => {
                let net = net?;
                json!({ "block": self.free(kind, &net, random), "net": net, "range": 1 })
            }
            "x.door" | "x.row" => {
                let gate = random.pick(&self.all("x.gate")).map(to)?;
                json!({ sole(kind).field: self.free(kind, &gate, random), "gate": gate })
            }
            "x.pool" => {
                let net = net?;
                let (parts, links, routes) =
                    (self.parts(&net, random), self.some("x.part", random), self.some("x.part", random));
                let mut ways = BTreeSet::from([size]);
                ways.extend((0..2).map(|_| random.below(5)));
                json!({ "net": net, "parts": parts, "links": links, "routes": routes, "ways": ways })
            }
            "x.guest" => {
                let pool = random.pick(&self.all("x.pool")).cloned()?;
                json!({ "pool": to(&pool), "way": self.way(&to(&pool), random) })
            }
            _ => {
                let role = random.pick(&self.all("x.role")).cloned()?;
                let store = random.pick(&self.all("x.store")).filter(|_| size > 1).cloned();
                let (groups, text) = (self.some("x.group", random), self.text(random));
                json!({ "role": to(&role), "groups": groups, "store": store.map(|at| to(&at)), "text": text })
            }
        })
    }

    /// A value that no other resource of the kind has within the same parent.
    fn free(&self, kind: &str, parent: &Value, random: &mut Random) -> u64 {
        let UniqueField { field, within, .. } = sole(kind);
        let taken = self.resources.iter().filter(|it| it.address.kind == kind && it.spec[within] == *parent);
        let taken: BTreeSet<_> = taken.filter_map(|it| it.spec[field].as_u64()).collect();
        let free: Vec<_> = (0..).filter(|value| !taken.contains(value)).take(3).collect();
        *random.pick(&free).expect("there are three")
    }

    /// Some parts of one net.
    fn parts(&self, net: &Value, random: &mut Random) -> Value {
        let all = self.resources.iter().filter(|it| it.address.kind == "x.part" && it.spec["net"] == *net);
        all.filter(|_| random.percent(25)).map(|it| to(&it.address)).collect()
    }

    /// One of a pool's ways.
    fn way(&self, pool: &Value, random: &mut Random) -> Value {
        let pool = self.resources.iter().find(|it| to(&it.address) == *pool).expect("it is declared");
        random.pick(pool.spec["ways"].as_array().expect("a list")).cloned().unwrap_or_default()
    }

    /// Makes resources of a kind exchange their unique values, or take free ones.
    fn shift(&mut self, kind: &str, random: &mut Random) {
        let UniqueField { field, within, .. } = sole(kind);
        let of_kind: Vec<_> = (0..self.resources.len()).filter(|&it| self.resources[it].address.kind == kind).collect();
        for _ in 0..of_kind.len() {
            let (Some(&one), Some(&other)) = (random.pick(&of_kind), random.pick(&of_kind)) else { return };
            let parents = [one, other].map(|it| self.resources[it].spec[within].clone());
            if one != other && parents[0] == parents[1] {
                let values = [one, other].map(|it| self.resources[it].spec[field].clone());
                self.resources[one].spec_mut()[field] = values[1].clone();
                self.resources[other].spec_mut()[field] = values[0].clone();
            } else if random.percent(30) {
                let free = self.free(kind, &parents[0], random);
                self.resources[one].spec_mut()[field] = free.into();
            }
        }
    }

    /// Changes the ways of pools; guests take one of the remaining ways.
    fn reroute(&mut self, random: &mut Random) {
        for index in 0..self.resources.len() {
            if self.resources[index].address.kind == "x.pool" {
                let ways: BTreeSet<_> = (0..3).map(|_| random.below(5)).collect();
                self.resources[index].spec_mut()["ways"] = json!(ways);
            }
        }
        for index in 0..self.resources.len() {
            if self.resources[index].address.kind == "x.guest" {
                let way = self.way(&self.resources[index].spec["pool"], random);
                self.resources[index].spec_mut()["way"] = way;
            }
        }
    }

    fn text(&self, random: &mut Random) -> Option<String> {
        let quotable: Vec<_> = ["x.net", "x.store", "x.role"].iter().flat_map(|kind| self.all(kind)).collect();
        let quoted = random.pick(&quotable)?.to_string();
        random.percent(50).then(|| format!("<{}>", Placeholder { address: quoted, attribute: "arn".into() }.mark()))
    }

    fn some(&self, kind: &str, random: &mut Random) -> Value {
        self.all(kind).iter().filter(|_| random.percent(40)).map(to).collect()
    }

    pub(crate) fn all(&self, kind: &str) -> Vec<Address> {
        let all = self.resources.iter().map(|declared| &declared.address);
        all.filter(|address| address.kind == kind).cloned().collect()
    }

    /// Makes groups refer to each other and to themselves, at random.
    fn join_groups(&mut self, random: &mut Random) {
        for index in 0..self.resources.len() {
            if self.resources[index].address.kind == "x.group" {
                self.resources[index].spec_mut()["peers"] = self.some("x.group", random);
            }
        }
    }

    /// A changed copy of this stack.
    pub(crate) fn changed(&self, random: &mut Random) -> Self {
        let mut stack = self.clone();
        let leaving: BTreeSet<_> =
            self.resources.iter().filter(|_| random.percent(12)).map(|one| one.address.clone()).collect();
        stack.without(leaving);
        for index in 0..stack.resources.len() {
            stack.change(index, random);
        }
        for (kind, _) in KINDS {
            if !stack.all("x.net").is_empty() {
                let count = random.below(2);
                stack.grow(kind, count, random);
            }
        }
        if random.percent(50) {
            stack.join_groups(random);
        }
        for kind in ["x.part", "x.door", "x.row"] {
            if random.percent(50) {
                stack.shift(kind, random);
            }
        }
        if random.percent(50) {
            stack.reroute(random);
        }
        stack.renamed(random)
    }

    fn change(&mut self, index: usize, random: &mut Random) {
        let kind = self.resources[index].address.kind.clone();
        let (groups, text) = (self.some("x.group", random), self.text(random));
        let (links, routes) = (self.some("x.part", random), self.some("x.part", random));
        let parts = self.parts(&self.resources[index].spec["net"], random);
        let spec = self.resources[index].spec_mut();
        let size = json!(random.below(5));
        let fields = [("size", size), ("groups", groups), ("text", json!(text))];
        for (field, to) in fields.into_iter().chain([("links", links), ("routes", routes), ("parts", parts)]) {
            if spec.get(field).is_some() && random.percent(25) {
                spec[field] = to;
            }
        }
        let moved = if kind == "x.role" { "path" } else { "range" };
        if spec.get(moved).is_some() && random.percent(15) {
            spec[moved] = json!(format!("/{}/", random.below(1000)));
        }
        if random.percent(10) {
            self.resources[index].tags = Tags::from([("team".to_owned(), format!("t{}", random.below(9)))]);
        }
    }

    /// Removes resources, and all that depend on them.
    fn without(&mut self, mut leaving: BTreeSet<Address>) {
        loop {
            let needs = |declared: &Declared| {
                let needed =
                    ["net", "role", "gate", "pool"].into_iter().flat_map(|field| references(&declared.spec[field]));
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
                || up_core::placeholder::placeholders(value)
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

    /// Renames some resources.
    fn renamed(self, random: &mut Random) -> Self {
        let all: Vec<_> = self.resources.iter().map(|declared| declared.address.clone()).collect();
        all.iter().filter(|_| random.percent(5)).fold(self, |stack, address| stack.rename(address))
    }

    /// Renames a resource, in all references too.
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

/// The unique field of a kind.
fn sole(kind: &str) -> UniqueField {
    sim(kind).unique.expect("a kind that has something to itself")
}
