//! Reads the declarations of a file: sorts its tables and checks their form.

use up_model::Address;

use crate::{
    diagnostic::NewDiagnostic,
    file::{InputDecl, ModuleCall, OutputDecl, ResourceDecl, StackFile},
    kinds::KnownKind,
    loader::Loader,
    node::{Data, Node, TableKey},
    source::SourceSpan,
    types::{InputType, KnownTypes},
};

/// Tables of a file, besides those of services.
const TABLES: &[&str] = &["stack", "inputs", "locals", "module", "outputs", "accept"];
const STACK_KEYS: &[&str] = &[
    "name",
    "region",
    "accounts",
    "role_arn",
    "external_id",
    "protect",
    "disposable",
    "ttl",
    "tags",
    "ignore_tags",
    "zones",
    "backend",
];
/// Terraform's names of tables, and what to use instead.
const ELSEWHERE: &[(&str, &str)] = &[
    ("resource", "a resource is a table such as `[ec2.vpc.main]`"),
    ("variable", "variables are called inputs: `[inputs.<name>]`"),
    ("variables", "variables are called inputs: `[inputs.<name>]`"),
    ("output", "outputs are `[outputs.<name>]`"),
    ("input", "inputs are `[inputs.<name>]`"),
    ("local", "locals are in one table: `[locals]`"),
    ("modules", "modules are `[module.<name>]`"),
    ("data", "there are no data sources: refer to a resource outside the stack with `{ id = \"…\" }`"),
    ("provider", "set `region` and `accounts` in `[stack]`"),
    ("backend", "set `backend = \"s3://bucket/prefix\"` in `[stack]`"),
    ("terraform", "the settings of the stack are in `[stack]`"),
];

impl StackFile {
    /// Reads the declarations of a file.
    pub(crate) fn read(loader: &Loader, start: SourceSpan, node: Node, is_root: bool) -> Self {
        let mut reader = FileReader { loader, file: Self::empty(start) };
        let Data::Table(tables) = node.data else { return reader.file };
        let is_empty = tables.is_empty();
        for (key, node) in tables {
            reader.table(key, node, is_root);
        }
        if is_root && reader.file.stack.is_none() && !loader.has_errors() {
            let message = if is_empty { "this file is empty" } else { "this file has no `[stack]`" };
            let hint = if is_empty {
                "start with `[stack]`, its `name` and its `region`"
            } else {
                "a module cannot be applied by itself: name the stack that uses it"
            };
            let diagnostic = NewDiagnostic::new(start, message).expected("`[stack]` with `name` and `region`");
            loader.report(diagnostic.hint(hint.to_owned()));
        }
        reader.file
    }

    fn empty(start: SourceSpan) -> Self {
        let (inputs, locals, modules) = Default::default();
        let (accept, outputs, resources) = Default::default();
        Self { start, stack: None, inputs, accept, locals, modules, outputs, resources }
    }
}

struct FileReader<'a> {
    loader: &'a Loader,
    file: StackFile,
}

impl FileReader<'_> {
    fn table(&mut self, key: TableKey, node: Node, is_root: bool) {
        let loader = self.loader;
        match key.text.as_str() {
            "stack" if !is_root => {
                let hint = "declare `[stack]` in the file that is applied, and `[inputs]` in a module".to_owned();
                loader.report(NewDiagnostic::new(key.span, "a module cannot have `[stack]`").hint(hint));
            }
            "stack" => {
                let entries = loader.entries(node, "`[stack]`");
                for (key, _) in entries.iter().filter(|(key, _)| !STACK_KEYS.contains(&key.text.as_str())) {
                    let message = format!("`[stack]` has no `{}`", key.text);
                    let hint = loader.suggestions.hint(&key.text, STACK_KEYS.iter().copied());
                    loader.report(NewDiagnostic::new(key.span, message).hint(hint));
                }
                let entries = entries.into_iter().map(|(key, node)| (key.text, node)).collect();
                self.file.stack = Some((key.span, entries));
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
            "accept" if !is_root => {
                let hint = "list it in the file that is applied, with the whole address".to_owned();
                loader.report(NewDiagnostic::new(key.span, "a module cannot have `[[accept]]`").hint(hint));
            }
            "accept" => match node.data {
                Data::List(tables) => self.file.accept = tables,
                _ => loader.wrong_type(&node, "tables `[[accept]]`"),
            },
            service if loader.kinds.has_service(service) => self.service(&key, node),
            unknown => {
                let named = ELSEWHERE.iter().find(|(name, _)| *name == unknown).map(|(_, hint)| (*hint).to_owned());
                let names = TABLES.iter().copied().chain(loader.kinds.services());
                let hint = named.or_else(|| loader.suggestions.hint(unknown, names));
                let message = format!("unknown table or service `{unknown}`");
                loader.report(NewDiagnostic::new(key.span, message).hint(hint));
            }
        }
    }

    /// Calls `with` for each entry of a table. Invalid names are reported.
    fn each(&mut self, node: Node, what: &str, mut with: impl FnMut(&mut Self, TableKey, Node)) {
        for (key, node) in self.loader.entries(node, what) {
            if self.loader.is_name(&key) {
                with(self, key, node);
            }
        }
    }

    fn service(&mut self, service: &TableKey, node: Node) {
        let loader = self.loader;
        for (key, node) in loader.entries(node, &format!("`[{}]`", service.text)) {
            let name = format!("{}.{}", service.text, key.text);
            let Some(kind) = loader.kinds.find(&name) else {
                let hint = loader.kinds.suggest(&loader.suggestions, &service.text, &key.text);
                loader.report(NewDiagnostic::new(key.span, format!("unknown kind `{name}`")).hint(hint));
                continue;
            };
            self.kind(kind, &key, node);
        }
    }

    fn kind(&mut self, kind: &KnownKind, key: &TableKey, node: Node) {
        let name = kind.any.name();
        let entries = self.loader.entries(node, &format!("`[{name}]`"));
        let forgotten = entries.iter().find(|(_, node)| !matches!(node.data, Data::Table(_) | Data::Invalid));
        if let Some((field, _)) = forgotten {
            let message = format!("expected the name of a resource, found the field `{}`", field.text);
            let hint = format!("write a name after the kind: `[{name}.main]`");
            self.loader.report(NewDiagnostic::new(field.span, message).hint(hint).also(key.span, "the kind"));
            return;
        }
        for (key, node) in entries {
            if self.loader.is_name(&key) {
                let resource = ResourceDecl::new(kind, &key, node);
                self.file.resources.entry(name).or_default().insert(key.text, resource);
            }
        }
    }

    fn input(&self, key: &TableKey, node: Node) -> InputDecl {
        const KEYS: &[&str] = &["type", "description", "default", "one_of", "sensitive"];
        let loader = self.loader;
        let mut table = TableReader::new(loader, node, &format!("input `{}`", key.text), KEYS);
        let known = KnownTypes { kinds: &loader.kinds.names(), suggestions: &loader.suggestions };
        let ty = match table.take("type") {
            Some(Node { data: Data::Text(text), span }) => match InputType::parse(&text, &known) {
                Ok(ty) => Some(ty),
                Err((message, hint)) => {
                    loader.report(NewDiagnostic::new(span, message).hint(hint));
                    None
                }
            },
            Some(other) => {
                loader.wrong_type(&other, "the name of a type, such as `\"string\"`");
                None
            }
            None => {
                let message = format!("input `{}` has no `type`", key.text);
                loader.report(NewDiagnostic::new(key.span, message).expected("a table with `type` and `description`"));
                None
            }
        };
        table.description(key, "input");
        let sensitive = table.flag("sensitive");
        InputDecl { span: key.span, ty, default: table.take("default"), one_of: table.take("one_of"), sensitive }
    }

    fn call(&self, key: &TableKey, node: Node) -> ModuleCall {
        let loader = self.loader;
        let entries = loader.entries(node, &format!("`[module.{}]`", key.text));
        let (at, arguments) = Default::default();
        let mut call = ModuleCall { span: key.span, source: None, at, for_each: None, renamed_from: None, arguments };
        let mut has_source = false;
        for (name, node) in entries {
            match (name.text.as_str(), node) {
                ("source", Node { data: Data::Text(text), span }) => call.source = Some((text, span)),
                ("source", other) => loader.wrong_type(&other, "the path of a file, without `${…}`"),
                ("for_each", node) => call.for_each = Some(node),
                ("renamed_from", node) => call.renamed_from = Some(node),
                (_, node) => {
                    call.arguments.insert(name.text.clone(), (name.span, node));
                }
            }
            has_source |= name.text == "source";
        }
        if !has_source {
            let message = format!("module `{}` has no `source`", key.text);
            loader.report(NewDiagnostic::new(key.span, message).expected("`source = \"modules/….toml\"`"));
        }
        call
    }

    fn output(&self, key: &TableKey, node: Node) -> Option<OutputDecl> {
        const KEYS: &[&str] = &["value", "description", "sensitive"];
        let mut table = TableReader::new(self.loader, node, &format!("output `{}`", key.text), KEYS);
        let description = table.description(key, "output");
        let sensitive = table.flag("sensitive");
        let Some(value) = table.take("value") else {
            if !table.is_invalid {
                let message = format!("output `{}` has no `value`", key.text);
                self.loader.report(NewDiagnostic::new(key.span, message).expected("a table with `value`"));
            }
            return None;
        };
        Some(OutputDecl { span: key.span, value, description, sensitive })
    }
}

impl ResourceDecl {
    fn new(kind: &KnownKind, key: &TableKey, node: Node) -> Self {
        let mut resource = Self {
            span: key.span,
            kind: kind.any.name(),
            for_each: None,
            depends_on: None,
            tags: None,
            prevent_destroy: None,
            ignore_changes: None,
            renamed_from: None,
            body: Node { span: key.span, data: Data::Invalid },
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

/// Reads a table with a fixed set of keys.
pub(crate) struct TableReader<'a> {
    loader: &'a Loader,
    entries: Vec<(TableKey, Node)>,
    pub(crate) is_invalid: bool,
}

impl<'a> TableReader<'a> {
    pub(crate) fn new(loader: &'a Loader, node: Node, what: &str, keys: &[&str]) -> Self {
        let is_invalid = !matches!(node.data, Data::Table(_));
        let entries = loader.entries(node, what);
        for (key, _) in entries.iter().filter(|(key, _)| !keys.contains(&key.text.as_str())) {
            let message = format!("{what} has no `{}`", key.text);
            loader.report(
                NewDiagnostic::new(key.span, message).hint(loader.suggestions.hint(&key.text, keys.iter().copied())),
            );
        }
        Self { loader, entries, is_invalid }
    }

    pub(crate) fn take(&mut self, name: &str) -> Option<Node> {
        let at = self.entries.iter().position(|(key, _)| key.text == name)?;
        Some(self.entries.swap_remove(at).1)
    }

    /// Takes `description`. If it is misspelt, which has been reported, it is not reported as missing.
    fn description(&mut self, key: &TableKey, what: &str) -> Option<String> {
        match self.take("description") {
            Some(Node { data: Data::Text(text), .. }) if !text.trim().is_empty() => return Some(text),
            Some(Node { data: Data::Invalid, .. }) => {}
            Some(other) => self.loader.wrong_type(&other, "a description, without `${…}`"),
            None => {
                let names: Vec<_> = self.entries.iter().map(|(key, _)| key.text.as_str()).collect();
                if !self.is_invalid && self.loader.suggestions.closest("description", &names).is_none() {
                    let message = format!("{what} `{}` has no `description`", key.text);
                    let hint = "describe it in one line for the users of this file".to_owned();
                    self.loader.report(NewDiagnostic::new(key.span, message).hint(hint));
                }
            }
        }
        None
    }

    fn flag(&mut self, name: &str) -> bool {
        match self.take(name) {
            None | Some(Node { data: Data::Invalid, .. }) => false,
            Some(Node { data: Data::Bool(value), .. }) => value,
            Some(other) => {
                self.loader.wrong_type(&other, "`true` or `false`");
                false
            }
        }
    }
}

impl Loader {
    /// The entries of a table; reports a value that is not a table.
    pub(crate) fn entries(&self, node: Node, what: &str) -> Vec<(TableKey, Node)> {
        match node.data {
            Data::Table(entries) => entries,
            Data::Invalid => vec![],
            _ => {
                self.report(
                    NewDiagnostic::new(node.span, format!("{what} is {}", node.described())).expected("a table"),
                );
                vec![]
            }
        }
    }

    /// True for a valid name in an address; reports others.
    fn is_name(&self, key: &TableKey) -> bool {
        let is_name = Address::is_word(&key.text);
        if !is_name {
            let diagnostic = NewDiagnostic::new(key.span, format!("invalid name `{}`", key.text));
            self.report(diagnostic.expected("1 to 64 letters, digits, `_`, `-` and `.`"));
        }
        is_name
    }

    /// Reports a value of another type than expected.
    pub(crate) fn wrong_type(&self, node: &Node, expected: &str) {
        if !matches!(node.data, Data::Invalid) {
            let message = format!("expected {expected}, found {}", node.described());
            self.report(NewDiagnostic::new(node.span, message).expected(expected));
        }
    }
}
