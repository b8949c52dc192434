//! Instances of modules, and the values of their inputs.

use std::{
    path::{Path, PathBuf},
    rc::Rc,
};

use serde_json::Value;
use up_model::placeholder;

use crate::{
    check::Checker,
    diagnostic::NewDiagnostic,
    file::{InputDecl, ModuleCall},
    loader::{Each, Loader, ModuleCaller, ModuleInstance, Repetition},
    node::{Data, Node},
    parse, paths,
    scope::NameScope,
    source::SourceSpan,
    types::InputType,
};

/// The prefix of environment variables that set inputs.
const PREFIX: &str = "BULLSTRA_UP_";

impl Loader {
    /// The instance of a module that `instance` calls; `None` if it is invalid, which has been reported.
    pub(crate) fn child(
        &self,
        instance: &Rc<ModuleInstance>,
        name: &str,
        key: Option<&str>,
    ) -> Option<Rc<ModuleInstance>> {
        let step = key.map_or(name.to_owned(), |key| format!("{name}:{key}"));
        let path = if instance.path.is_empty() { step } else { format!("{}/{step}", instance.path) };
        self.instance(&path, || self.make_child(instance, name, key, &path))
    }

    fn make_child(
        &self,
        caller: &Rc<ModuleInstance>,
        name: &str,
        key: Option<&str>,
        path: &str,
    ) -> Option<ModuleInstance> {
        let call = caller.file.modules.get(name)?;
        let (source, span) = call.source.as_ref()?;
        let at = call.at.get_or_init(|| self.module_path(caller, source, *span)).clone()?;
        if self.is_recursive(caller, &at, *span) {
            return None;
        }
        let file = self.file(&at, &self.shown(&at), Some(*span))?;
        let each = self.each_of(caller, name, key);
        let old_paths = self.module_old_paths(caller, call, each.as_ref(), path);
        let caller = ModuleCaller { instance: caller.clone(), name: name.to_owned(), each };
        let child = ModuleInstance { old_paths, ..ModuleInstance::new(file, at, path.to_owned(), Some(caller)) };
        self.check_arguments(&child, call, name);
        Some(child)
    }

    fn each_of(&self, caller: &Rc<ModuleInstance>, name: &str, key: Option<&str>) -> Option<Each> {
        let keys = NameScope::new(self, caller).module_keys(name).ok()?;
        match &*keys {
            Repetition::Single => None,
            Repetition::ForEach(keys) => keys.get(key?).cloned(),
        }
    }

    /// The canonical path of a module's file. `source` is relative to the file that names it.
    fn module_path(&self, caller: &ModuleInstance, source: &str, span: SourceSpan) -> Option<PathBuf> {
        if let Some(wrong) = paths::why_refused(source) {
            self.report(
                NewDiagnostic::new(span, format!("the path of the module {wrong}")).hint(paths::FROM_FILE.to_owned()),
            );
            return None;
        }
        let folder = caller.at.parent().unwrap_or(Path::new("."));
        let named = folder.join(source);
        let found = match named.canonicalize() {
            Ok(found) => found,
            Err(error) => {
                let message = format!("cannot read the module `{source}`: {error}");
                self.report(NewDiagnostic::new(span, message).hint(paths::FROM_FILE.to_owned()));
                return None;
            }
        };
        if !self.may_read(&found) {
            let message = format!("the module `{source}` is outside the stack's folder");
            self.report(NewDiagnostic::new(span, message).hint(self.readable()));
            return None;
        }
        Some(found)
    }

    /// Reports a module that calls itself, directly or through others.
    fn is_recursive(&self, caller: &Rc<ModuleInstance>, at: &Path, span: SourceSpan) -> bool {
        let mut chain = vec![self.shown(at), self.shown(&caller.at)];
        let mut instance = caller.clone();
        while instance.at != at {
            let Some(next) = instance.caller.as_ref().map(|caller| caller.instance.clone()) else { return false };
            chain.push(self.shown(&next.at));
            instance = next;
        }
        chain.reverse();
        let message = format!("module cycle: {}", chain.join(" → "));
        self.report(NewDiagnostic::new(span, message).label("this module calls itself"));
        true
    }

    /// A file's name in messages, relative to the working directory if the stack's path is.
    fn shown(&self, at: &Path) -> String {
        match at.strip_prefix(&self.root) {
            Ok(inner) => self.shown_root.join(inner).display().to_string(),
            Err(_) => at.display().to_string(),
        }
    }

    fn check_arguments(&self, child: &ModuleInstance, call: &ModuleCall, name: &str) {
        let inputs = &child.file.inputs;
        for (argument, (span, _)) in &call.arguments {
            if !inputs.contains_key(argument) {
                let hint = self.suggestions.hint(argument, inputs.keys().map(String::as_str));
                let message = format!("module `{name}` has no input `{argument}`");
                self.report(NewDiagnostic::new(*span, message).hint(hint));
            }
        }
        let missing =
            inputs.iter().filter(|(input, about)| about.default.is_none() && !call.arguments.contains_key(*input));
        for (input, about) in missing {
            let ty = about.ty.as_ref().map_or("any", |ty| &ty.text);
            let message = format!("module `{name}` is missing the input `{input}`");
            let diagnostic = NewDiagnostic::new(call.span, message).expected(format!("`{input}`, of type `{ty}`"));
            self.report(diagnostic.also(about.span, "the input is declared here"));
        }
    }

    /// Evaluates an input; `None` if it has no value or an invalid one, which has been reported.
    pub(crate) fn find_input(&self, instance: &Rc<ModuleInstance>, name: &str, input: &InputDecl) -> Option<Value> {
        let ty = input.ty.as_ref()?;
        let own = NameScope::new(self, instance);
        // An invalid default is an error even if it is not used.
        let noted = |node: Node| {
            if input.sensitive {
                self.sensitive.add(&node.value());
            }
            node
        };
        let default = input.default.as_ref().map(|node| self.default(&own, noted(own.evaluate(node)), ty));
        let given = match &instance.caller {
            Some(ModuleCaller { instance: caller, name: call, each }) => {
                let scope = NameScope { each: each.as_ref(), ..NameScope::new(self, caller) };
                let argument = caller.file.modules.get(call).and_then(|call| call.arguments.get(name));
                argument.map(|(_, node)| (scope, noted(scope.evaluate(node))))
            }
            None => self.given(name, input, ty).map(|node| (own, noted(node))),
        };
        let node = match (given, default) {
            // Null means that the input is not set.
            (Some((_, Node { data: Data::Null, .. })), Some(default)) => default?,
            (Some((scope, node)), _) => Checker::new(self, scope.instance, &ty.schema, "this input").check(node)?,
            (None, Some(default)) => default?,
            (None, None) => {
                self.no_value(instance, name, input);
                return None;
            }
        };
        self.check_choice(&own, &node, input)?;
        Some(node.value())
    }

    fn default(&self, scope: &NameScope<'_>, node: Node, ty: &InputType) -> Option<Node> {
        match node.data {
            Data::Null => Some(node),
            Data::Invalid => None,
            _ => Checker::new(self, scope.instance, &ty.schema, "this input").check(node),
        }
    }

    fn no_value(&self, instance: &ModuleInstance, name: &str, input: &InputDecl) {
        // In a module the error is in the call, and has been reported there.
        if instance.caller.is_none() {
            let hint = format!("give it a `default`, `--set {name}=…`, or {}", variable(name));
            self.report(NewDiagnostic::new(input.span, format!("input `{name}` has no value")).hint(hint));
        }
    }

    /// Checks a value against `one_of`.
    fn check_choice(&self, scope: &NameScope<'_>, node: &Node, input: &InputDecl) -> Option<()> {
        let Some(one_of) = &input.one_of else { return Some(()) };
        let choices = scope.evaluate(one_of);
        let Data::List(items) = &choices.data else {
            self.wrong_type(&choices, "a list of values");
            return None;
        };
        let value = node.value();
        if items.iter().any(|item| item.value() == value) {
            return Some(());
        }
        let all: Vec<String> = items.iter().map(|item| crate::value::described(&item.value())).collect();
        let found = if input.sensitive { "this value".into() } else { crate::value::described(&value) };
        let message = format!("{found} is not one of the values that this input allows");
        let diagnostic = NewDiagnostic::new(node.span, message).expected(format!("one of: {}", all.join(", ")));
        self.report(diagnostic.also(input.span, "the input is declared here"));
        None
    }

    /// The value of a root input from `--set` or the environment.
    fn given(&self, name: &str, input: &InputDecl, ty: &InputType) -> Option<Node> {
        let set = self.options.set.iter().rev().find(|(known, _)| known == name);
        let variable = variable(name);
        let (source, text) = match (set, self.options.env.get(&variable)) {
            (Some((_, text)), _) => (format!("--set {name}"), text),
            (None, Some(text)) => (variable, text),
            (None, None) => return None,
        };
        if input.sensitive {
            self.sensitive.add(&Value::String(text.clone()));
        }
        let shown = if input.sensitive { "(sensitive)" } else { text.as_str() };
        let start = self.sources.add(source, shown);
        let span = start.sibling(0..shown.len());
        if placeholder::is_reserved(text) {
            self.report(NewDiagnostic::new(span, "the characters U+E000 and U+E001 are reserved for bullstra-up"));
            return Some(Node::invalid(span));
        }
        let is_any = ty.schema.is_any();
        let value = match parse::literal(text) {
            _ if ty.is_text() && !text.trim_start().starts_with('{') => Value::String(text.clone()),
            Some(value) => value,
            None if is_any || ty.is_text() => Value::String(text.clone()),
            None => {
                let diagnostic = NewDiagnostic::new(span, format!("this is not a value of type `{}`", ty.text));
                let hint =
                    "write a list as `[\"a\", \"b\"]` and a map as `{ a = \"b\" }`, in quotes for the shell".to_owned();
                let hint = ty.text.contains('(').then_some(hint);
                self.report(diagnostic.expected(format!("a value of type `{}`", ty.text)).hint(hint));
                return Some(Node::invalid(span));
            }
        };
        Some(Node::spread(span, value))
    }

    /// Reports each `--set` of an input that the stack does not have.
    pub(crate) fn check_set(&self, root: &ModuleInstance) {
        for (name, _) in &self.options.set {
            if !root.file.inputs.contains_key(name) {
                // The value is not shown: the input may be a sensitive one, misspelt.
                let start = self.sources.add("--set", format!("{name}=…"));
                let hint = self.suggestions.hint(name, root.file.inputs.keys().map(String::as_str));
                let hint = hint.or_else(|| Some("the stack has no inputs".into()));
                let diagnostic = NewDiagnostic::new(start.sibling(0..name.len()), format!("unknown input `{name}`"));
                self.report(diagnostic.hint(hint));
            }
        }
    }
}

/// The environment variable that sets an input.
fn variable(input: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    PREFIX.chars().chain(input.chars().map(plain)).collect()
}
