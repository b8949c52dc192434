//! Tags: those of the stack and of a resource, checked against what AWS takes of its kind, and those of others.

use std::collections::BTreeSet;

use up_core::{Tags, placeholder};

use crate::{
    declare::Declaring,
    diagnostic::Complaint,
    node::{Data, Key, Node},
    source::Place,
    value,
    world::World,
};

/// AWS takes 50 tags, of which up to three say who owns the resource.
const MOST: usize = 47;

/// What `[stack]` says of tags.
#[derive(Default)]
pub(crate) struct CommonTags {
    /// Every resource gets these.
    tags: Vec<Tag>,
    /// Keys that others set; one that ends in `*` means all that begin so.
    pub(crate) ignored: BTreeSet<String>,
}

/// One tag, and where it stands.
struct Tag {
    key: Key,
    value: String,
    place: Place,
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

impl World {
    /// `tags` and `ignore_tags` of the stack.
    pub(crate) fn common_tags(&self) -> CommonTags {
        CommonTags {
            tags: self.with_setting("tags", |node| self.tags(node)),
            ignored: self.with_setting("ignore_tags", |node| self.ignored_tags(node)),
        }
    }

    /// Tags, checked against what all AWS services take.
    fn tags(&self, node: &Node) -> Vec<Tag> {
        let Data::Table(entries) = &node.data else {
            self.wrong_type(node, "a table of texts");
            return vec![];
        };
        let mut tags = vec![];
        for (key, value) in entries {
            let reserved = ["aws:", "bullstra:"].iter().find(|prefix| key.text.to_lowercase().starts_with(**prefix));
            if let Some(reserved) = reserved {
                self.complain(Complaint::new(key.place, format!("tags that begin with `{reserved}` are reserved")));
            } else if !(1..=128).contains(&key.text.chars().count()) {
                self.complain(Complaint::new(key.place, "the key of a tag has 1 to 128 characters"));
            }
            match &value.data {
                Data::Text(text) if text.chars().count() > 256 && value::mark_in(&value.value()).is_none() => {
                    self.complain(Complaint::new(value.place, "the value of a tag has at most 256 characters"));
                }
                Data::Text(text) => tags.push(Tag { key: key.clone(), value: text.clone(), place: value.place }),
                _ => self.wrong_type(value, "text"),
            }
        }
        tags
    }

    fn ignored_tags(&self, node: &Node) -> BTreeSet<String> {
        const EXPECTED: &str = "the key of a tag, or its beginning with `*` behind it: `backup:*`";
        let Data::List(items) = &node.data else {
            self.wrong_type(node, "a list of keys of tags, such as `[\"cost-center\", \"backup:*\"]`");
            return BTreeSet::new();
        };
        let key = |item: &Node| {
            let Some(text) = item.text() else {
                self.wrong_type(item, EXPECTED);
                return None;
            };
            let key = text.strip_suffix('*').unwrap_or(text);
            let why = match value::mark_in(&item.value()) {
                Some(quote) => value::not_known(&quote),
                None if key.contains('*') => "`*` stands at the end of a key only".to_owned(),
                None if text.is_empty() => "the key of a tag has 1 to 128 characters".to_owned(),
                None if key.starts_with("bullstra:") => {
                    "tags that begin with `bullstra:` say what the stack owns and cannot be ignored".to_owned()
                }
                None => return Some(text.to_owned()),
            };
            self.complain(Complaint::new(item.place, why).expected(EXPECTED));
            None
        };
        items.iter().filter_map(key).collect()
    }
}

impl Declaring<'_> {
    /// The tags of the resource: those of the stack, overlaid by its own.
    pub(crate) fn tags(&self, common: &CommonTags) -> Tags {
        let node = self.resource.tags.as_ref();
        let own = node.map(|node| self.world.tags(&self.scope.evaluate(node))).unwrap_or_default();
        let is_overlaid = |tag: &&Tag| own.iter().any(|own| own.key.text == tag.key.text);
        let all: Vec<&Tag> = common.tags.iter().filter(|tag| !is_overlaid(tag)).chain(&own).collect();
        let rules = self.kind.any.info().tags;
        if !rules.any_character {
            all.iter().for_each(|tag| self.check_characters(tag));
        }
        if rules.ignores_case {
            self.check_case(&all);
        }
        if all.len() > MOST {
            let place = node.map_or(self.resource.place, |node| node.place);
            let message = format!("{} tags are too many: AWS takes 50, and three are bullstra-up's own", all.len());
            self.world.complain(Complaint::new(place, message));
        }
        all.into_iter().map(Tag::entry).collect()
    }

    /// Most services take few signs in tags.
    fn check_characters(&self, tag: &Tag) {
        let value = placeholder::readable(&tag.value);
        let value = if placeholder::has_placeholder(&tag.value) { "" } else { &*value };
        let parts = [("key", tag.key.place, tag.key.text.as_str()), ("value", tag.place, value)];
        for (what, place, text) in parts {
            let Some(odd) = text.chars().find(|c| !is_taken(*c)) else { continue };
            let message = format!("the {what} of the tag `{}` holds {odd:?}, which AWS refuses", tag.key.text);
            let complaint = Complaint::new(place, message).expected("letters, digits, spaces and `_ . : / = + - @`");
            let hint = format!("{} gets this tag; only EC2 takes other characters", self.kind.any.name());
            self.world.complain(complaint.hint(hint));
        }
    }

    /// Where case makes no difference, two keys that differ in nothing else are one.
    fn check_case(&self, all: &[&Tag]) {
        for (index, tag) in all.iter().enumerate() {
            let same = |other: &&&Tag| other.key.text.to_lowercase() == tag.key.text.to_lowercase();
            let Some(other) = all[..index].iter().find(same) else { continue };
            let message = format!(
                "{} ignores the case of keys: `{}` and `{}` are one tag",
                self.kind.any.name(),
                other.key.text,
                tag.key.text
            );
            let complaint = Complaint::new(tag.key.place, message).also(other.key.place, "the other one");
            self.world.complain(
                complaint
                    .hint("write both in the same case: the resource's own goes over that of the stack".to_owned()),
            );
        }
    }
}

fn is_taken(c: char) -> bool {
    c.is_alphanumeric() || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@".contains(c)
}
