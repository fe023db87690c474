//! `corrente admin meter create`: a meter that is registered before it connects.

use clap::Args;
use corrente_metering::Calendar;
use corrente_registry::{
    admin::{self, RegisteredMeter},
    channels::NewChannel,
    meters::DEFAULT_REPORTING_SECONDS,
    usage_points,
};

use crate::{
    admin::{Directory, Refusal},
    failure::Failure,
    instant::{self, Moment},
    output::print,
};

/// Options of `corrente admin meter create`.
#[derive(Clone, Debug, Args)]
pub(super) struct CreateArguments {
    #[command(flatten)]
    directory: Directory,
    /// What stands on its plate, unique
    #[arg(long)]
    serial: String,
    /// The usage point's recorded name
    #[arg(long, value_name = "NAME")]
    usage_point: String,
    /// Maker and model
    #[arg(long)]
    model: Option<String>,
    /// Seconds from one reading to the next
    #[arg(long, value_name = "SECONDS", default_value_t = DEFAULT_REPORTING_SECONDS,
        value_parser = clap::value_parser!(i64).range(1..=86_400))]
    reporting_seconds: i64,
    /// From when it stands there: an instant or a date; now when left out
    #[arg(long, value_name = "WHEN", value_parser = instant::parse)]
    installed_from: Option<Moment>,
}

pub(super) fn run(arguments: &CreateArguments) -> Result<(), Failure> {
    let given = arguments.clone();
    let (_, secret) = arguments.directory.write(move |tx, by, organisation| {
        let point = usage_points::by_name(tx, organisation.id, &given.usage_point)?;
        let missing = || Refusal::Unknown {
            kind: "usage point named",
            name: given.usage_point.clone(),
            fix: ": `corrente admin usage-point create` makes one",
        };
        let calendar = Calendar::new(&organisation.zone).unwrap_or_else(|_| Calendar::utc());
        let installed = given.installed_from.as_ref().map(|when| when.at(&calendar, by.business));
        let new = RegisteredMeter {
            organisation: organisation.id,
            serial: given.serial.clone(),
            model: given.model.clone(),
            reporting_seconds: given.reporting_seconds,
            secret: None,
            channels: vec![NewChannel::import()],
            usage_point: point.ok_or_else(missing)?.id,
            installed_from: installed.unwrap_or(by.business),
        };
        Ok(admin::register_meter(tx, by, &new)?)
    })?;
    print(&format!("{}\n", secret.reveal()))
}
