//! Rules that a spec breaks.

use std::fmt;

use crate::placeholder;

/// A rule that a spec breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The field, with a path inside it if there is one: `ingress[0].ports`. Empty for the whole resource.
    pub field: String,
    /// What is wrong and what was expected, lower-case, without a full stop.
    pub message: String,
}

impl Problem {
    /// A rule that `field` breaks.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }

    /// A rule that `field` breaks, if it does.
    pub fn when(is_broken: bool, field: impl Into<String>, message: impl Into<String>) -> Option<Self> {
        is_broken.then(|| Self::new(field, message))
    }

    /// A rule that `field` breaks where its text has another form than expected: `a name is 1 to 255 letters`. A text that is
    /// not known yet may have any.
    pub fn unless_form<'a>(
        field: impl Into<String>,
        text: impl Into<Option<&'a String>>,
        is_right: impl FnOnce(&str) -> bool,
        expected: impl fmt::Display,
    ) -> Option<Self> {
        let text = text.into().filter(|text| !placeholder::has_placeholder(text) && !is_right(text))?;
        Some(Self::new(field, format!("{expected}, and this is `{text}`")))
    }
}

/// The rules that a spec breaks, as a list of [`Problem`]s. A row says when one is broken, the field, and what to tell, as
/// [`format!`] takes it.
///
/// ```
/// # let (size, most) = (20, 21);
/// let problems = up_model::problems! {
///     size < 20 => "size", "20 GiB are the least";
///     most < size + 2 => "most", "{most} GiB leave no room to grow from {size}";
/// };
/// assert_eq!(problems, [up_model::Problem::new("most", "21 GiB leave no room to grow from 20")]);
/// ```
#[macro_export]
macro_rules! problems {
    ($($is_broken:expr => $field:expr, $message:literal $(, $part:expr)*;)+) => {{
        let mut problems = Vec::new();
        $(if $is_broken { problems.push($crate::Problem::new($field, format_args!($message $(, $part)*).to_string())) })+
        problems
    }};
}
