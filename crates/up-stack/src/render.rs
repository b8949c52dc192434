//! Renders templates to strings: literals, `${…}`, `%{ if }` and `%{ for }`, and white space that `~` removes.

use hcl::template::{Directive, Element, ForDirective, IfDirective, Strip, Template};

use crate::{
    eval::{Evaluator, LARGEST, without_reserved},
    value::{EvalError, EvalResult, to_text},
};

impl Evaluator<'_> {
    /// Renders a template into `text`. `before` and `after` are the strip markers around it.
    pub(crate) fn elements(
        &mut self,
        text: &mut String,
        template: &Template,
        before: Strip,
        after: Strip,
    ) -> EvalResult<()> {
        let elements = template.elements();
        for (index, element) in elements.iter().enumerate() {
            match element {
                Element::Literal(literal) => {
                    let before = if index == 0 { before } else { strip(&elements[index - 1]) };
                    let after = elements.get(index + 1).map_or(after, strip);
                    text.push_str(without_reserved(stripped(literal, before, after))?);
                }
                Element::Interpolation(interpolation) => {
                    let value = self.expression(&interpolation.expr)?;
                    text.push_str(&to_text(&value)?);
                }
                Element::Directive(directive) => match &**directive {
                    Directive::If(directive) => self.if_directive(text, directive)?,
                    Directive::For(directive) => self.for_directive(text, directive)?,
                },
            }
            self.scope.loader.spend(1)?;
            if text.len() > LARGEST {
                return Err(EvalError::new("the string is larger than 4 MiB"));
            }
        }
        self.scope.loader.spend(text.len() / 32)
    }

    fn if_directive(&mut self, text: &mut String, directive: &IfDirective) -> EvalResult<()> {
        let IfDirective { cond_expr, true_template, false_template, if_strip, else_strip, endif_strip } = directive;
        let is_true = self.bool(cond_expr, "the condition after `if`")?;
        match (is_true, false_template) {
            (true, Some(_)) => self.elements(text, true_template, *if_strip, *else_strip),
            (true, None) => self.elements(text, true_template, *if_strip, *endif_strip),
            (false, Some(template)) => self.elements(text, template, *else_strip, *endif_strip),
            (false, None) => Ok(()),
        }
    }

    fn for_directive(&mut self, text: &mut String, directive: &ForDirective) -> EvalResult<()> {
        for (key, item) in self.collection(&directive.collection_expr)? {
            let depth = self.bind(directive.key_var.as_deref(), key, &directive.value_var, item);
            self.elements(text, &directive.template, directive.for_strip, directive.endfor_strip)?;
            self.variables.truncate(depth);
        }
        Ok(())
    }
}

fn strip(element: &Element) -> Strip {
    let (start, end) = match element {
        Element::Literal(_) => return Strip::None,
        Element::Interpolation(interpolation) => return interpolation.strip,
        Element::Directive(directive) => match &**directive {
            Directive::If(directive) => (directive.if_strip, directive.endif_strip),
            Directive::For(directive) => (directive.for_strip, directive.endfor_strip),
        },
    };
    Strip::from((start.strip_start(), end.strip_end()))
}

/// Removes the white space beside a `~`, up to and including one line break.
fn stripped(mut literal: &str, before: Strip, after: Strip) -> &str {
    let is_space = |c: char| c.is_whitespace() && c != '\r' && c != '\n';
    if before.strip_end() {
        let rest = literal.trim_start_matches(is_space);
        literal = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n')).unwrap_or(rest);
    }
    if after.strip_start() {
        let rest = literal.trim_end_matches(is_space);
        literal = rest.strip_suffix("\r\n").or_else(|| rest.strip_suffix('\n')).unwrap_or(rest);
    }
    literal
}
