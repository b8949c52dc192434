//! What an expression may name: `inputs.x`, `locals.x`, `each.key`, `stack.region`, `zones`, `module.x.y`, resources.

use std::rc::Rc;

use serde_json::{Map, Value};
use up_core::Address;

use crate::{
    diagnostic::Complaint,
    eval::Evaluator,
    node::{Data, Node},
    source::Place,
    suggest::suggest,
    value::{self, Fault},
    world::{Each, Instance, Keys, World},
};

/// What an expression may name.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) world: &'a World,
    pub(crate) instance: &'a Rc<Instance>,
    /// `each`, inside of `for_each`.
    pub(crate) each: Option<&'a Each>,
    /// True inside of `templatefile`: nothing of the stack can be named there.
    pub(crate) is_file: bool,
}

/// A value, and how many names it took.
type Found = (Rc<Value>, usize);

/// What Terraform calls otherwise.
const ELSEWHERE: &[(&str, &str)] = &[
    ("var", "inputs are `inputs.<name>` here"),
    ("input", "inputs are `inputs.<name>`"),
    ("local", "locals are `locals.<name>` here"),
    ("count", "there is no `count`; `for_each` gives `each.key`"),
    ("data", "what lives outside the stack is given as an input, or referred to by `{ id = \"…\" }`"),
    ("path", "files are named relative to the stack's folder"),
    ("terraform", "the stack's own facts are `stack.name`, `stack.region`, `stack.account` and `stack.partition`"),
    ("self", "a resource cannot quote itself"),
    ("modules", "a module's outputs are `module.<name>.<output>`"),
];

const ROOTS: &[&str] = &["inputs", "locals", "each", "stack", "zones", "module"];

impl<'a> Scope<'a> {
    pub(crate) fn new(world: &'a World, instance: &'a Rc<Instance>) -> Self {
        Self { world, instance, each: None, is_file: false }
    }

    /// Finds what a name that is no variable of a `for` stands for.
    pub(crate) fn root(&self, root: &str, names: &[&str]) -> Result<Found, Fault> {
        let file = &self.instance.file;
        if self.is_file {
            let hint = "hand it over in the second argument of `templatefile`".to_owned();
            return Err(Fault::new(format!("the file has no variable `{root}`")).hint(hint));
        }
        match root {
            "inputs" => {
                let name = named(root, names, |name| file.inputs.contains_key(name), file.inputs.keys())?;
                self.input(name).map(|value| (value, 1))
            }
            "locals" => {
                let name = named(root, names, |name| file.locals.contains_key(name), file.locals.keys())?;
                self.local(name).map(|value| (value, 1))
            }
            "each" => self.each(names),
            "stack" => {
                const FACTS: [&str; 4] = ["name", "region", "account", "partition"];
                let facts = FACTS.map(str::to_owned);
                let name = named(root, names, |name| FACTS.contains(&name), facts.iter())?;
                self.world.fact(name).map(|value| (value, 1))
            }
            "zones" => self.world.fact("zones").map(|value| (value, 0)),
            "module" => {
                let name = named(root, names, |name| file.modules.contains_key(name), file.modules.keys())?;
                self.module(name, &names[1..]).map(|(value, used)| (value, used + 1))
            }
            service if self.world.kinds.has_service(service) => self.resource(service, names),
            other => {
                let hint = ELSEWHERE.iter().find(|(name, _)| *name == other).map(|(_, hint)| (*hint).to_owned());
                let roots = || suggest(other, ROOTS.iter().copied().chain(self.world.kinds.services()));
                Err(Fault::new(format!("there is nothing named `{other}`")).hint(hint.or_else(roots)).needle(other))
            }
        }
    }

    fn each(&self, names: &[&str]) -> Result<Found, Fault> {
        let Some(each) = self.each else {
            let hint = "`each` is what `for_each` of the same table gives".to_owned();
            return Err(Fault::new("there is no `each` here").hint(hint).needle("each"));
        };
        match names.first() {
            Some(&"key") => Ok((Rc::new(Value::String(each.key.clone())), 1)),
            Some(&"value") => Ok((each.value.clone(), 1)),
            _ => Err(Fault::new("`each` has `key` and `value`").needle("each")),
        }
    }

    /// An input's value: given by the caller, by `--set`, by the environment, or by default.
    pub(crate) fn input(&self, name: &str) -> Result<Rc<Value>, Fault> {
        let Self { world, instance, .. } = *self;
        let Some(input) = instance.file.inputs.get(name) else { return Err(Fault::Said) };
        let label = || instance.label(&format!("inputs.{name}"));
        world.once(&instance.inputs, name, label, input.place, || world.find_input(instance, name, input).map(Rc::new))
    }

    /// A local's value.
    pub(crate) fn local(&self, name: &str) -> Result<Rc<Value>, Fault> {
        let Self { world, instance, .. } = *self;
        let Some(node) = instance.file.locals.get(name) else { return Err(Fault::Said) };
        let label = || instance.label(&format!("locals.{name}"));
        let own = Scope { each: None, ..*self };
        world.once(&instance.locals, name, label, node.place, || own.whole(node).map(Rc::new))
    }

    /// An output's value.
    pub(crate) fn output(&self, name: &str) -> Result<Rc<Value>, Fault> {
        let Self { world, instance, .. } = *self;
        let Some(output) = instance.file.outputs.get(name) else { return Err(Fault::Said) };
        let label = || instance.label(&format!("outputs.{name}"));
        let own = Scope { each: None, ..*self };
        world.once(&instance.outputs, name, label, output.place, || own.whole(&output.value).map(Rc::new))
    }

    /// `module.<name>`, and what of the names behind it belongs to it.
    fn module(&self, name: &str, names: &[&str]) -> Result<Found, Fault> {
        let keys = self.module_keys(name)?;
        match &*keys {
            Keys::One => self.outputs(name, None, names),
            Keys::Each(keys) => match names.split_first() {
                Some((&key, rest)) => match keys.get_key_value(key) {
                    Some((key, _)) => self.outputs(name, Some(key), rest).map(|(value, used)| (value, used + 1)),
                    None => {
                        let hint = suggest(key, keys.keys().map(String::as_str));
                        let message = format!("module `{name}` has `for_each`, and no key `{key}`");
                        Err(Fault::new(message).hint(hint).needle(key))
                    }
                },
                None => {
                    let all =
                        keys.keys().map(|key| Ok((key.clone(), (*self.outputs(name, Some(key), &[])?.0).clone())));
                    Ok((Rc::new(Value::Object(all.collect::<Result<Map<_, _>, Fault>>()?)), 0))
                }
            },
        }
    }

    /// One output of one instance of a module, or all of them.
    fn outputs(&self, module: &str, key: Option<&str>, names: &[&str]) -> Result<Found, Fault> {
        let instance = self.world.child(self.instance, module, key).ok_or(Fault::Said)?;
        let inner = Scope::new(self.world, &instance);
        match names.first() {
            Some(name) if instance.file.outputs.contains_key(*name) => Ok((inner.output(name)?, 1)),
            Some(name) => {
                let hint = suggest(name, instance.file.outputs.keys().map(String::as_str));
                Err(Fault::new(format!("module `{module}` has no output `{name}`")).hint(hint).needle(*name))
            }
            None => {
                let all = instance.file.outputs.keys().map(|name| Ok((name.clone(), (*inner.output(name)?).clone())));
                Ok((Rc::new(Value::Object(all.collect::<Result<Map<_, _>, Fault>>()?)), 0))
            }
        }
    }

    /// `<service>.<kind>.<name>`, and the key behind it where there is `for_each`.
    fn resource(&self, service: &str, names: &[&str]) -> Result<Found, Fault> {
        let [kind, rest @ ..] = names else {
            return Err(Fault::new(format!("a resource is `{service}.<kind>.<name>`")).needle(service));
        };
        let full = format!("{service}.{kind}");
        let Some(info) = self.world.kinds.find(&full) else {
            let hint = self.world.kinds.suggest(service, kind);
            return Err(Fault::new(format!("there is no kind `{full}`")).hint(hint).needle(full));
        };
        let [name, rest @ ..] = rest else {
            return Err(Fault::new(format!("a resource is `{full}.<name>`")).needle(full));
        };
        let kind = info.any.name();
        let declared = self.instance.file.resources.get(kind);
        if declared.is_none_or(|declared| !declared.contains_key(*name)) {
            let known = declared.into_iter().flat_map(|declared| declared.keys()).map(String::as_str);
            let elsewhere = "a resource of another module is reached through one of its outputs".to_owned();
            let hint = suggest(name, known).or(Some(elsewhere));
            return Err(Fault::new(format!("there is no {full} named `{name}` in this file")).hint(hint).needle(*name));
        }
        let keys = self.resource_keys(kind, name)?;
        let address = |key: Option<&String>| Address {
            module: self.instance.path.clone(),
            kind: full.clone(),
            name: (*name).to_owned(),
            key: key.cloned(),
        };
        match (&*keys, rest.first()) {
            (Keys::One, _) => Ok((Rc::new(value::resource(&address(None))), 2)),
            (Keys::Each(keys), None) => {
                let all = keys.keys().map(|key| (key.clone(), value::resource(&address(Some(key)))));
                Ok((Rc::new(Value::Object(all.collect())), 2))
            }
            (Keys::Each(keys), Some(key)) => match keys.get_key_value(*key) {
                Some((key, _)) => Ok((Rc::new(value::resource(&address(Some(key)))), 3)),
                None => {
                    let hint = match info.attributes().contains(key) {
                        true => Some(format!("one of them is `{full}.{name}[\"…\"].{key}`")),
                        false => suggest(key, keys.keys().map(String::as_str)),
                    };
                    let message = format!("{full}.{name} has `for_each`, and no key `{key}`");
                    Err(Fault::new(message).hint(hint).needle(*key))
                }
            },
        }
    }

    /// How many instances of a module there are.
    pub(crate) fn module_keys(&self, name: &str) -> Result<Rc<Keys>, Fault> {
        let Self { world, instance, .. } = *self;
        let Some(call) = instance.file.modules.get(name) else { return Err(Fault::Said) };
        if call.for_each.is_none() {
            return Ok(Rc::new(Keys::One));
        }
        let label = || instance.label(&format!("for_each of module.{name}"));
        let own = Scope { each: None, ..*self };
        world.once(&instance.modules, name, label, call.place, || own.keys(call.for_each.as_ref()?))
    }

    /// How many instances of a resource there are.
    pub(crate) fn resource_keys(&self, kind: &str, name: &str) -> Result<Rc<Keys>, Fault> {
        let Self { world, instance, .. } = *self;
        let declared = instance.file.resources.get(kind).and_then(|named| named.get(name)).ok_or(Fault::Said)?;
        if declared.for_each.is_none() {
            return Ok(Rc::new(Keys::One));
        }
        let memo = format!("{kind}.{name}");
        let label = || instance.label(&format!("for_each of {memo}"));
        let own = Scope { each: None, ..*self };
        world.once(&instance.resources, &memo, label, declared.place, || own.keys(declared.for_each.as_ref()?))
    }

    /// What `for_each` gives.
    fn keys(&self, for_each: &Node) -> Option<Rc<Keys>> {
        let node = self.evaluate(for_each);
        if node.has_hole() {
            return None;
        }
        let entries = match &node.data {
            Data::List(items) => items.iter().map(|item| self.key_of(item)).collect::<Option<Vec<_>>>()?,
            Data::Table(entries) if node.resource().is_none() => {
                let each = |(key, item): &(crate::node::Key, Node)| (key.text.clone(), key.place, item.value());
                entries.iter().map(each).collect()
            }
            _ => {
                let hint = match &node.data {
                    Data::Number(_) => {
                        "name each of them: `for_each = [\"a\", \"b\"]`, or `zones` for availability zones"
                    }
                    Data::Null => "an empty list makes none",
                    _ => "`[\"a\", \"b\"]`, `{ a = 1, b = 2 }`, or `${…}` that gives one",
                };
                let message = format!("`for_each` is {}", node.described());
                let complaint = Complaint::new(node.place, message).expected("a list of texts, or a map");
                self.world.complain(complaint.hint(hint.to_owned()));
                return None;
            }
        };
        self.distinct(entries)
    }

    fn key_of(&self, item: &Node) -> Option<(String, Place, Value)> {
        match item.text() {
            Some(text) => Some((text.to_owned(), item.place, Value::String(text.to_owned()))),
            None => {
                let message = format!("a list for `for_each` holds {}", item.described());
                let complaint = Complaint::new(item.place, message).expected("text");
                let hint = "a map gives each item a key: `${{ for x in … : x.name => x }}`".to_owned();
                self.world.complain(complaint.hint(hint));
                None
            }
        }
    }

    fn distinct(&self, entries: Vec<(String, Place, Value)>) -> Option<Rc<Keys>> {
        let mut keys = std::collections::BTreeMap::new();
        let mut is_fine = true;
        for (key, place, value) in entries {
            let marked = value::mark_in(&Value::String(key.clone()));
            if let Some(quote) = marked {
                let message = format!("a key of `for_each` must be known: {}", value::not_known(&quote));
                self.world.complain(Complaint::new(place, message));
                is_fine = false;
            } else if !Address::is_word(&key) {
                let complaint = Complaint::new(place, format!("`{key}` cannot be a key of `for_each`"));
                self.world.complain(complaint.expected("1 to 64 letters, digits, `_`, `-` and `.`"));
                is_fine = false;
            } else if keys.insert(key.clone(), Each { key: key.clone(), value: Rc::new(value) }).is_some() {
                self.world.complain(Complaint::new(place, format!("`for_each` has `{key}` twice")));
                is_fine = false;
            }
        }
        is_fine.then(|| Rc::new(Keys::Each(keys)))
    }

    /// A node's value; `None` where something in it is wrong, which has been reported.
    pub(crate) fn whole(&self, node: &Node) -> Option<Value> {
        let node = self.evaluate(node);
        (!node.has_hole()).then(|| node.value())
    }

    /// Evaluates every template in a node. What is wrong is reported and becomes a hole.
    pub(crate) fn evaluate(&self, node: &Node) -> Node {
        let data = match &node.data {
            Data::Template(template) => match Evaluator::new(*self).template(template) {
                Ok(value) => return Node::spread(node.place, value),
                Err(fault) => {
                    self.world.fault(node.place, fault);
                    Data::Hole
                }
            },
            Data::List(items) => Data::List(items.iter().map(|item| self.evaluate(item)).collect()),
            Data::Table(entries) => {
                Data::Table(entries.iter().map(|(key, item)| (key.clone(), self.evaluate(item))).collect())
            }
            other => other.clone(),
        };
        Node { place: node.place, data }
    }
}

/// The first name behind `root`, which must be one of `known`.
fn named<'n, 'k>(
    root: &str,
    names: &[&'n str],
    is_known: impl Fn(&str) -> bool,
    known: impl Iterator<Item = &'k String> + Clone,
) -> Result<&'n str, Fault> {
    let hint = |name: &str| suggest(name, known.clone().map(String::as_str));
    match names.first() {
        Some(name) if is_known(name) => Ok(name),
        Some(name) => {
            Err(Fault::new(format!("there is no `{root}.{name}`")).hint(hint(name)).needle(format!("{root}.{name}")))
        }
        None => {
            Err(Fault::new(format!("`{root}` wants a name behind it: `{root}.<name>`")).hint(hint("")).needle(root))
        }
    }
}
