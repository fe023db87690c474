//! `corrente admin prices` and `corrente admin index`.

use std::path::PathBuf;

use clap::Args;
use corrente_registry::{
    admin::{self, ImportRefusal},
    price_series::Loaded,
};

use super::{Directory, Refusal};
use crate::{
    failure::Failure,
    output::{print, read_text},
};

/// Options of both commands.
#[derive(Clone, Debug, Args)]
pub(crate) struct PricesArguments {
    #[command(flatten)]
    directory: Directory,
    /// Name of the series or the index, as tariff files call it
    #[arg(long, value_name = "NAME")]
    name: String,
    /// CSV: start,price[,end] with instants such as 2026-11-23T14:00:00Z, or month,change for an index
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// Prices by interval.
    Prices,
    /// Months of an index.
    Index,
}

pub(super) fn run(arguments: &PricesArguments, what: What) -> Result<(), Failure> {
    let (name, text) = (arguments.name.clone(), read_text(&arguments.file)?);
    let file = arguments.file.display().to_string();
    let Loaded { added, changed, same } =
        arguments.directory.write(move |tx, by, organisation| {
            let csv = (file.as_str(), text.as_str());
            let loaded = match what {
                What::Prices => admin::load_prices(tx, by, organisation.id, &name, csv),
                What::Index => admin::load_index(tx, by, organisation.id, &name, csv),
            };
            loaded.map_err(|refusal| match refusal {
                ImportRefusal::Registry(error) => Refusal::Registry(error),
                mistakes @ ImportRefusal::Mistakes(_) => Refusal::Import(mistakes),
            })
        })?;
    print(&format!("{}: {added} added, {changed} changed, {same} as before\n", arguments.name))
}
