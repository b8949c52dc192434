//! Addresses, such as `network/ec2.subnet.private:a`: the names of a stack's resources.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

/// A resource's name within its stack: `module/service.kind.name:key`.
///
/// It is the node of the graph, the line of a plan, what `--target` takes, and the value of the tag `bullstra:address`
/// on the live resource. It therefore has one spelling, of characters that every AWS service allows in a tag: letters,
/// digits and `_ - . : /`. Module and key are absent when there is none; a module in a module reads `a/b/…`, and one
/// instance of a module with `for_each` reads `service:orders/…`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// Path of modules from the root, empty at the root: `network`, `service:orders`, `a/b`.
    pub module: String,
    /// `ec2.subnet`.
    pub kind: String,
    /// `private`.
    pub name: String,
    /// The `for_each` key, when the resource has one: `a`.
    pub key: Option<String>,
}

/// Text that is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an address; expected `module/service.kind.name:key`, where `module/` and `:key` may be absent")]
pub struct AddressError(String);

impl Address {
    /// The tag that says which stack owns a resource.
    pub const STACK_TAG: &'static str = "bullstra:stack";
    /// The tag with the resource's address.
    pub const ADDRESS_TAG: &'static str = "bullstra:address";
    /// The tag that tells a replacement from the resource that it replaces; absent for the first.
    pub const GENERATION_TAG: &'static str = "bullstra:generation";
    /// The tag with the name that the user gave the resource, for kinds whose tags travel with copies
    /// ([`crate::KindInfo::tags_travel`]): a copy carries the tag, but has another name.
    pub const NAME_TAG: &'static str = "bullstra:name";

    /// A resource of the root module, without a key.
    pub fn root(kind: impl Into<String>, name: impl Into<String>) -> Self {
        Self { module: String::new(), kind: kind.into(), name: name.into(), key: None }
    }

    /// The address as text.
    pub fn text(&self) -> String {
        let parts = self.parts();
        let mut text = String::with_capacity(parts.iter().map(|part| part.len()).sum());
        text.extend(parts);
        text
    }

    /// True if `text` is this address as text.
    pub fn is_written(&self, text: &str) -> bool {
        self.parts().iter().try_fold(text, |rest, part| rest.strip_prefix(part)) == Some("")
    }

    fn parts(&self) -> [&str; 7] {
        let Self { module, kind, name, key } = self;
        let after_module = if module.is_empty() { "" } else { "/" };
        let (before_key, key) = key.as_deref().map_or(("", ""), |key| (":", key));
        [module, after_module, kind, ".", name, before_key, key]
    }

    /// The kind in the text of an address; the rest is not parsed.
    pub fn kind_in(text: &str) -> Option<&str> {
        let path = text.rsplit_once('/').map_or(text, |(_, path)| path);
        let service = path.find('.')?;
        let kind = path[service + 1..].find('.')?;
        Some(&path[..service + 1 + kind])
    }

    /// True for text that may be a name, a module or a key: letters, digits, `_`, `-` and `.`, 1 to 64 characters.
    pub fn is_word(text: &str) -> bool {
        (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
    }

    /// The derived physical name, for AWS services that need one: lower-case letters, digits and single hyphens, at
    /// most `longest` characters.
    ///
    /// A longer name is cut and ends in a hash of the whole, so that two addresses never share a name. A replacement
    /// (`generation` above 0) has another name, so that it can exist beside the resource that it replaces.
    pub fn physical(&self, stack: &str, generation: u32, longest: usize) -> String {
        let key = self.key.as_deref().unwrap_or_default();
        let suffix = if generation == 0 { String::new() } else { generation.to_string() };
        let name = hyphenated(&[stack, &self.module, &self.name, key, &suffix]);
        if name.len() <= longest {
            return name;
        }
        let hash = format!("{:x}", Sha256::digest(format!("{stack}/{self}/{generation}")));
        hyphenated(&[&name[..longest - 9], &hash[..8]])
    }
}

/// Joins the parts that are not empty with single hyphens, and replaces all characters except letters and digits by
/// hyphens.
fn hyphenated(parts: &[&str]) -> String {
    let mut name = String::with_capacity(parts.iter().map(|part| part.len() + 1).sum());
    for part in parts {
        let mut is_apart = true;
        for c in part.chars() {
            if !c.is_ascii_alphanumeric() {
                is_apart = true;
                continue;
            }
            if std::mem::take(&mut is_apart) && !name.is_empty() {
                name.push('-');
            }
            name.push(c.to_ascii_lowercase());
        }
    }
    name
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts().iter().try_for_each(|part| f.write_str(part))
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = || AddressError(text.to_owned());
        let (module, rest) = match text.rsplit_once('/') {
            Some(("", _)) => return Err(wrong()),
            Some(split) => split,
            None => ("", text),
        };
        let (path, key) = match rest.split_once(':') {
            Some((path, key)) => (path, Some(key)),
            None => (rest, None),
        };
        let mut parts = path.splitn(3, '.');
        let (service, kind, name) = (parts.next(), parts.next(), parts.next());
        let (Some(service), Some(kind), Some(name)) = (service, kind, name) else { return Err(wrong()) };
        let words = [service, kind, name].into_iter().chain(key);
        let modules = module.split(['/', ':']).filter(|_| !module.is_empty());
        if !words.chain(modules).all(Self::is_word) {
            return Err(wrong());
        }
        let kind = path[..service.len() + 1 + kind.len()].to_owned();
        let (module, name) = (module.to_owned(), name.to_owned());
        Ok(Self { module, kind, name, key: key.map(str::to_owned) })
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back_as_it_was_written() {
        for text in ["ec2.vpc.main", "network/ec2.subnet.private:a", "service:orders/ecs.service.main", "a/b/x.y.z:k.1"]
        {
            let address: Address = text.parse().unwrap();
            assert_eq!((address.to_string(), address.text()), (text.to_owned(), text.to_owned()));
            assert!(address.is_written(text) && !address.is_written(&text[1..]));
            assert!(!address.is_written(&text[..text.len() - 1]) && !address.is_written(&format!("{text}1")));
            assert_eq!(Address::kind_in(text), Some(address.kind.as_str()));
        }
        for text in
            ["", "vpc", "ec2.vpc", "ec2..main", "/ec2.vpc.main", "a//ec2.vpc.main", "ec2.vpc.main:", "ec2.vpc.mäin"]
        {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }

    #[test]
    fn physical_names_are_short_plain_and_distinct() {
        let at: Address = "service:orders/elbv2.target_group.Web_api".parse().unwrap();
        assert_eq!(at.physical("prod", 0, 64), "prod-service-orders-web-api");
        assert_eq!(at.physical("prod", 2, 64), "prod-service-orders-web-api-2");
        let cut = |generation| at.physical("bullstra-production", generation, 32);
        assert!(cut(0).len() <= 32 && cut(0) != cut(1), "{} {}", cut(0), cut(1));
        assert_eq!(hyphenated(&["-A_b..", "", "ä", "9--"]), "a-b-9");
    }
}
