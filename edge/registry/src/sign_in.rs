//! Counts failed sign-ins, so that guessing is slow. Times are real time.

use corrente_metering::Timestamp;

use crate::{
    RegistryError, Tx, secrets,
    value::{params, row},
};

row! {
    struct Failures {
        failures: i64,
    }
}

const COUNT: &str = "\
SELECT failures FROM sign_in_attempt WHERE subject = $subject AND since_s > $after";

/// How often signing in as this subject (an account, an address) failed since `after`.
pub fn failures(tx: &mut Tx, subject: &str, after: Timestamp) -> Result<i64, RegistryError> {
    let subject = secrets::hash(subject);
    let row: Option<Failures> = tx.row(COUNT, params! { subject, after })?;
    Ok(row.map_or(0, |row| row.failures))
}

const SWEEP: &str = "DELETE FROM sign_in_attempt WHERE since_s <= $after";
const RECORD: &str = "\
INSERT INTO sign_in_attempt (subject, organisation, failures, since_s)
VALUES ($subject, NULL, 1, $now)
ON CONFLICT (subject) DO UPDATE SET failures = sign_in_attempt.failures + 1";

/// Counts a failure, and forgets everything that is not newer than `after`, which bounds the table.
pub fn record_failure(
    tx: &mut Tx,
    subject: &str,
    after: Timestamp,
    now: Timestamp,
) -> Result<(), RegistryError> {
    tx.execute(SWEEP, params! { after })?;
    tx.execute(RECORD, params! { subject: secrets::hash(subject), now })?;
    Ok(())
}

const CLEAR: &str = "DELETE FROM sign_in_attempt WHERE subject = $subject";

/// Forgets a subject's failures: somebody signed in.
pub fn clear(tx: &mut Tx, subject: &str) -> Result<(), RegistryError> {
    tx.execute(CLEAR, params! { subject: secrets::hash(subject) })?;
    Ok(())
}

const FORGIVE: &str = "\
UPDATE sign_in_attempt SET failures = failures - 1 WHERE subject = $subject AND failures > 0";

/// Takes one counted failure back: the attempt succeeded after all.
pub fn forgive(tx: &mut Tx, subject: &str) -> Result<(), RegistryError> {
    tx.execute(FORGIVE, params! { subject: secrets::hash(subject) })?;
    Ok(())
}
