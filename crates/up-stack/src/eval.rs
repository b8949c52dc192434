//! Evaluates expressions and templates.
//!
//! hcl-rs parses; its own evaluator is not used, because it wants every variable's value beforehand (here a value is
//! found out when it is first needed), takes functions without a context (`file` has to know where it may read),
//! evaluates every argument (`try` and `can` must not fail with theirs), and knows neither marks nor limits.

use std::rc::Rc;

use hcl::{
    expr::{Conditional, Expression, ForExpr, FuncCall, Object, ObjectKey, TemplateExpr, Traversal, TraversalOperator},
    template::{Strip, Template},
};
use serde_json::{Map, Value};
use up_core::placeholder::{self, Placeholder};

use crate::{
    functions, operators,
    scope::Scope,
    template,
    value::{
        self, Fault, as_outside, as_resource, by_key, described, entry, item, mark_in, not_known, size, to_bool,
        to_text,
    },
};

/// The largest text or list that one expression may make.
pub(crate) const LARGEST: usize = 4 * 1024 * 1024;

/// Evaluates what belongs to one place of a file.
pub(crate) struct Evaluator<'a> {
    pub(crate) scope: Scope<'a>,
    /// The variables of the `for`s around, innermost last.
    pub(crate) variables: Vec<(String, Rc<Value>)>,
}

type Result<T, E = Fault> = std::result::Result<T, E>;

impl<'a> Evaluator<'a> {
    pub(crate) fn new(scope: Scope<'a>) -> Self {
        Self { scope, variables: vec![] }
    }

    /// Evaluates what stands in a file of its own, which knows only its variables.
    pub(crate) fn of_file(scope: Scope<'a>, variables: Vec<(String, Rc<Value>)>) -> Self {
        Self { scope: Scope { is_file: true, ..scope }, variables }
    }

    /// Evaluates a whole text: one that is nothing but `${…}` keeps its type.
    pub(crate) fn template(&mut self, template: &Template) -> Result<Value> {
        match template::sole(template) {
            Some(expression) => self.expression(expression),
            None => self.text(template).map(Value::String),
        }
    }

    /// Evaluates a template to text.
    pub(crate) fn text(&mut self, template: &Template) -> Result<String> {
        let mut text = String::new();
        self.elements(&mut text, template, Strip::None, Strip::None)?;
        Ok(text)
    }

    /// Evaluates an expression.
    pub(crate) fn expression(&mut self, expression: &Expression) -> Result<Value> {
        self.scope.world.burn(1)?;
        match expression {
            Expression::Null => Ok(Value::Null),
            Expression::Bool(value) => Ok(Value::Bool(*value)),
            Expression::Number(number) => Ok(value::number(number)),
            Expression::String(text) => unmarked(text).map(|text| Value::String(text.to_owned())),
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
            other => Err(Fault::new(format!("this expression cannot be used here: {other:?}"))),
        }
    }

    /// Evaluates an expression that must be a bool.
    pub(crate) fn bool(&mut self, expression: &Expression, what: &str) -> Result<bool> {
        let value = self.expression(expression)?;
        to_bool(&value).ok_or_else(|| match mark_in(&value) {
            Some(quote) => Fault::new(not_known(&quote)),
            None => Fault::new(format!("{what} must be true or false, and is {}", described(&value))),
        })
    }

    fn variable(&self, name: &str) -> Option<&Rc<Value>> {
        self.variables.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    fn object(&mut self, entries: &Object<ObjectKey, Expression>) -> Result<Value> {
        let mut map = Map::new();
        for (key, expression) in entries.iter() {
            let key = match key {
                ObjectKey::Identifier(name) => name.to_string(),
                ObjectKey::Expression(expression) => {
                    let key = self.expression(expression)?;
                    self.key(&key)?
                }
                other => return Err(Fault::new(format!("this cannot be a key: {other:?}"))),
            };
            map.insert(key, self.expression(expression)?);
        }
        Ok(Value::Object(map))
    }

    /// A value as the key of a map.
    fn key(&self, key: &Value) -> Result<String> {
        match mark_in(key) {
            Some(quote) => Err(Fault::new(format!("this cannot be a key: {}", not_known(&quote)))),
            None => to_text(key),
        }
    }

    /// hcl-rs leaves a text in an expression unparsed; in a loop it is met again and again.
    fn quoted(&mut self, expression: &TemplateExpr) -> Result<Value> {
        let parsed =
            || Template::from_expr(expression).map_err(|_| Fault::new("a text in this expression is no template"));
        let template = match expression {
            TemplateExpr::QuotedString(text) => self.scope.world.templates.of(text, parsed)?,
            TemplateExpr::Heredoc(_) => Rc::new(parsed()?),
        };
        self.template(&template)
    }

    fn conditional(&mut self, conditional: &Conditional) -> Result<Value> {
        let Conditional { cond_expr, true_expr, false_expr } = conditional;
        if self.bool(cond_expr, "the condition before `?`")? {
            self.expression(true_expr)
        } else {
            self.expression(false_expr)
        }
    }

    fn call(&mut self, call: &FuncCall) -> Result<Value> {
        let name = call.name.to_string();
        match name.as_str() {
            "try" => return self.try_each(&call.args),
            "can" => return self.can(&call.args),
            _ => {}
        }
        let function = functions::find(&name)?;
        let mut arguments = Vec::with_capacity(call.args.len());
        for (index, argument) in call.args.iter().enumerate() {
            let value = self.expression(argument)?;
            match value {
                Value::Array(items) if call.expand_final && index + 1 == call.args.len() => arguments.extend(items),
                other if call.expand_final && index + 1 == call.args.len() => {
                    let message = format!("`...` stands behind a list, and this is {}", described(&other));
                    return Err(Fault::new(message));
                }
                other => arguments.push(other),
            }
        }
        let world = self.scope.world;
        world.burn(world.taint.cost(&arguments) / 256)?;
        let value = function.call(&arguments, &self.scope).map_err(|fault| fault.needle(format!("{name}(")))?;
        world.taint.spread(&arguments, &value);
        self.measured(value)
    }

    /// The first of `try`'s arguments that has a value.
    fn try_each(&mut self, arguments: &[Expression]) -> Result<Value> {
        let depth = self.variables.len();
        let mut last = Fault::new("`try` wants at least one argument");
        for argument in arguments {
            match self.expression(argument) {
                Ok(value) => return Ok(value),
                Err(fault) => last = fault,
            }
            self.variables.truncate(depth);
        }
        Err(last)
    }

    fn can(&mut self, arguments: &[Expression]) -> Result<Value> {
        let [argument] = arguments else { return Err(Fault::new("`can` wants one argument").needle("can(")) };
        let depth = self.variables.len();
        let can = self.expression(argument).is_ok();
        self.variables.truncate(depth);
        Ok(Value::Bool(can))
    }

    /// Refuses what is too large, and counts the rest.
    fn measured(&self, value: Value) -> Result<Value> {
        let size = size(&value);
        self.scope.world.burn(size / 32)?;
        if size > LARGEST { Err(Fault::new("this makes more than 4 MiB")) } else { Ok(value) }
    }

    fn for_expression(&mut self, each: &ForExpr) -> Result<Value> {
        let ForExpr { key_var, value_var, collection_expr, key_expr, value_expr, grouping, cond_expr } = each;
        let items = self.collection(collection_expr)?;
        let (mut list, mut map, mut bytes) = (vec![], Map::new(), 0);
        for (key, item) in items {
            let depth = self.bind(key_var.as_deref(), key, value_var, item);
            if match cond_expr {
                Some(condition) => self.bool(condition, "what stands behind `if`")?,
                None => true,
            } {
                let value = self.expression(value_expr)?;
                bytes += size(&value);
                if bytes > LARGEST {
                    return Err(Fault::new("this makes more than 4 MiB"));
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
        self.scope.world.burn(bytes / 32)?;
        Ok(if key_expr.is_some() { Value::Object(map) } else { Value::Array(list) })
    }

    fn insert(&self, map: &mut Map<String, Value>, key: String, value: Value, grouping: bool) -> Result<()> {
        if grouping {
            if let Value::Array(items) = map.entry(key).or_insert_with(|| Value::Array(vec![])) {
                items.push(value);
            }
            return Ok(());
        }
        if map.contains_key(&key) {
            let hint = "end the value with `...` to collect all values of a key in a list".to_owned();
            return Err(Fault::new(format!("this `for` gives the key `{key}` twice")).hint(hint));
        }
        map.insert(key, value);
        Ok(())
    }

    /// Adds the variables of one turn of a `for`; returns how many there were before.
    pub(crate) fn bind(&mut self, key_var: Option<&str>, key: Value, value_var: &str, value: Value) -> usize {
        let depth = self.variables.len();
        if let Some(key_var) = key_var {
            self.variables.push((key_var.to_owned(), Rc::new(key)));
        }
        self.variables.push((value_var.to_owned(), Rc::new(value)));
        depth
    }

    /// Keys and values of what a `for` walks over.
    pub(crate) fn collection(&mut self, expression: &Expression) -> Result<Vec<(Value, Value)>> {
        let value = self.expression(expression)?;
        match value {
            Value::Array(items) => {
                Ok(items.into_iter().enumerate().map(|(index, item)| (Value::from(index), item)).collect())
            }
            Value::Object(ref map) if as_resource(&value).is_none() => {
                Ok(by_key(map).into_iter().map(|(key, item)| (key.as_str().into(), item.clone())).collect())
            }
            other => Err(Fault::new(format!("`for` walks over a list or a map, and this is {}", described(&other)))),
        }
    }

    fn traversal(&mut self, traversal: &Traversal) -> Result<Value> {
        let steps = traversal.operators.iter().map(|operator| self.step(operator)).collect::<Result<Vec<_>>>()?;
        let (base, used) = match &traversal.expr {
            Expression::Variable(name) => match self.variable(name) {
                Some(value) => (value.clone(), 0),
                None => self.scope.root(name, &names(&steps))?,
            },
            other => (Rc::new(self.expression(other)?), 0),
        };
        self.walk(&base, &steps[used..])
    }

    fn step(&mut self, operator: &TraversalOperator) -> Result<Step> {
        Ok(match operator {
            TraversalOperator::GetAttr(name) => Step::Name(name.to_string()),
            TraversalOperator::LegacyIndex(index) => Step::Item(usize::try_from(*index).unwrap_or(usize::MAX)),
            TraversalOperator::AttrSplat => Step::AttributeSplat,
            TraversalOperator::FullSplat => Step::FullSplat,
            TraversalOperator::Index(index) => match self.expression(index)? {
                Value::String(text) => match mark_in(&Value::String(text.clone())) {
                    Some(quote) => return Err(Fault::new(not_known(&quote))),
                    None => Step::Name(text),
                },
                index => {
                    let whole = value::to_number(&index).and_then(|number| number.as_u64());
                    let wrong = || Fault::new(format!("an index is a whole number or text, not {}", described(&index)));
                    Step::Item(usize::try_from(whole.ok_or_else(wrong)?).unwrap_or(usize::MAX))
                }
            },
        })
    }

    fn walk(&self, base: &Value, steps: &[Step]) -> Result<Value> {
        let mut value = base;
        let mut attribute;
        for (index, step) in steps.iter().enumerate() {
            let rest = &steps[index + 1..];
            value = match step {
                Step::Name(name) if as_resource(value).is_some() || as_outside(value).is_some() => {
                    attribute = self.attribute(value, name)?;
                    &attribute
                }
                Step::Name(name) => entry(value, name)?,
                Step::Item(index) => item(value, *index)?,
                Step::AttributeSplat => {
                    let own = rest.iter().take_while(|next| matches!(next, Step::Name(_))).count();
                    let list = self.splat(value, &rest[..own])?;
                    return self.walk(&list, &rest[own..]);
                }
                Step::FullSplat => return self.splat(value, rest),
            };
        }
        Ok(value.clone())
    }

    /// What follows `[*]`, for each item. All resources of a `for_each` count as items.
    fn splat(&self, value: &Value, steps: &[Step]) -> Result<Value> {
        self.scope.world.burn(size(value) / 32)?;
        match value {
            Value::Null => Ok(Value::Array(vec![])),
            Value::Array(items) => items.iter().map(|item| self.walk(item, steps)).collect(),
            Value::Object(map) if map.values().all(|item| as_resource(item).is_some()) => {
                by_key(map).into_iter().map(|(_, item)| self.walk(item, steps)).collect()
            }
            other => Ok(Value::Array(vec![self.walk(other, steps)?])),
        }
    }

    /// An attribute of a resource: a mark, or the id of something outside the stack.
    fn attribute(&self, value: &Value, name: &str) -> Result<Value> {
        let Some(address) = as_resource(value) else {
            return match (as_outside(value), name) {
                (Some(id), "id") => Ok(Value::String(id.to_owned())),
                _ => Err(Fault::new(format!("`{name}` is not known of what lives outside the stack; only `id` is"))),
            };
        };
        let attributes = self.scope.world.kinds.find(&address.kind).map(|kind| kind.attributes()).unwrap_or_default();
        if attributes.contains(&name) {
            let quote = Placeholder { address: address.text(), attribute: name.to_owned() };
            return Ok(Value::String(quote.mark()));
        }
        let did_you_mean = crate::suggest::closest(name, &attributes).map(|name| format!("did you mean `{name}`? "));
        let hint = format!("{}it has {}", did_you_mean.unwrap_or_default(), crate::suggest::listed(&attributes));
        Err(Fault::new(format!("{} has no attribute `{name}` that can be quoted", address.kind))
            .hint(hint)
            .needle(name))
    }
}

/// One step from a value to a part of it, its index known.
enum Step {
    Name(String),
    Item(usize),
    AttributeSplat,
    FullSplat,
}

/// The names that a traversal begins with, written `.name` or `["name"]`.
fn names(steps: &[Step]) -> Vec<&str> {
    let names = steps.iter().map_while(|step| match step {
        Step::Name(name) => Some(name.as_str()),
        _ => None,
    });
    names.collect()
}

/// Marks are made by the language, never written.
pub(crate) fn unmarked(text: &str) -> Result<&str> {
    if placeholder::is_reserved(text) {
        return Err(Fault::new("the characters U+E000 and U+E001 are bullstra-up's own"));
    }
    Ok(text)
}
