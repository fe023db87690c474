//! `corrente pay`: payment codes read and verified.

use clap::{Args, Subcommand};
use corrente_billing::check::check_codes;

use crate::{
    failure::Failure,
    output::{differing, print, print_json},
};

/// Options of `corrente pay`.
#[derive(Debug, Args)]
pub(crate) struct PayArguments {
    #[command(subcommand)]
    command: PayCommand,
}

#[derive(Debug, Subcommand)]
enum PayCommand {
    /// Explains and verifies PIX codes, FEBRABAN bar codes and NF3e keys
    Check {
        /// The codes; one that falls into groups may be given as it is printed
        #[arg(required = true, value_name = "CODE")]
        codes: Vec<String>,
        /// Prints the reports as JSON
        #[arg(long)]
        json: bool,
    },
}

/// Does it. The exit code is not 0 where a code is not sound.
pub(crate) fn run(arguments: PayArguments) -> Result<(), Failure> {
    let PayCommand::Check { codes, json } = arguments.command;
    let reports = check_codes(&codes);
    if json {
        print_json(&reports)?;
    } else {
        for report in &reports {
            let verdict = match &report.problem {
                None if report.valid => "sound".to_owned(),
                None => "NOT SOUND".to_owned(),
                Some(problem) => format!("NOT SOUND: {problem}"),
            };
            print(&format!("{}: {verdict}\n", report.kind))?;
            for remark in &report.remarks {
                print(&format!("  remark: {remark}\n"))?;
            }
            for (name, value) in &report.parts {
                print(&format!("  {name}: {value}\n"))?;
            }
        }
    }
    differing(
        reports.iter().filter(|report| !report.valid).count(),
        reports.len(),
        "codes are not sound",
    )
}
