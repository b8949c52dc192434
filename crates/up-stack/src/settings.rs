//! `[stack]`: the settings of the stack itself.

use std::rc::Rc;

use serde_json::Value;
use up_model::{Address, placeholder::Placeholder};

use crate::{
    diagnostic::NewDiagnostic,
    loader::Loader,
    node::{Data, Node},
    role::StackRole,
    scope::NameScope,
    value::{self, EvalError},
    zones,
};

impl Loader {
    /// `name`, `region`, `account`, `partition`, `zones` or `accounts` of the stack.
    pub(crate) fn fact(&self, name: &str) -> Result<Rc<Value>, EvalError> {
        let root = self.root();
        let Some((span, entries)) = &root.file.stack else { return Err(EvalError::Reported) };
        let node = entries.get(name);
        let span = node.map_or(*span, |node| node.span);
        let find = || -> Option<Rc<Value>> {
            let fact = match name {
                "name" => self.stack_name(node),
                "region" => self.region(node, entries.contains_key("zones")),
                "accounts" => self.accounts(node),
                "account" if self.options.account.is_some() => self.options.account.clone().map(Value::String),
                "account" => {
                    let accounts = self.fact("accounts").ok()?;
                    match accounts.as_array().map(Vec::as_slice) {
                        Some([account]) => Some(account.clone()),
                        _ => Some(Placeholder { address: "stack".into(), attribute: "account".into() }.mark().into()),
                    }
                }
                "partition" => Some(zones::partition(self.fact("region").ok()?.as_str()?).into()),
                _ => self.zones(node),
            };
            fact.map(Rc::new)
        };
        self.memoized(&root.stack, name, || format!("stack.{name}"), span, find)
    }

    /// An entry of `[stack]`, evaluated.
    pub(crate) fn setting(&self, node: &Node) -> Node {
        NameScope::new(self, &self.root()).evaluate(node)
    }

    fn stack_name(&self, node: Option<&Node>) -> Option<Value> {
        let Some(node) = node else { return self.absent("name", "such as `name = \"shop-prod\"`") };
        let node = self.setting(node);
        match &node.data {
            Data::Text(text) if Address::is_word(text) && text.starts_with(|c: char| c.is_ascii_alphanumeric()) => {
                Some(text.as_str().into())
            }
            Data::Text(_) => {
                let diagnostic = NewDiagnostic::new(node.span, "invalid name of a stack");
                self.report(
                    diagnostic.expected("1 to 64 letters, digits, `_`, `-` and `.`, starting with a letter or digit"),
                );
                None
            }
            _ => {
                self.wrong_type(&node, "a string");
                None
            }
        }
    }

    fn absent(&self, name: &str, example: &str) -> Option<Value> {
        let root = self.root();
        if let Some((span, entries)) = &root.file.stack {
            let names: Vec<_> = entries.keys().map(String::as_str).collect();
            // A misspelt key has already been reported with a suggestion.
            if self.suggestions.closest(name, &names).is_none_or(|close| close == "zones") {
                self.report(NewDiagnostic::new(*span, format!("`[stack]` has no `{name}`")).hint(example.to_owned()));
            }
        }
        None
    }

    fn region(&self, node: Option<&Node>, has_zones: bool) -> Option<Value> {
        let given = self.options.region.as_ref().map(|region| {
            let start = self.sources.add("--region", region);
            Node::spread(start.sibling(0..region.len()), Value::String(region.clone()))
        });
        let own = || node.map(|node| self.setting(node));
        let Some(node) = given.or_else(own) else {
            return self.absent("region", "such as `region = \"us-east-1\"`");
        };
        let Some(region) = node.text() else {
            self.wrong_type(&node, "a string");
            return None;
        };
        // A region that is newer than bullstra-up works if `zones` names its zones.
        if zones::of(region).is_none() && !has_zones {
            let hint = self
                .suggestions
                .hint(region, zones::regions())
                .unwrap_or_else(|| "if the region is newer than bullstra-up, list its `zones` in `[stack]`".into());
            self.report(NewDiagnostic::new(node.span, format!("unknown region `{region}`")).hint(hint));
            return None;
        }
        Some(region.into())
    }

    fn accounts(&self, node: Option<&Node>) -> Option<Value> {
        let Some(node) = node else { return Some(Value::Array(vec![])) };
        let node = self.setting(node);
        let Data::List(items) = &node.data else {
            self.wrong_type(&node, "a list of account ids");
            return None;
        };
        let account = |item: &Node| match item.text() {
            Some(text) if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) => Some(text.into()),
            Some(text) => {
                let diagnostic = NewDiagnostic::new(item.span, format!("invalid AWS account id `{text}`"));
                self.report(diagnostic.expected("12 digits"));
                None
            }
            None => {
                self.wrong_type(item, "a string of 12 digits");
                None
            }
        };
        let accounts: Vec<Option<Value>> = items.iter().map(account).collect();
        accounts.into_iter().collect::<Option<_>>().map(Value::Array)
    }

    fn zones(&self, node: Option<&Node>) -> Option<Value> {
        let region = self.fact("region").ok()?;
        let region = region.as_str()?;
        let Some(node) = node else { return zones::of(region).map(Value::from) };
        let node = self.setting(node);
        let Data::List(items) = &node.data else {
            self.wrong_type(&node, "a list of availability zones");
            return None;
        };
        let zone = |item: &Node| {
            let found = item.text().and_then(|text| zones::named(region, text));
            if found.is_none() && !matches!(item.data, Data::Invalid) {
                let message = format!("not an availability zone of {region}");
                let expected = format!("a letter such as `\"a\"` or a name such as `\"{region}a\"`");
                self.report(NewDiagnostic::new(item.span, message).expected(expected));
            }
            found.map(Value::String)
        };
        let zones: Vec<Option<Value>> = items.iter().map(zone).collect();
        zones.into_iter().collect::<Option<_>>().map(Value::Array)
    }

    /// `role_arn` and `external_id`.
    pub(crate) fn role(&self) -> Option<StackRole> {
        let root = self.root();
        let (_, entries) = root.file.stack.as_ref()?;
        let external_id = entries.get("external_id").and_then(|node| self.external_id(&self.setting(node)));
        let Some(node) = entries.get("role_arn") else {
            if let Some(node) = entries.get("external_id") {
                let diagnostic = NewDiagnostic::new(node.span, "`external_id` has no effect without `role_arn`");
                self.report(diagnostic.hint("add the `role_arn` whose trust policy requires it".to_owned()));
            }
            return None;
        };
        let node = self.setting(node);
        let Some(text) = node.text() else {
            self.wrong_type(&node, "a string");
            return None;
        };
        let arn = text.parse().map_err(|_| {
            let diagnostic = NewDiagnostic::new(node.span, "invalid role ARN");
            self.report(diagnostic.expected("`arn:aws:iam::111122223333:role/name`"));
        });
        Some(StackRole { arn: arn.ok()?, external_id })
    }

    fn external_id(&self, node: &Node) -> Option<String> {
        let Some(text) = node.text() else {
            self.wrong_type(node, "a string");
            return None;
        };
        // The characters that STS allows.
        let is_known = |c: char| c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c);
        if !(2..=1224).contains(&text.len()) || !text.chars().all(is_known) {
            let diagnostic = NewDiagnostic::new(node.span, "invalid external id");
            self.report(diagnostic.expected("2 to 1224 letters, digits and `_+=,.@:/-`"));
            return None;
        }
        Some(text.to_owned())
    }

    /// `backend`: the bucket that holds the state.
    pub(crate) fn backend(&self) -> Option<up_model::StateLocation> {
        self.with_setting("backend", |node| {
            let expected = "`s3://bucket/prefix`";
            let Some(text) = node.text() else {
                self.wrong_type(node, "a string such as `s3://bucket/prefix`");
                return None;
            };
            if let Some(quote) = value::placeholder_in(&node.value()) {
                self.report(NewDiagnostic::new(node.span, value::not_known_yet(&quote)).expected(expected));
                return None;
            }
            match text.parse() {
                Ok(bucket @ up_model::StateLocation::Bucket { .. }) => return Some(bucket),
                Ok(up_model::StateLocation::Folder(_)) => {
                    let diagnostic = NewDiagnostic::new(node.span, "not an S3 URL").expected(expected);
                    self.report(diagnostic.hint("use `--state` for a folder on this machine".to_owned()));
                }
                Err(why) => self.report(NewDiagnostic::new(node.span, why).expected(expected)),
            }
            None
        })
    }

    pub(crate) fn with_setting<T: Default>(&self, name: &str, with: impl FnOnce(&Node) -> T) -> T {
        let root = self.root();
        let node = root.file.stack.as_ref().and_then(|(_, entries)| entries.get(name));
        node.map(|node| with(&self.setting(node))).unwrap_or_default()
    }
}
