//! `corrente bill correct`: a correction seen, and then issued.

use std::path::PathBuf;

use clap::Args;
use corrente_mdm::{CorrectionPreview, Mdm};
use corrente_metering::id::InvoiceId;
use corrente_registry::{invoices, invoices::Issued, organisations};
use corrente_units::{Decimal, Money, Rounding};

use crate::{
    data_directory::in_use,
    failure::Failure,
    figures::Figures,
    output::{print, print_json},
};

/// Options of `corrente bill correct`.
#[derive(Debug, Args)]
pub(crate) struct CorrectArguments {
    /// Number or id of the invoice
    #[arg(value_name = "INVOICE")]
    invoice: String,
    /// Data directory; to issue, no server may be using it
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Issues the correction: the difference that you saw, such as -12.34
    #[arg(long, value_name = "AMOUNT", allow_hyphen_values = true, requires = "reason")]
    issue: Option<Decimal>,
    /// Why; it stands on the document
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

/// Does it.
pub(crate) fn run(arguments: &CorrectArguments) -> Result<(), Failure> {
    crate::log::start_for_tool()?;
    // A plan names revisions of readings, which a copy beside a running server would number anew.
    if arguments.issue.is_some() && in_use(&arguments.data) {
        return Err(Failure::new(format!(
            "{}: a server is using this data directory; do it there (POST /api/v1/invoices/{{id}}/correction), or stop it",
            arguments.data.display()
        )));
    }
    let figures = Figures::open(&arguments.data)?;
    let mdm = figures.mdm();
    let id = found(&mdm, &arguments.invoice)?;
    let Some(seen) = arguments.issue else {
        return show(&mdm.preview_correction(id)?, arguments.json);
    };
    let seen = Money::from_decimal(seen, Rounding::Truncate)
        .ok()
        .filter(|money| money.decimal() == seen)
        .ok_or_else(|| Failure::new(format!("--issue {seen}: it is no amount such as -12.34")))?;
    let reason = arguments.reason.as_deref().unwrap_or_default();
    let done = mdm.correct_invoice(id, seen, reason)?;
    let outcome = match done.issued {
        Issued::Issued(_) => "issued",
        Issued::Exists(_) => "exists",
    };
    if arguments.json {
        return print_json(&serde_json::json!({
            "outcome": outcome, "number": done.number, "amount": done.amount.to_string(),
        }));
    }
    print(&format!("correction {}: {outcome}, {}\n", done.number, done.amount))
}

fn found(mdm: &Mdm, wanted: &str) -> Result<InvoiceId, Failure> {
    if let Ok(id) = wanted.parse() {
        return Ok(id);
    }
    let number = wanted.to_owned();
    let row =
        mdm.registry().read_blocking(move |tx| match organisations::default_organisation(tx)? {
            Some(organisation) => invoices::by_number(tx, organisation.id, &number),
            None => Ok(None),
        })?;
    row.map(|row| row.id).ok_or_else(|| {
        Failure::new(format!("there is no invoice `{wanted}`: give its number or its id"))
    })
}

fn show(preview: &CorrectionPreview, json: bool) -> Result<(), Failure> {
    if json {
        let lines: Vec<_> = preview
            .lines
            .iter()
            .map(|line| {
                serde_json::json!({
                    "code": line.code, "label": line.label, "before": line.before.to_string(),
                    "after": line.after.to_string(), "difference": line.difference.to_string(),
                })
            })
            .collect();
        return print_json(&serde_json::json!({
            "invoice": preview.invoice.number, "before": preview.before.to_string(),
            "after": preview.after.to_string(), "difference": preview.difference.to_string(),
            "wh": preview.energy.wh(), "differs": preview.differs, "lines": lines,
            "then_correct": preview.then_correct,
        }));
    }
    let number = &preview.invoice.number;
    if !preview.differs {
        return print(&format!("invoice {number}: right by what is known now\n"));
    }
    let mut text = vec![format!(
        "invoice {number}: {} billed, {} by what is known now, difference {} ({} kWh)\n",
        preview.before,
        preview.after,
        preview.difference,
        preview.energy.kwh().normalize()
    )];
    for line in preview.lines.iter().filter(|line| line.difference != Money::ZERO) {
        let (label, before, after) = (&line.label, line.before, line.after);
        text.push(format!("  {label}: {after} instead of {before} ({})\n", line.difference));
    }
    text.push(format!(
        "issue it: corrente bill correct {number} --issue {} --reason TEXT\n",
        preview.difference
    ));
    if !preview.then_correct.is_empty() {
        let then = preview.then_correct.join(", ");
        text.push(format!("its credits change: then correct {then}, in this order\n"));
    }
    print(&text.concat())
}
