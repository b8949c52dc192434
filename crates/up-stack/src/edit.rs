//! Edits the declaration of a resource in its file; comments and layout stay.

use serde_json::{Map, Value};
use toml_edit::{Array, DocumentMut, InlineTable, Item, RawString, TableLike, Value as Toml};
use up_model::{
    Address, same,
    schema::{Schema, Shape},
    without_defaults,
};

/// A field of a resource, and the value that its declaration is to get.
#[derive(Debug, Clone)]
pub struct FieldEdit {
    /// The field; `tags.Owner` for a tag.
    pub field: String,
    /// The value that is declared now; null if there is none.
    pub declared: Value,
    /// The value to declare; null to remove the field.
    pub value: Value,
}

/// The text of a file in which the declaration of `address` has the values of `edits`. `schema` is that of its kind.
///
/// # Errors
/// A sentence without a full stop, if a value cannot be written there: the declaration computes it, or several resources
/// are declared by the same lines.
pub fn edit(text: &str, address: &Address, edits: &[FieldEdit], schema: &Schema) -> Result<String, String> {
    let mut document: DocumentMut = text.parse().map_err(|error| format!("the file cannot be edited: {error}"))?;
    let resource = declaration(document.as_table_mut(), address)
        .ok_or_else(|| format!("the file has no table `[{}.{}]`", address.kind, address.name))?;
    if resource.contains_key("for_each") {
        return Err("`for_each` declares several resources with these lines; edit them by hand".to_owned());
    }
    for FieldEdit { field, declared, value } in edits {
        match field.strip_prefix("tags.") {
            Some(tag) => set_tag(resource, tag, declared, value)?,
            None => {
                let shape = schema.whole().key(field);
                Field { name: field, shape }.set(resource, field, declared, &without_defaults(value, shape))?;
            }
        }
    }
    Ok(document.to_string())
}

/// The table that declares the resource.
fn declaration<'d>(root: &'d mut dyn TableLike, address: &Address) -> Option<&'d mut dyn TableLike> {
    let (service, kind) = address.kind.split_once('.')?;
    let mut table = root;
    for key in [service, kind, &address.name] {
        table = table.get_mut(key)?.as_table_like_mut()?;
    }
    Some(table)
}

/// Sets a tag of the resource's own; those of the stack are overlaid.
fn set_tag(resource: &mut dyn TableLike, tag: &str, declared: &Value, value: &Value) -> Result<(), String> {
    if value.is_null() && resource.get("tags").and_then(|tags| tags.get(tag)).is_none() {
        return Err(format!("the tag `{tag}` comes from `[stack] tags`, which other resources have too"));
    }
    let tags = resource.entry("tags").or_insert_with(|| Item::Value(InlineTable::new().into()));
    let Some(tags) = tags.as_table_like_mut() else { return Err(computed("tags", &tags.to_string())) };
    Field { name: "tags", shape: Shape::default() }.set(tags, tag, declared, value)
}

/// A field of the resource, for messages, and the rules for a part of it.
#[derive(Clone, Copy)]
struct Field<'a> {
    name: &'a str,
    shape: Shape<'a>,
}

impl Field<'_> {
    /// Sets a key of a table.
    fn set(self, table: &mut dyn TableLike, key: &str, declared: &Value, value: &Value) -> Result<(), String> {
        if same(value, declared) {
            return Ok(());
        }
        let Some(item) = table.get_mut(key) else {
            table.insert(key, Item::Value(self.written(value)?));
            return Ok(());
        };
        match (declared, value) {
            (_, Value::Null) => {
                self.refuse_computed(&item.to_string())?;
                table.remove(key);
                Ok(())
            }
            (Value::Object(before), Value::Object(after)) if item.is_table_like() => {
                let table = item.as_table_like_mut().expect("it is a table");
                self.set_all(table, before, after)
            }
            (Value::Array(before), Value::Array(after)) if self.shape.rules().is_set => {
                self.set_members(item, before, after)
            }
            _ => {
                self.refuse_computed(&item.to_string())?;
                let mut written = self.written(value)?;
                if let Some(old) = item.as_value() {
                    *written.decor_mut() = old.decor().clone();
                }
                *item = Item::Value(written);
                Ok(())
            }
        }
    }

    fn set_all(
        self,
        table: &mut dyn TableLike,
        before: &Map<String, Value>,
        after: &Map<String, Value>,
    ) -> Result<(), String> {
        let surplus = before.keys().filter(|key| !after.contains_key(*key));
        for key in after.keys().chain(surplus) {
            let of = |map: &Map<String, Value>| map.get(key).cloned().unwrap_or_default();
            Field { shape: self.shape.key(key), ..self }.set(table, key, &of(before), &of(after))?;
        }
        Ok(())
    }

    /// Removes and adds members of a set; the others stay as they are written.
    fn set_members(self, item: &mut Item, before: &[Value], after: &[Value]) -> Result<(), String> {
        let is_in = |all: &[Value], one: &Value| {
            let one = without_defaults(one, self.shape.item());
            all.iter().any(|other| same(&without_defaults(other, self.shape.item()), &one))
        };
        let removed: Vec<_> = (0..before.len()).rev().filter(|&index| !is_in(after, &before[index])).collect();
        let added = after.iter().filter(|member| !is_in(before, member));
        match item {
            Item::Value(Toml::Array(list)) if list.len() == before.len() => {
                for index in removed {
                    self.refuse_computed(&list.get(index).map(ToString::to_string).unwrap_or_default())?;
                    list.remove(index);
                }
                for member in added {
                    push(list, self.written(member)?);
                }
                Ok(())
            }
            Item::ArrayOfTables(tables) if tables.len() == before.len() => {
                for index in removed {
                    self.refuse_computed(&tables.get(index).map(ToString::to_string).unwrap_or_default())?;
                    tables.remove(index);
                }
                for member in added {
                    let Toml::InlineTable(member) = self.written(member)? else { continue };
                    tables.push(member.into_table());
                }
                Ok(())
            }
            item => Err(computed(self.name, &item.to_string())),
        }
    }

    /// The value as TOML. Tables that AWS has no value for are left out.
    fn written(self, value: &Value) -> Result<Toml, String> {
        Ok(match value {
            Value::Null => return Err(format!("`{}` has no value in AWS that TOML could hold", self.name)),
            Value::Bool(value) => (*value).into(),
            Value::Number(number) => match number.as_i64() {
                Some(whole) => whole.into(),
                None => number.as_f64().unwrap_or_default().into(),
            },
            Value::String(text) => text.as_str().into(),
            Value::Array(items) => {
                Array::from_iter(items.iter().map(|item| self.written(item)).collect::<Result<Vec<_>, _>>()?).into()
            }
            Value::Object(map) => match (map.get("$ref"), map.get("$id")) {
                (Some(address), _) => {
                    let address = address.as_str().unwrap_or_default();
                    return Err(format!("`{}` refers to {address}; edit it by hand", self.name));
                }
                (None, Some(id)) => InlineTable::from_iter([("id", self.written(id)?)]).into(),
                (None, None) => {
                    let set = map.iter().filter(|(_, value)| !value.is_null());
                    let entries = set.map(|(key, value)| Ok((key.as_str(), self.written(value)?)));
                    InlineTable::from_iter(entries.collect::<Result<Vec<_>, String>>()?).into()
                }
            },
        })
    }

    fn refuse_computed(self, text: &str) -> Result<(), String> {
        if text.contains("${") { Err(computed(self.name, text)) } else { Ok(()) }
    }
}

fn computed(field: &str, text: &str) -> String {
    format!("`{field}` is computed there (`{}`); edit what it is computed from by hand", text.trim())
}

/// Appends to a list, on a line of its own if the list has several. A comment behind the last item stays behind it.
fn push(list: &mut Array, mut value: Toml) {
    let text = |raw: Option<&RawString>| raw.and_then(RawString::as_str).unwrap_or_default().to_owned();
    let Some(last) = list.iter().last() else { return list.push(value) };
    let (prefix, suffix) = (text(last.decor().prefix()), text(last.decor().suffix()));
    // Behind a comma, it is a part of the list; else, of the item.
    let behind = if list.trailing_comma() { text(Some(list.trailing())) } else { suffix.clone() };
    let comment = behind.find('#').and_then(|_| behind.rfind('\n')).map_or("", |end| &behind[..end]).trim_end();
    let indent = &prefix[prefix.rfind('\n').unwrap_or(0)..];
    let indent = match (comment, indent) {
        ("", "") => " ".to_owned(),
        ("", indent) => indent.to_owned(),
        (_, indent) => format!("\n{}", indent.trim_start_matches('\n')),
    };
    value.decor_mut().set_prefix(format!("{comment}{indent}"));
    if list.trailing_comma() {
        let end = behind[behind.rfind('\n').unwrap_or(0)..].to_owned();
        list.set_trailing(end);
    } else {
        value.decor_mut().set_suffix(&suffix[suffix.rfind('\n').unwrap_or(0)..]);
        let last = list.len() - 1;
        list.get_mut(last).expect("it is not empty").decor_mut().set_suffix("");
    }
    list.push_formatted(value);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FILE: &str = r#"
# The shop.
[stack]
name = "shop"

[ec2.security_group.web] # open to all
description = "web"   # never changes
ingress = [
    { ports = "80", cidr = "0.0.0.0/0" },   # plain
    { ports = "443", cidr = "0.0.0.0/0" },
]
tags = { Team = "web" }

[logs.log_group.web]
retention_in_days = 30 # a month
name = "${stack.name}-web"
"#;

    fn schema() -> Schema {
        Schema::read(&json!({ "properties": {
            "ingress": { "type": "array", "uniqueItems": true, "items": { "type": "object", "properties": {
                "ports": {}, "cidr": {}, "protocol": { "default": "tcp" },
            } } },
            "settings": { "type": "object", "properties": { "a": {}, "b": {} } },
        } }))
    }

    fn edited(address: &str, field: &str, declared: Value, value: Value) -> Result<String, String> {
        edit(FILE, &address.parse().unwrap(), &[FieldEdit { field: field.into(), declared, value }], &schema())
    }

    #[test]
    fn a_value_is_exchanged_and_its_comment_stays() {
        let text = edited("logs.log_group.web", "retention_in_days", json!(30), json!(7)).unwrap();
        assert_eq!(text, FILE.replace("= 30 # a month", "= 7 # a month"));
    }

    #[test]
    fn a_field_is_added_and_removed() {
        let text = edited("logs.log_group.web", "kms_key", Value::Null, json!("key")).unwrap();
        assert!(text.ends_with("name = \"${stack.name}-web\"\nkms_key = \"key\"\n"), "{text}");
        let text = edited("logs.log_group.web", "retention_in_days", json!(30), Value::Null).unwrap();
        assert!(!text.contains("retention_in_days"));
    }

    #[test]
    fn members_of_a_set_come_and_go_and_the_others_stay() {
        let [plain, tls] = ["80", "443"].map(|ports| json!({ "ports": ports, "cidr": "0.0.0.0/0", "protocol": "tcp" }));
        let database = json!({ "cidr": "10.0.0.0/8", "ports": "5432", "protocol": "tcp" });
        let declared = json!([plain, tls]);
        let text =
            edited("ec2.security_group.web", "ingress", declared.clone(), json!([database, tls, plain])).unwrap();
        let added = "{ ports = \"443\", cidr = \"0.0.0.0/0\" },\n    { cidr = \"10.0.0.0/8\", ports = \"5432\" },\n]";
        assert_eq!(text, FILE.replace("{ ports = \"443\", cidr = \"0.0.0.0/0\" },\n]", added));
        let text = edited("ec2.security_group.web", "ingress", declared, json!([tls])).unwrap();
        assert!(!text.contains("\"80\"") && text.contains("{ ports = \"443\", cidr = \"0.0.0.0/0\" },"), "{text}");
    }

    #[test]
    fn a_comment_stays_behind_its_item() {
        let text = |list: &str| format!("[x.y.z]\nlist = [{list}]\n");
        for (before, after) in [
            ("1", "1, 2"),
            ("", "2"),
            ("\n    1, # one\n", "\n    1, # one\n    2,\n"),
            ("\n    1 # one\n", "\n    1, # one\n    2\n"),
            ("\n    1,\n", "\n    1,\n    2,\n"),
            ("\n    # one\n    1,\n", "\n    # one\n    1,\n    2,\n"),
        ] {
            let declared = if before.is_empty() { json!([]) } else { json!([1]) };
            let value = if before.is_empty() { json!([2]) } else { json!([1, 2]) };
            let schema = Schema::read(&json!({ "properties": { "list": { "type": "array", "uniqueItems": true } } }));
            let edits = [FieldEdit { field: "list".into(), declared, value }];
            let edited = edit(&text(before), &"x.y.z".parse().unwrap(), &edits, &schema).unwrap();
            assert_eq!(edited, text(after));
            assert!(edited.parse::<DocumentMut>().is_ok());
        }
    }

    #[test]
    fn tags_are_set_and_removed() {
        let text = edited("ec2.security_group.web", "tags.Team", json!("web"), json!("shop")).unwrap();
        assert_eq!(text, FILE.replace("Team = \"web\"", "Team = \"shop\""));
        let text = edited("logs.log_group.web", "tags.Owner", Value::Null, json!("me")).unwrap();
        assert!(text.ends_with("tags = { Owner = \"me\" }\n"), "{text}");
        let of_the_stack = edited("logs.log_group.web", "tags.Owner", json!("me"), Value::Null).unwrap_err();
        assert!(of_the_stack.contains("[stack] tags"), "{of_the_stack}");
    }

    #[test]
    fn what_is_computed_or_refers_is_refused() {
        let computed = edited("logs.log_group.web", "name", json!("shop-web"), json!("web")).unwrap_err();
        assert!(computed.contains("${stack.name}-web"), "{computed}");
        let group = json!([{ "ports": "80", "source": { "$ref": "ec2.security_group.db" } }]);
        let refers = edited("ec2.security_group.web", "egress", json!([]), group).unwrap_err();
        assert!(refers.contains("ec2.security_group.db"), "{refers}");
        assert!(edited("logs.log_group.other", "name", json!("a"), json!("b")).is_err());
    }
}
