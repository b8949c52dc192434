//! Text with `${…}` and `%{…}`: HCL's template language, parsed by hcl-rs.

use std::str::FromStr;

use hcl::template::Element;

pub(crate) use hcl::Template;
use hcl::expr::Expression;

/// The most brackets that may stand inside each other in one `${…}`.
const DEEPEST: usize = 48;
/// The most operators in one `${…}`: each makes the expression one level deeper.
const MOST_OPERATORS: usize = 400;

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

/// Parses a template.
pub(crate) fn parse(text: &str) -> Result<Template, NoTemplate> {
    if is_too_deep(text) {
        let message = "this expression is nested too deeply; give its parts names in `[locals]`".into();
        return Err(NoTemplate { message, at: None });
    }
    Template::from_str(text).map_err(|error| match error {
        hcl::Error::Parse(error) => NoTemplate {
            message: format!("this is no expression: {}", error.message()),
            at: Some(error.location().offset()),
        },
        other => NoTemplate { message: format!("this is no expression: {other}"), at: None },
    })
}

/// The expression, where a template is nothing but one `${…}`: it then keeps its type.
pub(crate) fn sole(template: &Template) -> Option<&Expression> {
    match template.elements() {
        [Element::Interpolation(interpolation)] => Some(&interpolation.expr),
        _ => None,
    }
}

/// The parser goes one level of the machine's stack deeper for each bracket and operator: so they are counted first.
fn is_too_deep(text: &str) -> bool {
    if text.matches("%{").count() > MOST_OPERATORS {
        return true;
    }
    let (mut depth, mut operators) = (0_usize, 0_usize);
    let mut previous = ' ';
    for next in text.chars() {
        match next {
            '{' if depth > 0 || matches!(previous, '$' | '%') => depth += 1,
            '(' | '[' if depth > 0 => depth += 1,
            ')' | ']' | '}' if depth > 0 => {
                depth -= 1;
                operators = if depth == 0 { 0 } else { operators };
            }
            '!' | '-' | '+' | '*' | '/' | '%' | '<' | '>' | '=' | '&' | '|' | '?' | '.' if depth > 0 => operators += 1,
            _ => {}
        }
        if depth > DEEPEST || operators > MOST_OPERATORS {
            return true;
        }
        previous = next;
    }
    false
}
