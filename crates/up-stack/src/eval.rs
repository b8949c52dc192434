//! Evaluates expressions and templates.
//!
//! hcl-rs parses. Its own evaluator is not used: it needs every variable's value in advance, where here values are evaluated
//! on first use; its functions have no context, where `file` must know which folders it may read; it evaluates all arguments
//! of `try` and `can`; and it has neither placeholders nor limits.

use std::rc::Rc;

use hcl::{
    expr::{Conditional, Expression, ForExpr, FuncCall, Object, ObjectKey, TemplateExpr, Traversal, TraversalOperator},
    template::{Strip, Template},
};
use serde_json::{Map, Value};
use up_model::placeholder::{self, Placeholder};

use crate::{
    functions, operators,
    scope::NameScope,
    template,
    value::{
        self, EvalError, EvalResult, as_outside, as_resource, by_key, described, entry, item, not_known_yet,
        placeholder_in, size, to_bool, to_text,
    },
};

/// The largest value that one expression may make, in bytes.
pub(crate) const LARGEST: usize = 4 * 1024 * 1024;

/// Evaluates the expressions of one value in a file.
pub(crate) struct Evaluator<'a> {
    pub(crate) scope: NameScope<'a>,
    /// Variables of the enclosing `for` expressions, innermost last.
    pub(crate) variables: Vec<(String, Rc<Value>)>,
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(scope: NameScope<'a>) -> Self {
        Self { scope, variables: vec![] }
    }

    /// Evaluates a template file, which sees only `variables`.
    pub(crate) fn of_file(scope: NameScope<'a>, variables: Vec<(String, Rc<Value>)>) -> Self {
        Self { scope: NameScope { is_file: true, ..scope }, variables }
    }

    /// Evaluates a string. One that consists of a single `${…}` keeps the type of its value.
    pub(crate) fn template(&mut self, template: &Template) -> EvalResult<Value> {
        match template::sole(template) {
            Some(expression) => self.expression(expression),
            None => self.text(template).map(Value::String),
        }
    }

    /// Evaluates a template to a string.
    pub(crate) fn text(&mut self, template: &Template) -> EvalResult<String> {
        let mut text = String::new();
        self.elements(&mut text, template, Strip::None, Strip::None)?;
        Ok(text)
    }

    /// Evaluates an expression.
    pub(crate) fn expression(&mut self, expression: &Expression) -> EvalResult<Value> {
        self.scope.loader.spend(1)?;
        match expression {
            Expression::Null => Ok(Value::Null),
            Expression::Bool(value) => Ok(Value::Bool(*value)),
            Expression::Number(number) => Ok(value::number(number)),
            Expression::String(text) => without_reserved(text).map(|text| Value::String(text.to_owned())),
            Expression::Array(items) => items.iter().map(|item| self.expression(item)).collect(),
            Expression::Object(entries) => self.object(entries),
            Expression::TemplateExpr(template) => self.quoted(template),
            Expression::Variable(name) => match self.variable(name) {
                Some(value) => Ok((**value).clone()),
                None => self.scope.root(name, &[]).map(|(value, _)| (*value).clone()),
            },
            Expression::Traversal(traversal) => self.traversal(traversal),
            Expression::FuncCall(call) => self.call(call),
            Expression::Parenthesis(inner) => self.expression(inner),
            Expression::Conditional(conditional) => self.conditional(conditional),
            Expression::Operation(operation) => operators::evaluate(self, operation),
            Expression::ForExpr(each) => self.for_expression(each),
            other => Err(EvalError::new(format!("unsupported expression: {other:?}"))),
        }
    }

    /// Evaluates an expression that must be a bool.
    pub(crate) fn bool(&mut self, expression: &Expression, what: &str) -> EvalResult<bool> {
        let value = self.expression(expression)?;
        to_bool(&value).ok_or_else(|| match placeholder_in(&value) {
            Some(quote) => EvalError::new(not_known_yet(&quote)),
            None => EvalError::new(format!("{what} must be true or false, not {}", described(&value))),
        })
    }

    fn variable(&self, name: &str) -> Option<&Rc<Value>> {
        self.variables.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    fn object(&mut self, entries: &Object<ObjectKey, Expression>) -> EvalResult<Value> {
        let mut map = Map::new();
        for (key, expression) in entries.iter() {
            let key = match key {
                ObjectKey::Identifier(name) => name.to_string(),
                ObjectKey::Expression(expression) => {
                    let key = self.expression(expression)?;
                    self.key(&key)?
                }
                other => return Err(EvalError::new(format!("unsupported key: {other:?}"))),
            };
            map.insert(key, self.expression(expression)?);
        }
        Ok(Value::Object(map))
    }

    /// A value as a map key.
    fn key(&self, key: &Value) -> EvalResult<String> {
        match placeholder_in(key) {
            Some(quote) => {
                Err(EvalError::new(format!("the keys of a map must be known in advance: {}", not_known_yet(&quote))))
            }
            None => to_text(key),
        }
    }

    /// A quoted string in an expression. hcl-rs leaves it unparsed; the cache parses it once, even in a loop.
    fn quoted(&mut self, expression: &TemplateExpr) -> EvalResult<Value> {
        let parsed = || {
            Template::from_expr(expression).map_err(|_| EvalError::new("invalid string template in this expression"))
        };
        let template = match expression {
            TemplateExpr::QuotedString(text) => self.scope.loader.templates.of(text, parsed)?,
            TemplateExpr::Heredoc(_) => Rc::new(parsed()?),
        };
        self.template(&template)
    }

    fn conditional(&mut self, conditional: &Conditional) -> EvalResult<Value> {
        let Conditional { cond_expr, true_expr, false_expr } = conditional;
        if self.bool(cond_expr, "the condition before `?`")? {
            self.expression(true_expr)
        } else {
            self.expression(false_expr)
        }
    }

    fn call(&mut self, call: &FuncCall) -> EvalResult<Value> {
        let name = call.name.to_string();
        match name.as_str() {
            "try" => return self.try_each(&call.args),
            "can" => return self.can(&call.args),
            _ => {}
        }
        let function = functions::find(&name, &self.scope.loader.suggestions)?;
        let mut arguments = Vec::with_capacity(call.args.len());
        for (index, argument) in call.args.iter().enumerate() {
            let value = self.expression(argument)?;
            match value {
                Value::Array(items) if call.expand_final && index + 1 == call.args.len() => arguments.extend(items),
                other if call.expand_final && index + 1 == call.args.len() => {
                    let message = format!("`...` must follow a list, not {}", described(&other));
                    return Err(EvalError::new(message));
                }
                other => arguments.push(other),
            }
        }
        let loader = self.scope.loader;
        loader.spend(loader.sensitive.cost(&arguments) / 256)?;
        let value = function.call(&arguments, &self.scope).map_err(|error| error.underline(format!("{name}(")))?;
        loader.sensitive.add_derived(&arguments, &value);
        self.measured(value)
    }

    /// `try`: the first argument that evaluates without an error.
    fn try_each(&mut self, arguments: &[Expression]) -> EvalResult<Value> {
        let depth = self.variables.len();
        let mut last = EvalError::new("`try` needs at least one argument");
        for argument in arguments {
            match self.expression(argument) {
                Ok(value) => return Ok(value),
                Err(error) => last = error,
            }
            self.variables.truncate(depth);
        }
        Err(last)
    }

    fn can(&mut self, arguments: &[Expression]) -> EvalResult<Value> {
        let [argument] = arguments else { return Err(EvalError::new("`can` takes one argument").underline("can(")) };
        let depth = self.variables.len();
        let can = self.expression(argument).is_ok();
        self.variables.truncate(depth);
        Ok(Value::Bool(can))
    }

    /// Refuses a value that is too large, and takes its size from the budget.
    fn measured(&self, value: Value) -> EvalResult<Value> {
        let size = size(&value);
        self.scope.loader.spend(size / 32)?;
        if size > LARGEST { Err(EvalError::new("the value is larger than 4 MiB")) } else { Ok(value) }
    }

    fn for_expression(&mut self, each: &ForExpr) -> EvalResult<Value> {
        let ForExpr { key_var, value_var, collection_expr, key_expr, value_expr, grouping, cond_expr } = each;
        let items = self.collection(collection_expr)?;
        let (mut list, mut map, mut bytes) = (vec![], Map::new(), 0);
        for (key, item) in items {
            let depth = self.bind(key_var.as_deref(), key, value_var, item);
            if match cond_expr {
                Some(condition) => self.bool(condition, "the condition after `if`")?,
                None => true,
            } {
                let value = self.expression(value_expr)?;
                bytes += size(&value);
                if bytes > LARGEST {
                    return Err(EvalError::new("the value is larger than 4 MiB"));
                }
                match key_expr {
                    None => list.push(value),
                    Some(key) => {
                        let key = self.expression(key)?;
                        self.insert(&mut map, self.key(&key)?, value, *grouping)?;
                    }
                }
            }
            self.variables.truncate(depth);
        }
        self.scope.loader.spend(bytes / 32)?;
        Ok(if key_expr.is_some() { Value::Object(map) } else { Value::Array(list) })
    }

    fn insert(&self, map: &mut Map<String, Value>, key: String, value: Value, grouping: bool) -> EvalResult<()> {
        if grouping {
            if let Value::Array(items) = map.entry(key).or_insert_with(|| Value::Array(vec![])) {
                items.push(value);
            }
            return Ok(());
        }
        if map.contains_key(&key) {
            let hint = "write `...` after the value to collect the values of a key in a list".to_owned();
            return Err(EvalError::new(format!("duplicate key in `for`: `{key}`")).hint(hint));
        }
        map.insert(key, value);
        Ok(())
    }

    /// Adds the variables of one iteration of a `for`. Returns how many there were before.
    pub(crate) fn bind(&mut self, key_var: Option<&str>, key: Value, value_var: &str, value: Value) -> usize {
        let depth = self.variables.len();
        if let Some(key_var) = key_var {
            self.variables.push((key_var.to_owned(), Rc::new(key)));
        }
        self.variables.push((value_var.to_owned(), Rc::new(value)));
        depth
    }

    /// Keys and values that a `for` iterates over.
    pub(crate) fn collection(&mut self, expression: &Expression) -> EvalResult<Vec<(Value, Value)>> {
        let value = self.expression(expression)?;
        match value {
            Value::Array(items) => {
                Ok(items.into_iter().enumerate().map(|(index, item)| (Value::from(index), item)).collect())
            }
            Value::Object(ref map) if as_resource(&value).is_none() => {
                Ok(by_key(map).into_iter().map(|(key, item)| (key.as_str().into(), item.clone())).collect())
            }
            other => Err(EvalError::new(format!("`for` iterates over a list or a map, not {}", described(&other)))),
        }
    }

    fn traversal(&mut self, traversal: &Traversal) -> EvalResult<Value> {
        let steps = traversal.operators.iter().map(|operator| self.step(operator)).collect::<EvalResult<Vec<_>>>()?;
        let (base, used) = match &traversal.expr {
            Expression::Variable(name) => match self.variable(name) {
                Some(value) => (value.clone(), 0),
                None => self.scope.root(name, &names(&steps))?,
            },
            other => (Rc::new(self.expression(other)?), 0),
        };
        self.walk(&base, &steps[used..])
    }

    fn step(&mut self, operator: &TraversalOperator) -> EvalResult<PathStep> {
        Ok(match operator {
            TraversalOperator::GetAttr(name) => PathStep::Name(name.to_string()),
            TraversalOperator::LegacyIndex(index) => PathStep::Item(usize::try_from(*index).unwrap_or(usize::MAX)),
            TraversalOperator::AttrSplat => PathStep::AttributeSplat,
            TraversalOperator::FullSplat => PathStep::FullSplat,
            TraversalOperator::Index(index) => match self.expression(index)? {
                Value::String(text) => match placeholder_in(&Value::String(text.clone())) {
                    Some(quote) => return Err(EvalError::new(not_known_yet(&quote))),
                    None => PathStep::Name(text),
                },
                index => {
                    let whole = value::to_number(&index).and_then(|number| number.as_u64());
                    let wrong =
                        || EvalError::new(format!("an index is a whole number or a string, not {}", described(&index)));
                    PathStep::Item(usize::try_from(whole.ok_or_else(wrong)?).unwrap_or(usize::MAX))
                }
            },
        })
    }

    fn walk(&self, base: &Value, steps: &[PathStep]) -> EvalResult<Value> {
        let mut value = base;
        let mut attribute;
        for (index, step) in steps.iter().enumerate() {
            let rest = &steps[index + 1..];
            value = match step {
                PathStep::Name(name) if as_resource(value).is_some() || as_outside(value).is_some() => {
                    attribute = self.attribute(value, name)?;
                    &attribute
                }
                PathStep::Name(name) => entry(value, name, &self.scope.loader.suggestions)?,
                PathStep::Item(index) => item(value, *index)?,
                PathStep::AttributeSplat => {
                    let own = rest.iter().take_while(|next| matches!(next, PathStep::Name(_))).count();
                    let list = self.splat(value, &rest[..own])?;
                    return self.walk(&list, &rest[own..]);
                }
                PathStep::FullSplat => return self.splat(value, rest),
            };
        }
        Ok(value.clone())
    }

    /// `[*]`: applies `steps` to each item. The instances of a resource with `for_each` are items too.
    fn splat(&self, value: &Value, steps: &[PathStep]) -> EvalResult<Value> {
        self.scope.loader.spend(size(value) / 32)?;
        match value {
            Value::Null => Ok(Value::Array(vec![])),
            Value::Array(items) => items.iter().map(|item| self.walk(item, steps)).collect(),
            Value::Object(map) if map.values().all(|item| as_resource(item).is_some()) => {
                by_key(map).into_iter().map(|(_, item)| self.walk(item, steps)).collect()
            }
            other => Ok(Value::Array(vec![self.walk(other, steps)?])),
        }
    }

    /// An attribute of a resource, as a placeholder; or the id of a resource outside the stack.
    fn attribute(&self, value: &Value, name: &str) -> EvalResult<Value> {
        let Some(address) = as_resource(value) else {
            return match (as_outside(value), name) {
                (Some(id), "id") => Ok(Value::String(id.to_owned())),
                _ => Err(EvalError::new(format!("a resource outside the stack has only `id`, not `{name}`"))),
            };
        };
        let attributes = self.scope.loader.kinds.find(&address.kind).map(|kind| kind.attributes()).unwrap_or_default();
        if attributes.contains(&name) {
            let quote = Placeholder { address: address.text(), attribute: name.to_owned() };
            return Ok(Value::String(quote.mark()));
        }
        let did_you_mean =
            self.scope.loader.suggestions.closest(name, &attributes).map(|name| format!("did you mean `{name}`? "));
        let hint =
            format!("{}its attributes are {}", did_you_mean.unwrap_or_default(), crate::suggest::listed(&attributes));
        Err(EvalError::new(format!("{} has no attribute `{name}`", address.kind)).hint(hint).underline(name))
    }
}

/// One step of a path into a value, its index evaluated.
enum PathStep {
    Name(String),
    Item(usize),
    AttributeSplat,
    FullSplat,
}

/// The names at the start of a path, written `.name` or `["name"]`.
fn names(steps: &[PathStep]) -> Vec<&str> {
    let names = steps.iter().map_while(|step| match step {
        PathStep::Name(name) => Some(name.as_str()),
        _ => None,
    });
    names.collect()
}

/// Refuses the two characters that placeholders are made of.
pub(crate) fn without_reserved(text: &str) -> EvalResult<&str> {
    if placeholder::is_reserved(text) {
        return Err(EvalError::new("the characters U+E000 and U+E001 are reserved for bullstra-up"));
    }
    Ok(text)
}
