//! The file that says what a sweep may destroy: accounts, regions and names.

use std::{fs, path::Path};

use serde::Deserialize;

use crate::{Failure, Reason};

/// What a sweep may destroy. Nothing else, whatever its tags say.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepRules {
    /// One table for each account.
    #[serde(default)]
    allow: Vec<Allowed>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Allowed {
    account: String,
    /// Any region, if it is left out.
    regions: Option<Vec<String>>,
    /// Names of stacks, in which `*` stands for any text.
    names: Vec<String>,
}

/// The least that a pattern says before its first `*`.
const LEAST: usize = 2;

impl SweepRules {
    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read, or says something else than accounts and names.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let hint = "expected `[[allow]]` with `account = \"111122223333\"` and `names = [\"qa-pr-*\"]`";
        let wrong = |why: String| Failure::new(Reason::Input, why).hint(hint);
        let text = fs::read_to_string(path).map_err(|error| wrong(format!("failed to read {shown}: {error}")))?;
        Self::parse(&text).map_err(|why| wrong(format!("{shown}: {why}")))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let rules: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        if rules.allow.is_empty() {
            return Err("it allows nothing".into());
        }
        for Allowed { account, names, .. } in &rules.allow {
            if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(format!("`{account}` is not an account id of 12 digits"));
            }
            for name in names {
                if name.split('*').next().unwrap_or_default().chars().count() < LEAST {
                    return Err(format!(
                        "the pattern `{name}` would allow any name: begin it with two letters at least"
                    ));
                }
            }
        }
        Ok(rules)
    }

    /// True if something in the account and the region may be destroyed.
    pub fn allow_account(&self, account: &str, region: &str) -> bool {
        self.of(account, region).next().is_some()
    }

    /// True if the stack may be destroyed.
    pub fn allow(&self, account: &str, region: &str, stack: &str) -> bool {
        self.of(account, region).any(|allowed| allowed.names.iter().any(|pattern| matches(pattern, stack)))
    }

    fn of<'a>(&'a self, account: &'a str, region: &'a str) -> impl Iterator<Item = &'a Allowed> {
        let is_of = move |allowed: &&Allowed| {
            let regions = allowed.regions.as_ref();
            allowed.account == account && regions.is_none_or(|regions| regions.iter().any(|known| known == region))
        };
        self.allow.iter().filter(is_of)
    }
}

/// `*` stands for any text, also for none.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(name) = name.strip_prefix(start) else { return false };
    rest.is_empty() || name.char_indices().any(|(at, _)| matches(rest, &name[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_named_is_allowed() {
        let text = "[[allow]]\naccount = \"111122223333\"\nregions = [\"us-east-1\"]\nnames = [\"qa-pr-*\", \"load\", \"qa-*-tmp\"]\n";
        let rules = SweepRules::parse(text).unwrap();
        for name in ["qa-pr-1", "qa-pr-", "load", "qa-x-tmp"] {
            assert!(rules.allow("111122223333", "us-east-1", name), "{name}");
        }
        for name in ["qa-prod", "load2", "prod", "qa-x-tmp2", "xqa-pr-1"] {
            assert!(!rules.allow("111122223333", "us-east-1", name), "{name}");
        }
        assert!(!rules.allow("111122223333", "eu-west-1", "load"));
        assert!(!rules.allow("999999999999", "us-east-1", "load"));
    }

    #[test]
    fn rules_that_allow_nothing_or_anything_are_refused() {
        let all = |names: &str| format!("[[allow]]\naccount = \"111122223333\"\nnames = [{names}]\n");
        for (text, why) in [
            (String::new(), "it allows nothing"),
            (all("\"*\""), "would allow any name"),
            (all("\"\""), "would allow any name"),
            (all("\"q*\""), "would allow any name"),
            (all("\"qa\"").replace("1111", "11"), "12 digits"),
            (all("\"qa\"").replace("names", "name"), "unknown field"),
        ] {
            let wrong = SweepRules::parse(&text).unwrap_err();
            assert!(wrong.contains(why), "{text}: {wrong}");
        }
    }
}
