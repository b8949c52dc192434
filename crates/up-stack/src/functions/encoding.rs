//! Functions from and to encodings.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Answer, Arguments};
use crate::value::to_json;

pub(super) fn jsonencode(arguments: &Arguments<'_>) -> Answer {
    match crate::value::resource_in(arguments.value(0)) {
        Some(address) => {
            let fault = arguments.fault(0, &format!("holds a resource: {address}"));
            Err(fault.hint("name the attribute that is meant, such as `.arn`".to_owned()))
        }
        None => Ok(Value::String(to_json(arguments.value(0)))),
    }
}

pub(super) fn jsondecode(arguments: &Arguments<'_>) -> Answer {
    let text = arguments.text(0)?;
    let value: Value =
        serde_json::from_str(&text).map_err(|error| arguments.fault(0, &format!("is not JSON: {error}")))?;
    // Escapes in JSON could otherwise spell a mark.
    arguments.outside(value.to_string())?;
    Ok(value)
}

pub(super) fn base64encode(arguments: &Arguments<'_>) -> Answer {
    Ok(Value::String(STANDARD.encode(arguments.text(0)?.as_bytes())))
}

pub(super) fn base64decode(arguments: &Arguments<'_>) -> Answer {
    let bytes = STANDARD
        .decode(arguments.text(0)?.as_bytes())
        .map_err(|error| arguments.fault(0, &format!("is not base64: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|_| arguments.fault(0, "does not hold UTF-8 text"))?;
    arguments.outside(text)
}

pub(super) fn sha256(arguments: &Arguments<'_>) -> Answer {
    Ok(Value::String(format!("{:x}", Sha256::digest(arguments.text(0)?.as_bytes()))))
}

/// As in the query of a URL: a space becomes `+`.
pub(super) fn urlencode(arguments: &Arguments<'_>) -> Answer {
    let text = arguments.text(0)?;
    let encoded = text.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        b' ' => "+".to_owned(),
        other => format!("%{other:02X}"),
    });
    Ok(Value::String(encoded.collect()))
}
