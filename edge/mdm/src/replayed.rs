//! Issued invoices, computed again.

use std::sync::Arc;

use corrente_billing::{BillingPlan, Difference, replay, verify};
use corrente_metering::{
    Calendar,
    id::{InvoiceId, OrganisationId},
};
use corrente_registry::{invoices, plans, tariffs};
use corrente_tariff::Tariff;

use crate::{Mdm, MdmError, point::versions_that_hold};

/// An invoice's plan and its replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// The invoice's number.
    pub number: String,
    /// The stored plan.
    pub plan: BillingPlan,
    /// Where both differ.
    pub differences: Vec<Difference>,
    /// What must hold of any plan and does not hold of this one.
    pub violations: Vec<String>,
}

impl Replayed {
    /// Nothing differs, and a second program finds the plan sound.
    pub fn equal(&self) -> bool {
        self.differences.is_empty() && self.violations.is_empty()
    }
}

impl Mdm {
    /// Computes an invoice again from its stored plan and the tariff versions that this names.
    ///
    /// # Errors
    /// When there is no such invoice, or a tariff version of it cannot be read any more.
    pub fn replay_invoice(&self, id: InvoiceId) -> Result<Replayed, MdmError> {
        let missing = move || MdmError::NotFound { kind: "invoice", id: id.to_string() };
        let (row, plan) = self.registry.read_blocking(move |tx| {
            let row = invoices::get(tx, id)?.ok_or_else(missing)?;
            let plan = plans::get(tx, row.plan)?.ok_or_else(missing)?;
            Ok::<_, MdmError>((row, plan))
        })?;
        let plan: BillingPlan = serde_json::from_str(&plan.document)?;
        let known = self.tariffs_of(row.organisation, &plan)?;
        let calendar = Calendar::new(&plan.zone).unwrap_or_else(|_| Calendar::utc());
        let used: Vec<&Tariff> = known.iter().map(AsRef::as_ref).collect();
        let differences = replay(&plan, &calendar, &used)?;
        let violations =
            verify(&plan).into_iter().map(|v| format!("{}: {}", v.path, v.rule)).collect();
        Ok(Replayed { number: row.number, plan, differences, violations })
    }

    /// The tariff versions that a plan names, as far as they are stored.
    pub(crate) fn tariffs_of(
        &self,
        organisation: OrganisationId,
        plan: &BillingPlan,
    ) -> Result<Vec<Arc<Tariff>>, MdmError> {
        let versions = self.registry.read_blocking(move |tx| {
            let mut versions = Vec::new();
            for tariff in tariffs::list(tx, organisation)? {
                // What was replaced by another text with the same first day, and what holds.
                versions.extend(tariffs::versions(tx, tariff.id)?.into_iter().map(|v| (v, None)));
                let holds = versions_that_hold(tx, tariff.id)?;
                let ends: Vec<_> = holds.iter().skip(1).map(|next| next.valid_from).collect();
                versions.extend(holds.into_iter().zip(ends).map(|(v, end)| (v, Some(end))));
            }
            Ok::<_, MdmError>(versions)
        })?;
        let mut known: Vec<Arc<Tariff>> = Vec::new();
        for (version, until) in versions {
            let tariff = self.tariffs.get(&version, until)?;
            let named = plan.tariffs.iter().any(|used| used.digest == tariff.digest());
            if named && known.iter().all(|other| other.digest() != tariff.digest()) {
                known.push(tariff);
            }
        }
        Ok(known)
    }
}
