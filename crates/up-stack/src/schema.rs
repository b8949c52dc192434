//! The JSON Schema of a stack file, for editors.

use serde_json::{Map, Value, json};
use up_model::Model;

/// JSON Schema (draft 2020-12) of a stack file or a module, derived from the kinds' structs and doc comments.
pub fn schema(kinds: &[&'static dyn Model]) -> Value {
    let mut services: Map<String, Value> = Map::new();
    let mut definitions = Map::from_iter([("expression".to_owned(), expression())]);
    for kind in kinds {
        let (service, name) = kind.name().split_once('.').unwrap_or(("", kind.name()));
        let about = resource(*kind, &mut definitions);
        let table = services
            .entry(service)
            .or_insert_with(|| json!({ "type": "object", "properties": {}, "additionalProperties": false }));
        table["properties"][name] = json!({ "type": "object", "additionalProperties": about });
    }
    let mut properties = tables();
    properties.extend(services);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "bullstra-up stack",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "$defs": definitions,
    })
}

/// `${…}`, which can give a value of any type.
fn expression() -> Value {
    json!({ "type": "string", "pattern": "\\$\\{", "description": "An expression, evaluated before it is checked." })
}

/// The tables `[stack]`, `[inputs]`, `[locals]`, `[module]` and `[outputs]`.
fn tables() -> Map<String, Value> {
    let text = |about: &str| json!({ "type": "string", "description": about });
    let any = |about: &str| json!({ "description": about });
    let named = |inner: Value| json!({ "type": "object", "additionalProperties": inner });
    let stack = json!({
        "type": "object",
        "properties": {
            "name": text("The stack's name, which every resource carries in a tag."),
            "region": text("The region, such as `us-east-1`."),
            "accounts": any("The ids of the accounts it may be applied to."),
            "role_arn": text("The ARN of the role that is assumed for every call. Default: none."),
            "external_id": text("The `sts:ExternalId` that the role's trust policy requires. Default: none."),
            "protect": any("Refuses plans that lose data. Default: false."),
            "disposable": any("Lets `sweep` destroy it once it has expired. Counts for a stack that is created with it. Default: false."),
            "ttl": text("How long a disposable stack lives: `12h`, `90m` or `3d`."),
            "tags": tags("The tags of every resource."),
            "ignore_tags": any("Keys of tags that others manage. `*` at the end matches any suffix."),
            "zones": any("The availability zones to use, by letter or name. Default: all of the region."),
            "backend": text("The bucket for locks, journals and snapshots: `s3://bucket/prefix`. Default: the folder `state`."),
        },
        "required": ["name", "region"],
        "additionalProperties": false,
    });
    let input = json!({
        "type": "object",
        "properties": {
            "type": text("`string`, `number`, `bool`, `any`, `list(…)`, `set(…)`, `map(…)`, `object({…})`, or a kind."),
            "description": text("What it is for."),
            "default": any("Its value if none is given."),
            "one_of": any("The allowed values."),
            "sensitive": { "type": "boolean", "description": "Kept out of messages and plans. Default: false." },
        },
        "required": ["type", "description"],
        "additionalProperties": false,
    });
    let module = json!({
        "type": "object",
        "properties": {
            "source": text("The module's file, relative to this one's folder."),
            "for_each": any("One instance for each string of a list or entry of a map."),
            "renamed_from": text("The module's former name: `old`, `old:key`, or a path such as `shop/old`."),
        },
        "required": ["source"],
    });
    let output = json!({
        "type": "object",
        "properties": {
            "value": any("The value."),
            "description": text("What it is for."),
            "sensitive": { "type": "boolean", "description": "Shown only when asked for by name. Default: false." },
        },
        "required": ["value", "description"],
        "additionalProperties": false,
    });
    let accept = json!({
        "type": "object",
        "properties": {
            "address": text("The resource, such as `network/ec2.vpc.main`."),
            "field": text("The field, or a path into one: `ingress`, `health_check.interval`, `tags.Owner`."),
            "reason": text("Why the difference is accepted."),
            "until": any("The last day: `2027-01-31`. After it the difference is reported again."),
        },
        "required": ["address", "field", "reason", "until"],
        "additionalProperties": false,
    });
    let all = [
        ("stack", stack),
        ("inputs", named(input)),
        ("locals", json!({ "type": "object" })),
        ("module", named(module)),
        ("outputs", named(output)),
        ("accept", json!({ "type": "array", "items": accept })),
    ];
    all.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

fn tags(about: &str) -> Value {
    json!({
        "description": about,
        "anyOf": [{ "type": "object", "additionalProperties": { "type": "string" } }, { "$ref": "#/$defs/expression" }],
    })
}

/// The schema of a resource: its kind's, with the fields of every resource, and `${…}` allowed everywhere.
fn resource(kind: &dyn Model, definitions: &mut Map<String, Value>) -> Value {
    let mut schema = kind.schema().to_value();
    let prefix = format!("{}.", kind.name());
    if let Some(Value::Object(own)) = schema.as_object_mut().and_then(|schema| schema.remove("$defs")) {
        for (name, mut definition) in own {
            loosened(&mut definition, &prefix);
            definitions.insert(format!("{prefix}{name}"), definition);
        }
    }
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("$schema");
        schema.remove("title");
    }
    loosened_inside(&mut schema, &prefix);
    schema["properties"]["for_each"] = json!({
        "description": "One resource for each string of a list or entry of a map, as `each.key` and `each.value`.",
    });
    schema["properties"]["depends_on"] = json!({
        "description": "More resources to wait for, besides those that fields refer to: `[\"ec2.vpc.main\"]`.",
    });
    schema["properties"]["tags"] = tags("Tags. They override those of the stack.");
    schema["properties"]["prevent_destroy"] =
        json!({ "description": "Refuses plans that delete or replace it. Default: false." });
    schema["properties"]["ignore_changes"] = json!({
        "description": "Fields whose changes are ignored once the resource exists: names, paths, `tags`, `tags.Key`.",
    });
    schema["properties"]["renamed_from"] = json!({
        "type": "string",
        "description": "Its former name: `old`, `old:key`, or an address such as `shop/ec2.vpc.old`.",
    });
    schema
}

/// Allows an expression in place of a value.
fn loosened(schema: &mut Value, prefix: &str) {
    loosened_inside(schema, prefix);
    let takes_text = schema.get("x-ref").is_some() || schema["type"] == "string" && schema.get("enum").is_none();
    if schema.is_object() && !takes_text {
        let mut about = Map::new();
        for key in ["description", "default"] {
            if let Some(value) = schema.as_object_mut().and_then(|schema| schema.remove(key)) {
                about.insert(key.to_owned(), value);
            }
        }
        about.insert("anyOf".to_owned(), json!([schema.take(), { "$ref": "#/$defs/expression" }]));
        *schema = Value::Object(about);
    }
}

/// The same for the parts of a schema. `$ref`s point to the kind's own definitions.
fn loosened_inside(schema: &mut Value, prefix: &str) {
    let Some(map) = schema.as_object_mut() else { return };
    if let Some(Value::String(path)) = map.get_mut("$ref") {
        *path = path.replace("#/$defs/", &format!("#/$defs/{prefix}"));
    }
    if map.contains_key("x-ref") {
        return;
    }
    for (key, inner) in map.iter_mut() {
        match (key.as_str(), inner) {
            ("properties", Value::Object(fields)) => fields.values_mut().for_each(|field| loosened(field, prefix)),
            ("items" | "additionalProperties", inner) => loosened(inner, prefix),
            ("prefixItems", Value::Array(items)) => items.iter_mut().for_each(|item| loosened(item, prefix)),
            ("oneOf" | "anyOf" | "allOf", Value::Array(items)) => {
                items.iter_mut().for_each(|item| loosened_inside(item, prefix));
            }
            _ => {}
        }
    }
}
