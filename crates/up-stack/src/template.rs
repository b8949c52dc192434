//! Text with `${…}` and `%{…}`: HCL's template language, parsed by hcl-rs.

use std::{cell::RefCell, collections::HashMap, rc::Rc, str::FromStr};

use hcl::template::Element;

pub(crate) use hcl::Template;
use hcl::expr::Expression;

/// True where text is more than itself: it holds `${` or `%{`, escaped or not.
pub(crate) fn is_template(text: &str) -> bool {
    text.contains("${") || text.contains("%{")
}

/// Why text is no template.
pub(crate) struct NoTemplate {
    pub(crate) message: String,
    /// The byte of the text at which the parser gave up.
    pub(crate) at: Option<usize>,
}

/// Parses a template. hcl-rs bounds its depth (64) and the operators in a row (128).
pub(crate) fn parse(text: &str) -> Result<Template, NoTemplate> {
    Template::from_str(text).map_err(|error| match error {
        hcl::Error::Parse(error) => NoTemplate {
            message: format!("this is no expression: {}", error.message()),
            at: Some(error.location().offset()),
        },
        other => NoTemplate { message: format!("this is no expression: {other}"), at: None },
    })
}

/// Templates inside of expressions, by their text.
#[derive(Default)]
pub(crate) struct Templates(RefCell<HashMap<String, Rc<Template>>>);

impl Templates {
    /// The template of a text, made when it is first met.
    pub(crate) fn of<E>(&self, text: &str, parse: impl FnOnce() -> Result<Template, E>) -> Result<Rc<Template>, E> {
        if let Some(known) = self.0.borrow().get(text) {
            return Ok(known.clone());
        }
        let template = Rc::new(parse()?);
        self.0.borrow_mut().insert(text.to_owned(), template.clone());
        Ok(template)
    }
}

/// The expression, where a template is nothing but one `${…}`: it then keeps its type.
pub(crate) fn sole(template: &Template) -> Option<&Expression> {
    match template.elements() {
        [Element::Interpolation(interpolation)] => Some(&interpolation.expr),
        _ => None,
    }
}
