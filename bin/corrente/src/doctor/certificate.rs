//! How long a certificate is still good, read from its DER without a library for all of X.509.

use std::path::Path;

use corrente_metering::Timestamp;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};

use super::Findings;
use crate::failure::Failure;

/// Days before the end at which somebody should renew it.
const RENEW_DAYS: i64 = 21;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Says until when each certificate of the chain is good.
pub(super) fn look(found: &mut Findings, chain: &Path, now: Timestamp) -> Result<(), Failure> {
    let certificates = CertificateDer::pem_file_iter(chain).into_iter().flatten().flatten();
    let Some(end) = certificates.filter_map(|certificate| not_after(&certificate)).min() else {
        return found.note(&format!("{}: until when it is good cannot be read", chain.display()));
    };
    let days = (end.second() - now.second()).div_euclid(86_400);
    let said = format!("{}: the certificate is good until {end}", chain.display());
    let fix = "renew it, then send the server SIGHUP";
    match days {
        ..0 => found.bad(&format!("{}: the certificate ended at {end}", chain.display()), fix),
        0..RENEW_DAYS => found.note(&format!("{said}, {days} days: {fix}")),
        _ => found.good(&format!("{said}, {days} days")),
    }
}

/// Certificate → tbsCertificate → validity → notAfter (RFC 5280 §4.1).
fn not_after(certificate: &[u8]) -> Option<Timestamp> {
    let (_, certificate, _) = element(certificate)?;
    let (_, mut fields, _) = element(certificate)?;
    if fields.first() == Some(&VERSION) {
        fields = element(fields)?.2;
    }
    // Serial number, signature algorithm, issuer.
    for _ in 0..3 {
        fields = element(fields)?.2;
    }
    let (tag, validity, _) = element(fields)?;
    let (kind, text, _) = (tag == SEQUENCE).then(|| element(element(validity)?.2))??;
    let text = std::str::from_utf8(text).ok()?;
    let (century, rest) = match kind {
        // Two digits of a year are from 1950 to 2049.
        UTC_TIME => (if text.get(..2)? < "50" { "20" } else { "19" }, text),
        GENERALIZED_TIME => text.split_at_checked(2)?,
        _ => return None,
    };
    let part = |from: usize| rest.get(from..from + 2);
    let (year, month, day) = (part(0)?, part(2)?, part(4)?);
    let (hour, minute, second) = (part(6)?, part(8)?, part(10)?);
    let written = format!("{century}{year}-{month}-{day}T{hour}:{minute}:{second}Z");
    written.parse::<jiff::Timestamp>().ok().map(Timestamp::from)
}

/// The first element: its tag, what is in it, what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, mut rest) = rest.split_first()?;
    let mut length = usize::from(*first);
    if length >= 0x80 {
        let (digits, after) = rest.split_at_checked(length - 0x80)?;
        if digits.len() > 4 {
            return None;
        }
        length = digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
        rest = after;
    }
    let (inside, after) = rest.split_at_checked(length)?;
    Some((*tag, inside, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_certificate_is_read() {
        for (year, end) in [(2031, "2031-05-04T00:00:00Z"), (2077, "2077-05-04T00:00:00Z")] {
            let mut wanted = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
            wanted.not_after = rcgen::date_time_ymd(year, 5, 4);
            let key = rcgen::KeyPair::generate().unwrap();
            let made = wanted.self_signed(&key).unwrap();
            assert_eq!(not_after(made.der()).map(|t| t.to_string()).as_deref(), Some(end));
            for cut in 0..made.der().len().min(300) {
                // What is cut off is no certificate, and no reason to stop.
                assert!(not_after(&made.der()[..cut]).is_none());
            }
        }
        assert_eq!(not_after(b""), None);
    }
}
