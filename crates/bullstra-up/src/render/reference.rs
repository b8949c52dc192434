//! The reference: a page for each kind, generated from its struct and doc comments.

use std::fmt::Write;

use up_core::{
    AnyKind, Change, KindInfo, Order, Takes,
    schema::{Schema, Shape},
};
use up_engine::about;

use super::{types, value::short};

/// The first line of each page, which says how the page is generated.
const GENERATED: &str =
    "<!-- Generated from the kind's struct by `bullstra-up reference`: edit the doc comments there. -->\n";

/// The page of a kind. `example` is TOML that uses it.
pub(crate) fn page(kind: &dyn AnyKind, example: Option<&str>) -> String {
    let schema = Schema::read(kind.schema().as_value());
    let whole = schema.whole();
    let mut page = format!("{GENERATED}\n# `{}`\n\n{}\n\n", kind.name(), description(whole));
    if let Some(example) = example {
        page += &format!("```toml\n{}\n```\n\n", example.trim());
    }
    page += "## Fields\n\n| field | type | default | change | description |\n| --- | --- | --- | --- | --- |\n";
    for field in kind.fields() {
        let cost = format!(" {} |", cost(field.change));
        let default = match field.change {
            Change::Name => "from its address".to_owned(),
            _ => default(whole, field.name),
        };
        page += &row(whole, field.name, &default, &cost);
    }
    page += &tables(whole);
    page += &attributes(kind);
    page += &in_aws(kind.info());
    page
}

/// The list of all pages.
pub(crate) fn index(kinds: &[&dyn AnyKind]) -> String {
    let mut page = format!("{GENERATED}\n# Kinds\n\n{INTRODUCTION}\n| kind | description |\n| --- | --- |\n");
    for kind in kinds {
        let (name, schema) = (kind.name(), Schema::read(kind.schema().as_value()));
        let about = description(schema.whole());
        let first = about.split("\n\n").next().unwrap_or_default();
        page += &format!("| [`{name}`]({name}.md) | {} |\n", cell(first_sentence(first)));
    }
    page
}

const INTRODUCTION: &str = "\
Each kind is a table `[<service>.<kind>.<name>]` in a stack's file. Besides its own fields, it takes these:

| field | type | description |
| --- | --- | --- |
| `for_each` | list(string) or map | Creates one resource for each item, with `each.key` and `each.value`. |
| `tags` | map(string) | Tags of the resource; they override those of the stack. |
| `depends_on` | list(reference) | Resources it depends on, besides those that its fields refer to. |
| `prevent_destroy` | bool | Refuses plans that would delete or replace it. |
| `ignore_changes` | list(string) | Fields, paths into fields, and tags whose changes are ignored after creation. |
| `renamed_from` | string | Its former name or address. |

A field that is left out has its default. If the default is `—`, the field is not set and (except in items of lists and sets) not
compared: AWS chooses its value, and changes outside the stack are kept.
";

fn row(table: Shape<'_>, field: &str, default: &str, cost: &str) -> String {
    let shape = table.key(field);
    format!("| `{field}` | {} | {} |{cost} {} |\n", types::linked(shape), cell(default), cell(&description(shape)))
}

fn default(table: Shape<'_>, field: &str) -> String {
    let shape = table.key(field);
    match shape.default_value() {
        Some(value) if !value.is_null() => format!("`{}`", short(value, shape)),
        _ if table.requires(field) => "**required**".to_owned(),
        _ => "—".to_owned(),
    }
}

fn cost(change: Change) -> &'static str {
    match change {
        Change::Update => "in place",
        Change::Replace | Change::Name => "**replaces**",
        Change::Initial => "only on creation",
    }
}

/// The inner tables and enumerations, each with a heading.
fn tables(whole: Shape<'_>) -> String {
    let mut text = String::new();
    for (name, shape) in types::named(whole) {
        let words = types::enum_values(shape);
        write!(text, "\n### {name}\n\n").expect("text takes text");
        if let Some(about) = shape.type_description() {
            text += &format!("{about}\n\n");
        }
        if !words.is_empty() {
            let words = words.iter().map(|(word, about)| match about {
                Some(about) => format!("- `\"{word}\"`: {}\n", cell(about)),
                None => format!("- `\"{word}\"`\n"),
            });
            text.extend(words);
            continue;
        }
        text += "| field | type | default | description |\n| --- | --- | --- | --- |\n";
        let is_choice = shape.alternatives().len() > 1;
        let rows = types::fields(shape).into_iter().map(|(table, field)| {
            let default = if is_choice { "one of these".to_owned() } else { default(table, field) };
            row(table, field, &default, "")
        });
        text.extend(rows);
    }
    text
}

fn attributes(kind: &dyn AnyKind) -> String {
    let name = kind.name();
    let attrs = [&["id"], kind.info().attrs].concat();
    let attrs: Vec<_> = attrs.iter().map(|attr| format!("`{attr}`")).collect();
    format!("\n## Attributes\n\nFor references such as `${{{name}.main.id}}`: {}.\n", attrs.join(", "))
}

fn in_aws(kind: &KindInfo) -> String {
    let KindInfo { cloudformation, actions, longest_name, holds_data, replace, wait, takes, .. } = kind;
    let mut facts = vec![format!("Its CloudFormation type is `{cloudformation}`.")];
    facts.push(match replace {
        Order::CreateBeforeDestroy => {
            "When it is replaced, the new one is created before the old one is deleted.".to_owned()
        }
        Order::DestroyBeforeCreate => {
            "When it is replaced, the old one is deleted before the new one is created.".to_owned()
        }
    });
    if *longest_name > 0 {
        facts.push(format!("Its name in AWS has at most {longest_name} characters."));
    }
    if *holds_data {
        facts.push(
            "It contains data: in a stack with `protect`, a plan that would delete or replace it is refused.".into(),
        );
    }
    if actions.tag.is_empty() {
        facts.push("It has no tags in AWS.".to_owned());
    }
    facts.push(format!(
        "Creation usually takes {},{} deletion {}; the timeout is {}.",
        about(takes.create),
        changing(takes),
        about(takes.delete),
        about(wait.at_most)
    ));
    let facts: String = facts.iter().map(|fact| format!("- {fact}\n")).collect();
    let verbs = [
        ("plan", actions.observe),
        ("create", actions.create),
        ("update", actions.update),
        ("tag", actions.tag),
        ("delete", actions.delete),
    ];
    let verbs = verbs.into_iter().filter(|(_, actions)| !actions.is_empty()).map(|(verb, actions)| {
        let actions: Vec<_> = actions.iter().map(|action| format!("`{action}`")).collect();
        format!("| {verb} | {} |\n", actions.join(", "))
    });
    let verbs: String = verbs.collect();
    format!("\n## In AWS\n\n{facts}\nRequired IAM actions:\n\n| operation | actions |\n| --- | --- |\n{verbs}")
}

/// How long changes take, if that is worth mentioning: ` an update 60 s (`engine_version` 15 min),`.
fn changing(takes: &Takes) -> String {
    let Takes { update, fields, .. } = takes;
    if fields.is_empty() && *update == Takes::DEFAULT.update {
        return String::new();
    }
    let fields: Vec<_> = fields.iter().map(|(field, time)| format!("`{field}` {}", about(*time))).collect();
    let fields = if fields.is_empty() { String::new() } else { format!(" ({})", fields.join(", ")) };
    format!(" an update {}{fields},", about(*update))
}

/// The doc comment.
fn description(shape: Shape<'_>) -> String {
    shape.description().unwrap_or_default().trim().to_owned()
}

/// Text in the form of a table's cell: on one line.
fn cell(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").replace('|', "\\|")
}

fn first_sentence(text: &str) -> &str {
    text.find(". ").map_or(text, |end| &text[..=end])
}
