//! `GET /usage-points/{id}/usage` and `usage.csv`: how much was used, in steps.
#![expect(unused_qualifications, reason = "the macro of the document writes whole paths")]

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use corrente_mdm::{UsageQuery, export::quality_word};
use corrente_metering::{Calendar, Span, calendar::next_day};
use http::header;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::shown::{self, Interval, Total};
use crate::{Api, OwnUsagePoint, Params, Problem};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(get_usage)).routes(routes!(get_usage_csv))
}

/// What is asked.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct UsageQuestion {
    /// Beginning: RFC 3339, or a civil date or time of the usage point; today when left out.
    from: Option<String>,
    /// End, which is no longer part of it; a day after the beginning when left out.
    to: Option<String>,
    /// `auto`, `15m`, `30m`, `hour`, `day`, `week`, `month`, `year`.
    step: Option<String>,
    /// `none`, `previous`, `year`.
    compare: Option<String>,
    /// At most so many steps; a longer step is taken when there would be more.
    max_points: Option<usize>,
    /// `true`: each step also gets its share of what is charged beside energy, so that a bill's steps add
    /// up to the bill, its energy by period of the day, and what the usual energy would have cost.
    whole: Option<bool>,
}

/// How much was used.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Usage {
    /// IANA zone of the usage point.
    zone: String,
    /// ISO 4217.
    currency: &'static str,
    /// Beginning of what was asked for.
    from: String,
    /// Its end.
    to: String,
    /// The step that was taken.
    step: &'static str,
    /// Step by step, without those that have not begun.
    intervals: Vec<Interval>,
    /// All of them.
    total: Total,
    /// What would have been usual for all of them; null when a step has no past.
    expected_wh: Option<i64>,
    /// What is charged beside energy, when these are whole billing periods; the last may still run.
    fixed_amount: Option<String>,
    /// What it is compared with.
    compare: Option<Compared>,
    /// The difference to that.
    change: Option<Change>,
}

/// What it is compared with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Compared {
    /// Beginning.
    from: String,
    /// End.
    to: String,
    /// Step by step; while the first span runs, only as much of it.
    intervals: Vec<Interval>,
    /// All of them.
    total: Total,
}

/// The difference to what it is compared with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Change {
    /// In percent of energy; negative means less.
    wh_percent: Option<String>,
    /// In money; negative means less.
    amount_difference: Option<String>,
}

/// How much was used, in steps, with its cost and what would have been usual.
#[utoipa::path(
    get,
    path = "/usage-points/{id}/usage",
    tag = "usage",
    params(("id" = String, Path, description = "The usage point"), UsageQuestion),
    responses((status = 200, body = Usage)),
    extensions(("x-access" = json!("viewer"))),
)]
async fn get_usage(
    State(api): State<Api>,
    own: OwnUsagePoint,
    Params(question): Params<UsageQuestion>,
) -> Result<Json<Usage>, Problem> {
    Ok(Json(describe(&ask(&api, &own, &question).await?)))
}

/// The same as a file: one line a step.
#[utoipa::path(
    get,
    path = "/usage-points/{id}/usage.csv",
    tag = "usage",
    params(("id" = String, Path, description = "The usage point"), UsageQuestion),
    responses((status = 200, body = String, content_type = "text/csv")),
    extensions(("x-access" = json!("viewer"))),
)]
async fn get_usage_csv(
    State(api): State<Api>,
    own: OwnUsagePoint,
    Params(question): Params<UsageQuestion>,
) -> Result<Response, Problem> {
    let usage = ask(&api, &own, &question).await?;
    let rows = usage.intervals.iter().map(|interval| corrente_render::csv::UsageRow {
        usage_point: own.point.name.clone(),
        period_start: usage.calendar.rfc3339(interval.span.start),
        period_end: usage.calendar.rfc3339(interval.span.end),
        energy: interval.energy,
        quality: if interval.at_least { "partial" } else { quality_word(interval.quality) },
        amount: interval.amount,
    });
    let mut file = Vec::new();
    corrente_render::csv::usage(&mut file, rows, corrente_render::csv::Amounts::With)
        .map_err(|error| Problem::internal(&error))?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"usage.csv\""),
    ];
    Ok((headers, file).into_response())
}

async fn ask(
    api: &Api,
    own: &OwnUsagePoint,
    question: &UsageQuestion,
) -> Result<corrente_mdm::Usage, Problem> {
    let calendar = Calendar::new(&own.point.zone).unwrap_or_else(|_| Calendar::utc());
    let from = match &question.from {
        Some(text) => shown::instant(&calendar, "from", text)?,
        None => calendar.midnight(calendar.date(api.clock().now())),
    };
    let to = match &question.to {
        Some(text) => shown::instant(&calendar, "to", text)?,
        None => calendar.midnight(next_day(calendar.date(from))),
    };
    let query = UsageQuery {
        span: Span::new(from, to),
        step: shown::step(question.step.as_deref())?,
        compare: shown::compare(question.compare.as_deref())?,
        max_points: question.max_points,
        whole: question.whole.unwrap_or(false),
    };
    let id = own.point.id;
    Ok(api.mdm().run(move |mdm| mdm.usage(id, query)).await?)
}

fn describe(usage: &corrente_mdm::Usage) -> Usage {
    let calendar = &usage.calendar;
    let intervals = |from: &[corrente_mdm::UsageInterval]| {
        from.iter().map(|interval| Interval::new(calendar, interval)).collect()
    };
    Usage {
        zone: calendar.name().to_owned(),
        currency: usage.currency.code(),
        from: calendar.rfc3339(usage.span.start),
        to: calendar.rfc3339(usage.span.end),
        step: usage.step.word(),
        intervals: intervals(&usage.intervals),
        total: Total::new(&usage.total),
        expected_wh: usage.expected.map(corrente_units::Energy::wh),
        fixed_amount: usage.fixed.map(|amount| amount.to_string()),
        compare: usage.compare.as_ref().map(|other| Compared {
            from: calendar.rfc3339(other.span.start),
            to: calendar.rfc3339(other.span.end),
            intervals: intervals(&other.intervals),
            total: Total::new(&other.total),
        }),
        change: usage.change.map(|change| Change {
            wh_percent: change.percent.map(|percent| percent.to_string()),
            amount_difference: change.amount.map(|amount| amount.to_string()),
        }),
    }
}
