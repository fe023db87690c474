//! `corrente bill`: bills computed again.

mod correct;
mod run;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use corrente_billing::{BillingPlan, check::BillReport, verify};
use corrente_metering::{Calendar, id::InvoiceId};
use corrente_registry::{
    Registry, RegistryError, Tx, invoices, organisations, plans, tariffs, usage_points,
};
use corrente_tariff::Tariff;

use crate::{
    data_directory::open_registry,
    failure::{Failure, sentence},
    figures::Figures,
    output::{differing_or_unread, each_file, print, print_json, read_text},
};

/// Options of `corrente bill`.
#[derive(Debug, Args)]
pub(crate) struct BillArguments {
    #[command(subcommand)]
    command: BillCommand,
}

#[derive(Debug, Subcommand)]
enum BillCommand {
    /// Computes paper bills again and says what differs (JSON, docs/tariffs.md)
    Check {
        /// Files with bills
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Prints the reports as JSON
        #[arg(long)]
        json: bool,
    },
    /// Computes an issued invoice again from its stored plan, and says "equal" or what differs
    Replay {
        /// Number or id of the invoice
        #[arg(value_name = "INVOICE")]
        invoice: String,
        /// Data directory; a server may be using it
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// Measures the period again too, from the readings and the versions of days that the plan names
        #[arg(long)]
        measure: bool,
    },
    /// Says what came to be known after an invoice was issued, and issues a document for the difference
    Correct(correct::CorrectArguments),
    /// Bills of many usage points together: prepared, seen, approved, issued, closed
    Run(run::RunArguments),
}

/// Does it. The exit code is not 0 where something differs.
pub(crate) fn run(arguments: BillArguments) -> Result<(), Failure> {
    match arguments.command {
        BillCommand::Check { files, json } => check(&files, json),
        BillCommand::Replay { invoice, data, measure } => replay(&invoice, &data, measure),
        BillCommand::Correct(arguments) => correct::run(&arguments),
        BillCommand::Run(arguments) => run::run(arguments),
    }
}

fn check(files: &[PathBuf], json: bool) -> Result<(), Failure> {
    let mut reports = Vec::new();
    let unread = each_file(files, |file| {
        let read = corrente_billing::check::check_bills(&read_text(file)?);
        reports.extend(read.map_err(|error| Failure::of(file.display(), sentence(&error)))?);
        Ok(())
    });
    if json {
        print_json(&reports)?;
    } else {
        reports.iter().try_for_each(print_bill)?;
    }
    let bad = reports.iter().filter(|report| !report.equal).count();
    differing_or_unread(bad, reports.len(), "bills differ", unread)
}

fn print_bill(report: &BillReport) -> Result<(), Failure> {
    if let Some(problem) = &report.problem {
        return print(&format!("{}: CANNOT BE CHECKED: {problem}\n", report.id));
    }
    let verdict = match (report.equal, report.only_sums()) {
        (true, true) => "equal as far as it can be compared, WHICH ARE ONLY SUMS",
        (true, false) => "equal",
        (false, _) => "DIFFERS",
    };
    let (id, algorithm, scope) = (&report.id, &report.algorithm, report.scope());
    print(&format!("{id}: {verdict} (algorithm {algorithm}; {scope})\n"))?;
    for compared in report.compared.iter().filter(|compared| !compared.equal) {
        print(&format!(
            "  {}: printed {}, computed {}, difference {}\n",
            compared.what, compared.printed, compared.computed, compared.difference
        ))?;
    }
    if let Some(hint) = &report.hint {
        print(&format!("  hint: {hint}\n"))?;
    }
    for taken in &report.taken {
        print(&format!("  {taken}: taken as printed, nothing on the bill says how it is made\n"))?;
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the result of the command")]
fn replay(invoice: &str, data: &std::path::Path, measure: bool) -> Result<(), Failure> {
    let (registry, _) = open_registry(data)?;
    let (id, number, document, files) = stored(&registry, invoice)?;
    let plan: BillingPlan = serde_json::from_str(&document).map_err(|error| {
        Failure::of(format!("the plan of invoice {number} cannot be read"), error)
    })?;
    let calendar =
        Calendar::new(&plan.zone).map_err(|error| Failure::of("the plan's zone", error))?;
    let mut tariffs = Vec::new();
    for file in files {
        tariffs.push(
            Tariff::parse(&file)
                .map_err(|error| Failure::of("a stored tariff", sentence(&error)))?,
        );
    }
    let tariffs: Vec<&Tariff> = tariffs.iter().collect();
    for violation in verify(&plan) {
        println!("{}: {}", violation.path, violation.rule);
    }
    let mut differences =
        corrente_billing::replay(&plan, &calendar, &tariffs).map_err(|error| {
            Failure::of(format!("invoice {number} cannot be computed again"), sentence(&error))
        })?;
    if measure {
        differences.extend(Figures::open(data)?.mdm().measure_again(id)?);
    }
    for difference in &differences {
        println!(
            "{}: stored {}, computed {}",
            difference.path, difference.stored, difference.replayed
        );
    }
    if differences.is_empty() && verify(&plan).is_empty() {
        println!(
            "invoice {number}: equal ({} lines, {} {})",
            plan.lines.len(),
            plan.totals.total,
            plan.currency
        );
        return Ok(());
    }
    Err(Failure::new(format!("invoice {number} differs from its stored plan")))
}

/// Number, plan and all tariff files of an invoice's organisation.
fn stored(registry: &Registry, wanted: &str) -> Result<Stored, Failure> {
    let name = wanted.to_owned();
    let found = registry.read_blocking(move |tx| find(tx, &name))?;
    found.ok_or_else(|| {
        Failure::new(format!("there is no invoice `{wanted}`: give its number or its id"))
    })
}

/// The invoice, its number, its plan, and the texts of all tariff versions.
type Stored = (InvoiceId, String, String, Vec<String>);

fn find(tx: &mut Tx, wanted: &str) -> Result<Option<Stored>, RegistryError> {
    for organisation in organisations::list(tx)? {
        for point in usage_points::list_all(tx, organisation.id)? {
            for invoice in invoices::list_all(tx, point.id)? {
                if invoice.number != wanted && invoice.id.to_string() != wanted {
                    continue;
                }
                let plan = plans::get(tx, invoice.plan)?.ok_or(RegistryError::Reference)?;
                let mut files = Vec::new();
                for tariff in tariffs::list(tx, organisation.id)? {
                    files.extend(tariffs::versions(tx, tariff.id)?.into_iter().map(|v| v.content));
                }
                return Ok(Some((invoice.id, invoice.number, plan.document, files)));
            }
        }
    }
    Ok(None)
}
