//! `corrente admin tariff`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use corrente_metering::Date;
use corrente_registry::{admin, tariffs};

use super::Directory;
use crate::{
    failure::Failure,
    output::{print, read_text},
};

/// Options of `corrente admin tariff`.
#[derive(Debug, Args)]
pub(crate) struct TariffArguments {
    #[command(subcommand)]
    command: TariffCommand,
}

#[derive(Debug, Subcommand)]
enum TariffCommand {
    /// Stores tariff files as new versions
    Add {
        #[command(flatten)]
        directory: Directory,
        /// Tariff files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Lists the tariffs and their versions
    List(Directory),
    /// Puts a usage point on a tariff from a day on
    Agree {
        #[command(flatten)]
        directory: Directory,
        /// Name of the usage point
        #[arg(long, value_name = "NAME")]
        usage_point: String,
        /// Code of the tariff
        #[arg(long, value_name = "CODE")]
        tariff: String,
        /// The first day
        #[arg(long, value_name = "DATE")]
        from: Date,
    },
}

pub(super) fn run(arguments: TariffArguments) -> Result<(), Failure> {
    match arguments.command {
        TariffCommand::Add { directory, files } => add(&directory, &files),
        TariffCommand::List(directory) => list(&directory),
        TariffCommand::Agree { directory, usage_point, tariff, from } => {
            directory.write(move |tx, by, organisation| {
                Ok(admin::agree(tx, by, organisation.id, &usage_point, &tariff, from)?)
            })?;
            Ok(())
        }
    }
}

fn add(directory: &Directory, files: &[PathBuf]) -> Result<(), Failure> {
    let texts: Vec<String> = files.iter().map(|file| read_text(file)).collect::<Result<_, _>>()?;
    let stored = directory.write(move |tx, by, organisation| {
        let mut stored = Vec::new();
        for text in &texts {
            stored.push(admin::store_tariff(tx, by, organisation.id, text)?);
        }
        Ok(stored)
    })?;
    for (file, version) in files.iter().zip(stored) {
        print(&format!(
            "{}: version {}, valid from {}\n",
            file.display(),
            version.number,
            version.valid_from
        ))?;
    }
    Ok(())
}

fn list(directory: &Directory) -> Result<(), Failure> {
    let listed = directory.read(|tx, organisation| {
        let mut listed = Vec::new();
        for tariff in tariffs::list(tx, organisation.id)? {
            for version in tariffs::versions(tx, tariff.id)? {
                listed.push(format!("{},{},{}", tariff.name, version.number, version.valid_from));
            }
        }
        Ok(listed)
    })?;
    print("tariff,version,valid_from\n")?;
    listed.iter().try_for_each(|line| print(&format!("{line}\n")))
}
