//! Functions that encode and decode.

use std::io::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, GzBuilder};
use serde_json::{Map, Value};

use super::Arguments;
use crate::value::{EvalError, EvalResult, to_json};

pub(super) fn jsonencode(arguments: &Arguments<'_>) -> EvalResult {
    match crate::value::resource_in(arguments.value(0)) {
        Some(address) => {
            let error = arguments.invalid(0, &format!("holds a resource: {address}"));
            Err(error.hint("use an attribute of it, such as `.arn`".to_owned()))
        }
        None => Ok(Value::String(to_json(arguments.value(0)))),
    }
}

pub(super) fn jsondecode(arguments: &Arguments<'_>) -> EvalResult {
    let text = arguments.text(0)?;
    let value: Value =
        serde_json::from_str(&text).map_err(|error| arguments.invalid(0, &format!("is not JSON: {error}")))?;
    // Escapes in JSON could otherwise hold the characters of placeholders.
    arguments.external(value.to_string())?;
    Ok(value)
}

pub(super) fn base64encode(arguments: &Arguments<'_>) -> EvalResult {
    Ok(Value::String(STANDARD.encode(arguments.text(0)?.as_bytes())))
}

pub(super) fn base64decode(arguments: &Arguments<'_>) -> EvalResult {
    let bytes = STANDARD
        .decode(arguments.text(0)?.as_bytes())
        .map_err(|error| arguments.invalid(0, &format!("is not base64: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|_| arguments.invalid(0, "is not UTF-8"))?;
    arguments.external(text)
}

/// A string, compressed with gzip. The header has no time and no system, so the same string gives the same bytes.
pub(super) fn base64gzip(arguments: &Arguments<'_>) -> EvalResult {
    const UNKNOWN_SYSTEM: u8 = 255;
    let text = arguments.text(0)?;
    let builder = GzBuilder::new().mtime(0).operating_system(UNKNOWN_SYSTEM);
    let mut encoder = builder.write(vec![], Compression::default());
    let packed = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish());
    let packed = packed.map_err(|error| arguments.invalid(0, &format!("cannot be compressed: {error}")))?;
    Ok(Value::String(STANDARD.encode(packed)))
}

/// A string in a given encoding, as base64.
pub(super) fn textencodebase64(arguments: &Arguments<'_>) -> EvalResult {
    let text = arguments.text(0)?;
    let bytes = match encoding(arguments)? {
        Encoding::Utf8 => text.as_bytes().to_vec(),
        Encoding::Utf16(bytes_of, _) => text.encode_utf16().flat_map(bytes_of).collect(),
        Encoding::Narrow(most) => {
            let byte = |c: char| u8::try_from(u32::from(c)).ok().filter(|byte| *byte <= most);
            let bytes = text.chars().map(byte).collect::<Option<_>>();
            bytes.ok_or_else(|| arguments.invalid(0, "has a character that the encoding does not support"))?
        }
    };
    Ok(Value::String(STANDARD.encode(bytes)))
}

pub(super) fn textdecodebase64(arguments: &Arguments<'_>) -> EvalResult {
    let bytes = STANDARD.decode(arguments.text(0)?.as_bytes());
    let bytes = bytes.map_err(|error| arguments.invalid(0, &format!("is not base64: {error}")))?;
    let text = match encoding(arguments)? {
        Encoding::Utf8 => String::from_utf8(bytes).ok(),
        Encoding::Utf16(_, unit_of) => {
            let (units, rest) = bytes.as_chunks();
            let units: Vec<u16> = units.iter().map(|unit| unit_of(*unit)).collect();
            String::from_utf16(&units).ok().filter(|_| rest.is_empty())
        }
        Encoding::Narrow(most) => {
            bytes.iter().map(|byte| (*byte <= most).then_some(char::from(*byte))).collect::<Option<String>>()
        }
    };
    arguments.external(text.ok_or_else(|| arguments.invalid(0, "is not valid in this encoding"))?)
}

enum Encoding {
    Utf8,
    /// Conversion to and from two bytes.
    Utf16(fn(u16) -> [u8; 2], fn([u8; 2]) -> u16),
    /// One byte for each character, up to this value.
    Narrow(u8),
}

/// The encoding in the second argument, by its IANA name.
fn encoding(arguments: &Arguments<'_>) -> Result<Encoding, EvalError> {
    Ok(match &*arguments.text(1)?.to_uppercase() {
        "UTF-8" => Encoding::Utf8,
        "UTF-16LE" => Encoding::Utf16(u16::to_le_bytes, u16::from_le_bytes),
        "UTF-16BE" => Encoding::Utf16(u16::to_be_bytes, u16::from_be_bytes),
        "ISO-8859-1" => Encoding::Narrow(u8::MAX),
        "US-ASCII" => Encoding::Narrow(0x7f),
        _ => return Err(arguments.wrong(1, "`UTF-8`, `UTF-16LE`, `UTF-16BE`, `ISO-8859-1` or `US-ASCII`")),
    })
}

/// CSV with a header line, as a list of maps.
pub(super) fn csvdecode(arguments: &Arguments<'_>) -> EvalResult {
    let text = arguments.text(0)?;
    let mut rows = rows(&text).map_err(|why| arguments.invalid(0, why))?.into_iter();
    let names = rows.next().ok_or_else(|| arguments.invalid(0, "has no header line"))?;
    let row = |(index, row): (usize, Vec<String>)| {
        if row.len() != names.len() {
            let message = format!("has {} fields in row {}, and {} columns", row.len(), index + 1, names.len());
            return Err(arguments.invalid(0, &message));
        }
        Ok(Value::Object(names.iter().cloned().zip(row.into_iter().map(Value::from)).collect::<Map<_, _>>()))
    };
    Ok(Value::Array(rows.enumerate().map(row).collect::<Result<_, EvalError>>()?))
}

/// Splits CSV (RFC 4180) into rows of fields. Empty lines are skipped.
fn rows(text: &str) -> Result<Vec<Vec<String>>, &'static str> {
    let (mut rows, mut row, mut field) = (vec![], vec![], String::new());
    let mut rest = text.chars().peekable();
    let (mut is_quoted, mut was_quoted) = (false, false);
    loop {
        match rest.next() {
            Some('"') if is_quoted && rest.next_if_eq(&'"').is_some() => field.push('"'),
            Some('"') if is_quoted => is_quoted = false,
            Some(c) if is_quoted => field.push(c),
            None if is_quoted => return Err("has an unclosed quoted field"),
            Some('"') if field.is_empty() && !was_quoted => (is_quoted, was_quoted) = (true, true),
            Some('"') => return Err("has a quote inside an unquoted field"),
            Some(',') => {
                row.push(std::mem::take(&mut field));
                was_quoted = false;
            }
            Some('\r') if rest.peek() == Some(&'\n') => {}
            end @ (Some('\n') | None) => {
                if !row.is_empty() || !field.is_empty() || was_quoted {
                    row.push(std::mem::take(&mut field));
                    rows.push(std::mem::take(&mut row));
                }
                was_quoted = false;
                if end.is_none() {
                    return Ok(rows);
                }
            }
            Some(c) => field.push(c),
        }
    }
}

/// Encodes for the query of a URL: a space becomes `+`.
pub(super) fn urlencode(arguments: &Arguments<'_>) -> EvalResult {
    let text = arguments.text(0)?;
    let encoded = text.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        b' ' => "+".to_owned(),
        other => format!("%{other:02X}"),
    });
    Ok(Value::String(encoded.collect()))
}
