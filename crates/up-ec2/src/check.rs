//! Checks that several kinds share.

use up_core::{Cidr, Problem};

/// Checks that an IPv4 CIDR block has a size that EC2 accepts for a VPC or a subnet.
pub(crate) fn ipv4_block(field: &str, cidr: &Cidr) -> Option<Problem> {
    let fits = cidr.net().is_none_or(|net| net.addr().is_ipv4() && (16..=28).contains(&net.prefix_len()));
    Problem::when(!fits, field, format!("expected an IPv4 block between a /16 and a /28, and this is {cidr}"))
}
