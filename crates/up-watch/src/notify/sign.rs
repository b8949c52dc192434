//! Signed webhooks, as "Standard Webhooks" (standardwebhooks.com) says: libraries that verify them exist for all languages.

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde_json::json;

use super::{Message, Outgoing};
use crate::config::Secret;

const PREFIX: &str = "whsec_";
/// What the specification demands of a key, in bytes.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// Reads a key: base64 with or without the prefix `whsec_`.
pub(crate) fn key(secret: &Secret) -> Result<Vec<u8>, String> {
    let text = secret.0.strip_prefix(PREFIX).unwrap_or(&secret.0);
    let key = BASE64_STANDARD.decode(text).ok().filter(|key| KEY_BYTES.contains(&key.len()));
    key.ok_or_else(|| {
        "`secret` is 24 to 64 bytes in base64, after the prefix `whsec_`: `openssl rand -base64 32` makes one"
            .to_owned()
    })
}

/// The request. A receiver drops a second delivery by its `webhook-id`.
pub(super) fn request(url: &Secret, secret: &Secret, message: &Message, at: Timestamp) -> Outgoing {
    let body = json!({ "type": "drift.transitions", "timestamp": at, "data": message }).to_string();
    let at = at.as_second();
    let key = key(secret).unwrap_or_default();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let signature = hmac::sign(&key, format!("{}.{at}.{body}", message.id).as_bytes());
    let signature = format!("v1,{}", BASE64_STANDARD.encode(signature.as_ref()));
    let headers = vec![
        ("webhook-id", message.id.clone()),
        ("webhook-timestamp", at.to_string()),
        ("webhook-signature", signature),
    ];
    Outgoing { url: url.clone(), headers, body: body.into_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    #[test]
    fn a_signature_is_the_one_of_the_specification() {
        let secret = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into());
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key(&secret).unwrap());
        let content = r#"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}"#;
        let signature = BASE64_STANDARD.encode(hmac::sign(&key, content.as_bytes()).as_ref());
        assert_eq!(signature, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_weak_key_is_refused() {
        for weak in ["", "whsec_", "password", "whsec_c2hvcnQ=", "not base64 but quite long all the same"] {
            assert!(key(&Secret(weak.into())).is_err(), "{weak}");
        }
    }
}
