//! A bill over an estimated day is measured again as it was, whatever came since.

use corrente_billing::BillingPlan;
use corrente_metering::{Date, Direction};
use corrente_registry::{RegistryError, admin, invoices, plans};
use corrente_units::Energy;

use super::{Street, balance::TARIFF};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bill_names_the_versions_that_it_used() {
    let street = Street::new("2026-03-20T12:00");
    let (point, channels) = street.home("Home", None, &["import"]);
    let entries = street.hours(&channels[0], 100, "2026-01-31T20:30", "2026-03-05T00:30");
    let silent = (street.at("2026-02-10T08:00"), street.at("2026-02-10T13:00"));
    let (mut late, early): (Vec<_>, Vec<_>) = entries
        .into_iter()
        .partition(|entry| silent.0 < entry.reading.end && entry.reading.end < silent.1);
    street.ledger.append(early).await.unwrap();
    street.mdm.validate(point).unwrap();
    let (organisation, by) = (street.organisation, street.by("tariff"));
    street
        .registry
        .write_blocking(move |tx| {
            admin::store_tariff(tx, &by, organisation, TARIFF)?;
            let from: Date = "2026-01-01".parse().unwrap();
            admin::agree(tx, &by, organisation, "Home", "flat-040", from)
        })
        .unwrap();
    let month: Date = "2026-02-01".parse().unwrap();
    let invoice = street.mdm.issue_invoice(point, month).unwrap().id();
    let plan = street
        .registry
        .read_blocking(move |tx| -> Result<_, RegistryError> {
            let invoice = invoices::get(tx, invoice)?.unwrap();
            Ok(plans::get(tx, invoice.plan)?.unwrap().document)
        })
        .unwrap();
    let plan: BillingPlan = serde_json::from_str(&plan).unwrap();
    let day: Date = "2026-02-10".parse().unwrap();
    let used: Vec<_> =
        plan.determinants.profiles.iter().map(|used| (used.day, used.version)).collect();
    assert!(used.contains(&(day, 1)), "{used:?}");
    assert_eq!(street.mdm.measure_again(invoice).unwrap(), []);
    // What was silent speaks up: another version of the day, and the bill stays what it was.
    for entry in &mut late {
        entry.reading.value = entry.reading.value.checked_add(Energy::from_wh(50)).unwrap();
    }
    street.ledger.append(late).await.unwrap();
    street.mdm.validate(point).unwrap();
    let profile = street.mdm.day_profile(point, Direction::Import, day, None).unwrap();
    assert_eq!(profile.version, Some(2));
    assert_eq!(street.mdm.measure_again(invoice).unwrap(), []);
}
