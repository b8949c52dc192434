//! What MSK refuses of a cluster, and is known before it is asked.

use std::collections::BTreeSet;

use up_core::{Asked, Context, Error, Problem, Ref, Result, names, problems};

use crate::cluster::Cluster;

/// Zones without MSK, by the ids that are the same in every account ("Client subnets can't occupy the Availability Zone with
/// ID use1-az3", API reference of `BrokerNodeGroupInfo`).
const NO_MSK: [&str; 1] = ["use1-az3"];
/// The attribute of a subnet.
const ZONE_ID: &str = "availability_zone_id";
/// GiB by which MSK grows a volume at least.
const LEAST_GROWTH: u32 = 10;

/// Subnets that exist, or say which zone they are to be in, where MSK is not.
pub(crate) fn refuses_zones(subnets: &BTreeSet<Ref<names::Subnet>>, asked: Asked<'_>) -> Vec<Problem> {
    let found = subnets.iter().filter_map(|subnet| {
        let address = subnet.address()?;
        let zone = asked(address, ZONE_ID).filter(|zone| NO_MSK.contains(&zone.as_str()))?;
        Some(Problem::new("client_subnets", unsupported(&address.to_string(), &zone)))
    });
    found.collect()
}

/// The same for subnets that were made a moment ago: AWS has chosen their zones' ids.
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
    format!("{subnet} is in the zone {zone}, which has no MSK: choose subnets in other zones")
}

/// What MSK refuses of a change from `live` to `desired`, whose volumes are never the smaller ones.
pub(crate) fn refuses(desired: &Cluster, live: &Cluster) -> Vec<Problem> {
    let (version, has) = (&desired.kafka_version, &live.kafka_version);
    let is_older = numbers(version) < numbers(has);
    let sizes = desired.ebs_storage.as_ref().zip(live.ebs_storage.as_ref());
    let (wanted, size) = sizes.map_or((0, 0), |(desired, live)| (desired.volume_size, live.volume_size));
    let least = size + LEAST_GROWTH;
    problems! {
        is_older => "kafka_version",
            "the cluster has {has}, and MSK has no way back to {version}: write `kafka_version = \"{has}\"`";
        !is_older && is_kraft(version) != is_kraft(has) => "kafka_version",
            "MSK does not move a cluster from {has} to {version}: make another cluster, and move the topics";
        wanted > size && wanted < least => "ebs_storage",
            "a volume of {size} GiB grows by {LEAST_GROWTH} GiB at least: write {least} or more";
    }
}

fn is_kraft(version: &str) -> bool {
    version.ends_with(".kraft")
}

/// `3.8.x.kraft` is 3, 8: MSK names no patch from there on.
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
        assert!(problems[0].message.starts_with("ec2.subnet.b is in the zone use1-az3"), "{problems:?}");
    }
}
