//! An issued bill, measured again from the readings and the versions of days that its plan names.

use std::{collections::BTreeMap, sync::Arc};

use corrente_billing::{BillingPlan, Difference, compare_plans};
use corrente_metering::{ChannelId, Date, Span, id::InvoiceId};
use corrente_registry::{RegistryError, invoices, plans, tariffs};
use corrente_tariff::Tariff;

use crate::{
    Mdm, MdmError,
    point::Point,
    series::{empty_if_unknown, service},
    vee::stamp::Stamp,
};

impl Mdm {
    /// Measures an invoice's period again, as its plan saw it: the readings in the revisions and the days in
    /// the versions that the plan names, by its tariff versions. An empty list says "equal".
    ///
    /// # Errors
    /// When a store fails, there is no such invoice, or one of its tariff versions is gone.
    pub fn measure_again(&self, id: InvoiceId) -> Result<Vec<Difference>, MdmError> {
        let unknown = || MdmError::NotFound { kind: "invoice", id: id.to_string() };
        let found = self.registry.read_blocking(move |tx| {
            let Some(invoice) = invoices::get(tx, id)? else { return Ok(None) };
            let plan = plans::get(tx, invoice.plan)?.ok_or(RegistryError::Reference)?;
            let mut files = Vec::new();
            for tariff in tariffs::list(tx, invoice.organisation)? {
                files.extend(tariffs::versions(tx, tariff.id)?.into_iter().map(|v| v.content));
            }
            Ok::<_, RegistryError>(Some((invoice, plan.document, files)))
        })?;
        let (invoice, document, files) = found.ok_or_else(unknown)?;
        let stored: BillingPlan = serde_json::from_str(&document)?;
        let point = self.point(invoice.usage_point)?;
        let span = stored.determinants.span;
        let mut known = point.tariffs(&self.tariffs, span)?;
        for file in &files {
            known.push(Arc::new(Tariff::parse(file)?));
        }
        let mut used = Vec::with_capacity(stored.tariffs.len());
        for tariff in &stored.tariffs {
            let found = known.iter().find(|known| known.digest() == tariff.digest);
            used.push(Arc::clone(found.ok_or_else(|| MdmError::NotFound {
                kind: "tariff version",
                id: tariff.digest.clone(),
            })?));
        }
        let pinned = self.as_of(&point, &stored)?;
        // What came since is in the ledger, and not in what was measured.
        let readings = stored.determinants.readings.clone();
        let mut again =
            self.final_plan_by(&pinned, span, &used, stored.inputs.clone(), readings)?;
        again.determinants.profiles.clone_from(&stored.determinants.profiles);
        again.inputs_digest.clone_from(&stored.inputs_digest);
        again.zone_database.clone_from(&stored.zone_database);
        Ok(compare_plans(&stored, &again))
    }

    /// The usage point as the plan saw it.
    fn as_of(&self, point: &Point, plan: &BillingPlan) -> Result<Point, MdmError> {
        let mut stamp = Stamp::default();
        for reading in &plan.determinants.readings {
            let day = |day: i64| i32::try_from(day).unwrap_or(i32::MAX);
            let revision = u32::try_from(reading.revision).unwrap_or(u32::MAX);
            let days = (day(reading.first_day), day(reading.last_day));
            stamp.add(ChannelId::from_number(reading.channel), days, revision);
        }
        // Plans of earlier versions do not name the readings around their ends.
        let span = plan.determinants.span;
        for channel in &point.channels {
            let served = span.intersect(service(channel));
            if served.is_empty() {
                continue;
            }
            let wanted = self.with_neighbours(channel.channel, served)?;
            for end in [wanted.start, wanted.end.plus(-1)] {
                let near = Span::new(end, end.plus(1));
                for day in empty_if_unknown(self.ledger.revisions(channel.channel, near))?.0 {
                    stamp.add(channel.channel, (day.day, day.day), day.revision);
                }
            }
        }
        let versions: BTreeMap<Date, u32> = plan
            .determinants
            .profiles
            .iter()
            .map(|profile| (profile.day, profile.version))
            .collect();
        Ok(point.at(stamp).with_versions(versions))
    }
}
