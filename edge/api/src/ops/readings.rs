//! `GET /usage-points/{id}/readings`: raw readings, as the meters sent them.
#![expect(unused_qualifications, reason = "the macro of the document writes whole paths")]

use axum::{Json, extract::State};
use corrente_mdm::{ReadingOrder, ReadingQuery};
use corrente_metering::{Calendar, ChannelKind, Direction, Span, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::shown;
use crate::{Api, OwnUsagePoint, Params, Problem};

/// So many where the question does not say.
const USUAL: usize = 500;

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(get_readings))
}

/// What is asked.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadingsQuestion {
    /// Beginning: RFC 3339, or a civil date or time; when left out a day ago, or the first reading with
    /// `order=desc`.
    from: Option<String>,
    /// End; now when left out.
    to: Option<String>,
    /// Only the reading at this instant, or else the last one before it.
    at: Option<String>,
    /// `asc` (the oldest first, as when left out) or `desc` (the newest first).
    order: Option<String>,
    /// At most so many, 1 to 5000; readings of one instant stay together.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<i64>,
}

/// Some readings in the order that was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Readings {
    /// They.
    readings: Vec<Reading>,
    /// The cursor of the next page; null at the end.
    next: Option<String>,
}

/// A reading as it came.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Reading {
    /// The end of what was measured.
    t: String,
    /// Wh: the register, or the interval's energy.
    value_wh: i64,
    /// `register` or `interval`.
    kind: &'static str,
    /// The channel's name.
    channel: String,
    /// `import` (from the grid) or `export`.
    direction: &'static str,
    /// The source's own code for its quality; 0 is good.
    source_quality: u8,
}

/// Raw readings, as the meters sent them.
#[utoipa::path(
    get,
    path = "/usage-points/{id}/readings",
    tag = "usage",
    params(("id" = String, Path, description = "The usage point"), ReadingsQuestion),
    responses((status = 200, body = Readings)),
    extensions(("x-access" = json!("viewer"))),
)]
async fn get_readings(
    State(api): State<Api>,
    own: OwnUsagePoint,
    Params(question): Params<ReadingsQuestion>,
) -> Result<Json<Readings>, Problem> {
    let calendar = Calendar::new(&own.point.zone).unwrap_or_else(|_| Calendar::utc());
    let instant = |field, text: &Option<String>| {
        text.as_deref().map(|text| shown::instant(&calendar, field, text)).transpose()
    };
    let (from, to, at) = (
        instant("from", &question.from)?,
        instant("to", &question.to)?,
        instant("at", &question.at)?,
    );
    let to = to.unwrap_or_else(|| api.clock().now());
    let order = order(question.order.as_deref())?;
    let from = from.unwrap_or_else(|| match order {
        ReadingOrder::Ascending => to.plus(-86_400),
        ReadingOrder::Descending => Timestamp::MIN,
    });
    let query = ReadingQuery {
        span: Some(Span::new(from, to)),
        at,
        order,
        limit: question.limit.unwrap_or(USUAL),
        behind: question.cursor.map(Timestamp::from_second),
    };
    let id = own.point.id;
    let page = api.mdm().run(move |mdm| mdm.readings(id, query)).await?;
    Ok(Json(Readings {
        readings: page
            .readings
            .into_iter()
            .map(|reading| Reading {
                t: calendar.rfc3339(reading.t),
                value_wh: reading.value.wh(),
                kind: match reading.kind {
                    ChannelKind::Register => "register",
                    ChannelKind::Interval => "interval",
                },
                channel: reading.channel,
                direction: match reading.direction {
                    Direction::Import => "import",
                    Direction::Export => "export",
                },
                source_quality: reading.quality.0,
            })
            .collect(),
        next: page.next.map(|t| t.second().to_string()),
    }))
}

fn order(text: Option<&str>) -> Result<ReadingOrder, Problem> {
    match text {
        None | Some("asc" | "") => Ok(ReadingOrder::Ascending),
        Some("desc") => Ok(ReadingOrder::Descending),
        Some(word) => Err(Problem::field("order", format!("`{word}` is not one of asc, desc."))),
    }
}
