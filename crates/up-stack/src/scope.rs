//! Names in expressions: `inputs.x`, `locals.x`, `each.key`, `stack.region`, `zones`, `module.x.y` and resources.

use std::rc::Rc;

use serde_json::{Map, Value};
use up_model::Address;

use crate::{
    diagnostic::NewDiagnostic,
    eval::Evaluator,
    loader::{Each, Loader, ModuleInstance, Repetition},
    node::{Data, Node},
    source::SourceSpan,
    suggest::Suggestions,
    value::{self, EvalError},
};

/// The names that an expression can use, and their values.
#[derive(Clone, Copy)]
pub(crate) struct NameScope<'a> {
    pub(crate) loader: &'a Loader,
    pub(crate) instance: &'a Rc<ModuleInstance>,
    /// The value of `each`, inside `for_each`.
    pub(crate) each: Option<&'a Each>,
    /// True inside `templatefile` and `templatestring`: only the given variables have names there.
    pub(crate) is_file: bool,
}

/// A value, and how many names of the expression's path it stands for.
type Resolved = (Rc<Value>, usize);

/// Terraform's names, and what to use instead.
const ELSEWHERE: &[(&str, &str)] = &[
    ("var", "inputs are `inputs.<name>` here"),
    ("input", "inputs are `inputs.<name>`"),
    ("local", "locals are `locals.<name>` here"),
    ("count", "there is no `count`; `for_each` gives `each.key`"),
    ("data", "there are no data sources: use an input, or `{ id = \"…\" }` for a resource outside the stack"),
    ("path", "paths of files are relative to the stack's folder"),
    ("terraform", "the stack's own values are `stack.name`, `stack.region`, `stack.account` and `stack.partition`"),
    ("self", "a resource cannot refer to itself"),
    ("modules", "a module's outputs are `module.<name>.<output>`"),
];

const ROOTS: &[&str] = &["inputs", "locals", "each", "stack", "zones", "module"];

impl<'a> NameScope<'a> {
    pub(crate) fn new(loader: &'a Loader, instance: &'a Rc<ModuleInstance>) -> Self {
        Self { loader, instance, each: None, is_file: false }
    }

    /// Resolves a name that is not a variable of a `for`.
    pub(crate) fn root(&self, root: &str, names: &[&str]) -> Result<Resolved, EvalError> {
        let file = &self.instance.file;
        if self.is_file {
            let hint = "pass it in the second argument of `templatefile`".to_owned();
            return Err(EvalError::new(format!("the template has no variable `{root}`")).hint(hint));
        }
        match root {
            "inputs" => {
                let name = named(
                    &self.loader.suggestions,
                    root,
                    names,
                    |name| file.inputs.contains_key(name),
                    file.inputs.keys(),
                )?;
                self.input(name).map(|value| (value, 1))
            }
            "locals" => {
                let name = named(
                    &self.loader.suggestions,
                    root,
                    names,
                    |name| file.locals.contains_key(name),
                    file.locals.keys(),
                )?;
                self.local(name).map(|value| (value, 1))
            }
            "each" => self.each(names),
            "stack" => {
                const FACTS: [&str; 4] = ["name", "region", "account", "partition"];
                let facts = FACTS.map(str::to_owned);
                let name = named(&self.loader.suggestions, root, names, |name| FACTS.contains(&name), facts.iter())?;
                self.loader.fact(name).map(|value| (value, 1))
            }
            "zones" => self.loader.fact("zones").map(|value| (value, 0)),
            "module" => {
                let name = named(
                    &self.loader.suggestions,
                    root,
                    names,
                    |name| file.modules.contains_key(name),
                    file.modules.keys(),
                )?;
                self.module(name, &names[1..]).map(|(value, used)| (value, used + 1))
            }
            service if self.loader.kinds.has_service(service) => self.resource(service, names),
            other => {
                let hint = ELSEWHERE.iter().find(|(name, _)| *name == other).map(|(_, hint)| (*hint).to_owned());
                let roots =
                    || self.loader.suggestions.hint(other, ROOTS.iter().copied().chain(self.loader.kinds.services()));
                Err(EvalError::new(format!("unknown name `{other}`")).hint(hint.or_else(roots)).underline(other))
            }
        }
    }

    fn each(&self, names: &[&str]) -> Result<Resolved, EvalError> {
        let Some(each) = self.each else {
            let hint = "`each` exists only in a table with `for_each`".to_owned();
            return Err(EvalError::new("`each` is not defined here").hint(hint).underline("each"));
        };
        match names.first() {
            Some(&"key") => Ok((Rc::new(Value::String(each.key.clone())), 1)),
            Some(&"value") => Ok((each.value.clone(), 1)),
            _ => Err(EvalError::new("`each` has `key` and `value`").underline("each")),
        }
    }

    /// An input's value: from the module's caller, `--set`, the environment, or its default.
    pub(crate) fn input(&self, name: &str) -> Result<Rc<Value>, EvalError> {
        let Self { loader, instance, .. } = *self;
        let Some(input) = instance.file.inputs.get(name) else { return Err(EvalError::Reported) };
        let label = || instance.label(&format!("inputs.{name}"));
        loader.memoized(&instance.inputs, name, label, input.span, || {
            loader.find_input(instance, name, input).map(Rc::new)
        })
    }

    /// A local's value.
    pub(crate) fn local(&self, name: &str) -> Result<Rc<Value>, EvalError> {
        let Self { loader, instance, .. } = *self;
        let Some(node) = instance.file.locals.get(name) else { return Err(EvalError::Reported) };
        let label = || instance.label(&format!("locals.{name}"));
        let own = NameScope { each: None, ..*self };
        loader.memoized(&instance.locals, name, label, node.span, || own.whole(node).map(Rc::new))
    }

    /// An output's value.
    pub(crate) fn output(&self, name: &str) -> Result<Rc<Value>, EvalError> {
        let Self { loader, instance, .. } = *self;
        let Some(output) = instance.file.outputs.get(name) else { return Err(EvalError::Reported) };
        let label = || instance.label(&format!("outputs.{name}"));
        let own = NameScope { each: None, ..*self };
        loader.memoized(&instance.outputs, name, label, output.span, || own.whole(&output.value).map(Rc::new))
    }

    /// `module.<name>`, with the key and the output that follow it.
    fn module(&self, name: &str, names: &[&str]) -> Result<Resolved, EvalError> {
        let keys = self.module_keys(name)?;
        match &*keys {
            Repetition::Single => self.outputs(name, None, names),
            Repetition::ForEach(keys) => match names.split_first() {
                Some((&key, rest)) => match keys.get_key_value(key) {
                    Some((key, _)) => self.outputs(name, Some(key), rest).map(|(value, used)| (value, used + 1)),
                    None => {
                        let hint = self.loader.suggestions.hint(key, keys.keys().map(String::as_str));
                        let message = format!("module `{name}` has no instance with the key `{key}`");
                        Err(EvalError::new(message).hint(hint).underline(key))
                    }
                },
                None => {
                    let all =
                        keys.keys().map(|key| Ok((key.clone(), (*self.outputs(name, Some(key), &[])?.0).clone())));
                    Ok((Rc::new(Value::Object(all.collect::<Result<Map<_, _>, EvalError>>()?)), 0))
                }
            },
        }
    }

    /// One output of one instance of a module, or all of them.
    fn outputs(&self, module: &str, key: Option<&str>, names: &[&str]) -> Result<Resolved, EvalError> {
        let instance = self.loader.child(self.instance, module, key).ok_or(EvalError::Reported)?;
        let inner = NameScope::new(self.loader, &instance);
        match names.first() {
            Some(name) if instance.file.outputs.contains_key(*name) => Ok((inner.output(name)?, 1)),
            Some(name) => {
                let hint = self.loader.suggestions.hint(name, instance.file.outputs.keys().map(String::as_str));
                Err(EvalError::new(format!("module `{module}` has no output `{name}`")).hint(hint).underline(*name))
            }
            None => {
                let all = instance.file.outputs.keys().map(|name| Ok((name.clone(), (*inner.output(name)?).clone())));
                Ok((Rc::new(Value::Object(all.collect::<Result<Map<_, _>, EvalError>>()?)), 0))
            }
        }
    }

    /// `<service>.<kind>.<name>`, with the key that follows it if the resource has `for_each`.
    fn resource(&self, service: &str, names: &[&str]) -> Result<Resolved, EvalError> {
        let [kind, rest @ ..] = names else {
            return Err(
                EvalError::new(format!("incomplete name: a resource is `{service}.<kind>.<name>`")).underline(service)
            );
        };
        let full = format!("{service}.{kind}");
        let Some(info) = self.loader.kinds.find(&full) else {
            let hint = self.loader.kinds.suggest(&self.loader.suggestions, service, kind);
            return Err(EvalError::new(format!("unknown kind `{full}`")).hint(hint).underline(full));
        };
        let [name, rest @ ..] = rest else {
            return Err(EvalError::new(format!("incomplete name: a resource is `{full}.<name>`")).underline(full));
        };
        let kind = info.any.name();
        let declared = self.instance.file.resources.get(kind);
        if declared.is_none_or(|declared| !declared.contains_key(*name)) {
            let known = declared.into_iter().flat_map(|declared| declared.keys()).map(String::as_str);
            let elsewhere = "use an output of the other module to refer to a resource in it".to_owned();
            let hint = self.loader.suggestions.hint(name, known).or(Some(elsewhere));
            return Err(EvalError::new(format!("this file has no {full} named `{name}`")).hint(hint).underline(*name));
        }
        let keys = self.resource_keys(kind, name)?;
        let address = |key: Option<&String>| Address {
            module: self.instance.path.clone(),
            kind: full.clone(),
            name: (*name).to_owned(),
            key: key.cloned(),
        };
        match (&*keys, rest.first()) {
            (Repetition::Single, _) => Ok((Rc::new(value::resource(&address(None))), 2)),
            (Repetition::ForEach(keys), None) => {
                let all = keys.keys().map(|key| (key.clone(), value::resource(&address(Some(key)))));
                Ok((Rc::new(Value::Object(all.collect())), 2))
            }
            (Repetition::ForEach(keys), Some(key)) => match keys.get_key_value(*key) {
                Some((key, _)) => Ok((Rc::new(value::resource(&address(Some(key)))), 3)),
                None => {
                    let hint = match info.attributes().contains(key) {
                        true => Some(format!(
                            "the resource has `for_each`: name an instance, such as `{full}.{name}[\"…\"].{key}`"
                        )),
                        false => self.loader.suggestions.hint(key, keys.keys().map(String::as_str)),
                    };
                    let message = format!("{full}.{name} has no instance with the key `{key}`");
                    Err(EvalError::new(message).hint(hint).underline(*key))
                }
            },
        }
    }

    /// The instances of a module.
    pub(crate) fn module_keys(&self, name: &str) -> Result<Rc<Repetition>, EvalError> {
        let Self { loader, instance, .. } = *self;
        let Some(call) = instance.file.modules.get(name) else { return Err(EvalError::Reported) };
        if call.for_each.is_none() {
            return Ok(Rc::new(Repetition::Single));
        }
        let label = || instance.label(&format!("for_each of module.{name}"));
        let own = NameScope { each: None, ..*self };
        loader.memoized(&instance.modules, name, label, call.span, || own.keys(call.for_each.as_ref()?))
    }

    /// The instances of a resource.
    pub(crate) fn resource_keys(&self, kind: &str, name: &str) -> Result<Rc<Repetition>, EvalError> {
        let Self { loader, instance, .. } = *self;
        let declared =
            instance.file.resources.get(kind).and_then(|named| named.get(name)).ok_or(EvalError::Reported)?;
        if declared.for_each.is_none() {
            return Ok(Rc::new(Repetition::Single));
        }
        let memo = format!("{kind}.{name}");
        let label = || instance.label(&format!("for_each of {memo}"));
        let own = NameScope { each: None, ..*self };
        loader.memoized(&instance.resources, &memo, label, declared.span, || own.keys(declared.for_each.as_ref()?))
    }

    /// Evaluates `for_each`.
    fn keys(&self, for_each: &Node) -> Option<Rc<Repetition>> {
        let node = self.evaluate(for_each);
        if node.has_invalid() {
            return None;
        }
        let entries = match &node.data {
            Data::List(items) => items.iter().map(|item| self.key_of(item)).collect::<Option<Vec<_>>>()?,
            Data::Table(entries) if node.resource().is_none() => {
                let each = |(key, item): &(crate::node::TableKey, Node)| (key.text.clone(), key.span, item.value());
                entries.iter().map(each).collect()
            }
            _ => {
                let hint = match &node.data {
                    Data::Number(_) => {
                        "list the keys, such as `for_each = [\"a\", \"b\"]`, or use `zones` for availability zones"
                    }
                    Data::Null => "an empty list makes no instance",
                    _ => "such as `[\"a\", \"b\"]` or `{ a = 1, b = 2 }`",
                };
                let message = format!("`for_each` is {}", node.described());
                let diagnostic = NewDiagnostic::new(node.span, message).expected("a list of strings, or a map");
                self.loader.report(diagnostic.hint(hint.to_owned()));
                return None;
            }
        };
        self.distinct(entries)
    }

    fn key_of(&self, item: &Node) -> Option<(String, SourceSpan, Value)> {
        match item.text() {
            Some(text) => Some((text.to_owned(), item.span, Value::String(text.to_owned()))),
            None => {
                let message = format!("a list for `for_each` holds strings only, and this is {}", item.described());
                let diagnostic = NewDiagnostic::new(item.span, message).expected("a string");
                let hint = "make it a map to give each item a key: `${{ for x in … : x.name => x }}`".to_owned();
                self.loader.report(diagnostic.hint(hint));
                None
            }
        }
    }

    fn distinct(&self, entries: Vec<(String, SourceSpan, Value)>) -> Option<Rc<Repetition>> {
        let mut keys = std::collections::BTreeMap::new();
        let mut is_fine = true;
        for (key, span, value) in entries {
            let placeholder = value::placeholder_in(&Value::String(key.clone()));
            if let Some(quote) = placeholder {
                let message =
                    format!("the keys of `for_each` must be known in advance: {}", value::not_known_yet(&quote));
                self.loader.report(NewDiagnostic::new(span, message));
                is_fine = false;
            } else if !Address::is_word(&key) {
                let diagnostic = NewDiagnostic::new(span, format!("invalid key of `for_each`: `{key}`"));
                self.loader.report(diagnostic.expected("1 to 64 letters, digits, `_`, `-` and `.`"));
                is_fine = false;
            } else if keys.insert(key.clone(), Each { key: key.clone(), value: Rc::new(value) }).is_some() {
                self.loader.report(NewDiagnostic::new(span, format!("duplicate key in `for_each`: `{key}`")));
                is_fine = false;
            }
        }
        is_fine.then(|| Rc::new(Repetition::ForEach(keys)))
    }

    /// The value of a node; `None` if a part of it is invalid, which has been reported.
    pub(crate) fn whole(&self, node: &Node) -> Option<Value> {
        let node = self.evaluate(node);
        (!node.has_invalid()).then(|| node.value())
    }

    /// Evaluates every template in a node. Errors are reported, and [`Data::Invalid`] takes the value's place.
    pub(crate) fn evaluate(&self, node: &Node) -> Node {
        let data = match &node.data {
            Data::Template(template) => match Evaluator::new(*self).template(template) {
                Ok(value) => return Node::spread(node.span, value),
                Err(error) => {
                    self.loader.report_error(node.span, error);
                    Data::Invalid
                }
            },
            Data::List(items) => Data::List(items.iter().map(|item| self.evaluate(item)).collect()),
            Data::Table(entries) => {
                Data::Table(entries.iter().map(|(key, item)| (key.clone(), self.evaluate(item))).collect())
            }
            other => other.clone(),
        };
        Node { span: node.span, data }
    }
}

/// The name that follows `root`, which must be one of `known`.
fn named<'n, 'k>(
    suggestions: &Suggestions,
    root: &str,
    names: &[&'n str],
    is_known: impl Fn(&str) -> bool,
    known: impl Iterator<Item = &'k String> + Clone,
) -> Result<&'n str, EvalError> {
    let hint = |name: &str| suggestions.hint(name, known.clone().map(String::as_str));
    match names.first() {
        Some(name) if is_known(name) => Ok(name),
        Some(name) => Err(EvalError::new(format!("`{root}` has no `{name}`"))
            .hint(hint(name))
            .underline(format!("{root}.{name}"))),
        None => Err(EvalError::new(format!("incomplete name: write `{root}.<name>`")).hint(hint("")).underline(root)),
    }
}
