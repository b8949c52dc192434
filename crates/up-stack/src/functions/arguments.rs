//! What a function is called with: each argument as the type it should have, or an error that names it.

use std::borrow::Cow;

use serde_json::{Map, Value};
use up_core::placeholder;

use crate::{
    scope::Scope,
    value::{self, Fault, described, mark_in, not_known},
};

/// The arguments of one call. There are as many as the function's parameters want.
pub(crate) struct Arguments<'a> {
    function: &'a str,
    parameters: &'a [&'a str],
    values: &'a [Value],
    pub(crate) scope: &'a Scope<'a>,
}

impl<'a> Arguments<'a> {
    pub(crate) fn new(function: &'a str, parameters: &'a [&'a str], values: &'a [Value], scope: &'a Scope<'a>) -> Self {
        Self { function, parameters, values, scope }
    }

    /// The name of the function.
    pub(crate) fn function(&self) -> &'a str {
        self.function
    }

    /// The argument as it is; null where it was left out.
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

    /// Text whose content matters: nothing in it may be unknown.
    pub(crate) fn text(&self, index: usize) -> Result<Cow<'a, str>, Fault> {
        self.known(index)?;
        self.marked(index)
    }

    /// Text that is only passed on, so that parts of it may not be known yet.
    pub(crate) fn marked(&self, index: usize) -> Result<Cow<'a, str>, Fault> {
        match self.value(index) {
            Value::String(text) => Ok(Cow::Borrowed(text)),
            plain @ (Value::Bool(_) | Value::Number(_)) => value::to_text(plain).map(Cow::Owned),
            _ => Err(self.wrong(index, "text")),
        }
    }

    /// A number, or text that reads as one.
    pub(crate) fn number(&self, index: usize) -> Result<f64, Fault> {
        self.known(index)?;
        let number = value::to_number(self.value(index)).and_then(|number| number.as_f64());
        number.ok_or_else(|| self.wrong(index, "a number"))
    }

    /// A whole number.
    pub(crate) fn whole(&self, index: usize) -> Result<i64, Fault> {
        self.known(index)?;
        let number = value::to_number(self.value(index)).and_then(|number| number.as_i64());
        number.ok_or_else(|| self.wrong(index, "a whole number"))
    }

    /// A whole number that is not negative.
    pub(crate) fn count(&self, index: usize) -> Result<usize, Fault> {
        usize::try_from(self.whole(index)?).map_err(|_| self.wrong(index, "a whole number of at least 0"))
    }

    /// A list.
    pub(crate) fn list(&self, index: usize) -> Result<&'a [Value], Fault> {
        match self.value(index) {
            Value::Array(items) => Ok(items),
            _ => Err(self.wrong(index, "a list")),
        }
    }

    /// A list of texts, of which parts may not be known yet.
    pub(crate) fn texts(&self, index: usize) -> Result<Vec<String>, Fault> {
        let text = |item: &Value| value::to_text(item).map_err(|_| self.wrong(index, "a list of texts"));
        self.list(index)?.iter().map(text).collect()
    }

    /// A map. A resource is none.
    pub(crate) fn map(&self, index: usize) -> Result<&'a Map<String, Value>, Fault> {
        match self.value(index) {
            Value::Object(map) if value::as_resource(self.value(index)).is_none() => Ok(map),
            _ => Err(self.wrong(index, "a map")),
        }
    }

    /// Refuses an argument that holds something not known yet, at any depth.
    pub(crate) fn known(&self, index: usize) -> Result<(), Fault> {
        match mark_in(self.value(index)) {
            Some(quote) => Err(self.fault(index, &format!("quotes what is not known yet: {}", not_known(&quote)))),
            None => Ok(()),
        }
    }

    /// Says what an argument should be.
    pub(crate) fn wrong(&self, index: usize, expected: &str) -> Fault {
        self.fault(index, &format!("must be {expected}, and is {}", described(self.value(index))))
    }

    /// Says what is wrong with an argument.
    pub(crate) fn fault(&self, index: usize, message: &str) -> Fault {
        let last = self.parameters.len().saturating_sub(1);
        let name = self.parameters.get(index.min(last)).unwrap_or(&"argument");
        let name = name.trim_end_matches('?').trim_end_matches("...");
        Fault::new(format!("`{}`: `{name}` {message}", self.function))
    }

    /// Text from outside the stack's files, which must not look like a mark.
    pub(crate) fn outside(&self, text: String) -> Result<Value, Fault> {
        if placeholder::is_reserved(&text) {
            let message = "gives the characters U+E000 or U+E001, which are bullstra-up's own";
            return Err(Fault::new(format!("`{}` {message}", self.function)));
        }
        Ok(Value::String(text))
    }
}
