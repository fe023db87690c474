//! How much there is of everything, for metrics: numbers only, of all organisations together.

use crate::{RegistryError, Tx, value::row};

row! {
    /// How much there is.
    pub struct Counts {
        /// Customers.
        customers: i64,
        /// Usage points.
        usage_points: i64,
        /// Meters.
        meters: i64,
        /// Users.
        users: i64,
        /// Invoices that wait for payment.
        invoices_open: i64,
        /// Messages that wait to be sent.
        outbox_waiting: i64,
        /// Messages that were given up.
        outbox_failed: i64,
        /// Findings that nobody looked at.
        findings_open: i64,
    }
}

const ALL: &str = "\
SELECT
  (SELECT count(*) FROM customer) AS customers,
  (SELECT count(*) FROM usage_point) AS usage_points,
  (SELECT count(*) FROM meter) AS meters,
  (SELECT count(*) FROM user_account) AS users,
  (SELECT count(*) FROM invoice WHERE state = 'open') AS invoices_open,
  (SELECT count(*) FROM outbox WHERE state = 'waiting') AS outbox_waiting,
  (SELECT count(*) FROM outbox WHERE state = 'failed') AS outbox_failed,
  (SELECT count(*) FROM finding WHERE state = 'open') AS findings_open";

/// Counts everything.
pub fn all(tx: &mut Tx) -> Result<Counts, RegistryError> {
    tx.row(ALL, &[])?.ok_or(RegistryError::Reference)
}
