//! Names and addresses of an invoice as they stood when it was issued: a customer who moves, a utility that
//! gets a new name, changes no paper of the past.

use corrente_metering::{Date, Span};
use corrente_registry::{
    Tx,
    customers::{self, Customer},
    organisations::Organisation,
    usage_points::UsagePoint,
};
use jiff::ToSpan as _;
use serde::{Deserialize, Serialize};

use crate::MdmError;

/// The document's template that is current: an invoice is always set by the one it was issued with.
pub const TEMPLATE: u32 = 1;

/// What an invoice says of people and places.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IssuedFacts {
    /// The document's template.
    pub(crate) template: u32,
    /// Who issued it.
    pub(crate) issuer: Issuer,
    /// Who owes it.
    pub(crate) customer: Option<Owes>,
    /// Where the energy was used.
    pub(crate) place: Place,
    /// The day on which the meter is read next, as far as it can be said.
    pub(crate) next_reading: Date,
    /// The key that an electricity invoice document (NF3e) of it would have: a preview, since issuing one
    /// needs the utility's own certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) nf3e_key: Option<String>,
}

/// Who issued an invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Issuer {
    name: String,
    document: Option<String>,
    address: Option<String>,
    municipality: Option<String>,
    pix_key: Option<String>,
    pix_payee: Option<String>,
    pix_city: Option<String>,
}

/// Who owes an invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owes {
    number: String,
    name: String,
    document: Option<String>,
    address: Option<String>,
}

/// Where the energy was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    name: String,
    address: Option<String>,
    class: String,
    phases: u8,
}

impl IssuedFacts {
    /// As they stand now.
    pub(crate) fn now(
        tx: &mut Tx,
        issuer: &Organisation,
        point: &UsagePoint,
        (next_reading, nf3e_key): (Date, Option<String>),
    ) -> Result<Self, MdmError> {
        let customer = match point.customer {
            Some(id) => customers::get(tx, id)?,
            None => None,
        };
        Ok(Self {
            template: TEMPLATE,
            issuer: Issuer {
                name: issuer.name.clone(),
                document: issuer.document.clone(),
                address: issuer.address.clone(),
                municipality: issuer.municipality.clone(),
                pix_key: issuer.pix_key.clone(),
                pix_payee: issuer.pix_payee.clone(),
                pix_city: issuer.pix_city.clone(),
            },
            customer: customer.map(|customer| Owes {
                number: customer.number,
                name: customer.name,
                document: customer.document,
                address: customer.address,
            }),
            place: Place {
                name: point.name.clone(),
                address: point.address.clone(),
                class: point.class.clone(),
                phases: point.phases,
            },
            next_reading,
            nf3e_key,
        })
    }

    /// Says of people and places what was said when the invoice was issued.
    pub(crate) fn apply(
        &self,
        point: &mut UsagePoint,
        customer: &mut Option<Customer>,
        issuer: &mut Organisation,
    ) {
        let own = self.issuer.clone();
        (issuer.name, issuer.document, issuer.address) = (own.name, own.document, own.address);
        issuer.municipality = own.municipality;
        (issuer.pix_key, issuer.pix_payee, issuer.pix_city) =
            (own.pix_key, own.pix_payee, own.pix_city);
        let place = self.place.clone();
        (point.name, point.address) = (place.name, place.address);
        (point.class, point.phases) = (place.class, place.phases);
        if let (Some(customer), Some(own)) = (customer, self.customer.clone()) {
            (customer.number, customer.name) = (own.number, own.name);
            (customer.document, customer.address) = (own.document, own.address);
        }
    }
}

/// When a meter is read next: a month later where periods begin on one day of the month, else after as many
/// days again. `whole_days` are those of a whole period, for a part of one.
pub(crate) fn next_reading(
    calendar: &corrente_metering::Calendar,
    span: Span,
    whole_days: Option<i64>,
) -> Date {
    let first = calendar.date(span.start);
    let until = corrente_metering::calendar::next_day(calendar.date_of_reading(span.end));
    if whole_days.is_some() || first.day() == until.day() {
        // Who moved in or out is read with the others of the route.
        return until.saturating_add(1.month());
    }
    until.saturating_add((until - first).get_days().days())
}
