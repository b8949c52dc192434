//! Regions and their availability zones, as data: no call has to ask for them.
//!
//! These are the zones of a new account (August 2026). Older accounts have fewer in some regions, and set `zones` in
//! `[stack]`.

const REGIONS: &[(&str, &str)] = &[
    ("af-south-1", "abc"),
    ("ap-east-1", "abc"),
    ("ap-east-2", "abc"),
    ("ap-northeast-1", "acd"),
    ("ap-northeast-2", "abcd"),
    ("ap-northeast-3", "abc"),
    ("ap-south-1", "abc"),
    ("ap-south-2", "abc"),
    ("ap-southeast-1", "abc"),
    ("ap-southeast-2", "abc"),
    ("ap-southeast-3", "abc"),
    ("ap-southeast-4", "abc"),
    ("ap-southeast-5", "abc"),
    ("ap-southeast-6", "abc"),
    ("ap-southeast-7", "abc"),
    ("ca-central-1", "abd"),
    ("ca-west-1", "abc"),
    ("cn-north-1", "abc"),
    ("cn-northwest-1", "abc"),
    ("eu-central-1", "abc"),
    ("eu-central-2", "abc"),
    ("eu-north-1", "abc"),
    ("eu-south-1", "abc"),
    ("eu-south-2", "abc"),
    ("eu-west-1", "abc"),
    ("eu-west-2", "abc"),
    ("eu-west-3", "abc"),
    ("il-central-1", "abc"),
    ("me-central-1", "abc"),
    ("me-south-1", "abc"),
    ("mx-central-1", "abc"),
    ("sa-east-1", "abc"),
    ("us-east-1", "abcdef"),
    ("us-east-2", "abc"),
    ("us-gov-east-1", "abc"),
    ("us-gov-west-1", "abc"),
    ("us-west-1", "ab"),
    ("us-west-2", "abcd"),
];

/// All regions.
pub(crate) fn regions() -> impl Iterator<Item = &'static str> {
    REGIONS.iter().map(|(region, _)| *region)
}

/// The availability zones of a region, such as `us-east-1a`; `None` for an unknown region.
pub(crate) fn of(region: &str) -> Option<Vec<String>> {
    let (_, letters) = REGIONS.iter().find(|(known, _)| *known == region)?;
    Some(letters.chars().map(|letter| format!("{region}{letter}")).collect())
}

/// The name of a zone, from its letter or its name; `None` if it is neither.
pub(crate) fn named(region: &str, zone: &str) -> Option<String> {
    let is_letter = zone.len() == 1 && zone.chars().all(|c| c.is_ascii_lowercase());
    let suffix = zone.strip_prefix(region).filter(|rest| !rest.is_empty());
    match (is_letter, suffix) {
        (true, _) => Some(format!("{region}{zone}")),
        (false, Some(rest)) if rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') => Some(zone.to_owned()),
        _ => None,
    }
}

/// The partition of a region, as in ARNs.
pub(crate) fn partition(region: &str) -> &'static str {
    match region {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}
