//! The command line.

use clap::{Parser, Subcommand};

/// Open electricity metering: from a meter's socket to a bill on a page.
#[derive(Debug, Parser)]
#[command(name = "corrente", version, about, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The server: meters, portal and REST on one port
    Serve(crate::serve::ServeArguments),
    /// A small city that lives: two years of history, meters that report, people to sign in as
    Demo(crate::demo::DemoArguments),
    /// A meter in the terminal: a register, a rate, and a menu to change it
    Meter(crate::meter::MeterArguments),
    /// Many simulated households in one process, each with a connection of its own
    Fleet(crate::fleet::FleetArguments),
    /// Sends recorded interval data as meters that report it
    Replay(crate::replay::ReplayArguments),
    /// Meter data files of the field: London, HomeWizard, DSMR, Engie, Ameren, Enel, Green Button, NEM12, your own CSV
    Import(Box<crate::import::ImportArguments>),
    /// Figures of a data directory as files
    Export(crate::export::ExportArguments),
    /// What an administrator does on the server's machine
    Admin(crate::admin::AdminArguments),
    /// Bills computed again: paper bills, and issued invoices
    Bill(crate::bill::BillArguments),
    /// Tariff files checked, explained, imported
    Tariff(crate::tariff::TariffArguments),
    /// Payment codes read and verified
    Pay(crate::pay::PayArguments),
    /// Looks at an installation and says what to do
    Doctor(crate::doctor::DoctorArguments),
    /// Asks a server whether it lives
    Health(crate::health::HealthArguments),
}
