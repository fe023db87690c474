//! Passwords: argon2id with the parameters that OWASP names first (19 MiB, two passes, one lane).
//!
//! Both functions take tens of milliseconds on purpose: call them outside a transaction and outside the
//! async runtime's threads.

use std::sync::OnceLock;

use argon2::{
    Argon2,
    password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString},
};

use crate::RegistryError;

/// Shortest password that is taken, in characters (NIST SP 800-63B-4 §3.1.1.2 asks for 8 beside a second
/// factor; length is what helps).
pub const MIN_CHARS: usize = 8;
/// Longest, so that hashing is not a way to keep the server busy.
pub const MAX_CHARS: usize = 256;

/// The text to store for a password.
pub fn hash(password: &str) -> Result<String, RegistryError> {
    let length = password.chars().count();
    if !(MIN_CHARS..=MAX_CHARS).contains(&length) {
        return Err(RegistryError::Invalid {
            field: "password",
            reason: format!("it must have {MIN_CHARS} to {MAX_CHARS} characters"),
        });
    }
    let mut salt = [0u8; 16];
    let random = |reason: String| RegistryError::Invalid { field: "password", reason };
    getrandom::fill(&mut salt).map_err(|error| random(error.to_string()))?;
    let salt = SaltString::encode_b64(&salt).map_err(|error| random(error.to_string()))?;
    Argon2::default()
        .hash_password(password.as_bytes(), &salt)
        .map(|hash| hash.to_string())
        .map_err(|error| random(error.to_string()))
}

/// Is this the password? Without a stored hash (an unknown account, or one that has no password yet) the
/// answer is no, after the same work as for a known one, so that the time tells nothing.
pub fn verify(password: &str, stored: Option<&str>) -> bool {
    static DECOY: OnceLock<String> = OnceLock::new();
    let decoy = DECOY.get_or_init(|| hash("no account has this one").unwrap_or_default());
    let Ok(parsed) = PasswordHash::new(stored.unwrap_or(decoy)) else { return false };
    if password.chars().count() > MAX_CHARS {
        return false;
    }
    let right = Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok();
    right && stored.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_of_an_account_is_right() {
        let stored = hash("uma senha longa").unwrap();
        assert!(stored.starts_with("$argon2id$"));
        assert!(verify("uma senha longa", Some(&stored)));
        assert!(!verify("uma senha longe", Some(&stored)));
        assert!(!verify("no account has this one", None));
        assert!(!verify("x", Some("not a hash")));
        assert!(hash("short").unwrap_err().to_string().contains("8 to 256"));
    }
}
