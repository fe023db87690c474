//! Tokens, session identifiers and meter secrets: 256 random bits, of which only a hash is stored.
//!
//! SHA-256 without salt is enough for these and only for these: nobody can guess 256 random bits.
//! Passwords, which people choose, go through [`crate::passwords`].

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// A secret in plain text, shown once. Neither `Debug` nor `Display` prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// 256 random bits behind a word that says what they open, such as `enrol`.
    pub fn random(prefix: &str) -> Self {
        let mut bytes = [0u8; 32];
        // The operating system's generator fails on no system that this program starts on.
        #[expect(clippy::expect_used, reason = "without randomness no secret may be made")]
        getrandom::fill(&mut bytes).expect("the operating system has no random numbers");
        Self(format!("{prefix}_{}", hex(&bytes)))
    }

    /// A secret that somebody else made.
    pub fn given(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, to hand over to its owner.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is stored.
    pub fn hash(&self) -> String {
        hash(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The SHA-256 of a text, in hexadecimal digits.
pub fn hash(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

/// Is this the secret of this hash? Takes the same time whatever the answer.
pub fn matches(secret: &str, stored_hash: &str) -> bool {
    hash(secret).as_bytes().ct_eq(stored_hash.as_bytes()).into()
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
        .map(char::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_by_its_hash_and_not_printed() {
        let secret = Secret::random("enrol");
        assert!(matches(secret.reveal(), &secret.hash()));
        assert!(!matches("enrol_0", &secret.hash()));
        assert_ne!(secret, Secret::random("enrol"));
        assert!(!format!("{secret:?}").contains(secret.reveal()));
        assert_eq!(hash("abc")[..8], *"ba7816bf");
    }
}
