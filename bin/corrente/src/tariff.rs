//! `corrente tariff`: tariff files checked, explained, imported.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use corrente_billing::check::RateReport;
use corrente_mdm::simulate::SimulationQuery;
use corrente_registry::organisations;
use corrente_tariff::{Tariff, explain, overlaps, urdb};

use crate::{
    failure::{Failure, sentence},
    figures::Figures,
    output::{differing_or_unread, each_file, print, print_json, read_text},
};

/// Options of `corrente tariff`.
#[derive(Debug, Args)]
pub(crate) struct TariffArguments {
    #[command(subcommand)]
    command: TariffCommand,
}

#[derive(Debug, Subcommand)]
enum TariffCommand {
    /// Says whether tariff files are sound: line, key and fix of every mistake; and whether versions overlap
    Check {
        /// Tariff files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Prints a tariff in words
    Explain {
        /// Tariff file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Imports a rate of OpenEI's database as a tariff file on standard output
    ImportUrdb {
        /// The rate in JSON
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Rates what customers really used under another tariff: who would win, who would lose, what comes in
    Simulate {
        /// Tariff file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Data directory; a server may be using it
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// So many whole months back
        #[arg(long, value_name = "MONTHS", default_value_t = 12)]
        last: i64,
        /// Only the usage point of this name; may be given more than once
        #[arg(long, value_name = "NAME")]
        usage_point: Vec<String>,
        /// Prints the result as JSON
        #[arg(long)]
        json: bool,
    },
    /// Computes the twelve bills of a rate and a load, and compares them with the file's own figures
    CheckUrdb {
        /// Files with `rate`, `load` and expected figures
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Prints the reports as JSON
        #[arg(long)]
        json: bool,
    },
}

/// Does it. The exit code is not 0 where something is wrong or differs.
pub(crate) fn run(arguments: TariffArguments) -> Result<(), Failure> {
    match arguments.command {
        TariffCommand::Check { files } => check(&files),
        TariffCommand::Explain { file } => print(&ended(explain(&read(&file)?))),
        TariffCommand::ImportUrdb { file } => import_urdb(&file),
        TariffCommand::Simulate { file, data, last, usage_point, json } => {
            simulate(&file, &data, last, usage_point, json)
        }
        TariffCommand::CheckUrdb { files, json } => check_urdb(&files, json),
    }
}

fn read(file: &Path) -> Result<Tariff, Failure> {
    Tariff::parse(&read_text(file)?)
        .map_err(|error| Failure::new(format!("{} is no sound tariff\n{error}", file.display())))
}

fn check(files: &[PathBuf]) -> Result<(), Failure> {
    let mut bad = 0;
    let mut sound = Vec::new();
    let unread = each_file(files, |file| {
        match Tariff::parse(&read_text(file)?) {
            Ok(tariff) => {
                print(&format!(
                    "{}: sound: {} {}, valid from {}\n",
                    file.display(),
                    tariff.code(),
                    tariff.version(),
                    tariff.valid_from()
                ))?;
                sound.push(tariff);
            }
            Err(error) => {
                bad += 1;
                for line in error.to_string().lines() {
                    print(&format!("{}: {line}\n", file.display()))?;
                }
            }
        }
        Ok(())
    });
    let overlaps = overlaps(&sound.iter().collect::<Vec<_>>());
    for overlap in &overlaps {
        print(&format!("{overlap}\n"))?;
    }
    if !overlaps.is_empty() && bad == 0 && unread == 0 {
        return Err(Failure::new("versions overlap"));
    }
    differing_or_unread(bad, files.len(), "tariff files have mistakes", unread)
}

#[expect(clippy::print_stderr, reason = "remarks beside the file on standard output")]
fn import_urdb(file: &Path) -> Result<(), Failure> {
    let imported = urdb::import(&read_text(file)?)
        .map_err(|error| Failure::of(file.display(), sentence(&error)))?;
    for left_out in &imported.left_out {
        eprintln!("left out, and it decides amounts: {left_out}");
    }
    for note in &imported.notes {
        eprintln!("note: {note}");
    }
    let tariff = Tariff::from_file(imported.file)
        .map_err(|error| Failure::of("the imported rate is no sound tariff", sentence(&error)))?;
    let text = tariff.to_toml().map_err(|error| Failure::of("cannot write the tariff", error))?;
    print(&ended(text))
}

fn simulate(
    file: &Path,
    data: &Path,
    months: i64,
    usage_points: Vec<String>,
    json: bool,
) -> Result<(), Failure> {
    let tariff = read(file)?;
    let figures = Figures::open(data)?;
    let mdm = figures.mdm();
    let organisation = mdm
        .registry()
        .read_blocking(organisations::default_organisation)?
        .ok_or_else(|| Failure::new("there is no organisation: `corrente admin organisation`"))?
        .id;
    let query = SimulationQuery { organisation, usage_points, months };
    let found = mdm.simulate(&tariff, &query)?;
    if json {
        return print_json(&found.simulation);
    }
    let result = &found.simulation;
    print(&format!(
        "{} {} over the last {months} months: {} bills of {} usage points\n  {} would pay less, {} would pay more\n  revenue {} instead of {}\n",
        tariff.code(),
        tariff.version(),
        found.bills,
        result.outcomes.len(),
        result.winners,
        result.losers,
        result.revenue_after,
        result.revenue_before
    ))?;
    for outcome in &result.outcomes {
        let (name, change) = (&outcome.usage_point, outcome.difference);
        let (after, before) = (outcome.after, outcome.before);
        print(&format!("  {name}: {after} instead of {before} ({change})\n"))?;
    }
    for (name, reason) in &found.left_out {
        print(&format!("  {name}: left out: {reason}\n"))?;
    }
    Ok(())
}

fn check_urdb(files: &[PathBuf], json: bool) -> Result<(), Failure> {
    let mut reports = Vec::new();
    let unread = each_file(files, |file| {
        let report = corrente_billing::check::check_urdb(&read_text(file)?)
            .map_err(|error| Failure::of(file.display(), sentence(&error)))?;
        if !json {
            print_rate(&report)?;
        }
        reports.push(report);
        Ok(())
    });
    if json {
        print_json(&reports)?;
    }
    let bad = reports.iter().filter(|report| !report.equal).count();
    differing_or_unread(bad, reports.len(), "rates differ", unread)
}

fn print_rate(report: &RateReport) -> Result<(), Failure> {
    let verdict = if report.equal { "equal" } else { "DIFFERS" };
    print(&format!(
        "{}: {verdict}, largest difference {}\n",
        report.name, report.largest_difference
    ))?;
    for month in &report.months {
        for (part, expected, computed, difference) in month.differing() {
            print(&format!(
                "  month {}, {part}: expected {expected}, computed {computed}, difference {difference}\n",
                month.month
            ))?;
        }
    }
    report.notes.iter().try_for_each(|note| print(&format!("  {note}\n")))
}

fn ended(mut text: String) -> String {
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}
