//! References by name: `"main"`, `"network/main"`, `"private:a"`, `"private:*"`.

use std::rc::Rc;

use up_core::Address;

use crate::{
    scope::Scope,
    suggest::{closest, listed, suggest},
    value::Fault,
    world::{Instance, Keys, World},
};

/// What a reference's text says.
struct Named<'t> {
    /// The path of modules from the root, where one is given.
    module: Option<&'t str>,
    name: &'t str,
    key: Option<&'t str>,
}

impl<'t> Named<'t> {
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

impl World {
    /// The resource of `kind` that `text` names, seen from `instance`; all of a `for_each` where it ends in `:*`, which
    /// only a list takes.
    pub(crate) fn reference(
        &self,
        instance: &Rc<Instance>,
        text: &str,
        kind: &str,
        in_list: bool,
    ) -> Result<Vec<Address>, Fault> {
        let Named { module, name, key } = Named::read(text);
        let target = match module {
            Some(path) => self.instance_at(path)?,
            None => instance.clone(),
        };
        if !target.file.resources.get(kind).is_some_and(|named| named.contains_key(name)) {
            return Err(self.missing(&target, text, kind, module.is_some()));
        }
        let keys = Scope::new(self, &target).resource_keys(kind, name)?;
        let at = |key: Option<&str>| Address {
            module: target.path.clone(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            key: key.map(str::to_owned),
        };
        match (&*keys, key) {
            (Keys::One, None) => Ok(vec![at(None)]),
            (Keys::One, Some(_)) => {
                let hint = format!("`\"{}\"`", text.rsplit_once(':').map_or(text, |(name, _)| name));
                Err(Fault::new(format!("{kind} `{name}` has no `for_each`, and so no keys")).hint(hint))
            }
            (Keys::Each(keys), Some("*")) if in_list => Ok(keys.keys().map(|key| at(Some(key))).collect()),
            (Keys::Each(_), Some("*")) => {
                let hint = "name one of them, such as with `each.key`".to_owned();
                Err(Fault::new(format!("`{text}` names several, and one is wanted here")).hint(hint))
            }
            (Keys::Each(keys), Some(key)) if keys.contains_key(key) => Ok(vec![at(Some(key))]),
            (Keys::Each(keys), Some(key)) => {
                let hint = suggest(key, keys.keys().map(String::as_str));
                Err(Fault::new(format!("{kind} `{name}` has no key `{key}`")).hint(hint))
            }
            (Keys::Each(keys), None) => {
                let names: Vec<_> = keys.keys().take(6).map(String::as_str).collect();
                let all = if in_list { format!(", or `\"{text}:*\"` for all") } else { String::new() };
                let hint = match names.first() {
                    Some(first) => format!("name one of its keys, {}: `\"{text}:{first}\"`{all}", listed(&names)),
                    None => "its `for_each` is empty here".into(),
                };
                Err(Fault::new(format!("{kind} `{name}` has `for_each`: there are several")).hint(hint))
            }
        }
    }

    /// Why there is no such resource: another kind's, another module's, outside, or misspelt.
    fn missing(&self, target: &Rc<Instance>, text: &str, kind: &str, is_path: bool) -> Fault {
        let Named { name, .. } = Named::read(text);
        let resources = &target.file.resources;
        let place = if target.path.is_empty() { String::new() } else { format!(" in module `{}`", target.path) };
        let absent = Fault::new(format!("there is no {kind} named `{name}`{place}"));
        if looks_like_an_id(name) {
            return absent.hint(format!("what lives outside the stack is written `{{ id = \"{text}\" }}`"));
        }
        let known: Vec<_> =
            resources.get(kind).into_iter().flat_map(|named| named.keys()).map(String::as_str).collect();
        if closest(name, &known).is_some() {
            return absent.hint(suggest(name, known));
        }
        // `ec2.vpc.main` where `main` is meant.
        if let Some(short) = name.strip_prefix(kind).and_then(|rest| rest.strip_prefix('.')) {
            return absent.hint(format!("the kind is known here: write only the name, `\"{short}\"`"));
        }
        if let Some((other, _)) = resources.iter().find(|(_, named)| named.contains_key(name)) {
            return Fault::new(format!("`{name}` is of kind `{other}`, and `{kind}` is wanted here"))
                .hint(suggest(name, known));
        }
        let elsewhere = || {
            let all = self.instances();
            let other = all.iter().find(|other| {
                other.path != target.path
                    && other.file.resources.get(kind).is_some_and(|named| named.contains_key(name))
            })?;
            let written = if other.path.is_empty() {
                format!("pass it in as an input of type `{kind}`")
            } else {
                format!("did you mean `\"{}/{name}\"`?", other.path)
            };
            Some(format!("there is one elsewhere: {written}"))
        };
        let hint = elsewhere().filter(|_| !is_path).or_else(|| suggest(name, known));
        absent.hint(hint.or_else(|| Some(format!("this stack declares no {kind}{place}"))))
    }

    /// The instance of a module by its path from the root: `network`, `service:orders`, `a/b`.
    pub(crate) fn instance_at(&self, path: &str) -> Result<Rc<Instance>, Fault> {
        let mut instance = self.root();
        for step in path.split('/') {
            let (name, key) = match step.split_once(':') {
                Some((name, key)) => (name, Some(key)),
                None => (step, None),
            };
            let modules = &instance.file.modules;
            if !modules.contains_key(name) {
                let hint = suggest(name, modules.keys().map(String::as_str));
                let hint = hint.or_else(|| Some("a path begins with a module of the root: `\"network/main\"`".into()));
                return Err(Fault::new(format!("there is no module `{name}`")).hint(hint));
            }
            let keys = Scope::new(self, &instance).module_keys(name)?;
            match (&*keys, key) {
                (Keys::One, Some(_)) => {
                    return Err(Fault::new(format!("module `{name}` has no `for_each`, and so no keys")));
                }
                (Keys::Each(keys), None) => {
                    let hint = keys.keys().next().map(|key| format!("one of them is `{name}:{key}/…`"));
                    return Err(Fault::new(format!("module `{name}` has `for_each`: there are several")).hint(hint));
                }
                (Keys::Each(keys), Some(key)) if !keys.contains_key(key) => {
                    let hint = suggest(key, keys.keys().map(String::as_str));
                    return Err(Fault::new(format!("module `{name}` has no key `{key}`")).hint(hint));
                }
                _ => {}
            }
            instance = self.child(&instance, name, key).ok_or(Fault::Said)?;
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
