//! The city's past invoices: issued like any other, the older ones paid.

use corrente_mdm::{Mdm, MdmError};
use corrente_metering::{Date, Timestamp, calendar};
use corrente_registry::{
    invoices::{InvoiceState, Issued},
    payments::{self, NewPayment},
};

use super::settle::{City, SettledHome};

/// Months that the residents with a sign-in have invoices for. Everybody else gets the last month's from the
/// server, as in any town.
const MONTHS: usize = 14;
/// People pay this many days after an invoice is issued.
const DAYS_UNTIL_PAID: i64 = 9;

/// Issues what the residents with a sign-in would find in their letter boxes, the oldest first: an invoice
/// keeps what was known when it was issued, also the months before it.
pub(crate) fn issue_for_residents(mdm: &Mdm, city: &City, now: Timestamp) -> Result<(), MdmError> {
    city.homes.iter().take(2).try_for_each(|home| issue(mdm, city, home, now))
}

fn issue(mdm: &Mdm, city: &City, home: &SettledHome, now: Timestamp) -> Result<(), MdmError> {
    let mut month = city.calendar.date(now).first_of_month();
    let mut past: Vec<Date> = Vec::new();
    while past.len() < MONTHS {
        month = calendar::day_before(month).first_of_month();
        if month < city.first_day {
            break;
        }
        past.push(month);
    }
    // The latest one stays to be paid, so that there is a code to look at.
    for (index, month) in past.iter().enumerate().rev() {
        let issued = match mdm.issue_invoice(home.usage_point, *month) {
            Ok(issued) => issued,
            // Something has to be decided first; the worklist says what.
            Err(MdmError::NotYet { .. }) => continue,
            Err(error) => return Err(error),
        };
        if let (Issued::Issued(_), true) = (issued, index > 0) {
            pay(mdm, issued, now)?;
        }
    }
    Ok(())
}

fn pay(mdm: &Mdm, issued: Issued, now: Timestamp) -> Result<(), MdmError> {
    let Some(detail) = mdm.invoice(issued.id())? else { return Ok(()) };
    let invoice = detail.summary.invoice;
    if invoice.state != InvoiceState::Open {
        return Ok(());
    }
    mdm.registry().write_blocking(move |tx| {
        let payment = NewPayment {
            invoice: invoice.id,
            amount: invoice.amount,
            paid: invoice.issued.plus(DAYS_UNTIL_PAID * 86_400).min(now),
            method: "pix".to_owned(),
            reference: format!("demo-{}", invoice.number),
        };
        payments::insert(tx, &payment, now).map(drop).map_err(MdmError::from)
    })
}
