//! Parses TOML into [`Node`]s, and strings with `${…}` into templates. Reports all syntax errors.

use std::{ops::Range, rc::Rc};

use serde_json::{Number, Value};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};
use up_model::placeholder;

use crate::{
    brackets,
    diagnostic::{DiagnosticSink, NewDiagnostic},
    node::{Data, Node, TableKey},
    source::{SourceSpan, Sources},
    template,
};

/// A parsed file.
pub(crate) struct Parsed {
    /// All of it, as a table.
    pub(crate) root: Node,
    /// False after an unclosed array or inline table: it is not clear which lines belong to which table.
    pub(crate) is_complete: bool,
}

/// Parses the source that begins at `start`. Errors go to `sink`, and [`Data::Invalid`] takes the value's place.
pub(crate) fn parse(sources: &Sources, sink: &DiagnosticSink, start: SourceSpan) -> Parsed {
    let source = sources.of(start);
    let whole = start.sibling(0..source.text.len());
    let parser = Parser { sources, sink, start, text: &source.text };
    let indent = source.text.len() - source.text.trim_start().len();
    if source.text[indent..].starts_with('{') {
        // As TOML, every line of it would be an error.
        let hint = "a stack is written in TOML; run `bullstra-up apply FILE` to carry out a saved plan";
        let diagnostic = NewDiagnostic::new(start.sibling(indent..indent + 1), "this is JSON, not TOML");
        parser.report(diagnostic.hint(hint.to_owned()));
        return Parsed { root: Node { span: whole, data: Data::Invalid }, is_complete: true };
    }
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    let unclosed = unclosed(&errors, &source.text);
    let end = unclosed.unwrap_or(source.text.len() + 1);
    let is_before_end = |error: &&toml::de::Error| error.span().is_none_or(|span| span.start < end);
    errors.iter().filter(is_before_end).for_each(|error| parser.syntax(error));
    unclosed.into_iter().for_each(|at| parser.unclosed(at));
    let mut root = Node { span: whole, data: parser.table(table.into_inner()) };
    if !errors.is_empty() {
        // The parser skips what it cannot read, which must not be reported as missing too.
        mark_unreadable(&mut root);
    }
    Parsed { root, is_complete: unclosed.is_none() }
}

/// The byte at which an unclosed array or inline table begins, if there is one. All lines after it are errors.
fn unclosed(errors: &[toml::de::Error], text: &str) -> Option<usize> {
    let is_unclosed = |error: &toml::de::Error| {
        ["unclosed array", "unclosed inline table"].iter().any(|message| error.message().starts_with(message))
    };
    if errors.iter().any(is_unclosed) { brackets::unclosed(text) } else { None }
}

/// Marks as invalid what the parser could not read. It leaves empty strings and empty keys in its place.
fn mark_unreadable(node: &mut Node) {
    match &mut node.data {
        Data::Table(entries) => {
            entries.retain(|(key, _)| !key.text.is_empty());
            entries.iter_mut().for_each(|(_, node)| mark_unreadable(node));
        }
        Data::List(items) => items.iter_mut().for_each(mark_unreadable),
        Data::Text(text) if text.is_empty() => node.data = Data::Invalid,
        _ => {}
    }
}

struct Parser<'a> {
    sources: &'a Sources,
    sink: &'a DiagnosticSink,
    start: SourceSpan,
    text: &'a str,
}

impl Parser<'_> {
    /// Reports the unclosed array or inline table that begins at `at`.
    fn unclosed(&self, at: usize) {
        let (what, closing) = if self.text[at..].starts_with('{') { ("inline table", "}") } else { ("array", "]") };
        let diagnostic = NewDiagnostic::new(self.start.sibling(at..at + 1), format!("invalid TOML: unclosed {what}"));
        self.report(diagnostic.label(format!("no `{closing}` closes it")));
    }

    fn syntax(&self, error: &toml::de::Error) {
        let range = error.span().unwrap_or_default();
        let span = self.start.sibling(range.clone());
        let mut lines = error.message().lines();
        let first = lines.next().unwrap_or("syntax error");
        let rest = lines.collect::<Vec<_>>().join(", ");
        let diagnostic = match first {
            "duplicate key" => {
                let name = self.text.get(range).unwrap_or_default().trim();
                NewDiagnostic::new(span, format!("`{name}` is declared twice"))
                    .hint("rename one of them, or merge them".to_owned())
            }
            _ => NewDiagnostic::new(span, format!("invalid TOML: {first}")),
        };
        let diagnostic = if rest.is_empty() { diagnostic } else { diagnostic.expected(rest) };
        self.report(diagnostic);
    }

    fn report(&self, diagnostic: NewDiagnostic) {
        self.sink.add(self.sources, diagnostic);
    }

    fn table(&self, table: DeTable<'_>) -> Data {
        let mut entries: Vec<_> = table
            .into_iter()
            .filter_map(|(key, value)| {
                let span = self.start.sibling(key.span());
                let text = self.plain(key.into_inner().into_owned(), span)?;
                Some((TableKey { text, span }, self.value(value)))
            })
            .collect();
        // In the order of the file; the parser sorts them otherwise.
        entries.sort_by_key(|(key, _)| key.span);
        Data::Table(entries)
    }

    fn value(&self, value: Spanned<DeValue<'_>>) -> Node {
        let range = value.span();
        let span = self.start.sibling(range.clone());
        let data = match value.into_inner() {
            DeValue::String(text) => self.text(text.into_owned(), span),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Data::Number(number.into()),
                Err(_) => self.wrong(span, "number too large"),
            },
            DeValue::Float(number) => match number.as_str().parse().ok().and_then(Number::from_f64) {
                Some(number) => Data::Number(number),
                None => self.wrong(span, "infinite numbers and NaN are not supported"),
            },
            DeValue::Boolean(value) => Data::Bool(value),
            DeValue::Datetime(_) => Data::Text(self.text[range].to_owned()),
            DeValue::Array(items) => Data::List(items.into_iter().map(|item| self.value(item)).collect()),
            DeValue::Table(table) => self.table(table),
        };
        Node { span, data }
    }

    fn wrong(&self, span: SourceSpan, message: &str) -> Data {
        self.report(NewDiagnostic::new(span, message));
        Data::Invalid
    }

    /// A string, which may be a template.
    fn text(&self, text: String, span: SourceSpan) -> Data {
        let Some(text) = self.plain(text, span) else { return Data::Invalid };
        if !template::is_template(&text) {
            return Data::Text(text);
        }
        match template::parse(&text) {
            Ok(template) => Data::Template(Rc::new(template)),
            Err(error) => {
                let at = error.at.map_or(span, |at| self.inside(span, &text, at));
                let hint = error.at.map(|_| "write `$${` for a literal `${`".to_owned());
                self.report(NewDiagnostic::new(at, error.message).hint(hint));
                Data::Invalid
            }
        }
    }

    /// The span of a byte of `text`, if the file holds `text` without escapes; else the span of the whole string.
    fn inside(&self, span: SourceSpan, text: &str, at: usize) -> SourceSpan {
        let Range { start, end } = span.range();
        match self.text[start..end].find(text) {
            Some(offset) => span.sibling(start + offset + at..(start + offset + at + 1).min(end)),
            None => span,
        }
    }

    /// Refuses the two characters that placeholders are made of.
    fn plain(&self, text: String, span: SourceSpan) -> Option<String> {
        if !placeholder::is_reserved(&text) {
            return Some(text);
        }
        self.report(
            NewDiagnostic::new(span, "the characters U+E000 and U+E001 are reserved for bullstra-up")
                .hint("remove them: they are private-use characters without a meaning of their own".to_owned()),
        );
        None
    }
}

/// Parses the value of a `--set`: an HCL expression without names or functions.
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
