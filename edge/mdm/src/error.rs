//! What can go wrong between readings and bills.

use corrente_billing::BillingError;
use corrente_ledger::LedgerError;
use corrente_registry::RegistryError;
use corrente_tariff::TariffError;
use corrente_units::OutOfRange;

/// What was asked cannot be answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MdmError {
    /// There is no such thing.
    #[error("there is no {kind} `{id}`")]
    NotFound {
        /// What was asked for.
        kind: &'static str,
        /// How it was named.
        id: String,
    },
    /// The question does not make sense, in a sentence that says what would.
    #[error("{field}: {reason}")]
    Invalid {
        /// Which part of the question.
        field: &'static str,
        /// What is wrong and what is allowed.
        reason: String,
    },
    /// The usage point has no tariff on a day that is to be billed.
    #[error("usage point `{usage_point}` has no tariff then: make an agreement for it")]
    NoTariff {
        /// The usage point's name.
        usage_point: String,
    },
    /// The period is not over, or its readings have not all come.
    #[error("the period cannot be billed yet: {reason}")]
    NotYet {
        /// Why.
        reason: String,
    },
    /// A part of the period has an invoice.
    #[error("invoice {number} bills a part of this period already")]
    BilledAlready {
        /// Its number.
        number: String,
    },
    /// A fine or a credit on this bill stands on another one already.
    #[error("`{code}` of {number} was billed meanwhile: prepare it again")]
    ItemBilled {
        /// The item's code.
        code: String,
        /// The number of the document that it is about.
        number: String,
    },
    /// What was asked does not fit to where a billing run stands.
    #[error("the run is {state}: {reason}")]
    RunState {
        /// Where it stands.
        state: &'static str,
        /// What is possible.
        reason: String,
    },
    /// A stored tariff cannot be read.
    #[error("a stored tariff cannot be read")]
    Tariff(#[from] TariffError),
    /// The bill cannot be computed.
    #[error("the bill cannot be computed: {0}")]
    Billing(#[from] BillingError),
    /// The registry failed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A quantity is too large.
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
    /// A document cannot be read or written.
    #[error("a stored document cannot be read: {0}")]
    Document(#[from] serde_json::Error),
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
}
