//! What an organisation decides about its bills: how long a period may be, how long there is to pay.

use corrente_metering::id::OrganisationId;
use corrente_registry::{Tx, settings};
use serde::{Deserialize, Serialize};

use crate::{Mdm, MdmError};

/// What an organisation decides about its bills. None of it is a law of this program: REN 1000/2021 art. 260
/// as printed on Brazilian bills has 15 to 47 days, other countries have others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BillingRules {
    /// A whole period has so many days at least.
    pub fewest_days: i64,
    /// And so many at most.
    pub most_days: i64,
    /// A bill that ended longer ago is not continued: somebody has to say from when.
    pub continues_days: i64,
    /// Calendar days from issue to the last day of payment.
    pub days_to_pay: i64,
    /// The number of the issuer's state (IBGE: 29 is Bahia), for the preview of the key of an NF3e; nothing
    /// prints none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nf3e_state: Option<String>,
}

impl Default for BillingRules {
    fn default() -> Self {
        Self {
            fewest_days: 15,
            most_days: 47,
            continues_days: 100,
            days_to_pay: 12,
            nf3e_state: None,
        }
    }
}

impl BillingRules {
    /// The rules of an organisation.
    ///
    /// # Errors
    /// When the registry fails, or somebody wrote nonsense into it.
    pub fn of(tx: &mut Tx, organisation: OrganisationId) -> Result<Self, MdmError> {
        let text = settings::get(tx, &key(organisation))?;
        Ok(text.map_or_else(|| Ok(Self::default()), |text| serde_json::from_str(&text))?)
    }

    fn check(&self) -> Result<(), MdmError> {
        let within = |field, value: i64, least: i64, most: i64| {
            if (least..=most).contains(&value) {
                return Ok(());
            }
            let reason = format!("{value} is not a number of days from {least} to {most}");
            Err(MdmError::Invalid { field, reason })
        };
        within("fewest_days", self.fewest_days, 1, 400)?;
        within("most_days", self.most_days, self.fewest_days, 400)?;
        within("continues_days", self.continues_days, self.most_days, 4000)?;
        within("days_to_pay", self.days_to_pay, 0, 365)?;
        match &self.nf3e_state {
            Some(state) if state.len() != 2 || state.parse::<u8>().is_err() => {
                let reason = format!("`{state}` is not a state's two digits, such as 29 for Bahia");
                Err(MdmError::Invalid { field: "nf3e_state", reason })
            }
            _ => Ok(()),
        }
    }
}

impl Mdm {
    /// The rules of an organisation's bills.
    ///
    /// # Errors
    /// When the registry fails.
    pub fn billing_rules(&self, organisation: OrganisationId) -> Result<BillingRules, MdmError> {
        self.registry.read_blocking(move |tx| BillingRules::of(tx, organisation))
    }

    /// Decides the rules of an organisation's bills; what was issued keeps its dates.
    ///
    /// # Errors
    /// When a number of days is out of bounds, or the registry fails.
    pub fn set_billing_rules(
        &self,
        organisation: OrganisationId,
        rules: BillingRules,
    ) -> Result<(), MdmError> {
        rules.check()?;
        let (key, text) = (key(organisation), serde_json::to_string(&rules)?);
        Ok(self.registry.write_blocking(move |tx| settings::set(tx, &key, &text))?)
    }
}

fn key(organisation: OrganisationId) -> String {
    format!("billing.rules.{organisation}")
}
