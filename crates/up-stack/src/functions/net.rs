//! Functions on CIDR blocks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use serde_json::Value;

use super::Arguments;
use crate::value::{EvalError, EvalResult};

pub(super) fn cidrsubnet(arguments: &Arguments<'_>) -> EvalResult {
    let (net, bits) = (block(arguments)?, newbits(arguments, 1)?);
    let number = arguments.whole(2)?;
    let longer = longer(arguments, net, net.prefix_len(), bits, 1)?;
    let room = if bits >= 127 { i128::MAX } else { 1_i128 << bits };
    let number = u128::try_from(number).ok().filter(|_| i128::from(number) < room).ok_or_else(|| {
        arguments.invalid(2, &format!("must be from 0 to {}: {bits} new bits give {room} subnets", room - 1))
    })?;
    let start = bits_of(net.network()) + (number << (width(net) - u32::from(longer)));
    Ok(written(address(net, start), longer))
}

/// Consecutive subnets, each with its number of new bits, as close together as alignment allows.
pub(super) fn cidrsubnets(arguments: &Arguments<'_>) -> EvalResult {
    let net = block(arguments)?;
    let end = bits_of(net.broadcast());
    let mut next = Some(bits_of(net.network()));
    let mut subnets = vec![];
    for index in 1..=arguments.rest(1).len() {
        let longer = longer(arguments, net, net.prefix_len(), newbits(arguments, index)?, index)?;
        let rest = width(net) - u32::from(longer);
        let size = 1_u128.checked_shl(rest).unwrap_or(0);
        let full = || arguments.invalid(index, "does not fit into the rest of the block");
        let start = next.and_then(|next| next.checked_next_multiple_of(size.max(1))).ok_or_else(full)?;
        let last = start.checked_add(size.wrapping_sub(1)).filter(|last| *last <= end).ok_or_else(full)?;
        subnets.push(written(address(net, start), longer));
        next = last.checked_add(1);
    }
    Ok(Value::Array(subnets))
}

/// The address of a host. A negative number counts from the end.
pub(super) fn cidrhost(arguments: &Arguments<'_>) -> EvalResult {
    let net = block(arguments)?;
    let number = i128::from(arguments.whole(1)?);
    let (first, last) = (bits_of(net.network()), bits_of(net.broadcast()));
    let found = match u128::try_from(number) {
        Ok(number) => first.checked_add(number),
        Err(_) => last.checked_sub(number.unsigned_abs() - 1),
    };
    let inside = found.filter(|found| (first..=last).contains(found));
    let found = inside.ok_or_else(|| arguments.invalid(1, &format!("is out of range for {net}")))?;
    Ok(Value::String(address(net, found).to_string()))
}

pub(super) fn cidrnetmask(arguments: &Arguments<'_>) -> EvalResult {
    match block(arguments)? {
        IpNet::V4(net) => Ok(Value::String(net.netmask().to_string())),
        IpNet::V6(_) => Err(arguments.invalid(0, "must be an IPv4 block: IPv6 has no netmasks")),
    }
}

fn block(arguments: &Arguments<'_>) -> Result<IpNet, EvalError> {
    let text = arguments.text(0)?;
    let net: IpNet = text
        .parse()
        .map_err(|_| arguments.invalid(0, &format!("must be a CIDR block such as `10.0.0.0/16`, not `{text}`")))?;
    Ok(net.trunc())
}

fn newbits(arguments: &Arguments<'_>, index: usize) -> Result<u8, EvalError> {
    u8::try_from(arguments.whole(index)?).map_err(|_| arguments.wrong(index, "a number of bits"))
}

/// The prefix length with `bits` more, if the address has them.
fn longer(arguments: &Arguments<'_>, net: IpNet, prefix: u8, bits: u8, index: usize) -> Result<u8, EvalError> {
    let longer = prefix.checked_add(bits).filter(|longer| *longer <= net.max_prefix_len());
    longer.ok_or_else(|| {
        let left = net.max_prefix_len() - prefix;
        arguments.invalid(index, &format!("must be at most {left} for {net}, and is {bits}"))
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

/// The address with these bits, of the same family as `net`.
fn address(net: IpNet, bits: u128) -> IpAddr {
    match net {
        IpNet::V4(_) => IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(bits).unwrap_or(u32::MAX))),
        IpNet::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(bits)),
    }
}

fn written(address: IpAddr, prefix: u8) -> Value {
    Value::String(format!("{address}/{prefix}"))
}
