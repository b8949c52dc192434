//! Instances of modules and what they are given.

use std::{
    path::{Path, PathBuf},
    rc::Rc,
};

use serde_json::Value;
use up_core::placeholder;

use crate::{
    check::Checker,
    diagnostic::Complaint,
    file::{Call, Input},
    node::{Data, Node},
    parse, paths,
    scope::Scope,
    source::Place,
    suggest::suggest,
    types::Type,
    world::{Caller, Each, Instance, Keys, World},
};

/// The prefix of the environment variables that give inputs.
const PREFIX: &str = "BULLSTRA_UP_";

impl World {
    /// The instance of a module that `instance` calls; `None` where it is wrong, which has been reported.
    pub(crate) fn child(&self, instance: &Rc<Instance>, name: &str, key: Option<&str>) -> Option<Rc<Instance>> {
        let step = key.map_or(name.to_owned(), |key| format!("{name}:{key}"));
        let path = if instance.path.is_empty() { step } else { format!("{}/{step}", instance.path) };
        self.instance(&path, || self.make_child(instance, name, key, &path))
    }

    fn make_child(&self, caller: &Rc<Instance>, name: &str, key: Option<&str>, path: &str) -> Option<Instance> {
        let call = caller.file.modules.get(name)?;
        let (source, place) = call.source.as_ref()?;
        let at = call.at.get_or_init(|| self.module_path(caller, source, *place)).clone()?;
        if self.is_recursive(caller, &at, source, *place) {
            return None;
        }
        let file = self.file(&at, &self.shown(&at), Some(*place))?;
        let each = self.each_of(caller, name, key);
        let was = self.module_was(caller, call, each.as_ref(), path);
        let caller = Caller { instance: caller.clone(), name: name.to_owned(), each };
        let child = Instance { was, ..Instance::new(file, at, path.to_owned(), Some(caller)) };
        self.check_arguments(&child, call, name);
        Some(child)
    }

    fn each_of(&self, caller: &Rc<Instance>, name: &str, key: Option<&str>) -> Option<Each> {
        let keys = Scope::new(self, caller).module_keys(name).ok()?;
        match &*keys {
            Keys::One => None,
            Keys::Each(keys) => keys.get(key?).cloned(),
        }
    }

    /// Where a module's file is: beside the file that names it, and inside the stack's folder.
    fn module_path(&self, caller: &Instance, source: &str, place: Place) -> Option<PathBuf> {
        if let Some(wrong) = paths::unfit(source) {
            self.complain(
                Complaint::new(place, format!("the module's path {wrong}")).hint(paths::FROM_FILE.to_owned()),
            );
            return None;
        }
        let folder = caller.at.parent().unwrap_or(Path::new("."));
        let named = folder.join(source);
        let found = match named.canonicalize() {
            Ok(found) => found,
            Err(error) => {
                let message = format!("there is no module at `{source}`: {error}");
                self.complain(Complaint::new(place, message).hint(paths::FROM_FILE.to_owned()));
                return None;
            }
        };
        if !self.may_read(&found) {
            let message = format!("the module `{source}` lies outside the stack's folder");
            self.complain(Complaint::new(place, message).hint(self.readable()));
            return None;
        }
        Some(found)
    }

    /// Reports a module that, in the end, calls itself.
    fn is_recursive(&self, caller: &Rc<Instance>, at: &Path, source: &str, place: Place) -> bool {
        let mut chain = vec![self.shown(at), self.shown(&caller.at)];
        let mut instance = caller.clone();
        while instance.at != at {
            let Some(next) = instance.caller.as_ref().map(|caller| caller.instance.clone()) else { return false };
            chain.push(self.shown(&next.at));
            instance = next;
        }
        chain.reverse();
        let message = format!("modules call each other in a circle: {}", chain.join(" → "));
        self.complain(Complaint::new(place, message).label(format!("`{source}` is being read already")));
        true
    }

    /// A file's name for messages: the stack's as given, others relative to the same folder.
    fn shown(&self, at: &Path) -> String {
        match at.strip_prefix(&self.root) {
            Ok(inner) => self.shown_root.join(inner).display().to_string(),
            Err(_) => at.display().to_string(),
        }
    }

    fn check_arguments(&self, child: &Instance, call: &Call, name: &str) {
        let inputs = &child.file.inputs;
        for (argument, (place, _)) in &call.arguments {
            if !inputs.contains_key(argument) {
                let hint = suggest(argument, inputs.keys().map(String::as_str));
                let message = format!("module `{name}` has no input `{argument}`");
                self.complain(Complaint::new(*place, message).hint(hint));
            }
        }
        let missing =
            inputs.iter().filter(|(input, about)| about.default.is_none() && !call.arguments.contains_key(*input));
        for (input, about) in missing {
            let ty = about.ty.as_ref().map_or("any", |ty| &ty.text);
            let message = format!("module `{name}` needs `{input}`");
            let complaint = Complaint::new(call.place, message).expected(format!("`{input}`, of type `{ty}`"));
            self.complain(complaint.also(about.place, "the input"));
        }
    }

    /// Finds an input's value; `None` where there is none or it is wrong, which has been reported.
    pub(crate) fn find_input(&self, instance: &Rc<Instance>, name: &str, input: &Input) -> Option<Value> {
        let ty = input.ty.as_ref()?;
        let own = Scope::new(self, instance);
        // Checked even where it is not used: a default that is wrong is wrong.
        let noted = |node: Node| {
            if input.sensitive {
                self.taint.add(&node.value());
            }
            node
        };
        let default = input.default.as_ref().map(|node| self.default(&own, noted(own.evaluate(node)), ty));
        let given = match &instance.caller {
            Some(Caller { instance: caller, name: call, each }) => {
                let scope = Scope { each: each.as_ref(), ..Scope::new(self, caller) };
                let argument = caller.file.modules.get(call).and_then(|call| call.arguments.get(name));
                argument.map(|(_, node)| (scope, noted(scope.evaluate(node))))
            }
            None => self.given(name, input, ty).map(|node| (own, noted(node))),
        };
        let node = match (given, default) {
            // Null says "as if not given".
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

    fn default(&self, scope: &Scope<'_>, node: Node, ty: &Type) -> Option<Node> {
        match node.data {
            Data::Null => Some(node),
            Data::Hole => None,
            _ => Checker::new(self, scope.instance, &ty.schema, "this input").check(node),
        }
    }

    fn no_value(&self, instance: &Instance, name: &str, input: &Input) {
        // In a module it is the call that lacks it, and that has been reported.
        if instance.caller.is_none() {
            let hint = format!("give it a `default`, `--set {name}=…`, or {}", variable(name));
            self.complain(Complaint::new(input.place, format!("input `{name}` has no value")).hint(hint));
        }
    }

    /// `one_of`: the values an input may have.
    fn check_choice(&self, scope: &Scope<'_>, node: &Node, input: &Input) -> Option<()> {
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
        let found = if input.sensitive { "this".into() } else { crate::value::described(&value) };
        let message = format!("{found} is none of what this input may be");
        let complaint = Complaint::new(node.place, message).expected(format!("one of: {}", all.join(", ")));
        self.complain(complaint.also(input.place, "the input"));
        None
    }

    /// What `--set` or the environment gives an input of the root.
    fn given(&self, name: &str, input: &Input, ty: &Type) -> Option<Node> {
        let set = self.options.set.iter().rev().find(|(known, _)| known == name);
        let variable = variable(name);
        let (source, text) = match (set, self.options.env.get(&variable)) {
            (Some((_, text)), _) => (format!("--set {name}"), text),
            (None, Some(text)) => (variable, text),
            (None, None) => return None,
        };
        if input.sensitive {
            self.taint.add(&Value::String(text.clone()));
        }
        let shown = if input.sensitive { "(sensitive)" } else { text.as_str() };
        let start = self.sources.add(source, shown);
        let place = start.sibling(0..shown.len());
        if placeholder::is_reserved(text) {
            self.complain(Complaint::new(place, "the characters U+E000 and U+E001 are bullstra-up's own"));
            return Some(Node::hole(place));
        }
        let is_any = ty.schema.is_any();
        let value = match parse::literal(text) {
            _ if ty.is_text() && !text.trim_start().starts_with('{') => Value::String(text.clone()),
            Some(value) => value,
            None if is_any || ty.is_text() => Value::String(text.clone()),
            None => {
                let complaint = Complaint::new(place, format!("this cannot be read as `{}`", ty.text));
                let hint = "lists are `[\"a\", \"b\"]`, maps are `{ a = \"b\" }`; quote them for the shell".to_owned();
                let hint = ty.text.contains('(').then_some(hint);
                self.complain(complaint.expected(format!("a value of type `{}`", ty.text)).hint(hint));
                return Some(Node::hole(place));
            }
        };
        Some(Node::spread(place, value))
    }

    /// Reports `--set` for inputs that the stack has not.
    pub(crate) fn check_set(&self, root: &Instance) {
        for (name, _) in &self.options.set {
            if !root.file.inputs.contains_key(name) {
                // The value may be that of a sensitive input whose name is misspelt.
                let start = self.sources.add("--set", format!("{name}=…"));
                let hint = suggest(name, root.file.inputs.keys().map(String::as_str));
                let hint = hint.or_else(|| Some("this stack has no inputs".into()));
                let complaint = Complaint::new(start.sibling(0..name.len()), format!("there is no input `{name}`"));
                self.complain(complaint.hint(hint));
            }
        }
    }
}

/// The environment variable that gives an input.
fn variable(input: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    PREFIX.chars().chain(input.chars().map(plain)).collect()
}
