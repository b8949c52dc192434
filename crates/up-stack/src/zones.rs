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

/// True for a zone that the region may have: an availability zone that is known or listed, a local zone, a wavelength zone.
/// All zones of a region begin with its name.
pub(crate) fn may_exist(region: &str, zone: &str, listed: &[&str]) -> bool {
    let known = of(region).unwrap_or_default();
    let is_lettered = |rest: &str| rest.len() == 1 && rest.chars().all(|letter| letter.is_ascii_lowercase());
    match zone.strip_prefix(region) {
        Some(rest) if is_lettered(rest) => listed.contains(&zone) || known.iter().any(|known| known == zone),
        Some(rest) => rest.len() > 1 && rest.starts_with('-'),
        None => false,
    }
}

/// What the ids of a region's zones begin with: `use1-`. `None` for a name that is formed otherwise than all others.
pub(crate) fn id_prefix(region: &str) -> Option<String> {
    let mut words = region.split('-');
    let mut prefix = words.next()?.to_owned();
    for word in words {
        prefix += match word {
            "gov" => "g",
            "central" => "c",
            "north" => "n",
            "south" => "s",
            "east" => "e",
            "west" => "w",
            "northeast" => "ne",
            "northwest" => "nw",
            "southeast" => "se",
            "southwest" => "sw",
            number if number.parse::<u8>().is_ok() => number,
            _ => return None,
        };
    }
    Some(prefix + "-")
}

/// The partition of a region, as in ARNs.
pub(crate) fn partition(region: &str) -> &'static str {
    match region {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zone_ids_begin_with_the_region() {
        let known = [("us-east-1", "use1-"), ("ap-southeast-2", "apse2-"), ("us-gov-west-1", "usgw1-")];
        for (region, prefix) in known {
            assert_eq!(id_prefix(region).as_deref(), Some(prefix));
        }
        assert!(regions().all(|region| id_prefix(region).is_some()));
        assert_eq!(id_prefix("us-lunar-1"), None);
    }

    #[test]
    fn only_zones_of_the_region_may_exist() {
        let may = |zone: &str| may_exist("us-east-1", zone, &["us-east-1g"]);
        assert!(["us-east-1a", "us-east-1g", "us-east-1-bos-1a", "us-east-1-wl1-bos-wlz-1"].into_iter().all(may));
        assert!(!["us-west-2a", "us-east-1z", "us-east-1", "us-east-1-", "a", "us-east-12a"].into_iter().any(may));
    }
}
