//! `POST /admin/readings/import` and `POST /admin/readings/field`: readings that did not come from a
//! meter's own connection.
#![expect(unused_qualifications, reason = "the macro of the document writes whole paths")]

use axum::{
    Json,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
};
use corrente_files::{FileChannel, FileReadings, Format, Mapping, Unit};
use corrente_mdm::import::{ImportOrder, ImportReport};
use corrente_metering::{ChannelKind, Direction, Reading, SourceQuality, Timestamp};
use corrente_registry::admin::By;
use corrente_units::Energy;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Change, Clerk};
use crate::{Api, Body, Code, Params, Problem};

/// A year of a city's quarter hours, or the like.
const FILE_BYTES: usize = 256 << 20;

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(import_readings))
        .layer(DefaultBodyLimit::max(FILE_BYTES))
        .routes(routes!(add_field_reading))
}

/// How a file is imported.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportQuestion {
    /// What the file is called, for the report.
    file: Option<String>,
    /// The meter's serial, for a file that names none.
    meter: Option<String>,
    /// The usage point of meters that are made; else each gets one of its own name.
    usage_point: Option<String>,
    /// Makes meters and channels that are not known yet.
    #[serde(default)]
    create: bool,
    /// Imports the channels that find a place when others find none.
    #[serde(default)]
    keep_going: bool,
    /// Says what would be done, and does nothing.
    #[serde(default)]
    dry_run: bool,
    /// What the columns of another CSV mean: the text of a mapping file.
    map: Option<String>,
}

/// What became of a file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportedReadings {
    /// What is in the file: format, rows, first and last instant, energy, gaps and conflicts by channel,
    /// and the lines that could not be read with the reason.
    #[schema(value_type = Object)]
    report: serde_json::Value,
    /// What became of its readings.
    stored: Option<StoredReadings>,
    /// Channels that found no place; then nothing is stored, unless `keep_going` was set.
    refused: Vec<RefusedReadings>,
    /// The first thousand readings that contradict what is stored, or are kept aside, with their lines.
    against: Vec<AgainstReading>,
}

/// A reading of a file that does not count.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AgainstReading {
    /// Its line in the file, where that is known.
    line: Option<u64>,
    /// The meter that the file names.
    meter: Option<String>,
    /// The channel.
    channel: String,
    /// When.
    at: String,
    /// What the file says, Wh.
    wh: i64,
    /// What is stored for this instant, Wh.
    kept_wh: Option<i64>,
    /// `conflict`, `before_installation` or `in_future`.
    reason: String,
}

/// What became of readings.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StoredReadings {
    /// New ones.
    new: u64,
    /// Those that were stored already, with the same value.
    duplicates: u64,
    /// Those whose instant has another value: the first stays, these do not count.
    conflicts: u64,
    /// Those from before the meter's installation or from the future: kept aside.
    quarantined: u64,
    /// Channels that were made for them.
    made: u64,
}

/// A channel that found no place.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefusedReadings {
    /// The meter that the file names.
    meter: Option<String>,
    /// The channel.
    channel: String,
    /// Why, and what to do.
    reason: String,
}

impl ImportedReadings {
    fn new(report: ImportReport) -> Result<Self, Problem> {
        let stored = report.stored.map(|stored| StoredReadings {
            new: stored.new,
            duplicates: stored.duplicates,
            conflicts: stored.conflicts,
            quarantined: stored.quarantined,
            made: stored.made,
        });
        let refused = report
            .refused
            .into_iter()
            .map(|refused| RefusedReadings {
                meter: refused.meter,
                channel: refused.channel,
                reason: refused.reason,
            })
            .collect();
        let against = report
            .against
            .into_iter()
            .map(|against| AgainstReading {
                line: against.line,
                meter: against.meter,
                channel: against.channel,
                at: against.at,
                wh: against.wh,
                kept_wh: against.kept_wh,
                reason: against.reason,
            })
            .collect();
        let report = serde_json::to_value(&report.file).map_err(|e| Problem::internal(&e))?;
        Ok(Self { report, stored, refused, against })
    }
}

/// Imports a meter data file, whose format is seen from what is in it. The same file again changes
/// nothing.
#[utoipa::path(
    post,
    path = "/admin/readings/import",
    tag = "admin",
    params(ImportQuestion),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = ImportedReadings)),
    extensions(("x-access" = json!("admin"))),
)]
async fn import_readings(
    State(api): State<Api>,
    Change { by, organisation }: Change,
    Params(question): Params<ImportQuestion>,
    bytes: Bytes,
) -> Result<Json<ImportedReadings>, Problem> {
    let name = question.file.clone().unwrap_or_else(|| "file".to_owned());
    let mapping = question
        .map
        .as_deref()
        .map(Mapping::from_toml)
        .transpose()
        .map_err(|error| Problem::field("map", error.to_string()))?;
    let readings =
        tokio::task::spawn_blocking(move || corrente_files::read(&bytes, &name, mapping.as_ref()))
            .await?
            .map_err(|error| Problem::new(Code::InvalidFile, error.to_string()))?;
    let order = ImportOrder {
        organisation,
        meter: question.meter,
        usage_point: question.usage_point,
        create: question.create,
        keep_going: question.keep_going,
    };
    let mdm = api.mdm().clone();
    let report = if question.dry_run {
        mdm.run(move |mdm| mdm.import_rehearsed(&readings, &order)).await?
    } else {
        mdm.import(readings, order, by).await?
    };
    Ok(Json(ImportedReadings::new(report)?))
}

/// What a person read from a dial.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FieldReading {
    /// The meter's serial.
    serial: String,
    /// When, RFC 3339; now when left out.
    at: Option<String>,
    /// What the dial showed, in kWh.
    register_kwh: String,
    /// The register's name, where the meter has several.
    channel: Option<String>,
    /// `import` when left out, or `export`.
    direction: Option<String>,
    /// Who read it.
    reader: Option<String>,
}

/// Stores what a person read from a dial, like a reading of the meter itself.
#[utoipa::path(
    post,
    path = "/admin/readings/field",
    tag = "admin",
    request_body = FieldReading,
    responses((status = 200, body = ImportedReadings)),
    extensions(("x-access" = json!("operator"))),
)]
async fn add_field_reading(
    State(api): State<Api>,
    Clerk { by, organisation }: Clerk,
    Body(given): Body<FieldReading>,
) -> Result<Json<ImportedReadings>, Problem> {
    let readings = given.readings(&by)?;
    let order = ImportOrder {
        organisation,
        meter: None,
        usage_point: None,
        create: false,
        keep_going: false,
    };
    let report = api.mdm().import(readings, order, by).await?;
    if let Some(refused) = report.refused.first() {
        return Err(Problem::field("serial", refused.reason.clone()));
    }
    Ok(Json(ImportedReadings::new(report)?))
}

impl FieldReading {
    fn readings(self, by: &By) -> Result<FileReadings, Problem> {
        let at = match &self.at {
            None => by.business,
            Some(text) => text.parse::<jiff::Timestamp>().map(Timestamp::from).map_err(|_| {
                Problem::field(
                    "at",
                    format!("`{text}` is not a time such as 2026-11-23T18:00:00-03:00."),
                )
            })?,
        };
        let value = kwh(&self.register_kwh).ok_or_else(|| {
            let text = &self.register_kwh;
            Problem::field(
                "register_kwh",
                format!("`{text}` is not a number of kWh such as 4711.5."),
            )
        })?;
        let direction = match self.direction.as_deref() {
            None | Some("import") => Direction::Import,
            Some("export") => Direction::Export,
            Some(other) => {
                let detail = format!("`{other}` is neither import nor export.");
                return Err(Problem::field("direction", detail));
            }
        };
        let name = self.channel.unwrap_or_else(|| {
            if direction == Direction::Import { "import" } else { "export" }.to_owned()
        });
        let reading = Reading { end: at, value, quality: SourceQuality::GOOD };
        Ok(FileReadings {
            file_name: "field reading".to_owned(),
            format: Format::FieldReadings,
            channels: vec![FileChannel {
                meter: Some(self.serial),
                name,
                kind: ChannelKind::Register,
                direction,
                unit: Unit::Wh,
                check: false,
                interval_seconds: None,
                register_modulus_wh: None,
                readings: vec![reading],
                lines: Vec::new(),
                readers: self.reader.into_iter().map(|reader| (at, reader)).collect(),
                duplicates: 0,
                conflicts: Vec::new(),
                gaps: Vec::new(),
                columns: Vec::new(),
            }],
            rows_read: 1,
            rows_ignored: 0,
            problems: Vec::new(),
            notes: Vec::new(),
        })
    }
}

/// Whole watt-hours of a decimal number of kWh.
pub(super) fn kwh(text: &str) -> Option<Energy> {
    let kwh: corrente_units::Decimal = text.trim().parse().ok()?;
    let wh = kwh.checked_mul(corrente_units::Decimal::ONE_THOUSAND)?.trunc();
    if wh.is_sign_negative() {
        return None;
    }
    i64::try_from(wh).ok().map(Energy::from_wh)
}
