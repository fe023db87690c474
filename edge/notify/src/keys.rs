//! The keys of this data directory for what it sends: made once, kept in the registry.

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use corrente_registry::{RegistryError, Tx, secrets::Secret, settings, users::normal_email};

use crate::push::PushKey;

const UNSUBSCRIBE: &str = "notify.unsubscribe";
const PUSH: &str = "notify.push";
const SHARE: &str = "invoice.share";

/// The keys for what is sent.
#[derive(Debug)]
pub struct Keys {
    unsubscribe: hmac::Key,
    share: hmac::Key,
    push: PushKey,
}

/// Keys that cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The registry failed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The key for web push cannot be made or read.
    #[error(
        "the key for web push cannot be used: remove the setting `notify.push` from the registry"
    )]
    Push,
    /// A push service would refuse every message.
    #[error("`{0}` cannot stand in what push services are sent: it must be https: or mailto:")]
    Contact(String),
}

impl Keys {
    /// Reads the keys, and makes them the first time. `contact` is where a push service may write to:
    /// a `mailto:` or `https:` address.
    ///
    /// # Errors
    /// When the registry fails, a key in it is none, or the contact is of another kind.
    pub fn load(tx: &mut Tx, contact: &str) -> Result<Self, KeysError> {
        if !["https://", "mailto:"].iter().any(|scheme| contact.starts_with(scheme)) {
            return Err(KeysError::Contact(contact.to_owned()));
        }
        let unsubscribe =
            kept(tx, UNSUBSCRIBE, || Some(Secret::random("unsubscribe").reveal().to_owned()))?;
        let share = kept(tx, SHARE, || Some(Secret::random("share").reveal().to_owned()))?;
        let push = kept(tx, PUSH, PushKey::generate)?;
        Ok(Self {
            unsubscribe: hmac::Key::new(hmac::HMAC_SHA256, unsubscribe.as_bytes()),
            share: hmac::Key::new(hmac::HMAC_SHA256, share.as_bytes()),
            push: PushKey::read(&push, contact.to_owned()).ok_or(KeysError::Push)?,
        })
    }

    /// The key with which this server signs for push services.
    pub fn push(&self) -> &PushKey {
        &self.push
    }

    /// What opens the end of letters to this address, and nothing else.
    pub fn unsubscribe_token(&self, email: &str) -> String {
        signed(&self.unsubscribe, &normal_email(email))
    }

    /// The address of a token that this data directory made.
    pub fn unsubscribe_address(&self, token: &str) -> Option<String> {
        read(&self.unsubscribe, token)
    }

    /// What opens a shared invoice by the id of its link.
    pub fn share_token(&self, id: &str) -> String {
        signed(&self.share, id)
    }

    /// The id of the link of a token that this data directory made.
    pub fn shared_id(&self, token: &str) -> Option<String> {
        read(&self.share, token)
    }
}

fn signed(key: &hmac::Key, text: &str) -> String {
    let tag = hmac::sign(key, text.as_bytes());
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    format!("{}.{}", encode(text.as_bytes()), encode(tag.as_ref()))
}

fn read(key: &hmac::Key, token: &str) -> Option<String> {
    let (text, tag) = token.split_once('.')?;
    let decode = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).ok();
    let (text, tag) = (decode(text)?, decode(tag)?);
    hmac::verify(key, &text, &tag).ok()?;
    String::from_utf8(text).ok()
}

fn kept(
    tx: &mut Tx,
    key: &str,
    make: impl FnOnce() -> Option<String>,
) -> Result<String, KeysError> {
    if let Some(known) = settings::get(tx, key)? {
        return Ok(known);
    }
    let made = make().ok_or(KeysError::Push)?;
    settings::set(tx, key, &made)?;
    Ok(made)
}
