//! `corrente admin import`.

use std::path::PathBuf;

use clap::Args;
use corrente_registry::admin::{self, ImportFile, ImportKind, ImportRefusal};

use super::{Directory, Refusal};
use crate::{
    failure::Failure,
    output::{print, read_text},
};

/// Options of `corrente admin import`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ImportArguments {
    #[command(flatten)]
    directory: Directory,
    /// CSV: number,name[,document,email,phone,address,language]
    #[arg(long, value_name = "FILE")]
    customers: Option<PathBuf>,
    /// CSV: name[,customer,address,municipality,zone,class,phases,power_max_w,credit_regime,contracted_kw,meters]
    #[arg(long, value_name = "FILE")]
    usage_points: Option<PathBuf>,
    /// CSV: serial,usage_point[,model,reporting_seconds,installed_from,secret,kind,interval_seconds,register_digits,export]
    #[arg(long, value_name = "FILE")]
    meters: Option<PathBuf>,
    /// CSV: usage_point,tariff,from
    #[arg(long, value_name = "FILE")]
    agreements: Option<PathBuf>,
}

pub(super) fn run(arguments: ImportArguments) -> Result<(), Failure> {
    let given = [
        (ImportKind::Customers, &arguments.customers),
        (ImportKind::UsagePoints, &arguments.usage_points),
        (ImportKind::Meters, &arguments.meters),
        (ImportKind::Agreements, &arguments.agreements),
    ];
    let mut files = Vec::new();
    for (kind, path) in given {
        if let Some(path) = path {
            files.push(ImportFile {
                kind,
                name: path.display().to_string(),
                text: read_text(path)?,
            });
        }
    }
    if files.is_empty() {
        return Err(Failure::new(
            "nothing to import: give --customers, --usage-points, --meters or --agreements",
        ));
    }
    let imported = arguments.directory.write(move |tx, by, organisation| {
        admin::import(tx, by, organisation.id, &files).map_err(|refusal| match refusal {
            ImportRefusal::Mistakes(mistakes) => Refusal::Import(ImportRefusal::Mistakes(mistakes)),
            ImportRefusal::Registry(error) => Refusal::Registry(error),
        })
    });
    let imported = imported?;
    report(&format!(
        "{} customers, {} usage points, {} meters, {} agreements. Secrets and codes are shown once:",
        imported.customers,
        imported.usage_points,
        imported.meters.len(),
        imported.agreements
    ));
    print("kind,name,secret\n")?;
    for meter in &imported.meters {
        print(&format!("meter,{},{}\n", meter.serial, meter.secret.reveal()))?;
    }
    for code in &imported.codes {
        print(&format!("sign-in,{},{}\n", code.email, code.code.reveal()))?;
    }
    Ok(())
}

#[expect(clippy::print_stderr, reason = "remarks beside the file on standard output")]
fn report(text: &str) {
    eprintln!("{text}");
}
