//! Web push: encrypted for one browser (RFC 8291, RFC 8188) and signed by this server (VAPID, RFC 8292).
//!
//! The push service in between sees neither words nor figures. Keys are on P-256 in uncompressed form.

use aws_lc_rs::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree},
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use corrente_metering::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    DeliveryError,
    outbound::{self, Outbound},
    text::Words,
};

/// A push service keeps a message for so long for a browser that is away.
const KEPT_SECONDS: u32 = 86_400;
/// A signature is good for so long; at most 24 hours are allowed.
const SIGNED_SECONDS: i64 = 12 * 3600;
/// One record holds everything; a push service takes 4096 bytes at most.
const RECORD: u32 = 4096;
const LONGEST_TEXT: usize = 3_000;

/// The keys that a browser made when it agreed to be told.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrowserKeys {
    /// Its public key, 65 bytes in base64url.
    pub p256dh: String,
    /// 16 shared random bytes in base64url.
    pub auth: String,
}

/// Without the keys.
impl std::fmt::Debug for BrowserKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BrowserKeys").finish_non_exhaustive()
    }
}

impl BrowserKeys {
    /// Are they keys at all?
    pub fn are_valid(&self) -> bool {
        decode(&self.p256dh).is_some_and(|key| key.len() == 65 && key.first() == Some(&4))
            && decode(&self.auth).is_some_and(|auth| auth.len() == 16)
    }
}

/// The key with which this server signs for push services.
pub struct PushKey {
    pair: EcdsaKeyPair,
    subject: String,
}

impl std::fmt::Debug for PushKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PushKey").field("public", &self.public()).finish_non_exhaustive()
    }
}

impl PushKey {
    /// A new key, as it is stored.
    pub(crate) fn generate() -> Option<String> {
        let random = SystemRandom::new();
        let document =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).ok()?;
        Some(BASE64_URL_SAFE_NO_PAD.encode(document.as_ref()))
    }

    /// The stored key, with whom a push service may ask: an address to write to.
    pub(crate) fn read(stored: &str, subject: String) -> Option<Self> {
        let document = decode(stored)?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &document).ok()?;
        Some(Self { pair, subject })
    }

    /// What a browser needs to know to agree, in base64url.
    pub fn public(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.pair.public_key().as_ref())
    }

    /// The value of `authorization` for a push service.
    fn authorization(&self, origin: &str, now: Timestamp) -> Option<String> {
        let encode = |value: serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let header = encode(json!({ "typ": "JWT", "alg": "ES256" }));
        let until = now.plus(SIGNED_SECONDS).second();
        let claims = encode(json!({ "aud": origin, "exp": until, "sub": self.subject }));
        let signed = format!("{header}.{claims}");
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).ok()?;
        let signature = BASE64_URL_SAFE_NO_PAD.encode(signature.as_ref());
        Some(format!("vapid t={signed}.{signature}, k={}", self.public()))
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    for part in parts {
        context.update(part);
    }
    context.sign().as_ref().to_vec()
}

/// Encrypts for a browser, RFC 8291 section 4, with a fresh key and salt for this message alone.
fn encrypt(keys: &BrowserKeys, own: &PrivateKey, salt: [u8; 16], plain: &[u8]) -> Option<Vec<u8>> {
    let (theirs, auth) = (decode(&keys.p256dh)?, decode(&keys.auth)?);
    let ours = own.compute_public_key().ok()?;
    let ours = ours.as_ref();
    let peer = UnparsedPublicKey::new(&ECDH_P256, &theirs);
    let shared = agree(own, peer, (), |secret| Ok(secret.to_vec())).ok()?;
    // HKDF with outputs of at most one block is two HMACs.
    let prk = mac(&auth, &[&shared]);
    let ikm = mac(&prk, &[b"WebPush: info\0", &theirs, ours, &[1]]);
    let prk = mac(&salt, &[&ikm]);
    let key = mac(&prk, &[b"Content-Encoding: aes128gcm\0", &[1]]);
    let nonce = mac(&prk, &[b"Content-Encoding: nonce\0", &[1]]);
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, key.get(..16)?).ok()?);
    let nonce = Nonce::try_assume_unique_for_key(nonce.get(..12)?).ok()?;
    // The last record ends with 2.
    let mut sealed = plain.to_vec();
    sealed.push(2);
    key.seal_in_place_append_tag(nonce, Aad::empty(), &mut sealed).ok()?;
    let mut body = salt.to_vec();
    body.extend(RECORD.to_be_bytes());
    body.push(u8::try_from(ours.len()).ok()?);
    body.extend(ours);
    body.extend(sealed);
    Some(body)
}

pub(crate) async fn send(
    outbound: &Outbound,
    key: &PushKey,
    endpoint: &str,
    secret: &str,
    id: &str,
    words: &Words,
    now: Timestamp,
) -> Result<(), DeliveryError> {
    let never = |why: &str| DeliveryError::Never(why.to_owned());
    let keys: BrowserKeys =
        serde_json::from_str(secret).map_err(|_| never("the browser's keys cannot be read"))?;
    let body: String = words.sentence.chars().take(LONGEST_TEXT / 4).collect();
    let title: String = words.title.chars().take(200).collect();
    let plain = json!({ "title": title, "body": body, "link": words.path, "tag": id }).to_string();
    let own = PrivateKey::generate(&ECDH_P256).map_err(|_| never("no key could be made"))?;
    let mut salt = [0u8; 16];
    getrandom::fill(&mut salt).map_err(|_| never("there are no random numbers"))?;
    let sealed = encrypt(&keys, &own, salt, plain.as_bytes())
        .ok_or_else(|| never("the browser's keys are none"))?;
    let url = reqwest::Url::parse(endpoint).map_err(|_| never("the endpoint is no address"))?;
    let authorization = key
        .authorization(&url.origin().ascii_serialization(), now)
        .ok_or_else(|| never("the message could not be signed"))?;
    let request = outbound
        .request(reqwest::Method::POST, endpoint)?
        .header("authorization", authorization)
        .header("content-type", "application/octet-stream")
        .header("content-encoding", "aes128gcm")
        .header("ttl", KEPT_SECONDS)
        .header("urgency", "high")
        .body(sealed);
    outbound::send(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 8291, appendix A.
    #[test]
    fn it_encrypts_as_the_standard_does() {
        let keys = BrowserKeys {
            p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4".to_owned(),
            auth: "BTBZMqHH6r4Tts7J_aSIgg".to_owned(),
        };
        assert!(keys.are_valid());
        let own = decode("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw").unwrap();
        let own = PrivateKey::from_private_key(&ECDH_P256, &own).unwrap();
        let salt: [u8; 16] = decode("DGv6ra1nlYgDCS1FRnbzlw").unwrap().try_into().unwrap();
        let plain = b"When I grow up, I want to be a watermelon";
        let sealed = encrypt(&keys, &own, salt, plain).unwrap();
        assert_eq!(
            BASE64_URL_SAFE_NO_PAD.encode(sealed),
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
        );
    }

    #[test]
    fn keys_that_are_none_are_refused() {
        for (p256dh, auth) in [("", ""), ("BCVx", "BTBZMqHH6r4Tts7J_aSIgg"), ("!!", "??")] {
            let keys = BrowserKeys { p256dh: p256dh.to_owned(), auth: auth.to_owned() };
            assert!(!keys.are_valid(), "{p256dh}");
        }
    }
}
