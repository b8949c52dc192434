//! Resources, one by one: evaluated, checked, completed, and then looked at together.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    rc::Rc,
    sync::Arc,
};

use up_core::{Address, Declared, Problem, placeholder, text_at};

use crate::{
    check::Checker,
    diagnostic::Complaint,
    file::{File, Resource},
    kinds::KindInfo,
    node::{Data, Node},
    renamed::Renamed,
    scope::Scope,
    source::Place,
    tags::CommonTags,
    value,
    world::{EACH, Each, Instance, Keys, World},
};

/// A declared resource with the places it was made from.
pub(crate) struct Checked {
    pub(crate) declared: Declared,
    /// What it waits for, and where it says so.
    pub(crate) edges: Vec<Edge>,
    /// What it says that it was called.
    pub(crate) renamed: Option<Renamed>,
}

/// One resource waits for another.
pub(crate) struct Edge {
    /// The other's address, in text.
    pub(crate) to: String,
    pub(crate) field: &'static str,
    pub(crate) place: Place,
}

impl World {
    /// Everything that an instance declares, its modules' included.
    pub(crate) fn declare_all(&self, instance: &Rc<Instance>, tags: &CommonTags, into: &mut Vec<Checked>) {
        let scope = Scope::new(self, instance);
        let File { inputs, locals, outputs, modules, resources, .. } = &*instance.file;
        // What is wrong is reported where it is; here everything only has to be looked at once.
        for name in inputs.keys() {
            self.look(instance.file.inputs[name].place, scope.input(name));
        }
        for (name, node) in locals {
            self.look(node.place, scope.local(name));
        }
        for (name, output) in outputs {
            self.look(output.place, scope.output(name));
        }
        for (name, call) in modules {
            let Some(keys) = self.look(call.place, scope.module_keys(name)) else { continue };
            let keys: Vec<Option<&str>> = match &*keys {
                Keys::One => vec![None],
                Keys::Each(keys) => keys.keys().map(|key| Some(key.as_str())).collect(),
            };
            for key in keys {
                if self.look(call.place, self.burn(EACH)).is_none() {
                    return;
                }
                if let Some(child) = self.child(instance, name, key) {
                    self.declare_all(&child, tags, into);
                }
            }
        }
        for (name, resource) in resources.values().flatten() {
            self.declare_each(&scope, name, resource, tags, into);
        }
    }

    /// A fault that nobody had a better place for is reported at `place`.
    fn look<T>(&self, place: Place, found: Result<T, value::Fault>) -> Option<T> {
        found.map_err(|fault| self.fault(place, fault)).ok()
    }

    fn declare_each(
        &self,
        scope: &Scope<'_>,
        name: &str,
        resource: &Resource,
        tags: &CommonTags,
        into: &mut Vec<Checked>,
    ) {
        let keys = scope.resource_keys(resource.kind, name);
        let (Some(keys), Some(kind)) = (self.look(resource.place, keys), self.kinds.find(resource.kind)) else {
            return;
        };
        let each: Vec<Option<&Each>> = match &*keys {
            Keys::One => vec![None],
            Keys::Each(keys) => keys.values().map(Some).collect(),
        };
        for each in each {
            if self.look(resource.place, self.burn(EACH)).is_none() {
                return;
            }
            let declaring = Declaring { world: self, scope: Scope { each, ..*scope }, kind, name, resource };
            into.extend(declaring.declare(tags));
        }
    }

    /// Rules between a resource and those it names, of whatever kind.
    pub(crate) fn check_named(&self, all: &[Checked]) {
        let specs: HashMap<_, _> = all.iter().map(|it| (&it.declared.address, &it.declared.spec)).collect();
        let asked = |address: &Address, field: &str| text_at(specs.get(address)?, field);
        for Checked { declared: Declared { address, spec, .. }, .. } in all {
            let Some(kind) = self.kinds.find(&address.kind) else { continue };
            for problem in kind.any.refuses(None, spec, &asked) {
                if let Some(node) = self.node_of(address) {
                    self.problem(&node, &problem, Some(address));
                }
            }
        }
    }

    /// What a resource has AWS move in others keeps its live value there.
    pub(crate) fn ignore_what_moves(&self, all: &mut [Checked]) {
        let moved =
            all.iter().filter_map(|it| Some(self.kinds.find(&it.declared.address.kind)?.any.moves(&it.declared.spec)));
        for (address, path) in moved.flatten().collect::<Vec<_>>() {
            let place = all.binary_search_by(|it| it.declared.address.cmp(&address));
            place.into_iter().for_each(|place| _ = all[place].declared.ignore_changes.insert(path.to_owned()));
        }
    }

    /// Rules between resources of one kind.
    pub(crate) fn check_together(&self, all: &[Checked]) {
        let mut by_kind: BTreeMap<&str, Vec<&Checked>> = BTreeMap::new();
        for checked in all {
            by_kind.entry(&checked.declared.address.kind).or_default().push(checked);
        }
        for (kind, all) in by_kind {
            let Some(kind) = self.kinds.find(kind) else { continue };
            let specs: Vec<_> =
                all.iter().map(|checked| (&checked.declared.address, &*checked.declared.spec)).collect();
            for (address, problem) in kind.any.check_together(&specs) {
                if let Some(node) = self.node_of(&address) {
                    self.problem(&node, &problem, Some(&address));
                }
            }
        }
    }

    /// The kind's part of a resource, once more: few are asked for, and all would take as much memory as all that is kept.
    fn node_of(&self, address: &Address) -> Option<Node> {
        let Address { module, kind, name, key } = address;
        let instance = self.instances().into_iter().find(|instance| instance.path == *module)?;
        let resource = instance.file.resources.get(kind.as_str())?.get(name)?;
        let scope = Scope::new(self, &instance);
        let keys = scope.resource_keys(resource.kind, name).ok()?;
        let each = match &*keys {
            Keys::One => None,
            Keys::Each(keys) => Some(keys.get(key.as_ref()?)?),
        };
        let kind = self.kinds.find(kind)?;
        let declaring = Declaring { world: self, scope: Scope { each, ..scope }, kind, name, resource };
        Some(declaring.node().unwrap_or_else(|| Node::hole(resource.place)))
    }

    /// Reports a rule that a kind's own check found broken.
    fn problem(&self, node: &Node, problem: &Problem, address: Option<&Address>) {
        let Problem { field, message } = problem;
        let message = match address {
            Some(address) => format!("{address}: {message}"),
            None if field.is_empty() => message.clone(),
            None => format!("`{field}`: {message}"),
        };
        self.complain(Complaint::new(node.find(field), placeholder::readable(&message)));
    }
}

/// One resource, on its way.
pub(crate) struct Declaring<'a> {
    pub(crate) world: &'a World,
    pub(crate) scope: Scope<'a>,
    pub(crate) kind: &'a KindInfo,
    pub(crate) name: &'a str,
    pub(crate) resource: &'a Resource,
}

impl Declaring<'_> {
    /// `None` where something is wrong, which has been reported.
    fn declare(&self, common: &CommonTags) -> Option<Checked> {
        let Self { world, scope, kind, name, resource } = self;
        let mut edges = vec![];
        let tags = self.tags(common);
        let depends_on = self.depends_on(&mut edges);
        let prevent_destroy = self.prevent_destroy();
        let ignore_changes = self.ignore_changes();
        let node = self.node()?;
        self.edges(&node, &mut edges);
        let spec = match kind.any.complete(node.into_value()) {
            Ok(spec) => Arc::new(spec),
            Err(problems) => {
                let node = self.node()?;
                problems.iter().for_each(|problem| world.problem(&node, problem, None));
                return None;
            }
        };
        let address = Address {
            module: scope.instance.path.clone(),
            kind: kind.any.name().to_owned(),
            name: (*name).to_owned(),
            key: scope.each.map(|each| each.key.clone()),
        };
        let (renamed, renamed_from) = self.renamed(&address);
        let origin = world.origin(resource.place);
        let declared = Declared {
            address,
            spec,
            tags,
            depends_on,
            prevent_destroy,
            ignore_changes,
            ignore_tags: common.ignored.clone(),
            renamed_from,
            origin,
        };
        Some(Checked { declared, edges, renamed })
    }

    /// The kind's part, references resolved; `None` where something is wrong, which has been reported.
    fn node(&self) -> Option<Node> {
        let Self { world, scope, kind, resource, .. } = self;
        Checker::new(world, scope.instance, kind.schema(), kind.any.name()).check(scope.evaluate(&resource.body))
    }

    /// What the spec refers to or quotes; late fields hold nobody up.
    fn edges(&self, node: &Node, edges: &mut Vec<Edge>) {
        let Data::Table(entries) = &node.data else { return };
        for (key, item) in entries {
            let field = self.kind.any.fields().iter().find(|field| field.name == key.text && !field.deferred);
            if let Some(field) = field {
                collect(field.name, item, edges);
            }
        }
    }

    fn depends_on(&self, edges: &mut Vec<Edge>) -> BTreeSet<Address> {
        let Some(node) = &self.resource.depends_on else { return BTreeSet::new() };
        let node = self.scope.evaluate(node);
        let Data::List(items) = &node.data else {
            self.world.wrong_type(&node, "a list of resources such as `[\"ec2.vpc.main\"]`");
            return BTreeSet::new();
        };
        let mut all = BTreeSet::new();
        for item in items {
            let targets = match (&item.data, item.resource()) {
                (Data::Hole, _) => continue,
                (_, Some(address)) => Ok(vec![address]),
                (Data::Text(text), None) => self.dependency(text),
                _ => {
                    self.world.wrong_type(item, "a resource such as `\"ec2.vpc.main\"`");
                    continue;
                }
            };
            match targets {
                Ok(targets) => {
                    let edge = |to: &Address| Edge { to: to.text(), field: "depends_on", place: item.place };
                    edges.extend(targets.iter().map(edge));
                    all.extend(targets);
                }
                Err(fault) => self.world.fault(item.place, fault),
            }
        }
        all
    }

    /// `ec2.vpc.main`, `network/ec2.subnet.private`: all of a `for_each` where no key is given.
    fn dependency(&self, text: &str) -> Result<Vec<Address>, value::Fault> {
        let (module, rest) = text.rsplit_once('/').map_or(("", text), |(module, rest)| (module, rest));
        let mut parts = rest.splitn(3, '.');
        let (Some(service), Some(kind), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
            let hint = "it has the form `service.kind.name`, such as `ec2.vpc.main`".to_owned();
            return Err(value::Fault::new(format!("`{text}` names no resource")).hint(hint));
        };
        let full = format!("{service}.{kind}");
        if self.world.kinds.find(&full).is_none() {
            let hint = self.world.kinds.suggest(service, kind);
            return Err(value::Fault::new(format!("there is no kind `{full}`")).hint(hint));
        }
        let named = if module.is_empty() { name.to_owned() } else { format!("{module}/{name}") };
        let find = |text: &str| self.world.reference(self.scope.instance, text, &full, true);
        find(&named).or_else(|fault| match name.contains(':') {
            true => Err(fault),
            false => find(&format!("{named}:*")).map_err(|_| fault),
        })
    }

    fn prevent_destroy(&self) -> bool {
        let Some(node) = &self.resource.prevent_destroy else { return false };
        let node = self.scope.evaluate(node);
        match node.data {
            Data::Bool(value) => value,
            _ => {
                self.world.wrong_type(&node, "`true` or `false`");
                false
            }
        }
    }
}

fn collect(field: &'static str, node: &Node, edges: &mut Vec<Edge>) {
    let edge = |to: &str| Edge { to: to.to_owned(), field, place: node.place };
    match &node.data {
        Data::Text(text) if placeholder::has_placeholder(text) => edges.extend(placeholder::addresses(text).map(edge)),
        Data::List(items) => items.iter().for_each(|item| collect(field, item, edges)),
        Data::Table(entries) => match node.reference() {
            Some(address) => edges.push(edge(address)),
            None => entries.iter().for_each(|(_, item)| collect(field, item, edges)),
        },
        _ => {}
    }
}
