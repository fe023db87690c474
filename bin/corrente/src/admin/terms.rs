//! `corrente admin terms`.

use clap::Args;
use corrente_registry::{admin, usage_points::Terms};
use corrente_units::Decimal;

use super::Directory;
use crate::failure::Failure;

/// Options of `corrente admin terms`. What is left out is taken away.
#[derive(Clone, Debug, Args)]
pub(crate) struct TermsArguments {
    #[command(flatten)]
    directory: Directory,
    /// Recorded name of the usage point
    #[arg(long, value_name = "NAME")]
    usage_point: String,
    /// The regime of credits for energy that it feeds in, in the tariff's word: gd2
    #[arg(long, value_name = "CODE")]
    credit_regime: Option<String>,
    /// Contracted demand
    #[arg(long, value_name = "KW")]
    contracted_kw: Option<Decimal>,
    /// Meters that a charge per meter counts
    #[arg(long, value_name = "COUNT")]
    meters: Option<u32>,
}

pub(super) fn run(arguments: TermsArguments) -> Result<(), Failure> {
    let TermsArguments { directory, usage_point, credit_regime, contracted_kw, meters } = arguments;
    let terms = Terms { credit_regime, contracted_kw, meters };
    directory.write(move |tx, by, organisation| {
        Ok(admin::set_terms(tx, by, organisation.id, &usage_point, &terms)?)
    })?;
    Ok(())
}
