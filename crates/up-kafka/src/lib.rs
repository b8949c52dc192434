//! Kinds of the MSK API. One file per kind.

pub mod cluster;
mod cluster_parts;
mod cluster_wire;
pub mod configuration;

use std::collections::BTreeSet;

use up_core::{AnyKind, Attrs, Cx, Error, ErrorKind, Name, Of, Ref, Result};

up_core::client!(aws_sdk_kafka);

/// Every kind of this service.
pub const KINDS: &[&dyn AnyKind] = &[&Of::<cluster::Cluster>::KIND, &Of::<configuration::Configuration>::KIND];

/// MSK says most things with one code; what the engine can do about them stands in the message.
fn told(error: impl Into<Error>) -> Error {
    let error = error.into();
    let message = error.message.to_ascii_lowercase();
    let is_busy = [" state", "in use", "current version", "in progress"].iter().any(|part| message.contains(part));
    let kind = match error.code.as_str() {
        "ConflictException" => ErrorKind::Exists,
        "BadRequestException" if is_busy => ErrorKind::InUse,
        _ => error.kind,
    };
    Error { kind, ..error }
}

/// The ids of a set of references, in one order however they are written.
fn ids<K: Name>(cx: &Cx, references: &BTreeSet<Ref<K>>) -> Result<Vec<String>> {
    let mut ids = references.iter().map(|reference| cx.id(reference)).collect::<Result<Vec<_>>>()?;
    ids.sort();
    Ok(ids)
}

fn attrs<const N: usize>(pairs: [(&str, String); N]) -> Attrs {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn number(count: u32) -> Result<i32> {
    i32::try_from(count).map_err(|_| Error::refused("TooLarge", format!("{count} is more than MSK counts")))
}

fn count(number: i32) -> Result<u32> {
    u32::try_from(number).map_err(|_| Error::absent("count that can be"))
}
