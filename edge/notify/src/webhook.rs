//! Webhooks: our own JSON, signed and with its time.
//!
//! `corrente-signature: t=1800000000,v1=5f…` is HMAC-SHA-256, with the destination's secret, over the
//! time, a point and the body. Who receives it computes the same, compares, and refuses what is older
//! than five minutes. `idempotency-key` is the same for every attempt.

use aws_lc_rs::hmac;
use corrente_alert::Message;
use corrente_metering::Timestamp;
use serde::Serialize;

use crate::{
    DeliveryError,
    outbound::{self, Outbound},
    text::Words,
};

/// What a webhook is sent.
#[derive(Debug, Serialize)]
struct Payload<'a> {
    id: &'a str,
    kind: &'static str,
    moment: &'static str,
    usage_point: &'a str,
    /// The id under which the API knows it.
    usage_point_id: Option<&'a str>,
    /// When it happened, RFC 3339 of the usage point.
    at: Option<&'a str>,
    language: &'a str,
    title: &'a str,
    sentence: &'a str,
    action: &'a str,
    link: Option<&'a str>,
    currency: &'a str,
    values: &'a std::collections::BTreeMap<String, String>,
}

/// The signature's header for a body sent at this time.
pub fn signature(secret: &str, at: Timestamp, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let mut context = hmac::Context::with_key(&key);
    context.update(at.second().to_string().as_bytes());
    context.update(b".");
    context.update(body);
    format!("t={},v1={}", at.second(), hex(context.sign().as_ref()))
}

pub(crate) async fn send(
    outbound: &Outbound,
    address: &str,
    secret: &str,
    key: &str,
    message: &Message,
    words: &Words,
    now: Timestamp,
) -> Result<(), DeliveryError> {
    let payload = Payload {
        id: key,
        kind: message.kind.word(),
        moment: message.moment.word(),
        usage_point: &message.usage_point,
        usage_point_id: message.values.get("usage_point_id").map(String::as_str),
        at: message.values.get("at").map(String::as_str),
        language: &message.language,
        title: &words.title,
        sentence: &words.sentence,
        action: &words.action,
        link: words.link.as_deref(),
        currency: &message.currency,
        values: &message.values,
    };
    let body =
        serde_json::to_vec(&payload).map_err(|error| DeliveryError::Never(error.to_string()))?;
    let request = outbound
        .request(reqwest::Method::POST, address)?
        .header("content-type", "application/json")
        .header("idempotency-key", key)
        .header("corrente-signature", signature(secret, now, &body))
        .body(body);
    outbound::send(request).await
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_covers_time_and_body() {
        let at = Timestamp::from_second(1_800_000_000);
        let header = signature("whsec_1", at, b"{}");
        // By `printf '1800000000.{}' | openssl dgst -sha256 -hmac whsec_1`.
        let tag = "bbdb619096d4ecc6af75964fe2e4e9749c006ec57f6af2ddbd656b4749b9887d";
        assert_eq!(header, format!("t=1800000000,v1={tag}"));
        assert_ne!(header, signature("whsec_1", at.plus(1), b"{}"));
        assert_ne!(header, signature("whsec_1", at, b"{ }"));
        assert_ne!(header, signature("whsec_2", at, b"{}"));
    }
}
