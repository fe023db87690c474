//! `corrente admin reading`: readings that are kept aside until a person looks at them.

use clap::{Args, Subcommand};
use corrente_clock::wall_clock;
use corrente_ledger::Decision;
use corrente_live::LiveHub;
use corrente_mdm::{Mdm, MdmError};
use corrente_metering::id::OrganisationId;
use corrente_registry::admin::By;

use super::{Directory, default_organisation};
use crate::{data_directory::DataDirectory, failure::Failure, output::print};

/// Options of `corrente admin reading`.
#[derive(Debug, Args)]
pub(crate) struct ReadingArguments {
    #[command(subcommand)]
    command: ReadingCommand,
}

/// A running server has the ledger for itself: there, use the API (`/admin/rejected-readings`).
#[derive(Debug, Subcommand)]
enum ReadingCommand {
    /// Lists the readings that do not count and about which nobody decided yet
    List(Directory),
    /// Lets readings count from now on that were kept aside
    Release(Decided),
    /// Readings never count
    Drop(Decided),
}

#[derive(Clone, Debug, Args)]
struct Decided {
    #[command(flatten)]
    directory: Directory,
    /// Why, for the audit log
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Numbers of the readings, as `list` says them
    #[arg(required = true, value_name = "NUMBER")]
    readings: Vec<u64>,
}

pub(super) fn run(arguments: ReadingArguments) -> Result<(), Failure> {
    match arguments.command {
        ReadingCommand::List(directory) => list(&directory),
        ReadingCommand::Release(decided) => decide(&decided, Decision::Release),
        ReadingCommand::Drop(decided) => decide(&decided, Decision::Drop),
    }
}

fn open(directory: &Directory) -> Result<(DataDirectory, Mdm, OrganisationId), Failure> {
    let data = DataDirectory::open_existing(&directory.data)?;
    let (registry, clock) = (data.registry.clone(), data.clock.clone());
    let organisation = registry.read_blocking(|tx| default_organisation(tx).map(|o| o.id))?;
    let mdm = Mdm::new(registry, data.ledger.clone(), clock, LiveHub::new());
    Ok((data, mdm, organisation))
}

fn list(directory: &Directory) -> Result<(), Failure> {
    let (_data, mdm, organisation) = open(directory)?;
    let mut after = 0;
    loop {
        let page = mdm.rejected_readings(organisation, after, 500).map_err(failed)?;
        for one in page.readings {
            let kept = one.kept.map_or(String::new(), |kept| format!(" (counts: {kept})"));
            print(&format!(
                "{}  {}  {}  {}  {}  {}{kept}\n",
                one.sequence, one.meter, one.channel, one.t, one.value, one.reason
            ))?;
        }
        let Some(next) = page.next else { return Ok(()) };
        after = next;
    }
}

fn decide(decided: &Decided, decision: Decision) -> Result<(), Failure> {
    let (_data, mdm, organisation) = open(&decided.directory)?;
    for &number in &decided.readings {
        let by = By {
            reason: decided.reason.clone(),
            ..By::command_line(mdm.clock().now(), wall_clock())
        };
        let done = mdm.decide_reading(organisation, by, number, decision).map_err(failed)?;
        let outcome = if done { "done" } else { "somebody decided before, that stays" };
        print(&format!("{number}: {outcome}\n"))?;
    }
    Ok(())
}

fn failed(error: MdmError) -> Failure {
    Failure::new(error.to_string())
}
