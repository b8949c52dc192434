//! Limits of MSK that a plan can check.

use std::collections::BTreeSet;

use up_core::{Asked, Context, Error, Problem, Ref, Result, names, problems};

use crate::cluster::Cluster;

/// Availability zones without MSK, by their ids, which are the same in every account ("Client subnets can't occupy the
/// Availability Zone with ID use1-az3", API reference of `BrokerNodeGroupInfo`).
const NO_MSK: [&str; 1] = ["use1-az3"];
/// An attribute of subnets.
const ZONE_ID: &str = "availability_zone_id";
/// The minimum by which MSK grows a volume, in GiB.
const LEAST_GROWTH: u32 = 10;

/// Reports subnets in an availability zone without MSK: those that exist, or declare their zone.
pub(crate) fn refuses_zones(subnets: &BTreeSet<Ref<names::Subnet>>, asked: Asked<'_>) -> Vec<Problem> {
    let found = subnets.iter().filter_map(|subnet| {
        let address = subnet.address()?;
        let zone = asked(address, ZONE_ID).filter(|zone| NO_MSK.contains(&zone.as_str()))?;
        Some(Problem::new("client_subnets", unsupported(&address.to_string(), &zone)))
    });
    found.collect()
}

/// The same for new subnets, for which AWS has chosen the zones.
pub(crate) fn check_zones(cx: &Context, subnets: &BTreeSet<Ref<names::Subnet>>) -> Result<()> {
    for subnet in subnets.iter().filter(|subnet| subnet.address().is_some()) {
        let zone = cx.attr(subnet, ZONE_ID)?;
        if NO_MSK.contains(&zone.as_str()) {
            return Err(Error::refused("UnsupportedZone", unsupported(&cx.id(subnet)?, &zone)));
        }
    }
    Ok(())
}

fn unsupported(subnet: &str, zone: &str) -> String {
    format!("{subnet} is in the availability zone {zone}, which does not support MSK: choose subnets in other zones")
}

/// Changes from `live` to `desired` that MSK refuses. The volumes of `desired` are never smaller.
pub(crate) fn refuses(desired: &Cluster, live: &Cluster) -> Vec<Problem> {
    let (version, has) = (&desired.kafka_version, &live.kafka_version);
    let is_older = numbers(version) < numbers(has);
    let sizes = desired.ebs_storage.as_ref().zip(live.ebs_storage.as_ref());
    let (wanted, size) = sizes.map_or((0, 0), |(desired, live)| (desired.volume_size, live.volume_size));
    let least = size + LEAST_GROWTH;
    problems! {
        is_older => "kafka_version",
            "the cluster has {has}, and MSK cannot downgrade to {version}: write `kafka_version = \"{has}\"`";
        !is_older && is_kraft(version) != is_kraft(has) => "kafka_version",
            "MSK cannot upgrade from {has} to {version}: create another cluster, and migrate the topics";
        wanted > size && wanted < least => "ebs_storage",
            "a volume of {size} GiB must grow by at least {LEAST_GROWTH} GiB: write {least} or more";
    }
}

fn is_kraft(version: &str) -> bool {
    version.ends_with(".kraft")
}

/// The components of a version: `3.8.x.kraft` is 3, 8. MSK names no patch level from there on.
fn numbers(version: &str) -> Vec<u32> {
    version.split('.').map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers() {
        assert!(numbers("3.6.0") < numbers("3.8.x") && numbers("3.9.x.kraft") < numbers("4.0.x.kraft"));
        assert_eq!(numbers("3.8.x"), numbers("3.8.x.kraft"));
    }

    #[test]
    fn zones_without_msk_are_named() {
        let subnet = |name: &str| Ref::to(format!("ec2.subnet.{name}").parse().unwrap());
        let subnets = [subnet("a"), subnet("b")].into();
        let asked =
            |address: &up_core::Address, _: &str| Some(format!("use1-az{}", if address.name == "b" { 3 } else { 1 }));
        let problems = refuses_zones(&subnets, &asked);
        assert_eq!(problems.len(), 1);
        assert!(problems[0].message.starts_with("ec2.subnet.b is in the availability zone use1-az3"), "{problems:?}");
    }
}
