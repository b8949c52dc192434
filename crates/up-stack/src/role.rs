//! The role to assume for a stack's calls.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The role to assume for a stack's calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StackRole {
    /// The role's ARN.
    pub arn: RoleArn,
    /// The `sts:ExternalId` that its trust policy requires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
}

/// The ARN of an IAM role: `arn:aws:iam::111122223333:role/name`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoleArn(String);

impl RoleArn {
    /// The whole ARN.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RoleArn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "expected an ARN like `arn:aws:iam::111122223333:role/name`".to_owned();
        let parts: [&str; 6] = text.splitn(6, ':').collect::<Vec<_>>().try_into().map_err(|_| wrong())?;
        let ["arn", partition, "iam", "", account, resource] = parts else { return Err(wrong()) };
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        let is_word = |c: char| c.is_ascii_alphanumeric() || "_+=,.@/-".contains(c);
        let name = resource.strip_prefix("role/").filter(|name| name.chars().all(is_word));
        // After a path, which ends with a slash, there must be a name.
        let is_named = name.is_some_and(|name| !name.is_empty() && !name.ends_with('/') && text.len() <= 2048);
        if partition.starts_with("aws") && is_account && is_named { Ok(Self(text.to_owned())) } else { Err(wrong()) }
    }
}

impl TryFrom<String> for RoleArn {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<RoleArn> for String {
    fn from(arn: RoleArn) -> Self {
        arn.0
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_arns_of_roles_are_accepted() {
        for right in [
            "arn:aws:iam::111122223333:role/deployer",
            "arn:aws-cn:iam::111122223333:role/teams/shop/deploy+er@x",
            "arn:aws-us-gov:iam::111122223333:role/a",
        ] {
            assert_eq!(right.parse::<RoleArn>().unwrap().as_str(), right);
        }
        for wrong in [
            "",
            "deployer",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:iam::111122223333:role/path/",
            "arn:aws:iam::111122223333:user/me",
            "arn:aws:iam::1111:role/deployer",
            "arn:aws:iam:us-east-1:111122223333:role/deployer",
            "arn:aws:sts::111122223333:assumed-role/deployer/me",
            "arn:aws:iam::111122223333:role/a b",
            "arn:other:iam::111122223333:role/a",
        ] {
            assert!(wrong.parse::<RoleArn>().is_err(), "{wrong}");
        }
    }
}
