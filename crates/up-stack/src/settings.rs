//! `[stack]`: the facts of the stack itself.

use std::rc::Rc;

use serde_json::Value;
use up_core::{Address, placeholder::Placeholder};

use crate::{
    diagnostic::Complaint,
    node::{Data, Node},
    role::Role,
    scope::Scope,
    suggest::suggest,
    value::{self, Fault},
    world::World,
    zones,
};

impl World {
    /// `name`, `region`, `account`, `partition`, `zones` or `accounts` of the stack.
    pub(crate) fn fact(&self, name: &str) -> Result<Rc<Value>, Fault> {
        let root = self.root();
        let Some((place, entries)) = &root.file.stack else { return Err(Fault::Said) };
        let node = entries.get(name);
        let place = node.map_or(*place, |node| node.place);
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
        self.once(&root.stack, name, || format!("stack.{name}"), place, find)
    }

    /// An entry of `[stack]`, evaluated.
    fn setting(&self, node: &Node) -> Node {
        Scope::new(self, &self.root()).evaluate(node)
    }

    fn stack_name(&self, node: Option<&Node>) -> Option<Value> {
        let Some(node) = node else { return self.absent("name", "such as `name = \"shop-prod\"`") };
        let node = self.setting(node);
        match &node.data {
            Data::Text(text) if Address::is_word(text) && text.starts_with(|c: char| c.is_ascii_alphanumeric()) => {
                Some(text.as_str().into())
            }
            Data::Text(_) => {
                let complaint = Complaint::new(node.place, "this cannot be the name of a stack");
                self.complain(complaint.expected("1 to 64 letters, digits, `_`, `-` and `.`, a letter or digit first"));
                None
            }
            _ => {
                self.wrong_type(&node, "text");
                None
            }
        }
    }

    fn absent(&self, name: &str, example: &str) -> Option<Value> {
        let root = self.root();
        if let Some((place, entries)) = &root.file.stack {
            let names: Vec<_> = entries.keys().map(String::as_str).collect();
            // A misspelt key has been reported with a suggestion already.
            if crate::suggest::closest(name, &names).is_none_or(|close| close == "zones") {
                self.complain(Complaint::new(*place, format!("`[stack]` has no `{name}`")).hint(example.to_owned()));
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
            self.wrong_type(&node, "text");
            return None;
        };
        // A region newer than this table can be used by naming its zones.
        if zones::of(region).is_none() && !has_zones {
            let hint = suggest(region, zones::regions())
                .unwrap_or_else(|| "for a region newer than bullstra-up, name its `zones` in `[stack]`".into());
            self.complain(Complaint::new(node.place, format!("there is no region `{region}`")).hint(hint));
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
                let complaint = Complaint::new(item.place, format!("`{text}` is no AWS account id"));
                self.complain(complaint.expected("12 digits"));
                None
            }
            None => {
                self.wrong_type(item, "text of 12 digits");
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
            if found.is_none() && !matches!(item.data, Data::Hole) {
                let message = format!("this is no availability zone of {region}");
                let expected = format!("a letter such as `\"a\"`, or a name such as `\"{region}a\"`");
                self.complain(Complaint::new(item.place, message).expected(expected));
            }
            found.map(Value::String)
        };
        let zones: Vec<Option<Value>> = items.iter().map(zone).collect();
        zones.into_iter().collect::<Option<_>>().map(Value::Array)
    }

    /// `role_arn` and `external_id`.
    pub(crate) fn role(&self) -> Option<Role> {
        let root = self.root();
        let (_, entries) = root.file.stack.as_ref()?;
        let external_id = entries.get("external_id").and_then(|node| self.external_id(&self.setting(node)));
        let Some(node) = entries.get("role_arn") else {
            if let Some(node) = entries.get("external_id") {
                let complaint = Complaint::new(node.place, "`external_id` without `role_arn` has nobody to tell it");
                self.complain(complaint.hint("add the `role_arn` whose trust policy wants it".to_owned()));
            }
            return None;
        };
        let node = self.setting(node);
        let Some(text) = node.text() else {
            self.wrong_type(&node, "text");
            return None;
        };
        let arn = text.parse().map_err(|_| {
            let complaint = Complaint::new(node.place, "this is no ARN of a role");
            self.complain(complaint.expected("`arn:aws:iam::111122223333:role/name`"));
        });
        Some(Role { arn: arn.ok()?, external_id })
    }

    fn external_id(&self, node: &Node) -> Option<String> {
        let Some(text) = node.text() else {
            self.wrong_type(node, "text");
            return None;
        };
        // What STS takes.
        let is_known = |c: char| c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c);
        if !(2..=1224).contains(&text.len()) || !text.chars().all(is_known) {
            let complaint = Complaint::new(node.place, "this cannot be an external id");
            self.complain(complaint.expected("2 to 1224 letters, digits and `_+=,.@:/-`"));
            return None;
        }
        Some(text.to_owned())
    }

    /// `protect`: false where it is not said.
    pub(crate) fn protect(&self) -> bool {
        self.with_setting("protect", |node| {
            if !matches!(node.data, Data::Bool(_)) {
                self.wrong_type(node, "`true` or `false`");
            }
            matches!(node.data, Data::Bool(true))
        })
    }

    /// `backend`: the bucket that the state is kept in, if it is one.
    pub(crate) fn backend(&self) -> Option<up_state::Place> {
        self.with_setting("backend", |node| {
            let expected = "`s3://bucket/prefix`";
            let Some(text) = node.text() else {
                self.wrong_type(node, "text such as `s3://bucket/prefix`");
                return None;
            };
            if let Some(quote) = value::mark_in(&node.value()) {
                self.complain(Complaint::new(node.place, value::not_known(&quote)).expected(expected));
                return None;
            }
            match text.parse() {
                Ok(bucket @ up_state::Place::Bucket { .. }) => return Some(bucket),
                Ok(up_state::Place::Folder(_)) => {
                    let complaint = Complaint::new(node.place, "this is no bucket").expected(expected);
                    self.complain(complaint.hint("a folder of this machine is named by `--state`".to_owned()));
                }
                Err(why) => self.complain(Complaint::new(node.place, why).expected(expected)),
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
