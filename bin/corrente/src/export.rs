//! `corrente export`: figures of a data directory as files that anyone can check.

mod bills;
mod profile;

use std::{
    io::{BufWriter, stdout},
    path::PathBuf,
};

use clap::{Args, Subcommand};
use corrente_mdm::{
    Step,
    export::{self, ExportQuery},
};
use corrente_metering::{Date, calendar};
use corrente_render::csv::{Amounts, UsageFile, UsageRow};

use crate::{failure::Failure, figures::Figures};

/// Options of `corrente export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    #[command(subcommand)]
    command: ExportCommand,
}

#[derive(Debug, Subcommand)]
enum ExportCommand {
    /// Energy of every usage point by hour, day, month or year, with its quality
    Usage(UsageArguments),
    /// Every bill: number, usage point, customer, period, energy, amount, due date, state
    Bills(bills::BillsArguments),
    /// A day's load profile, each interval with its quality, method or edit, in any version
    Profile(profile::ProfileArguments),
}

#[derive(Debug, Args)]
struct UsageArguments {
    /// Data directory; beside a running server the figures are those of this moment
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// First day
    #[arg(long, value_name = "DATE")]
    from: Date,
    /// Last day
    #[arg(long, value_name = "DATE")]
    to: Date,
    /// 15m, 30m, hour, day, week, month or year
    #[arg(long, default_value = "day", value_parser = step)]
    step: Step,
    /// Only the usage point of this name
    #[arg(long, value_name = "NAME")]
    usage_point: Option<String>,
    /// The form of the file
    #[arg(long, default_value = "csv", value_parser = ["csv"])]
    format: String,
}

fn step(word: &str) -> Result<Step, String> {
    Step::from_word(word).ok_or_else(|| {
        let words = Step::ALL.map(Step::word).join(", ");
        format!("give one of {words}")
    })
}

/// Exports to standard output.
pub(crate) fn run(arguments: ExportArguments) -> Result<(), Failure> {
    crate::log::start_for_tool()?;
    match arguments.command {
        ExportCommand::Usage(arguments) => usage(arguments),
        ExportCommand::Bills(arguments) => bills::run(&arguments),
        ExportCommand::Profile(arguments) => profile::run(&arguments),
    }
}

fn usage(arguments: UsageArguments) -> Result<(), Failure> {
    if arguments.to < arguments.from {
        return Err(Failure::new(format!(
            "--to {} is before --from {}",
            arguments.to, arguments.from
        )));
    }
    let figures = Figures::open(&arguments.data)?;
    let mdm = figures.mdm();
    let query = ExportQuery {
        from: arguments.from,
        until: calendar::next_day(arguments.to),
        step: arguments.step,
        usage_point: arguments.usage_point,
    };
    let cannot = |error: csv::Error| Failure::of("cannot write", error);
    let out = BufWriter::new(stdout().lock());
    let mut file = UsageFile::begin(out, Amounts::Without).map_err(cannot)?;
    for rows in export::usage(&mdm, query)? {
        for row in rows? {
            let row = UsageRow {
                usage_point: row.usage_point,
                period_start: row.period_start,
                period_end: row.period_end,
                energy: row.energy,
                quality: row.quality,
                amount: None,
            };
            file.write(&row).map_err(cannot)?;
        }
    }
    file.end().map_err(cannot)
}
