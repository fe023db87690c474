//! `corrente admin`: what an administrator does on the server's machine, beside a running server too.

mod backup;
mod balance;
mod customer;
mod findings;
mod import;
mod meter;
mod organisation;
mod outbox;
mod place;
mod prices;
mod reading;
mod rules;
mod tariff;
mod terms;
mod token;
mod usage_point;
mod user;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use corrente_clock::wall_clock;
use corrente_registry::{
    RegistryError, Tx,
    admin::By,
    organisations::{self, Organisation},
};

use crate::{data_directory::open_registry, failure::Failure};

/// Options of `corrente admin`.
#[derive(Debug, Args)]
pub(crate) struct AdminArguments {
    #[command(subcommand)]
    command: AdminCommand,
}

#[derive(Debug, Subcommand)]
enum AdminCommand {
    /// The organisation: name, address, PIX key
    Organisation(organisation::OrganisationArguments),
    /// Customers
    Customer(customer::CustomerArguments),
    /// Usage points: the places where energy is used and billed
    UsagePoint(usage_point::UsagePointArguments),
    /// Customers, usage points, meters and agreements from CSV files: all of it or nothing
    Import(import::ImportArguments),
    /// Tariff files in the registry
    Tariff(tariff::TariffArguments),
    /// Prices by interval, for dynamic tariffs (CSV)
    Prices(prices::PricesArguments),
    /// Months of an index of prices, for the correction of late payments (CSV)
    Index(prices::PricesArguments),
    /// What a tariff asks of a usage point: regime of credits, contracted power, meters
    Terms(terms::TermsArguments),
    /// Enrolment tokens, with which new meters come in
    Token(token::TokenArguments),
    /// Readings that are kept aside until a person looks at them
    Reading(reading::ReadingArguments),
    /// What validation found: listed, accepted, edited, sent back
    Findings(Box<findings::FindingsArguments>),
    /// Meters: registered, exchanged, behind transformers, with a dial that rolls over, with a wrong clock
    Meter(Box<meter::MeterArguments>),
    /// Messages that were given up
    Outbox(outbox::OutboxArguments),
    /// Rule sets of validation: stored, listed, given to usage points
    Rules(rules::RulesArguments),
    /// What a transformer or a building measures against what lies behind it
    Balance(Box<balance::BalanceArguments>),
    /// People who sign in
    User(user::UserArguments),
    /// Copies everything into a new folder, also while a server works
    Backup(backup::BackupArguments),
    /// Makes a data directory of a backup
    Restore(backup::RestoreArguments),
}

/// Does it.
pub(crate) fn run(arguments: AdminArguments) -> Result<(), Failure> {
    match arguments.command {
        AdminCommand::Organisation(arguments) => organisation::run(arguments),
        AdminCommand::Customer(arguments) => customer::run(arguments),
        AdminCommand::UsagePoint(arguments) => usage_point::run(arguments),
        AdminCommand::Import(arguments) => import::run(arguments),
        AdminCommand::Tariff(arguments) => tariff::run(arguments),
        AdminCommand::Prices(arguments) => prices::run(&arguments, prices::What::Prices),
        AdminCommand::Index(arguments) => prices::run(&arguments, prices::What::Index),
        AdminCommand::Terms(arguments) => terms::run(arguments),
        AdminCommand::Token(arguments) => token::run(arguments),
        AdminCommand::Reading(arguments) => reading::run(arguments),
        AdminCommand::Findings(arguments) => findings::run(*arguments),
        AdminCommand::Meter(arguments) => meter::run(*arguments),
        AdminCommand::Outbox(arguments) => outbox::run(arguments),
        AdminCommand::Rules(arguments) => rules::run(arguments),
        AdminCommand::Balance(arguments) => balance::run(*arguments),
        AdminCommand::User(arguments) => user::run(arguments),
        AdminCommand::Backup(arguments) => backup::backup(&arguments),
        AdminCommand::Restore(arguments) => backup::restore(&arguments),
    }
}

/// Which data directory.
#[derive(Clone, Debug, Args)]
struct Directory {
    /// Data directory; a server may be using it
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("the data directory has no organisation yet: start `corrente serve` on it once")]
    NoOrganisation,
    #[error("there is no {kind} `{name}`{fix}")]
    Unknown { kind: &'static str, name: String, fix: &'static str },
    #[error("{file}: {error}")]
    Rules { file: String, error: String },
    #[error(transparent)]
    Import(#[from] corrente_registry::admin::ImportRefusal),
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.to_string())
    }
}

impl Directory {
    /// One transaction in the name of the command line.
    fn write<T: Send + 'static>(
        &self,
        operation: impl Fn(&mut Tx, &By, &Organisation) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Failure> {
        let (registry, clock) = open_registry(&self.data)?;
        let by = By::command_line(clock.now(), wall_clock());
        Ok(registry.write_blocking(move |tx| {
            let organisation = default_organisation(tx)?;
            operation(tx, &by, &organisation)
        })?)
    }

    /// One look.
    fn read<T: Send + 'static>(
        &self,
        operation: impl Fn(&mut Tx, &Organisation) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Failure> {
        let (registry, _) = open_registry(&self.data)?;
        Ok(registry.read_blocking(move |tx| {
            let organisation = default_organisation(tx)?;
            operation(tx, &organisation)
        })?)
    }
}

fn default_organisation(tx: &mut Tx) -> Result<Organisation, Refusal> {
    organisations::default_organisation(tx)?.ok_or(Refusal::NoOrganisation)
}
