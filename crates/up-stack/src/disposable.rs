//! `disposable` and `ttl` of `[stack]`: a stack that is made to be destroyed, and when.

use std::time::Duration;

use jiff::{Span, SpanRelativeTo};

use crate::{
    declare::CheckedResource,
    diagnostic::NewDiagnostic,
    loader::Loader,
    node::{Data, Node},
    value,
};

/// The shortest lifetime: what is younger than half an hour is never swept.
const SHORTEST: Duration = Duration::from_secs(30 * 60);
/// The longest lifetime.
const LONGEST: Duration = Duration::from_secs(90 * 24 * 60 * 60);
const EXPECTED: &str = "a time such as `12h`, `90m` or `3d`";

/// Reads how long a disposable stack lives: `12h`, `90m`, `3d`; a day has 24 hours.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn ttl(text: &str) -> Result<Duration, String> {
    let time = time(text).ok_or_else(|| format!("expected {EXPECTED}"))?;
    match time {
        short if short < SHORTEST => Err("a disposable stack lives for 30 minutes at least".into()),
        long if long > LONGEST => Err("a disposable stack lives for 90 days at most".into()),
        time => Ok(time),
    }
}

/// Reads a time of whole seconds, in any units up to days; a day has 24 hours. `None` for any other text.
pub fn time(text: &str) -> Option<Duration> {
    let span = text.parse::<Span>().ok().filter(|span| !text.trim().is_empty() && !span.is_negative())?;
    let time = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    Some(Duration::from_secs(time.as_secs().try_into().ok()?))
}

impl Loader {
    /// How long the stack lives, if it is disposable.
    pub(crate) fn ttl(&self, is_protected: bool) -> Option<Duration> {
        let root = self.root();
        let (_, entries) = root.file.stack.as_ref()?;
        let [disposable, ttl] = ["disposable", "ttl"].map(|name| entries.get(name));
        let (Some(declared), ttl) = (disposable, ttl.map(|node| (node, self.time(node)))) else {
            if let Some(node) = ttl {
                let diagnostic = NewDiagnostic::new(node.span, "`ttl` has no effect without `disposable`");
                let hint = match is_protected {
                    true => "a protected stack lives until somebody destroys it: remove `ttl`, or `protect`",
                    false => "add `disposable = true`: `sweep` then destroys the stack once it has expired",
                };
                self.report(diagnostic.hint(hint.to_owned()));
            }
            return None;
        };
        if !self.is_true("disposable") {
            return None;
        }
        if is_protected {
            let message = "`protect` and `disposable` exclude each other";
            let hint = "`sweep` destroys a disposable stack with its data, without asking: remove one of the two";
            self.report(NewDiagnostic::new(declared.span, message).hint(hint.to_owned()));
        }
        let Some((_, time)) = ttl else {
            let diagnostic = NewDiagnostic::new(declared.span, "a disposable stack needs a `ttl`");
            self.report(diagnostic.hint("say how long it lives, such as `ttl = \"12h\"`".to_owned()));
            return None;
        };
        time
    }

    fn time(&self, node: &Node) -> Option<Duration> {
        let node = self.setting(node);
        let Some(text) = node.text() else {
            self.wrong_type(&node, "a string such as `12h`");
            return None;
        };
        let read = match value::placeholder_in(&node.value()) {
            Some(quote) => Err(value::not_known_yet(&quote)),
            None => ttl(text),
        };
        read.map_err(|why| self.report(NewDiagnostic::new(node.span, why).expected(EXPECTED))).ok()
    }

    /// Whether a setting that is `true` or `false` is true. Default: false.
    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.with_setting(name, |node| {
            if !matches!(node.data, Data::Bool(_)) {
                self.wrong_type(node, "`true` or `false`");
            }
            matches!(node.data, Data::Bool(true))
        })
    }

    /// Refuses what a sweep, which does not read the stack's files, could not respect.
    pub(crate) fn check_disposable(&self, all: &[CheckedResource]) {
        for CheckedResource { declared, .. } in all.iter().filter(|checked| checked.declared.prevent_destroy) {
            if let Some(span) = self.span_of_prevent_destroy(&declared.address) {
                let message = format!("{}: a disposable stack cannot have `prevent_destroy`", declared.address);
                let hint = "`sweep` destroys the stack without its files, and would not know of it".to_owned();
                self.report(NewDiagnostic::new(span, message).hint(hint));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_are_read_in_any_unit() {
        let seconds = |text| ttl(text).map(|time| time.as_secs());
        for (text, hours) in [("12h", 12), ("3d", 72), ("1d 6h", 30), ("90d", 2160), ("120m", 2)] {
            assert_eq!(seconds(text), Ok(hours * 3600), "{text}");
        }
        for text in ["", "12", "soon", "-1h", "1 month", "29m", "0s", "91d", "+"] {
            assert!(ttl(text).is_err(), "{text}");
        }
    }
}
