//! Limits on signing in: per account from one address, per account from anywhere, per address.
//!
//! An attempt is counted before the password is looked at, so that many at once get no further than many
//! in a row; a success takes its count back.

use std::net::IpAddr;

use corrente_metering::Timestamp;
use corrente_registry::{RegistryError, Tx, sign_in, users};

/// Attempts are forgotten after this many seconds.
pub(crate) const WINDOW_SECONDS: i64 = 15 * 60;

/// What is counted, and how often it may fail. The account alone has the widest limit, so that a stranger
/// can hardly lock somebody out.
struct Limit {
    subject: String,
    failures: i64,
}

fn limits(email: &str, address: Option<IpAddr>) -> [Limit; 3] {
    let account = users::normal_email(email);
    let network = address.map_or_else(|| "unknown".to_owned(), network);
    [
        Limit { subject: format!("account-address:{account}:{network}"), failures: 10 },
        Limit { subject: format!("account:{account}"), failures: 100 },
        Limit { subject: format!("address:{network}"), failures: 100 },
    ]
}

/// One household is one IPv4 address, or one IPv6 network of 64 bits.
fn network(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// Counts an attempt. `false` when there were too many.
pub(crate) fn begin(
    tx: &mut Tx,
    email: &str,
    address: Option<IpAddr>,
    now: Timestamp,
) -> Result<bool, RegistryError> {
    let after = now.plus(-WINDOW_SECONDS);
    for limit in &limits(email, address) {
        if sign_in::failures(tx, &limit.subject, after)? >= limit.failures {
            return Ok(false);
        }
    }
    for limit in &limits(email, address) {
        sign_in::record_failure(tx, &limit.subject, after, now)?;
    }
    Ok(true)
}

/// Takes the count of an attempt back: it was the right password.
pub(crate) fn succeeded(
    tx: &mut Tx,
    email: &str,
    address: Option<IpAddr>,
) -> Result<(), RegistryError> {
    let [pair, account, network] = limits(email, address);
    sign_in::clear(tx, &pair.subject)?;
    sign_in::clear(tx, &account.subject)?;
    sign_in::forgive(tx, &network.subject)
}
