//! Hashes of strings and files.

use base64::{Engine, engine::general_purpose::STANDARD};
use md5::Md5;
use serde_json::Value;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::{Arguments, files};
use crate::value::{EvalError, EvalResult};

/// A hash function.
type Hash = fn(&[u8]) -> Vec<u8>;

fn md5_of(bytes: &[u8]) -> Vec<u8> {
    <Md5 as md5::Digest>::digest(bytes).to_vec()
}

fn sha1_of(bytes: &[u8]) -> Vec<u8> {
    <Sha1 as sha1::Digest>::digest(bytes).to_vec()
}

fn sha256_of(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}

fn sha512_of(bytes: &[u8]) -> Vec<u8> {
    Sha512::digest(bytes).to_vec()
}

fn of_text(arguments: &Arguments<'_>, hash: Hash) -> Result<Vec<u8>, EvalError> {
    Ok(hash(arguments.text(0)?.as_bytes()))
}

fn of_file(arguments: &Arguments<'_>, hash: Hash) -> Result<Vec<u8>, EvalError> {
    files::bytes(arguments).map(|bytes| hash(&bytes))
}

fn hexadecimal(hash: &[u8]) -> Value {
    hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
}

fn base64(hash: &[u8]) -> Value {
    STANDARD.encode(hash).into()
}

macro_rules! hashes {
    ($($name:ident: $written:ident $of:ident $hash:ident;)*) => {$(
        pub(super) fn $name(arguments: &Arguments<'_>) -> EvalResult {
            $of(arguments, $hash).map(|hash| $written(&hash))
        }
    )*};
}

hashes! {
    md5: hexadecimal of_text md5_of;
    sha1: hexadecimal of_text sha1_of;
    sha256: hexadecimal of_text sha256_of;
    sha512: hexadecimal of_text sha512_of;
    base64sha256: base64 of_text sha256_of;
    base64sha512: base64 of_text sha512_of;
    filemd5: hexadecimal of_file md5_of;
    filesha1: hexadecimal of_file sha1_of;
    filesha256: hexadecimal of_file sha256_of;
    filesha512: hexadecimal of_file sha512_of;
    filebase64sha256: base64 of_file sha256_of;
    filebase64sha512: base64 of_file sha512_of;
}

/// The UUID of a name in a namespace (RFC 9562, version 5).
pub(super) fn uuidv5(arguments: &Arguments<'_>) -> EvalResult {
    /// The predefined namespaces of RFC 9562 differ in one digit.
    fn named(digit: u8) -> String {
        format!("6ba7b81{digit}9dad11d180b400c04fd430c8")
    }
    let namespace = match &*arguments.text(0)? {
        "dns" => named(0),
        "url" => named(1),
        "oid" => named(2),
        "x500" => named(4),
        uuid => uuid.replace('-', "").to_lowercase(),
    };
    let is_uuid = namespace.len() == 32 && namespace.bytes().all(|digit| digit.is_ascii_hexdigit());
    let namespace = u128::from_str_radix(&namespace, 16).ok().filter(|_| is_uuid);
    let namespace = namespace.ok_or_else(|| arguments.wrong(0, "`dns`, `url`, `oid`, `x500` or a UUID"))?;
    let mut uuid = sha1_of(&[&namespace.to_be_bytes(), arguments.text(1)?.as_bytes()].concat());
    uuid[6] = uuid[6] & 0x0f | 0x50;
    uuid[8] = uuid[8] & 0x3f | 0x80;
    let text: String = uuid[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    let parts = [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]];
    Ok(parts.join("-").into())
}
