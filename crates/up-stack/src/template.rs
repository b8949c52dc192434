//! Strings with `${…}` and `%{…}`: HCL templates, parsed by hcl-rs.

use std::{cell::RefCell, collections::HashMap, rc::Rc, str::FromStr};

use hcl::template::Element;

pub(crate) use hcl::Template;
use hcl::expr::Expression;

/// True if a string holds `${` or `%{`, escaped or not.
pub(crate) fn is_template(text: &str) -> bool {
    text.contains("${") || text.contains("%{")
}

/// A syntax error in a template.
pub(crate) struct TemplateError {
    pub(crate) message: String,
    /// The byte at which the parser stopped.
    pub(crate) at: Option<usize>,
}

/// Parses a template. hcl-rs limits its depth to 64, and chained operators to 128.
pub(crate) fn parse(text: &str) -> Result<Template, TemplateError> {
    Template::from_str(text).map_err(|error| match error {
        hcl::Error::Parse(error) => TemplateError {
            message: format!("invalid expression: {}", error.message()),
            at: Some(error.location().offset()),
        },
        other => TemplateError { message: format!("invalid expression: {other}"), at: None },
    })
}

/// Parsed templates inside expressions, by their text.
#[derive(Default)]
pub(crate) struct TemplateCache(RefCell<HashMap<String, Rc<Template>>>);

impl TemplateCache {
    /// The template of a string, parsed on first use.
    pub(crate) fn of<E>(&self, text: &str, parse: impl FnOnce() -> Result<Template, E>) -> Result<Rc<Template>, E> {
        if let Some(known) = self.0.borrow().get(text) {
            return Ok(known.clone());
        }
        let template = Rc::new(parse()?);
        self.0.borrow_mut().insert(text.to_owned(), template.clone());
        Ok(template)
    }
}

/// The expression of a template that consists of a single `${…}`.
pub(crate) fn sole(template: &Template) -> Option<&Expression> {
    match template.elements() {
        [Element::Interpolation(interpolation)] => Some(&interpolation.expr),
        _ => None,
    }
}
