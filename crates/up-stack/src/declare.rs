//! Resources: evaluated, checked and completed one by one, and then checked together.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    rc::Rc,
    sync::Arc,
};

use serde_json::Value;
use up_model::{Address, Declared, Problem, placeholder, text_at};

use crate::{
    check::Checker,
    diagnostic::NewDiagnostic,
    file::{ResourceDecl, StackFile},
    kinds::KnownKind,
    loader::{Each, INSTANCE_COST, Loader, ModuleInstance, Repetition},
    node::{Data, Node},
    renamed::RenamedFrom,
    scope::NameScope,
    source::SourceSpan,
    tags::CommonTags,
    value, zones,
};

/// The fields with the availability zone that a resource is in.
const ZONE: &str = "availability_zone";
const ZONE_ID: &str = "availability_zone_id";

/// A checked resource, and what later checks need of it.
pub(crate) struct CheckedResource {
    pub(crate) declared: Declared,
    /// Its references to other resources.
    pub(crate) edges: Vec<Edge>,
    /// Its `renamed_from`.
    pub(crate) renamed: Option<RenamedFrom>,
}

/// A reference from one resource to another, which it waits for.
pub(crate) struct Edge {
    /// The address of the other resource, as text.
    pub(crate) to: String,
    pub(crate) field: &'static str,
    pub(crate) span: SourceSpan,
}

impl Loader {
    /// Declares all resources of a module instance and of the modules that it calls.
    pub(crate) fn declare_all(
        &self,
        instance: &Rc<ModuleInstance>,
        tags: &CommonTags,
        into: &mut Vec<CheckedResource>,
    ) {
        let scope = NameScope::new(self, instance);
        let StackFile { inputs, locals, outputs, modules, resources, .. } = &*instance.file;
        // Everything is evaluated once, so that every error is reported, used or not.
        for name in inputs.keys() {
            self.look(instance.file.inputs[name].span, scope.input(name));
        }
        for (name, node) in locals {
            self.look(node.span, scope.local(name));
        }
        for (name, output) in outputs {
            self.look(output.span, scope.output(name));
        }
        for (name, call) in modules {
            let Some(keys) = self.look(call.span, scope.module_keys(name)) else { continue };
            let keys: Vec<Option<&str>> = match &*keys {
                Repetition::Single => vec![None],
                Repetition::ForEach(keys) => keys.keys().map(|key| Some(key.as_str())).collect(),
            };
            for key in keys {
                if self.look(call.span, self.spend(INSTANCE_COST)).is_none() {
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

    /// Reports an error at `span`, unless it has been reported already.
    fn look<T>(&self, span: SourceSpan, found: Result<T, value::EvalError>) -> Option<T> {
        found.map_err(|error| self.report_error(span, error)).ok()
    }

    fn declare_each(
        &self,
        scope: &NameScope<'_>,
        name: &str,
        resource: &ResourceDecl,
        tags: &CommonTags,
        into: &mut Vec<CheckedResource>,
    ) {
        let keys = scope.resource_keys(resource.kind, name);
        let (Some(keys), Some(kind)) = (self.look(resource.span, keys), self.kinds.find(resource.kind)) else {
            return;
        };
        let each: Vec<Option<&Each>> = match &*keys {
            Repetition::Single => vec![None],
            Repetition::ForEach(keys) => keys.values().map(Some).collect(),
        };
        for each in each {
            if self.look(resource.span, self.spend(INSTANCE_COST)).is_none() {
                return;
            }
            let declaring = ResourceBuilder { loader: self, scope: NameScope { each, ..*scope }, kind, name, resource };
            into.extend(declaring.declare(tags));
        }
    }

    /// A zone that the stack's region does not have: AWS refuses it only when the resource that is replaced is deleted. All
    /// kinds call the fields as AWS does.
    fn zone_elsewhere(&self, spec: &Value) -> Option<Problem> {
        let (zone, id) = (text_at(spec, ZONE), text_at(spec, ZONE_ID));
        if zone.is_none() && id.is_none() {
            return None;
        }
        let (region, zones) = (self.fact("region").ok()?, self.fact("zones").ok()?);
        let (region, zones) = (region.as_str()?, zones.as_array()?);
        let listed: Vec<_> = zones.iter().filter_map(Value::as_str).collect();
        let zone = zone.filter(|zone| !zones::may_exist(region, zone, &listed)).map(|zone| {
            let hint = "another zone of the account can be listed in `zones` of `[stack]`";
            Problem::new(ZONE, format!("{region} has no zone `{zone}`, but {}; {hint}", listed.join(", ")))
        });
        zone.or_else(|| {
            let prefix = zones::id_prefix(region)?;
            let id = id.filter(|id| !id.starts_with(&prefix))?;
            let message = format!("{region} has no zone `{id}`: the ids of its zones begin with `{prefix}`");
            Some(Problem::new(ZONE_ID, message))
        })
    }

    /// Rules between a resource and those that it refers to.
    pub(crate) fn check_named(&self, all: &[CheckedResource]) {
        let declared: HashMap<_, _> = all.iter().map(|it| (&it.declared.address, &it.declared)).collect();
        let asked = |address: &Address, field: &str| declared.get(address)?.text(field);
        for CheckedResource { declared: Declared { address, spec, .. }, .. } in all {
            let Some(kind) = self.kinds.find(&address.kind) else { continue };
            for problem in kind.any.refuses(None, spec, &asked) {
                if let Some(node) = self.node_of(address) {
                    self.problem(&node, &problem, Some(address));
                }
            }
        }
    }

    /// What a resource has AWS move in others keeps its live value there.
    pub(crate) fn ignore_what_moves(&self, all: &mut [CheckedResource]) {
        let moved =
            all.iter().filter_map(|it| Some(self.kinds.find(&it.declared.address.kind)?.any.moves(&it.declared.spec)));
        for (address, path) in moved.flatten().collect::<Vec<_>>() {
            let place = all.binary_search_by(|it| it.declared.address.cmp(&address));
            place.into_iter().for_each(|place| _ = all[place].declared.ignore_changes.insert(path.to_owned()));
        }
    }

    /// Rules between resources of one kind.
    pub(crate) fn check_together(&self, all: &[CheckedResource]) {
        let mut by_kind: BTreeMap<&str, Vec<&CheckedResource>> = BTreeMap::new();
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

    /// Evaluates the fields of a resource again, for their spans. Keeping the nodes of all resources would double the
    /// memory.
    fn node_of(&self, address: &Address) -> Option<Node> {
        let Address { module, kind, name, key } = address;
        let instance = self.instances().into_iter().find(|instance| instance.path == *module)?;
        let resource = instance.file.resources.get(kind.as_str())?.get(name)?;
        let scope = NameScope::new(self, &instance);
        let keys = scope.resource_keys(resource.kind, name).ok()?;
        let each = match &*keys {
            Repetition::Single => None,
            Repetition::ForEach(keys) => Some(keys.get(key.as_ref()?)?),
        };
        let kind = self.kinds.find(kind)?;
        let declaring = ResourceBuilder { loader: self, scope: NameScope { each, ..scope }, kind, name, resource };
        Some(declaring.node().unwrap_or_else(|| Node::invalid(resource.span)))
    }

    /// Where a resource says `prevent_destroy`.
    pub(crate) fn span_of_prevent_destroy(&self, address: &Address) -> Option<SourceSpan> {
        let instance = self.instances().into_iter().find(|instance| instance.path == address.module)?;
        let resource = instance.file.resources.get(address.kind.as_str())?.get(&address.name)?;
        resource.prevent_destroy.as_ref().map(|node| node.span)
    }

    /// Reports a problem that a kind's own check found.
    fn problem(&self, node: &Node, problem: &Problem, address: Option<&Address>) {
        let Problem { field, message } = problem;
        let message = match address {
            Some(address) => format!("{address}: {message}"),
            None if field.is_empty() => message.clone(),
            None => format!("`{field}`: {message}"),
        };
        self.report(NewDiagnostic::new(node.find(field), placeholder::readable(&message)));
    }
}

/// Builds one resource from its declaration.
pub(crate) struct ResourceBuilder<'a> {
    pub(crate) loader: &'a Loader,
    pub(crate) scope: NameScope<'a>,
    pub(crate) kind: &'a KnownKind,
    pub(crate) name: &'a str,
    pub(crate) resource: &'a ResourceDecl,
}

impl ResourceBuilder<'_> {
    /// The resource; `None` if a part of it is invalid, which has been reported.
    fn declare(&self, common: &CommonTags) -> Option<CheckedResource> {
        let Self { loader, scope, kind, name, resource } = self;
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
                problems.iter().for_each(|problem| loader.problem(&node, problem, None));
                return None;
            }
        };
        if let Some(problem) = loader.zone_elsewhere(&spec) {
            let node = self.node()?;
            loader.problem(&node, &problem, None);
            return None;
        }
        let address = Address {
            module: scope.instance.path.clone(),
            kind: kind.any.name().to_owned(),
            name: (*name).to_owned(),
            key: scope.each.map(|each| each.key.clone()),
        };
        let (renamed, renamed_from) = self.renamed(&address);
        let origin = loader.origin(resource.span);
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
        Some(CheckedResource { declared, edges, renamed })
    }

    /// Its fields, with references resolved; `None` if one is invalid, which has been reported.
    fn node(&self) -> Option<Node> {
        let Self { loader, scope, kind, resource, .. } = self;
        Checker::new(loader, scope.instance, kind.schema(), kind.any.name()).check(scope.evaluate(&resource.body))
    }

    /// The resources that the fields refer to. Deferred fields (`late`) are left out: nothing waits for them.
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
            self.loader.wrong_type(&node, "a list of resources such as `[\"ec2.vpc.main\"]`");
            return BTreeSet::new();
        };
        let mut all = BTreeSet::new();
        for item in items {
            let targets = match (&item.data, item.resource()) {
                (Data::Invalid, _) => continue,
                (_, Some(address)) => Ok(vec![address]),
                (Data::Text(text), None) => self.dependency(text),
                _ => {
                    self.loader.wrong_type(item, "a resource such as `\"ec2.vpc.main\"`");
                    continue;
                }
            };
            match targets {
                Ok(targets) => {
                    let edge = |to: &Address| Edge { to: to.text(), field: "depends_on", span: item.span };
                    edges.extend(targets.iter().map(edge));
                    all.extend(targets);
                }
                Err(error) => self.loader.report_error(item.span, error),
            }
        }
        all
    }

    /// The resources that `ec2.vpc.main` or `network/ec2.subnet.private` names: all instances, if it has no key.
    fn dependency(&self, text: &str) -> Result<Vec<Address>, value::EvalError> {
        let (module, rest) = text.rsplit_once('/').map_or(("", text), |(module, rest)| (module, rest));
        let mut parts = rest.splitn(3, '.');
        let (Some(service), Some(kind), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
            let hint = "write `service.kind.name`, such as `ec2.vpc.main`".to_owned();
            return Err(value::EvalError::new(format!("`{text}` is not the address of a resource")).hint(hint));
        };
        let full = format!("{service}.{kind}");
        if self.loader.kinds.find(&full).is_none() {
            let hint = self.loader.kinds.suggest(&self.loader.suggestions, service, kind);
            return Err(value::EvalError::new(format!("unknown kind `{full}`")).hint(hint));
        }
        let named = if module.is_empty() { name.to_owned() } else { format!("{module}/{name}") };
        let find = |text: &str| self.loader.reference(self.scope.instance, text, &full, true);
        find(&named).or_else(|error| match name.contains(':') {
            true => Err(error),
            false => find(&format!("{named}:*")).map_err(|_| error),
        })
    }

    fn prevent_destroy(&self) -> bool {
        let Some(node) = &self.resource.prevent_destroy else { return false };
        let node = self.scope.evaluate(node);
        match node.data {
            Data::Bool(value) => value,
            _ => {
                self.loader.wrong_type(&node, "`true` or `false`");
                false
            }
        }
    }
}

fn collect(field: &'static str, node: &Node, edges: &mut Vec<Edge>) {
    let edge = |to: &str| Edge { to: to.to_owned(), field, span: node.span };
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
