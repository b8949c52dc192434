//! References by name: `"main"`, `"network/main"`, `"private:a"`, `"private:*"`.

use std::rc::Rc;

use up_model::Address;

use crate::{
    loader::{Loader, ModuleInstance, Repetition},
    scope::NameScope,
    suggest::listed,
    value::EvalError,
};

/// The parts of a reference such as `network/private:a`.
struct ReferenceText<'t> {
    /// The path of the module from the root, if one is given.
    module: Option<&'t str>,
    name: &'t str,
    key: Option<&'t str>,
}

impl<'t> ReferenceText<'t> {
    fn read(text: &'t str) -> Self {
        let (module, rest) = match text.rsplit_once('/') {
            Some((module, rest)) => (Some(module), rest),
            None => (None, text),
        };
        let (name, key) = match rest.split_once(':') {
            Some((name, key)) => (name, Some(key)),
            None => (rest, None),
        };
        Self { module, name, key }
    }
}

impl Loader {
    /// The resource of `kind` that `text` names in the file of `instance`. In a list, `:*` at the end names all instances.
    pub(crate) fn reference(
        &self,
        instance: &Rc<ModuleInstance>,
        text: &str,
        kind: &str,
        in_list: bool,
    ) -> Result<Vec<Address>, EvalError> {
        let ReferenceText { module, name, key } = ReferenceText::read(text);
        let target = match module {
            Some(path) => self.instance_at(path)?,
            None => instance.clone(),
        };
        if !target.file.resources.get(kind).is_some_and(|named| named.contains_key(name)) {
            return Err(self.missing(&target, text, kind, module.is_some()));
        }
        let keys = NameScope::new(self, &target).resource_keys(kind, name)?;
        let at = |key: Option<&str>| Address {
            module: target.path.clone(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            key: key.map(str::to_owned),
        };
        match (&*keys, key) {
            (Repetition::Single, None) => Ok(vec![at(None)]),
            (Repetition::Single, Some(_)) => {
                let hint = format!("`\"{}\"`", text.rsplit_once(':').map_or(text, |(name, _)| name));
                Err(EvalError::new(format!("{kind} `{name}` has no `for_each`, so it has no keys")).hint(hint))
            }
            (Repetition::ForEach(keys), Some("*")) if in_list => Ok(keys.keys().map(|key| at(Some(key))).collect()),
            (Repetition::ForEach(_), Some("*")) => {
                let hint = "name one instance, for example with `each.key`".to_owned();
                Err(EvalError::new(format!("`{text}` names all instances, and this field takes one resource"))
                    .hint(hint))
            }
            (Repetition::ForEach(keys), Some(key)) if keys.contains_key(key) => Ok(vec![at(Some(key))]),
            (Repetition::ForEach(keys), Some(key)) => {
                let hint = self.suggestions.hint(key, keys.keys().map(String::as_str));
                Err(EvalError::new(format!("{kind} `{name}` has no key `{key}`")).hint(hint))
            }
            (Repetition::ForEach(keys), None) => {
                let names: Vec<_> = keys.keys().take(6).map(String::as_str).collect();
                let all = if in_list { format!(", or `\"{text}:*\"` for all") } else { String::new() };
                let hint = match names.first() {
                    Some(first) => format!("its keys are {}: write `\"{text}:{first}\"`{all}", listed(&names)),
                    None => "its `for_each` is empty".into(),
                };
                Err(EvalError::new(format!("{kind} `{name}` has `for_each`, so a key is needed")).hint(hint))
            }
        }
    }

    /// The error for a resource that does not exist: misspelt, of another kind, in another module or outside the stack.
    fn missing(&self, target: &Rc<ModuleInstance>, text: &str, kind: &str, is_path: bool) -> EvalError {
        let ReferenceText { name, .. } = ReferenceText::read(text);
        let resources = &target.file.resources;
        let module = if target.path.is_empty() { String::new() } else { format!(" in module `{}`", target.path) };
        let absent = EvalError::new(format!("unknown {kind} `{name}`{module}"));
        if looks_like_an_id(name) {
            return absent.hint(format!("for a resource outside the stack write `{{ id = \"{text}\" }}`"));
        }
        let known: Vec<_> =
            resources.get(kind).into_iter().flat_map(|named| named.keys()).map(String::as_str).collect();
        if self.suggestions.closest(name, &known).is_some() {
            return absent.hint(self.suggestions.hint(name, known));
        }
        // `ec2.vpc.main` instead of `main`.
        if let Some(short) = name.strip_prefix(kind).and_then(|rest| rest.strip_prefix('.')) {
            return absent.hint(format!("write only the name, `\"{short}\"`: the field implies the kind"));
        }
        if let Some((other, _)) = resources.iter().find(|(_, named)| named.contains_key(name)) {
            return EvalError::new(format!("expected a resource of kind `{kind}`, and `{name}` is of kind `{other}`"))
                .hint(self.suggestions.hint(name, known));
        }
        let elsewhere = || {
            let all = self.instances();
            let other = all.iter().find(|other| {
                other.path != target.path
                    && other.file.resources.get(kind).is_some_and(|named| named.contains_key(name))
            })?;
            Some(match other.path.as_str() {
                "" => format!("the root declares one: pass it as an input of type `{kind}`"),
                path => format!("did you mean `\"{path}/{name}\"`?"),
            })
        };
        let hint = elsewhere().filter(|_| !is_path).or_else(|| self.suggestions.hint(name, known));
        absent.hint(hint.or_else(|| Some(format!("no {kind} is declared{module}"))))
    }

    /// The instance of a module by its path from the root: `network`, `service:orders`, `a/b`.
    pub(crate) fn instance_at(&self, path: &str) -> Result<Rc<ModuleInstance>, EvalError> {
        let mut instance = self.root();
        for step in path.split('/') {
            let (name, key) = match step.split_once(':') {
                Some((name, key)) => (name, Some(key)),
                None => (step, None),
            };
            let modules = &instance.file.modules;
            if !modules.contains_key(name) {
                let hint = self.suggestions.hint(name, modules.keys().map(String::as_str));
                let hint = hint.or_else(|| Some("a path starts at the root, such as `\"network/main\"`".into()));
                return Err(EvalError::new(format!("unknown module `{name}`")).hint(hint));
            }
            let keys = NameScope::new(self, &instance).module_keys(name)?;
            match (&*keys, key) {
                (Repetition::Single, Some(_)) => {
                    return Err(EvalError::new(format!("module `{name}` has no `for_each`, so it has no keys")));
                }
                (Repetition::ForEach(keys), None) => {
                    let hint = keys.keys().next().map(|key| format!("name an instance, such as `{name}:{key}/…`"));
                    return Err(
                        EvalError::new(format!("module `{name}` has `for_each`, so a key is needed")).hint(hint)
                    );
                }
                (Repetition::ForEach(keys), Some(key)) if !keys.contains_key(key) => {
                    let hint = self.suggestions.hint(key, keys.keys().map(String::as_str));
                    return Err(EvalError::new(format!("module `{name}` has no key `{key}`")).hint(hint));
                }
                _ => {}
            }
            instance = self.child(&instance, name, key).ok_or(EvalError::Reported)?;
        }
        Ok(instance)
    }
}

/// `vpc-0abc12`, `sg-…`, `arn:…`: letters, a hyphen, and hexadecimal digits of which at least one is a digit.
fn looks_like_an_id(name: &str) -> bool {
    let is_hex = |text: &str| text.len() >= 4 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    name.starts_with("arn")
        || name.rsplit_once('-').is_some_and(|(_, id)| is_hex(id) && id.bytes().any(|byte| byte.is_ascii_digit()))
}
