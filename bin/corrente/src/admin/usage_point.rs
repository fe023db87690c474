//! `corrente admin usage-point`: one usage point by hand, and what its connection carries; many come by
//! `corrente admin import`.

use clap::{Args, Subcommand};
use corrente_registry::{
    admin, customers,
    usage_points::{self, NewUsagePoint},
};
use corrente_units::Decimal;

use super::{Directory, Refusal};
use crate::{failure::Failure, output::print};

/// Options of `corrente admin usage-point`.
#[derive(Debug, Args)]
pub(crate) struct UsagePointArguments {
    #[command(subcommand)]
    command: UsagePointCommand,
}

#[derive(Debug, Subcommand)]
enum UsagePointCommand {
    /// Makes a usage point
    Create(CreateArguments),
    /// Lists the usage points
    List(Directory),
    /// Says what a connection carries: more than that is not believed. Days that were validated are
    /// looked at again
    PowerLimit(PowerLimitArguments),
}

#[derive(Clone, Debug, Args)]
struct CreateArguments {
    #[command(flatten)]
    directory: Directory,
    /// Its recorded name, unique: Rua A, 1
    #[arg(long)]
    name: String,
    /// Number of the customer whose it is
    #[arg(long, value_name = "NUMBER")]
    customer: Option<String>,
    /// Postal address
    #[arg(long)]
    address: Option<String>,
    /// Municipality; the organisation's when left out
    #[arg(long)]
    municipality: Option<String>,
    /// IANA zone that cuts its days and months; the organisation's when left out
    #[arg(long)]
    zone: Option<String>,
    /// Class of consumer: residential, commercial, …
    #[arg(long, default_value = "residential")]
    class: String,
    /// Phases: 1, 2 or 3
    #[arg(long, default_value_t = 1)]
    phases: u8,
}

#[derive(Debug, Args)]
struct PowerLimitArguments {
    #[command(flatten)]
    directory: Directory,
    /// The recorded name
    #[arg(value_name = "USAGE POINT")]
    name: String,
    /// The most that it carries, in kW: 75 or 13.8
    #[arg(long, value_name = "KW", value_parser = watts, required_unless_present = "unknown")]
    kw: Option<i64>,
    /// Nobody knows
    #[arg(long, conflicts_with = "kw")]
    unknown: bool,
}

fn watts(text: &str) -> Result<i64, String> {
    let kw: Decimal = text.parse().map_err(|_| "give a number of kW such as 13.8".to_owned())?;
    let watts = kw.checked_mul(Decimal::from(1000)).map(|watts| watts.round());
    let watts = watts.and_then(|watts| i64::try_from(watts).ok()).filter(|watts| *watts > 0);
    watts.ok_or_else(|| "give a number of kW above 0".to_owned())
}

pub(super) fn run(arguments: UsagePointArguments) -> Result<(), Failure> {
    match arguments.command {
        UsagePointCommand::Create(create) => make(&create),
        UsagePointCommand::PowerLimit(given) => limit(&given),
        UsagePointCommand::List(directory) => {
            let found = directory
                .read(|tx, organisation| Ok(usage_points::list_all(tx, organisation.id)?))?;
            print("name,class,phases,zone\n")?;
            found.iter().try_for_each(|point| {
                print(&format!("{},{},{},{}\n", point.name, point.class, point.phases, point.zone))
            })
        }
    }
}

fn make(create: &CreateArguments) -> Result<(), Failure> {
    let given = create.clone();
    create.directory.write(move |tx, by, organisation| {
        let mut new = NewUsagePoint::named(organisation, &given.name);
        if let Some(number) = &given.customer {
            let found = customers::by_number(tx, organisation.id, number)?;
            let missing = || Refusal::Unknown {
                kind: "customer with number",
                name: number.clone(),
                fix: ": `corrente admin customer create` makes one",
            };
            new.customer = Some(found.ok_or_else(missing)?.id);
        }
        new.address.clone_from(&given.address);
        new.municipality = given.municipality.clone().or(new.municipality);
        new.zone = given.zone.clone().unwrap_or(new.zone);
        new.class.clone_from(&given.class);
        new.phases = given.phases;
        Ok(admin::create_usage_point(tx, by, &new)?)
    })?;
    Ok(())
}

fn limit(given: &PowerLimitArguments) -> Result<(), Failure> {
    let (name, kw) = (given.name.clone(), given.kw);
    given.directory.write(move |tx, by, organisation| {
        Ok(admin::set_power_limit(tx, by, organisation.id, &name, kw)?)
    })?;
    match given.kw {
        Some(watts) => print(&format!("{}: at most {watts} W\n", given.name)),
        None => print(&format!("{}: not known\n", given.name)),
    }
}
