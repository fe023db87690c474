//! Meter data management: what is believed, what it costs, what is billed, who is told.
//!
//! [`Mdm`] stands between the ledger (raw readings), the registry (who, where, on which tariff) and
//! whoever asks: the API, the command line, the jobs. It stores no figure of its own that could
//! disagree with them; a chart, a bill so far and an invoice come out of the same readings by the
//! same functions.
//!
//! Its operations block on files. Inside the async runtime call them through [`Mdm::run`].

mod alerts;
mod bill;
mod correction;
mod cost;
mod error;
mod expected;
pub mod export;
mod facts;
mod feed;
pub mod import;
mod invoice;
mod jobs;
mod live;
mod meter_life;
mod period;
mod point;
mod preview;
mod readings;
mod rejected;
mod replay;
mod replayed;
mod rules;
mod run;
mod series;
mod settle;
pub mod simulate;
mod stretch;
mod tariff;
mod telling;
mod usage;
pub mod vee;
mod whole;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use corrente_clock::BusinessClock;
use corrente_ledger::Ledger;
use corrente_live::LiveHub;
use corrente_metering::id::UsagePointId;
use corrente_registry::Registry;

pub use alerts::{AlertsView, ShownRule};
pub use bill::{BillSoFar, Projected};
pub use correction::{Corrected, Correction, CorrectionPreview, LineDifference};
pub use error::MdmError;
pub use expected::Expected;
pub use invoice::{InvoiceDetail, InvoiceSummary, Meterage, TEMPLATE};
pub use live::{Now, NowState, Phase, PriceNow, Today};
pub use meter_life::{ExchangedRegister, LastReading, MeterRegisters, Released, Replacement};
pub use period::{BillingPeriod, Step};
pub use preview::{Preview, Refusal};
pub use readings::{ReadingOrder, ReadingPage, ReadingQuery, ShownReading};
pub use rejected::{RejectedPage, RejectedReading};
pub use replayed::Replayed;
pub use rules::BillingRules;
pub use run::{Issuing, Largest, Progress, RunDetail, RunRequest, RunSummary};
pub use stretch::Stretch;
pub use tariff::{PeriodNow, PeriodPrice, PriceLevel, ShownDay, ShownHours, ShownTariff};
pub use telling::told;
pub use usage::{
    Change, Compare, Compared, MOST_POINTS, Part, Usage, UsageInterval, UsageQuery, UsageTotal,
};

/// Meter data management over one data directory. Clones share it.
#[derive(Clone, Debug)]
pub struct Mdm {
    registry: Registry,
    ledger: Arc<dyn Ledger>,
    clock: BusinessClock,
    live: LiveHub,
    tariffs: Arc<point::TariffCache>,
    tables: Arc<point::Tables>,
    prices: Arc<feed::Prices>,
    /// Runs that are being issued by this program.
    issuing: Arc<run::IssuingRuns>,
    /// Held while the rules of a usage point are looked at, so that two looks never tell twice.
    looking: Arc<Mutex<()>>,
    /// When each usage point has to be looked at again at once, as the last look at it left it.
    watches: Arc<Mutex<HashMap<UsagePointId, alerts::Watch>>>,
    /// Held while days of a usage point are validated, so that two looks never make one version.
    validating: Arc<vee::Validating>,
    /// Bills at the ends of past days, for previews of rules.
    past_bills: Arc<Mutex<preview::PastBills>>,
}

impl Mdm {
    /// Over these stores and this clock.
    pub fn new(
        registry: Registry,
        ledger: Arc<dyn Ledger>,
        clock: BusinessClock,
        live: LiveHub,
    ) -> Self {
        Self {
            registry,
            ledger,
            clock,
            live,
            tariffs: Arc::default(),
            tables: Arc::default(),
            prices: Arc::default(),
            issuing: Arc::default(),
            looking: Arc::default(),
            watches: Arc::default(),
            validating: Arc::default(),
            past_bills: Arc::default(),
        }
    }

    /// Runs an operation on a thread that may block.
    ///
    /// # Errors
    /// Those of the operation, and [`MdmError::Stopping`] when the runtime goes away under it.
    pub async fn run<T, F>(&self, operation: F) -> Result<T, MdmError>
    where
        F: FnOnce(&Self) -> Result<T, MdmError> + Send + 'static,
        T: Send + 'static,
    {
        let mdm = self.clone();
        tokio::task::spawn_blocking(move || operation(&mdm))
            .await
            .unwrap_or(Err(MdmError::Stopping))
    }

    /// The clock by which it works.
    pub fn clock(&self) -> &BusinessClock {
        &self.clock
    }

    /// The registry that it works on.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Where open pages listen.
    pub fn live(&self) -> &LiveHub {
        &self.live
    }
}
