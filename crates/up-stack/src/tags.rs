//! Tags of the stack and of resources, checked against AWS's rules for the kind; and `ignore_tags`.

use std::collections::BTreeSet;

use up_model::{Stamps, Tags, placeholder};

use crate::{
    declare::ResourceBuilder,
    diagnostic::NewDiagnostic,
    loader::Loader,
    node::{Data, Node, TableKey},
    source::SourceSpan,
    value,
};

/// The most that AWS allows.
const MOST: usize = 50;
/// Ownership tags: stack, address and generation.
const OWNERSHIP: usize = 3;

/// `tags` and `ignore_tags` of `[stack]`.
#[derive(Default)]
pub(crate) struct CommonTags {
    /// Tags of every resource.
    tags: Vec<Tag>,
    /// Keys of tags that others manage. `*` at the end matches any suffix.
    pub(crate) ignored: BTreeSet<String>,
    /// How many tags bullstra-up needs for itself.
    reserved: usize,
}

/// A tag, and the span of its value.
struct Tag {
    key: TableKey,
    value: String,
    span: SourceSpan,
}

impl CommonTags {
    /// The tags of every resource.
    pub(crate) fn all(&self) -> Tags {
        self.tags.iter().map(Tag::entry).collect()
    }
}

impl Tag {
    fn entry(&self) -> (String, String) {
        (self.key.text.clone(), self.value.clone())
    }
}

impl Loader {
    /// `tags` and `ignore_tags` of the stack.
    pub(crate) fn common_tags(&self, is_disposable: bool) -> CommonTags {
        CommonTags {
            tags: self.with_setting("tags", |node| self.tags(node)),
            ignored: self.with_setting("ignore_tags", |node| self.ignored_tags(node)),
            reserved: OWNERSHIP + if is_disposable { Stamps::TAGS.len() } else { 0 },
        }
    }

    /// Evaluated tags, checked against the rules of all AWS services.
    fn tags(&self, node: &Node) -> Vec<Tag> {
        let Data::Table(entries) = &node.data else {
            self.wrong_type(node, "a table of strings");
            return vec![];
        };
        let mut tags = vec![];
        for (key, value) in entries {
            let reserved = ["aws:", "bullstra:"].iter().find(|prefix| key.text.to_lowercase().starts_with(**prefix));
            if let Some(reserved) = reserved {
                self.report(NewDiagnostic::new(key.span, format!("the prefix `{reserved}` of tag keys is reserved")));
            } else if !(1..=128).contains(&key.text.chars().count()) {
                self.report(NewDiagnostic::new(key.span, "a tag key has 1 to 128 characters"));
            }
            match &value.data {
                Data::Text(text) if text.chars().count() > 256 && value::placeholder_in(&value.value()).is_none() => {
                    self.report(NewDiagnostic::new(value.span, "a tag value has at most 256 characters"));
                }
                Data::Text(text) => tags.push(Tag { key: key.clone(), value: text.clone(), span: value.span }),
                _ => self.wrong_type(value, "a string"),
            }
        }
        tags
    }

    fn ignored_tags(&self, node: &Node) -> BTreeSet<String> {
        const EXPECTED: &str = "a tag key, or a prefix followed by `*` such as `backup:*`";
        let Data::List(items) = &node.data else {
            self.wrong_type(node, "a list of tag keys, such as `[\"cost-center\", \"backup:*\"]`");
            return BTreeSet::new();
        };
        let key = |item: &Node| {
            let Some(text) = item.text() else {
                self.wrong_type(item, EXPECTED);
                return None;
            };
            let key = text.strip_suffix('*').unwrap_or(text);
            let why = match value::placeholder_in(&item.value()) {
                Some(quote) => value::not_known_yet(&quote),
                None if key.contains('*') => "`*` is allowed only at the end of a key".to_owned(),
                None if text.is_empty() => "a tag key has 1 to 128 characters".to_owned(),
                None if key.starts_with("bullstra:") => {
                    "the prefix `bullstra:` is reserved for ownership tags, which cannot be ignored".to_owned()
                }
                None => return Some(text.to_owned()),
            };
            self.report(NewDiagnostic::new(item.span, why).expected(EXPECTED));
            None
        };
        items.iter().filter_map(key).collect()
    }
}

impl ResourceBuilder<'_> {
    /// The tags of the resource: those of the stack, overridden by its own.
    pub(crate) fn tags(&self, common: &CommonTags) -> Tags {
        let node = self.resource.tags.as_ref();
        let own = node.map(|node| self.loader.tags(&self.scope.evaluate(node))).unwrap_or_default();
        let is_overridden = |tag: &&Tag| own.iter().any(|own| own.key.text == tag.key.text);
        let all: Vec<&Tag> = common.tags.iter().filter(|tag| !is_overridden(tag)).chain(&own).collect();
        let rules = self.kind.any.info().tags;
        if !rules.any_character {
            all.iter().for_each(|tag| self.check_characters(tag));
        }
        if rules.ignores_case {
            self.check_case(&all);
        }
        let reserved = common.reserved;
        if all.len() > MOST - reserved {
            let span = node.map_or(self.resource.span, |node| node.span);
            let count = all.len();
            let message =
                format!("too many tags: {count} (AWS allows {MOST}, and bullstra-up needs {reserved} of them)");
            self.loader.report(NewDiagnostic::new(span, message));
        }
        all.into_iter().map(Tag::entry).collect()
    }

    /// Most services allow few special characters in tags.
    fn check_characters(&self, tag: &Tag) {
        let value = placeholder::readable(&tag.value);
        let value = if placeholder::has_placeholder(&tag.value) { "" } else { &*value };
        let parts = [("key", tag.key.span, tag.key.text.as_str()), ("value", tag.span, value)];
        for (what, span, text) in parts {
            let Some(odd) = text.chars().find(|c| !is_allowed(*c)) else { continue };
            let message = format!("invalid character {odd:?} in the {what} of the tag `{}`", tag.key.text);
            let diagnostic =
                NewDiagnostic::new(span, message).expected("letters, digits, spaces and `_ . : / = + - @`");
            let hint = format!("{} gets this tag, and only EC2 allows other characters", self.kind.any.name());
            self.loader.report(diagnostic.hint(hint));
        }
    }

    /// Reports keys that differ only in case, for kinds whose tags ignore it.
    fn check_case(&self, all: &[&Tag]) {
        for (index, tag) in all.iter().enumerate() {
            let same = |other: &&&Tag| other.key.text.to_lowercase() == tag.key.text.to_lowercase();
            let Some(other) = all[..index].iter().find(same) else { continue };
            let message = format!(
                "{} ignores the case of tag keys: `{}` and `{}` are the same tag",
                self.kind.any.name(),
                other.key.text,
                tag.key.text
            );
            let diagnostic = NewDiagnostic::new(tag.key.span, message).also(other.key.span, "the other tag");
            self.loader.report(
                diagnostic
                    .hint("write both in the same case; the resource's tag then overrides the stack's".to_owned()),
            );
        }
    }
}

fn is_allowed(c: char) -> bool {
    c.is_alphanumeric() || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@".contains(c)
}
