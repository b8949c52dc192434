//! TOML text to [`Node`]s: all syntax errors at once, each text with `${…}` parsed.

use std::{ops::Range, rc::Rc};

use serde_json::{Number, Value};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};
use up_core::placeholder;

use crate::{
    diagnostic::{Complaint, Report},
    node::{Data, Key, Node},
    source::{Place, Sources},
    template,
};

/// Reads the text that begins at `start`. What is wrong goes to the report, and a hole stands in its place.
pub(crate) fn parse(sources: &Sources, report: &Report, start: Place) -> Node {
    let source = sources.of(start);
    let whole = start.sibling(0..source.text.len());
    let parser = Parser { sources, report, start, text: &source.text };
    let indent = source.text.len() - source.text.trim_start().len();
    if source.text[indent..].starts_with('{') {
        // Read as TOML, every line of it would be wrong.
        let hint = "a stack is written in TOML; a saved plan is carried out by `bullstra-up apply`";
        let complaint = Complaint::new(start.sibling(indent..indent + 1), "this is JSON, not TOML");
        parser.complain(complaint.hint(hint.to_owned()));
        return Node { place: whole, data: Data::Hole };
    }
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    for error in &errors {
        parser.syntax(error);
    }
    let mut node = Node { place: whole, data: parser.table(table.into_inner()) };
    if !errors.is_empty() {
        // What the parser skipped would otherwise be reported a second time, as missing.
        drop_doubtful(&mut node);
    }
    node
}

/// Replaces what the parser could not make sense of by holes: it stands there as empty text or an empty key.
fn drop_doubtful(node: &mut Node) {
    match &mut node.data {
        Data::Table(entries) => {
            entries.retain(|(key, _)| !key.text.is_empty());
            entries.iter_mut().for_each(|(_, node)| drop_doubtful(node));
        }
        Data::List(items) => items.iter_mut().for_each(drop_doubtful),
        Data::Text(text) if text.is_empty() => node.data = Data::Hole,
        _ => {}
    }
}

struct Parser<'a> {
    sources: &'a Sources,
    report: &'a Report,
    start: Place,
    text: &'a str,
}

impl Parser<'_> {
    fn syntax(&self, error: &toml::de::Error) {
        let range = error.span().unwrap_or_default();
        // At the end of a line the error is shown behind its last character rather than on the next line.
        let place = self.start.sibling(range.clone());
        let mut lines = error.message().lines();
        let first = lines.next().unwrap_or("this is not TOML");
        let rest = lines.collect::<Vec<_>>().join(", ");
        let complaint = match first {
            "duplicate key" => {
                let name = self.text.get(range).unwrap_or_default().trim();
                Complaint::new(place, format!("`{name}` is declared twice"))
                    .hint("give one of them another name, or make them one".to_owned())
            }
            _ => Complaint::new(place, format!("this is not TOML: {first}")),
        };
        let complaint = if rest.is_empty() { complaint } else { complaint.expected(rest) };
        self.complain(complaint);
    }

    fn complain(&self, complaint: Complaint) {
        self.report.add(self.sources, complaint);
    }

    fn table(&self, table: DeTable<'_>) -> Data {
        let mut entries: Vec<_> = table
            .into_iter()
            .filter_map(|(key, value)| {
                let place = self.start.sibling(key.span());
                let text = self.plain(key.into_inner().into_owned(), place)?;
                Some((Key { text, place }, self.value(value)))
            })
            .collect();
        // As written, not as the parser's map has them.
        entries.sort_by_key(|(key, _)| key.place);
        Data::Table(entries)
    }

    fn value(&self, value: Spanned<DeValue<'_>>) -> Node {
        let range = value.span();
        let place = self.start.sibling(range.clone());
        let data = match value.into_inner() {
            DeValue::String(text) => self.text(text.into_owned(), place),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Data::Number(number.into()),
                Err(_) => self.wrong(place, "this number is too large"),
            },
            DeValue::Float(number) => match number.as_str().parse().ok().and_then(Number::from_f64) {
                Some(number) => Data::Number(number),
                None => self.wrong(place, "this number cannot be used: it is not finite"),
            },
            DeValue::Boolean(value) => Data::Bool(value),
            DeValue::Datetime(_) => Data::Text(self.text[range].to_owned()),
            DeValue::Array(items) => Data::List(items.into_iter().map(|item| self.value(item)).collect()),
            DeValue::Table(table) => self.table(table),
        };
        Node { place, data }
    }

    fn wrong(&self, place: Place, message: &str) -> Data {
        self.complain(Complaint::new(place, message));
        Data::Hole
    }

    /// Text, which may be a template.
    fn text(&self, text: String, place: Place) -> Data {
        let Some(text) = self.plain(text, place) else { return Data::Hole };
        if !template::is_template(&text) {
            return Data::Text(text);
        }
        match template::parse(&text) {
            Ok(template) => Data::Template(Rc::new(template)),
            Err(error) => {
                let at = error.at.map_or(place, |at| self.inside(place, &text, at));
                let hint = error.at.map(|_| "`$${` stands for the two characters themselves".to_owned());
                self.complain(Complaint::new(at, error.message).hint(hint));
                Data::Hole
            }
        }
    }

    /// The place of a byte of `text`, if the file spells the text as it is; else that of the whole.
    fn inside(&self, place: Place, text: &str, at: usize) -> Place {
        let Range { start, end } = place.range();
        match self.text[start..end].find(text) {
            Some(offset) => place.sibling(start + offset + at..(start + offset + at + 1).min(end)),
            None => place,
        }
    }

    /// Refuses the two characters that marks are made of.
    fn plain(&self, text: String, place: Place) -> Option<String> {
        if !placeholder::is_reserved(&text) {
            return Some(text);
        }
        self.complain(
            Complaint::new(place, "the characters U+E000 and U+E001 are bullstra-up's own").hint(
                "they are of Unicode's private use area and mean nothing by themselves: leave them out".to_owned(),
            ),
        );
        None
    }
}

/// Reads one value given as text, as `--set` does: an HCL expression that needs nothing of the stack.
pub(crate) fn literal(text: &str) -> Option<Value> {
    let template = template::parse(&format!("${{{text}}}")).ok()?;
    let expression = template::sole(&template)?;
    plain_value(expression)
}

fn plain_value(expression: &hcl::Expression) -> Option<Value> {
    use hcl::expr::{Expression, ObjectKey, Operation, UnaryOperator};
    Some(match expression {
        Expression::Null => Value::Null,
        Expression::Bool(value) => Value::Bool(*value),
        Expression::Number(number) => crate::value::number(number),
        Expression::String(text) => Value::String(text.clone()),
        Expression::Array(items) => items.iter().map(plain_value).collect::<Option<_>>()?,
        Expression::Parenthesis(inner) => plain_value(inner)?,
        Expression::Operation(operation) => match &**operation {
            Operation::Unary(unary) if unary.operator == UnaryOperator::Neg => match plain_value(&unary.expr)? {
                Value::Number(number) => match number.as_i64() {
                    Some(number) => Value::from(number.checked_neg()?),
                    None => Value::from(-number.as_f64()?),
                },
                _ => return None,
            },
            _ => return None,
        },
        Expression::Object(entries) => {
            let entry = |(key, value): (&ObjectKey, &Expression)| {
                let key = match key {
                    ObjectKey::Identifier(name) => name.to_string(),
                    ObjectKey::Expression(Expression::String(text)) => text.clone(),
                    _ => return None,
                };
                Some((key, plain_value(value)?))
            };
            Value::Object(entries.iter().map(entry).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}
