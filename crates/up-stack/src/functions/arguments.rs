//! Arguments of a function call: each as the expected type, or an error that names it.

use std::borrow::Cow;

use serde_json::{Map, Value};
use up_model::placeholder;

use crate::{
    scope::NameScope,
    value::{self, EvalError, described, not_known_yet, placeholder_in},
};

/// The arguments of one call. Their number has been checked.
pub(crate) struct Arguments<'a> {
    function: &'a str,
    parameters: &'a [&'a str],
    values: &'a [Value],
    pub(crate) scope: &'a NameScope<'a>,
}

impl<'a> Arguments<'a> {
    pub(crate) fn new(
        function: &'a str,
        parameters: &'a [&'a str],
        values: &'a [Value],
        scope: &'a NameScope<'a>,
    ) -> Self {
        Self { function, parameters, values, scope }
    }

    /// The name of the function.
    pub(crate) fn function(&self) -> &'a str {
        self.function
    }

    /// The argument; null if it was left out.
    pub(crate) fn value(&self, index: usize) -> &'a Value {
        self.values.get(index).unwrap_or(&Value::Null)
    }

    /// The argument, if it was given.
    pub(crate) fn given(&self, index: usize) -> Option<&'a Value> {
        self.values.get(index)
    }

    /// All arguments from `index` on.
    pub(crate) fn rest(&self, index: usize) -> &'a [Value] {
        self.values.get(index..).unwrap_or_default()
    }

    /// A string without placeholders.
    pub(crate) fn text(&self, index: usize) -> Result<Cow<'a, str>, EvalError> {
        self.known(index)?;
        self.text_or_placeholder(index)
    }

    /// A string that may hold placeholders, for functions that only pass it on.
    pub(crate) fn text_or_placeholder(&self, index: usize) -> Result<Cow<'a, str>, EvalError> {
        match self.value(index) {
            Value::String(text) => Ok(Cow::Borrowed(text)),
            plain @ (Value::Bool(_) | Value::Number(_)) => value::to_text(plain).map(Cow::Owned),
            _ => Err(self.wrong(index, "a string")),
        }
    }

    /// A number, or a string that holds one.
    pub(crate) fn number(&self, index: usize) -> Result<f64, EvalError> {
        self.known(index)?;
        let number = value::to_number(self.value(index)).and_then(|number| number.as_f64());
        number.ok_or_else(|| self.wrong(index, "a number"))
    }

    /// A whole number.
    pub(crate) fn whole(&self, index: usize) -> Result<i64, EvalError> {
        self.known(index)?;
        let number = value::to_number(self.value(index)).and_then(|number| number.as_i64());
        number.ok_or_else(|| self.wrong(index, "a whole number"))
    }

    /// A whole number that is not negative.
    pub(crate) fn count(&self, index: usize) -> Result<usize, EvalError> {
        usize::try_from(self.whole(index)?).map_err(|_| self.wrong(index, "a whole number of at least 0"))
    }

    /// A list.
    pub(crate) fn list(&self, index: usize) -> Result<&'a [Value], EvalError> {
        match self.value(index) {
            Value::Array(items) => Ok(items),
            _ => Err(self.wrong(index, "a list")),
        }
    }

    /// A list of strings, which may hold placeholders.
    pub(crate) fn texts(&self, index: usize) -> Result<Vec<String>, EvalError> {
        let text = |item: &Value| value::to_text(item).map_err(|_| self.wrong(index, "a list of strings"));
        self.list(index)?.iter().map(text).collect()
    }

    /// A map, but not a resource.
    pub(crate) fn map(&self, index: usize) -> Result<&'a Map<String, Value>, EvalError> {
        match self.value(index) {
            Value::Object(map) if value::as_resource(self.value(index)).is_none() => Ok(map),
            _ => Err(self.wrong(index, "a map")),
        }
    }

    /// Refuses an argument that holds a placeholder, at any depth.
    pub(crate) fn known(&self, index: usize) -> Result<(), EvalError> {
        match placeholder_in(self.value(index)) {
            Some(quote) => Err(self.invalid(index, &format!("is not known yet: {}", not_known_yet(&quote)))),
            None => Ok(()),
        }
    }

    /// The error for an argument of another type or form than expected.
    pub(crate) fn wrong(&self, index: usize, expected: &str) -> EvalError {
        self.invalid(index, &format!("must be {expected}, not {}", described(self.value(index))))
    }

    /// The error for an argument. `message` continues a sentence whose subject is the parameter.
    pub(crate) fn invalid(&self, index: usize, message: &str) -> EvalError {
        let last = self.parameters.len().saturating_sub(1);
        let name = self.parameters.get(index.min(last)).unwrap_or(&"argument");
        let name = name.trim_end_matches('?').trim_end_matches("...");
        EvalError::new(format!("`{}`: `{name}` {message}", self.function))
    }

    /// A string from outside the stack's files, which must not hold the characters of placeholders.
    pub(crate) fn external(&self, text: String) -> Result<Value, EvalError> {
        if placeholder::is_reserved(&text) {
            let message = "returns the characters U+E000 or U+E001, which are reserved for bullstra-up";
            return Err(EvalError::new(format!("`{}` {message}", self.function)));
        }
        Ok(Value::String(text))
    }
}
