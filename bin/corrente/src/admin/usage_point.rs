//! `corrente admin usage-point`: one usage point by hand; many come by `corrente admin import`.

use clap::{Args, Subcommand};
use corrente_registry::{
    admin, customers,
    usage_points::{self, NewUsagePoint},
};

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

pub(super) fn run(arguments: UsagePointArguments) -> Result<(), Failure> {
    match arguments.command {
        UsagePointCommand::Create(create) => make(&create),
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
