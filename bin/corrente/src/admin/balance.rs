//! `corrente admin balance`: what a transformer or a building measures against what lies behind it.

use clap::{Args, Subcommand};
use corrente_metering::{Calendar, Date, calendar::next_day};
use corrente_registry::{admin, usage_points};
use corrente_units::Energy;
use jiff::ToSpan as _;

use super::{
    Directory, Refusal,
    place::{Place, PlaceArguments},
};
use crate::{
    failure::Failure,
    instant::{self, Moment},
    output::print,
};

/// Options of `corrente admin balance`.
#[derive(Debug, Args)]
pub(crate) struct BalanceArguments {
    #[command(subcommand)]
    command: BalanceCommand,
}

#[derive(Debug, Subcommand)]
enum BalanceCommand {
    /// Day by day: the parent, the sum behind it, the loss in energy and money, as CSV
    Show {
        #[command(flatten)]
        place: PlaceArguments,
        /// The parent's recorded name
        #[arg(value_name = "USAGE POINT")]
        parent: String,
        /// First day; a month ago when left out
        #[arg(long, value_name = "DATE")]
        from: Option<Date>,
        /// Last day; yesterday when left out
        #[arg(long, value_name = "DATE")]
        to: Option<Date>,
    },
    /// Puts usage points behind another one; behind none without --parent
    Link {
        #[command(flatten)]
        directory: Directory,
        /// The recorded name of the one that measures them as well
        #[arg(long, value_name = "USAGE POINT")]
        parent: Option<String>,
        /// From when: an instant or a date; now when left out
        #[arg(long, value_name = "WHEN", value_parser = instant::parse)]
        from: Option<Moment>,
        /// Recorded names of those that lie behind
        #[arg(required = true, value_name = "USAGE POINT")]
        usage_points: Vec<String>,
    },
}

pub(super) fn run(arguments: BalanceArguments) -> Result<(), Failure> {
    match arguments.command {
        BalanceCommand::Show { place, parent, from, to } => show(&place, &parent, from, to),
        BalanceCommand::Link { directory, parent, from, usage_points } => {
            directory.write(move |tx, by, organisation| {
                let calendar =
                    Calendar::new(&organisation.zone).unwrap_or_else(|_| Calendar::utc());
                let from = from.as_ref().map_or(by.business, |m| m.at(&calendar, by.business));
                for child in &usage_points {
                    let pair = (child.as_str(), parent.as_deref());
                    admin::set_parent(tx, by, organisation.id, pair, from)?;
                }
                Ok(())
            })
        }
    }
}

fn show(
    place: &PlaceArguments,
    parent: &str,
    from: Option<Date>,
    to: Option<Date>,
) -> Result<(), Failure> {
    let Place::Here(here) = place.look()? else {
        return Err(Failure::new(
            "give --data DIR, which may be in use; a server has GET /api/v1/admin/usage-points/{id}/balance",
        ));
    };
    let (organisation, name) = (here.organisation.id, parent.to_owned());
    let point = here.mdm.registry().read_blocking(move |tx| {
        usage_points::by_name(tx, organisation, &name)?.ok_or(Refusal::Unknown {
            kind: "usage point",
            name: name.clone(),
            fix: "",
        })
    })?;
    let calendar = Calendar::new(&point.zone).unwrap_or_else(|_| Calendar::utc());
    let today = calendar.date(here.clock.now());
    let from = from.unwrap_or_else(|| today.saturating_sub(30.days()));
    let to = to.unwrap_or_else(|| today.saturating_sub(1.day()));
    let found = here.mdm.balance(point.id, (from, next_day(to)))?;
    print("day,parent_wh,children_wh,children,unknown,loss_wh,amount,currency,unusual\n")?;
    let wh = |energy: Option<Energy>| energy.map_or_else(String::new, |e| e.wh().to_string());
    found.days.iter().try_for_each(|day| {
        print(&format!(
            "{},{},{},{},\"{}\",{},{},{},{}\n",
            day.sums.date,
            wh(day.sums.parent),
            day.sums.children.wh(),
            day.children,
            day.sums.unknown.join("; ").replace('"', "\"\""),
            wh(day.sums.loss),
            day.sums.amount.map_or_else(String::new, |amount| amount.decimal().to_string()),
            found.currency,
            day.unusual
        ))
    })
}
