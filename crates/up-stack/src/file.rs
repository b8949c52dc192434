//! What one file declares: its tables, sorted and checked for form, with nothing evaluated.

use std::{cell::OnceCell, collections::BTreeMap, path::PathBuf};

use up_core::Address;

use crate::{
    diagnostic::Complaint,
    kinds::KindInfo,
    node::{Data, Key, Node},
    source::Place,
    suggest::{closest, suggest},
    types::Type,
    world::World,
};

/// What one file declares.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) start: Place,
    pub(crate) stack: Option<(Place, BTreeMap<String, Node>)>,
    pub(crate) inputs: BTreeMap<String, Input>,
    pub(crate) locals: BTreeMap<String, Node>,
    pub(crate) modules: BTreeMap<String, Call>,
    pub(crate) outputs: BTreeMap<String, OutputDecl>,
    pub(crate) resources: BTreeMap<&'static str, BTreeMap<String, Resource>>,
}

/// `[inputs.<name>]`.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) place: Place,
    /// `None` where it is wrong and has been reported.
    pub(crate) ty: Option<Type>,
    pub(crate) default: Option<Node>,
    pub(crate) one_of: Option<Node>,
    pub(crate) sensitive: bool,
}

/// `[module.<name>]`.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) place: Place,
    pub(crate) source: Option<(String, Place)>,
    /// Where the file is that `source` names, once that was found out.
    pub(crate) at: OnceCell<Option<PathBuf>>,
    pub(crate) for_each: Option<Node>,
    pub(crate) renamed_from: Option<Node>,
    pub(crate) arguments: BTreeMap<String, (Place, Node)>,
}

/// `[outputs.<name>]`.
#[derive(Debug)]
pub(crate) struct OutputDecl {
    pub(crate) place: Place,
    pub(crate) value: Node,
    pub(crate) description: Option<String>,
    pub(crate) sensitive: bool,
}

/// `[<service>.<kind>.<name>]`.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) place: Place,
    pub(crate) kind: &'static str,
    pub(crate) for_each: Option<Node>,
    pub(crate) depends_on: Option<Node>,
    pub(crate) tags: Option<Node>,
    pub(crate) prevent_destroy: Option<Node>,
    pub(crate) ignore_changes: Option<Node>,
    pub(crate) renamed_from: Option<Node>,
    /// What is left is the kind's: a table.
    pub(crate) body: Node,
}

/// Tables a file may have beside those of services.
const TABLES: &[&str] = &["stack", "inputs", "locals", "module", "outputs"];
const STACK_KEYS: &[&str] =
    &["name", "region", "accounts", "role_arn", "external_id", "protect", "tags", "ignore_tags", "zones", "backend"];
/// What every resource takes beside what its kind does.
pub(crate) const COMMON: &[&str] =
    &["for_each", "depends_on", "tags", "prevent_destroy", "ignore_changes", "renamed_from"];

/// Names users bring from Terraform, and what they are here.
const ELSEWHERE: &[(&str, &str)] = &[
    ("resource", "a resource is a table such as `[ec2.vpc.main]`"),
    ("variable", "variables are `[inputs.<name>]` here"),
    ("variables", "variables are `[inputs.<name>]` here"),
    ("output", "outputs are `[outputs.<name>]`"),
    ("input", "inputs are `[inputs.<name>]`"),
    ("local", "locals stand in one table, `[locals]`"),
    ("modules", "modules are `[module.<name>]`"),
    ("data", "what lives outside the stack is referred to by `{ id = \"…\" }`"),
    ("provider", "region and accounts stand in `[stack]`"),
    ("backend", "where the state is kept is `backend = \"s3://bucket/prefix\"` in `[stack]`"),
    ("terraform", "the stack's own settings stand in `[stack]`"),
];

impl File {
    /// Sorts the tables of a file.
    pub(crate) fn read(world: &World, start: Place, node: Node, is_root: bool) -> Self {
        let mut reader = Reader { world, file: Self::empty(start) };
        let Data::Table(tables) = node.data else { return reader.file };
        let is_empty = tables.is_empty();
        for (key, node) in tables {
            reader.table(key, node, is_root);
        }
        if is_root && reader.file.stack.is_none() && !world.is_faulty() {
            let message = if is_empty { "this file is empty" } else { "this file has no `[stack]`" };
            let hint = if is_empty {
                "a stack begins with `[stack]`, its `name` and `region`"
            } else {
                "a module is not applied by itself: name the stack that uses it"
            };
            let complaint = Complaint::new(start, message).expected("`[stack]` with `name` and `region`");
            world.complain(complaint.hint(hint.to_owned()));
        }
        reader.file
    }

    fn empty(start: Place) -> Self {
        let (inputs, locals, modules) = Default::default();
        let (outputs, resources) = Default::default();
        Self { start, stack: None, inputs, locals, modules, outputs, resources }
    }
}

struct Reader<'a> {
    world: &'a World,
    file: File,
}

impl Reader<'_> {
    fn table(&mut self, key: Key, node: Node, is_root: bool) {
        let world = self.world;
        match key.text.as_str() {
            "stack" if !is_root => {
                let hint = "`[stack]` belongs into the file that is applied; a module takes `[inputs]`".to_owned();
                world.complain(Complaint::new(key.place, "a module has no `[stack]`").hint(hint));
            }
            "stack" => {
                let entries = world.entries(node, "`[stack]`");
                for (key, _) in entries.iter().filter(|(key, _)| !STACK_KEYS.contains(&key.text.as_str())) {
                    let message = format!("`[stack]` has no `{}`", key.text);
                    let hint = suggest(&key.text, STACK_KEYS.iter().copied());
                    world.complain(Complaint::new(key.place, message).hint(hint));
                }
                let entries = entries.into_iter().map(|(key, node)| (key.text, node)).collect();
                self.file.stack = Some((key.place, entries));
            }
            "inputs" => self.each(node, "`[inputs]`", |reader, key, node| {
                let input = reader.input(&key, node);
                reader.file.inputs.insert(key.text, input);
            }),
            "locals" => self.each(node, "`[locals]`", |reader, key, node| {
                reader.file.locals.insert(key.text, node);
            }),
            "module" => self.each(node, "`[module]`", |reader, key, node| {
                let call = reader.call(&key, node);
                reader.file.modules.insert(key.text, call);
            }),
            "outputs" => self.each(node, "`[outputs]`", |reader, key, node| {
                if let Some(output) = reader.output(&key, node) {
                    reader.file.outputs.insert(key.text, output);
                }
            }),
            service if world.kinds.has_service(service) => self.service(&key, node),
            unknown => {
                let named = ELSEWHERE.iter().find(|(name, _)| *name == unknown).map(|(_, hint)| (*hint).to_owned());
                let names = TABLES.iter().copied().chain(world.kinds.services());
                let hint = named.or_else(|| suggest(unknown, names));
                let message = format!("there is no table or service `{unknown}`");
                world.complain(Complaint::new(key.place, message).hint(hint));
            }
        }
    }

    /// The entries of a table of named things; names that are none are reported.
    fn each(&mut self, node: Node, what: &str, mut with: impl FnMut(&mut Self, Key, Node)) {
        for (key, node) in self.world.entries(node, what) {
            if self.world.is_word(&key) {
                with(self, key, node);
            }
        }
    }

    fn service(&mut self, service: &Key, node: Node) {
        let world = self.world;
        for (key, node) in world.entries(node, &format!("`[{}]`", service.text)) {
            let name = format!("{}.{}", service.text, key.text);
            let Some(kind) = world.kinds.find(&name) else {
                let hint = world.kinds.suggest(&service.text, &key.text);
                world.complain(Complaint::new(key.place, format!("there is no kind `{name}`")).hint(hint));
                continue;
            };
            self.kind(kind, &key, node);
        }
    }

    fn kind(&mut self, kind: &KindInfo, key: &Key, node: Node) {
        let name = kind.any.name();
        let entries = self.world.entries(node, &format!("`[{name}]`"));
        let forgotten = entries.iter().find(|(_, node)| !matches!(node.data, Data::Table(_) | Data::Hole));
        if let Some((field, _)) = forgotten {
            let message = format!("`{}` stands where the name of a resource is expected", field.text);
            let hint = format!("a resource has a name: `[{name}.main]`");
            self.world.complain(Complaint::new(field.place, message).hint(hint).also(key.place, "in this kind"));
            return;
        }
        for (key, node) in entries {
            if self.world.is_word(&key) {
                let resource = Resource::new(kind, &key, node);
                self.file.resources.entry(name).or_default().insert(key.text, resource);
            }
        }
    }

    fn input(&self, key: &Key, node: Node) -> Input {
        const KEYS: &[&str] = &["type", "description", "default", "one_of", "sensitive"];
        let world = self.world;
        let mut table = Entries::new(world, node, &format!("input `{}`", key.text), KEYS);
        let ty = match table.take("type") {
            Some(Node { data: Data::Text(text), place }) => match Type::parse(&text, &world.kinds.names()) {
                Ok(ty) => Some(ty),
                Err((message, hint)) => {
                    world.complain(Complaint::new(place, message).hint(hint));
                    None
                }
            },
            Some(other) => {
                world.wrong_type(&other, "text naming a type, such as `\"string\"`");
                None
            }
            None => {
                let message = format!("input `{}` has no `type`", key.text);
                world.complain(Complaint::new(key.place, message).expected("a table with `type` and `description`"));
                None
            }
        };
        table.description(key, "input");
        let sensitive = table.flag("sensitive");
        Input { place: key.place, ty, default: table.take("default"), one_of: table.take("one_of"), sensitive }
    }

    fn call(&self, key: &Key, node: Node) -> Call {
        let world = self.world;
        let entries = world.entries(node, &format!("`[module.{}]`", key.text));
        let (at, arguments) = Default::default();
        let mut call = Call { place: key.place, source: None, at, for_each: None, renamed_from: None, arguments };
        let mut has_source = false;
        for (name, node) in entries {
            match (name.text.as_str(), node) {
                ("source", Node { data: Data::Text(text), place }) => call.source = Some((text, place)),
                ("source", other) => world.wrong_type(&other, "plain text: the path of a file"),
                ("for_each", node) => call.for_each = Some(node),
                ("renamed_from", node) => call.renamed_from = Some(node),
                (_, node) => {
                    call.arguments.insert(name.text.clone(), (name.place, node));
                }
            }
            has_source |= name.text == "source";
        }
        if !has_source {
            let message = format!("module `{}` has no `source`", key.text);
            world.complain(Complaint::new(key.place, message).expected("`source = \"modules/….toml\"`"));
        }
        call
    }

    fn output(&self, key: &Key, node: Node) -> Option<OutputDecl> {
        const KEYS: &[&str] = &["value", "description", "sensitive"];
        let mut table = Entries::new(self.world, node, &format!("output `{}`", key.text), KEYS);
        let description = table.description(key, "output");
        let sensitive = table.flag("sensitive");
        let Some(value) = table.take("value") else {
            if !table.is_hole {
                let message = format!("output `{}` has no `value`", key.text);
                self.world.complain(Complaint::new(key.place, message).expected("a table with `value`"));
            }
            return None;
        };
        Some(OutputDecl { place: key.place, value, description, sensitive })
    }
}

impl Resource {
    fn new(kind: &KindInfo, key: &Key, node: Node) -> Self {
        let mut resource = Self {
            place: key.place,
            kind: kind.any.name(),
            for_each: None,
            depends_on: None,
            tags: None,
            prevent_destroy: None,
            ignore_changes: None,
            renamed_from: None,
            body: Node { place: key.place, data: Data::Hole },
        };
        let Data::Table(entries) = node.data else { return resource };
        let mut rest = vec![];
        for (key, node) in entries {
            match key.text.as_str() {
                "for_each" => resource.for_each = Some(node),
                "depends_on" => resource.depends_on = Some(node),
                "tags" => resource.tags = Some(node),
                "prevent_destroy" => resource.prevent_destroy = Some(node),
                "ignore_changes" => resource.ignore_changes = Some(node),
                "renamed_from" => resource.renamed_from = Some(node),
                _ => rest.push((key, node)),
            }
        }
        resource.body.data = Data::Table(rest);
        resource
    }
}

/// The entries of a table with a fixed set of keys.
struct Entries<'a> {
    world: &'a World,
    entries: Vec<(Key, Node)>,
    is_hole: bool,
}

impl<'a> Entries<'a> {
    fn new(world: &'a World, node: Node, what: &str, keys: &[&str]) -> Self {
        let is_hole = !matches!(node.data, Data::Table(_));
        let entries = world.entries(node, what);
        for (key, _) in entries.iter().filter(|(key, _)| !keys.contains(&key.text.as_str())) {
            let message = format!("{what} has no `{}`", key.text);
            world.complain(Complaint::new(key.place, message).hint(suggest(&key.text, keys.iter().copied())));
        }
        Self { world, entries, is_hole }
    }

    fn take(&mut self, name: &str) -> Option<Node> {
        let at = self.entries.iter().position(|(key, _)| key.text == name)?;
        Some(self.entries.swap_remove(at).1)
    }

    /// A misspelt `description` has been reported already, and is not reported as missing.
    fn description(&mut self, key: &Key, what: &str) -> Option<String> {
        match self.take("description") {
            Some(Node { data: Data::Text(text), .. }) if !text.trim().is_empty() => return Some(text),
            Some(Node { data: Data::Hole, .. }) => {}
            Some(other) => self.world.wrong_type(&other, "plain text that says what it is for"),
            None => {
                let names: Vec<_> = self.entries.iter().map(|(key, _)| key.text.as_str()).collect();
                if !self.is_hole && closest("description", &names).is_none() {
                    let message = format!("{what} `{}` has no `description`", key.text);
                    let hint = "say in one line what it is for; users of the file see it".to_owned();
                    self.world.complain(Complaint::new(key.place, message).hint(hint));
                }
            }
        }
        None
    }

    fn flag(&mut self, name: &str) -> bool {
        match self.take(name) {
            None | Some(Node { data: Data::Hole, .. }) => false,
            Some(Node { data: Data::Bool(value), .. }) => value,
            Some(other) => {
                self.world.wrong_type(&other, "`true` or `false`");
                false
            }
        }
    }
}

impl World {
    /// The entries of what must be a table.
    pub(crate) fn entries(&self, node: Node, what: &str) -> Vec<(Key, Node)> {
        match node.data {
            Data::Table(entries) => entries,
            Data::Hole => vec![],
            _ => {
                self.complain(
                    Complaint::new(node.place, format!("{what} is {}", node.described())).expected("a table"),
                );
                vec![]
            }
        }
    }

    /// True for a name that an address may hold; reports others.
    fn is_word(&self, key: &Key) -> bool {
        let is_word = Address::is_word(&key.text);
        if !is_word {
            let complaint = Complaint::new(key.place, format!("`{}` cannot be a name", key.text));
            self.complain(complaint.expected("1 to 64 letters, digits, `_`, `-` and `.`"));
        }
        is_word
    }

    /// Reports a value of the wrong type.
    pub(crate) fn wrong_type(&self, node: &Node, expected: &str) {
        if !matches!(node.data, Data::Hole) {
            let message = format!("expected {expected}, found {}", node.described());
            self.complain(Complaint::new(node.place, message).expected(expected));
        }
    }
}
