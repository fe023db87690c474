//! `corrente export bills`: the bills, as a file for the books.

use std::{io::stdout, path::PathBuf};

use clap::Args;
use corrente_metering::Calendar;
use corrente_registry::{
    RegistryError, customers,
    invoices::{self, InvoiceRow},
    usage_points,
};
use corrente_render::csv::harmless;

use crate::{data_directory::open_registry, failure::Failure};

const HEADER: [&str; 11] = [
    "number",
    "usage_point",
    "customer",
    "period_start",
    "period_end",
    "wh",
    "amount",
    "currency",
    "due",
    "state",
    "corrects",
];

#[derive(Debug, Args)]
pub(super) struct BillsArguments {
    /// Data directory; a server may be using it
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

/// Exports to standard output, by number.
pub(super) fn run(arguments: &BillsArguments) -> Result<(), Failure> {
    let (registry, _) = open_registry(&arguments.data)?;
    let mut rows = registry.read_blocking(|tx| -> Result<_, RegistryError> {
        let mut rows = Vec::new();
        for point in usage_points::list_everywhere(tx)? {
            let calendar = Calendar::new(&point.zone).unwrap_or_else(|_| Calendar::utc());
            let documents = invoices::list_all(tx, point.id)?;
            for invoice in &documents {
                let corrects = documents
                    .iter()
                    .find(|other| Some(other.id) == invoice.corrects)
                    .map(|other| other.number.clone())
                    .unwrap_or_default();
                let customer = match invoice.customer {
                    Some(id) => customers::get(tx, id)?.map(|customer| customer.number),
                    None => None,
                };
                let customer = customer.unwrap_or_default();
                rows.push(row(invoice, &point.name, (customer, corrects), &calendar));
            }
        }
        Ok(rows)
    })?;
    rows.sort();
    let cannot = |error: csv::Error| Failure::of("cannot write", error);
    let mut out = csv::Writer::from_writer(stdout().lock());
    out.write_record(HEADER).map_err(cannot)?;
    rows.iter().try_for_each(|row| out.write_record(row)).map_err(cannot)?;
    out.flush().map_err(|error| Failure::of("cannot write", error))
}

fn row(
    invoice: &InvoiceRow,
    usage_point: &str,
    (customer, corrects): (String, String),
    calendar: &Calendar,
) -> [String; HEADER.len()] {
    [
        invoice.number.clone(),
        harmless(usage_point).into_owned(),
        harmless(&customer).into_owned(),
        calendar.rfc3339(invoice.period_start),
        calendar.rfc3339(invoice.period_end),
        invoice.energy.map(|energy| energy.wh().to_string()).unwrap_or_default(),
        invoice.amount.to_string(),
        invoice.currency.code().to_owned(),
        invoice.due.to_string(),
        invoice.state.word().to_owned(),
        corrects,
    ]
}
