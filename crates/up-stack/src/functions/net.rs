//! Functions on blocks of addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use serde_json::Value;

use super::{Answer, Arguments};
use crate::value::Fault;

pub(super) fn cidrsubnet(arguments: &Arguments<'_>) -> Answer {
    let (net, bits) = (block(arguments)?, newbits(arguments, 1)?);
    let number = arguments.whole(2)?;
    let longer = longer(arguments, net, net.prefix_len(), bits, 1)?;
    let room = if bits >= 127 { i128::MAX } else { 1_i128 << bits };
    let number = u128::try_from(number).ok().filter(|_| i128::from(number) < room).ok_or_else(|| {
        arguments.fault(2, &format!("must be from 0 to {}: {bits} new bits give {room} subnets", room - 1))
    })?;
    let start = bits_of(net.network()) + (number << (width(net) - u32::from(longer)));
    Ok(written(address(net, start), longer))
}

/// Consecutive subnets, each as large as its new bits say, as close together as their sizes let them be.
pub(super) fn cidrsubnets(arguments: &Arguments<'_>) -> Answer {
    let net = block(arguments)?;
    let end = bits_of(net.broadcast());
    let mut next = Some(bits_of(net.network()));
    let mut subnets = vec![];
    for index in 1..=arguments.rest(1).len() {
        let longer = longer(arguments, net, net.prefix_len(), newbits(arguments, index)?, index)?;
        let rest = width(net) - u32::from(longer);
        let size = 1_u128.checked_shl(rest).unwrap_or(0);
        let full = || arguments.fault(index, "finds no room left in the block");
        let start = next.and_then(|next| next.checked_next_multiple_of(size.max(1))).ok_or_else(full)?;
        let last = start.checked_add(size.wrapping_sub(1)).filter(|last| *last <= end).ok_or_else(full)?;
        subnets.push(written(address(net, start), longer));
        next = last.checked_add(1);
    }
    Ok(Value::Array(subnets))
}

/// A host's address; a negative number counts from the end.
pub(super) fn cidrhost(arguments: &Arguments<'_>) -> Answer {
    let net = block(arguments)?;
    let number = i128::from(arguments.whole(1)?);
    let (first, last) = (bits_of(net.network()), bits_of(net.broadcast()));
    let found = match u128::try_from(number) {
        Ok(number) => first.checked_add(number),
        Err(_) => last.checked_sub(number.unsigned_abs() - 1),
    };
    let inside = found.filter(|found| (first..=last).contains(found));
    let found = inside.ok_or_else(|| arguments.fault(1, &format!("names no address in {net}")))?;
    Ok(Value::String(address(net, found).to_string()))
}

pub(super) fn cidrnetmask(arguments: &Arguments<'_>) -> Answer {
    match block(arguments)? {
        IpNet::V4(net) => Ok(Value::String(net.netmask().to_string())),
        IpNet::V6(_) => Err(arguments.fault(0, "must be of IPv4: netmasks are not written for IPv6")),
    }
}

fn block(arguments: &Arguments<'_>) -> Result<IpNet, Fault> {
    let text = arguments.text(0)?;
    let net: IpNet = text
        .parse()
        .map_err(|_| arguments.fault(0, &format!("must be a CIDR block such as `10.0.0.0/16`, and is `{text}`")))?;
    Ok(net.trunc())
}

fn newbits(arguments: &Arguments<'_>, index: usize) -> Result<u8, Fault> {
    u8::try_from(arguments.whole(index)?).map_err(|_| arguments.wrong(index, "a number of bits"))
}

/// A prefix with more bits, if the address has as many.
fn longer(arguments: &Arguments<'_>, net: IpNet, prefix: u8, bits: u8, index: usize) -> Result<u8, Fault> {
    let longer = prefix.checked_add(bits).filter(|longer| *longer <= net.max_prefix_len());
    longer.ok_or_else(|| {
        let left = net.max_prefix_len() - prefix;
        arguments.fault(index, &format!("must be at most {left}: {net} has no more bits, and this is {bits}"))
    })
}

fn width(net: IpNet) -> u32 {
    u32::from(net.max_prefix_len())
}

fn bits_of(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// The address of some bits, of the same family as `net`, in whose range they are.
fn address(net: IpNet, bits: u128) -> IpAddr {
    match net {
        IpNet::V4(_) => IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(bits).unwrap_or(u32::MAX))),
        IpNet::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(bits)),
    }
}

fn written(address: IpAddr, prefix: u8) -> Value {
    Value::String(format!("{address}/{prefix}"))
}
