//! `corrente export profile`: a day's load profile, each interval with where it comes from.

use std::{
    io::{BufWriter, stdout},
    path::PathBuf,
};

use clap::Args;
use corrente_mdm::{MdmError, export::quality_word};
use corrente_metering::{Date, Direction, Quality};
use corrente_registry::usage_points;

use crate::{failure::Failure, figures::Figures};

/// Options of `corrente export profile`.
#[derive(Debug, Args)]
pub(super) struct ProfileArguments {
    /// Data directory; beside a running server the figures are those of this moment
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The usage point's recorded name
    #[arg(long, value_name = "NAME")]
    usage_point: String,
    /// The civil day
    #[arg(long, value_name = "DATE")]
    day: Date,
    /// Which version; the latest when left out
    #[arg(long, value_name = "N")]
    version: Option<u32>,
    /// import or export
    #[arg(long, default_value = "import", value_parser = ["import", "export"])]
    direction: String,
}

/// Prints the day as CSV.
pub(super) fn run(arguments: &ProfileArguments) -> Result<(), Failure> {
    let figures = Figures::open(&arguments.data)?;
    let mdm = figures.mdm();
    let import = arguments.direction == "import";
    let direction = if import { Direction::Import } else { Direction::Export };
    let name = arguments.usage_point.clone();
    let everywhere = mdm.registry().read_blocking(usage_points::list_everywhere)?;
    let point = everywhere
        .into_iter()
        .find(|point| point.name == name)
        .ok_or(MdmError::NotFound { kind: "usage point", id: name })?;
    let profile = mdm.day_profile(point.id, direction, arguments.day, arguments.version)?;
    let mut out = csv::Writer::from_writer(BufWriter::new(stdout().lock()));
    let cannot = |error: csv::Error| Failure::of("cannot write", error);
    out.write_record([
        "usage_point",
        "version",
        "from",
        "to",
        "wh",
        "quality",
        "at_least",
        "method",
        "edited_by",
        "reason",
    ])
    .map_err(cannot)?;
    let version = profile.version.map_or_else(String::new, |version| version.to_string());
    for interval in &profile.intervals {
        let estimated = matches!(interval.quality, Quality::Estimated { .. });
        let method = interval.estimate.filter(|_| estimated).map_or("", |(by, _)| by.name());
        let edit = interval.edit.as_ref();
        out.write_record([
            point.name.as_str(),
            &version,
            &profile.calendar.rfc3339(interval.span.start),
            &profile.calendar.rfc3339(interval.span.end),
            &interval.energy.map_or_else(String::new, |energy| energy.wh().to_string()),
            quality_word(interval.quality),
            if interval.at_least { "true" } else { "false" },
            method,
            edit.map_or("", |edit| edit.actor.as_str()),
            edit.map_or("", |edit| edit.reason.as_str()),
        ])
        .map_err(cannot)?;
    }
    out.flush().map_err(|error| Failure::of("cannot write", error))
}
