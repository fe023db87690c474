//! `GET /usage-points/{id}/home`: everything that the first page shows, in one request.

use axum::{Json, extract::State};
use corrente_mdm::{NowState, export::quality_word};
use corrente_metering::Calendar;
use corrente_registry::alerts;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    alerts::AlertEvent,
    invoices::{InvoiceSummary, Line},
    words::{AlertWriter, WordsQuestion},
};
use crate::{Api, OwnUsagePoint, Params, Problem};

/// Alerts on the first page.
const MOST_ALERTS: u32 = 3;

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(get_home))
}

/// Everything that the first page shows.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Home {
    /// Power of now.
    now: Now,
    /// The running bill; null without a tariff or a reading.
    bill: Option<BillSoFar>,
    /// The running day.
    today: Today,
    /// The newest invoice.
    last_invoice: Option<InvoiceSummary>,
    /// The newest alerts that nobody has read, at most three.
    alerts: Vec<AlertEvent>,
}

/// Power of now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Now {
    /// W; null when unknown.
    power_w: Option<i64>,
    /// When it was so.
    at: Option<String>,
    /// What an hour of it costs.
    price_per_hour: Option<String>,
    /// How old the last report is, in seconds.
    age_s: Option<i64>,
    /// `live`, `late`, `silent`, `none`.
    state: &'static str,
    /// The tariff's period of the day; null where it has none.
    period: Option<PeriodNow>,
    /// Each phase of which the meter says something, in order.
    phases: Vec<Phase>,
    /// The last hour: seconds since 1970 and W, in order.
    recent: Vec<(i64, i64)>,
}

/// A phase.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Phase {
    /// Voltage in millivolts; null when unknown.
    mv: Option<i64>,
    /// Current in milliamperes; null when unknown.
    ma: Option<i64>,
}

impl From<corrente_mdm::Phase> for Phase {
    fn from(phase: corrente_mdm::Phase) -> Self {
        Self { mv: phase.volts_mv, ma: phase.amps_ma }
    }
}

/// The tariff's period of the day that runs now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PeriodNow {
    /// In the tariff's own word.
    name: String,
    /// `off_peak`, `shoulder`, `peak`: how dear it is among its tariff's.
    level: &'static str,
    /// When another one begins; null where none does within a week.
    until: Option<String>,
}

impl PeriodNow {
    pub(crate) fn new(calendar: &Calendar, now: &corrente_mdm::PeriodNow) -> Self {
        Self {
            name: now.name.clone(),
            level: now.level.word(),
            until: now.until.map(|until| calendar.rfc3339(until)),
        }
    }
}

/// The running bill.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BillSoFar {
    /// The first day.
    from: String,
    /// The first day that is no longer part of it.
    to: String,
    /// Which day of the period it is, from 1.
    day: i64,
    /// How many days it has.
    days: i64,
    /// Wh so far.
    wh: i64,
    /// What the bill would be if the period ended now.
    amount: String,
    /// The part of it that depends on energy.
    energy_amount: String,
    /// The rest.
    fixed_amount: String,
    /// What the bill will probably be.
    projected_amount: Option<String>,
    /// The lower end of the range that holds four times out of five.
    projected_low: Option<String>,
    /// Its upper end.
    projected_high: Option<String>,
    /// The last issued bill.
    previous_amount: Option<String>,
    /// Something is missing, so it is at least this.
    at_least: bool,
    /// Days or intervals that are estimated.
    estimated: usize,
    /// Days or intervals of which something is missing.
    missing: usize,
    /// The tariff.
    tariff: TariffName,
    /// ISO 4217.
    currency: &'static str,
    /// The lines so far.
    lines: Vec<Line>,
}

/// A tariff version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TariffName {
    /// Its name.
    name: String,
    /// Its version.
    version: String,
}

/// The running day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Today {
    /// Wh so far; null when nothing is known.
    wh: Option<i64>,
    /// What it cost.
    amount: Option<String>,
    /// `measured`, `estimated`, `edited`, `missing`.
    quality: &'static str,
    /// What is usual until this time of this weekday.
    expected_wh: Option<i64>,
    /// The lower end of what is usual.
    expected_low_wh: Option<i64>,
    /// The upper end.
    expected_high_wh: Option<i64>,
    /// The running total.
    points: Vec<TodayPoint>,
}

/// The running total at an instant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TodayPoint {
    /// When.
    end: String,
    /// Wh since midnight.
    wh: i64,
}

/// Everything that the first page shows.
#[utoipa::path(
    get,
    path = "/usage-points/{id}/home",
    tag = "usage",
    params(("id" = String, Path, description = "The usage point"), WordsQuestion),
    responses((status = 200, body = Home)),
    extensions(("x-access" = json!("viewer"))),
)]
async fn get_home(
    State(api): State<Api>,
    own: OwnUsagePoint,
    Params(question): Params<WordsQuestion>,
) -> Result<Json<Home>, Problem> {
    let id = own.point.id;
    let calendar = Calendar::new(&own.point.zone).unwrap_or_else(|_| Calendar::utc());
    let asked = question.language.as_deref();
    let writer = AlertWriter::new(&api, &own.identity, own.point, asked).await?;
    let (now, bill, today, invoices) = api
        .mdm()
        .run(move |mdm| {
            // A bill that cannot be computed (a tariff without this year's holidays) takes nothing
            // else from the page.
            let bill = mdm.bill_so_far(id).unwrap_or_else(|error| {
                tracing::warn!(%error, usage_point.id = %id, "bill so far cannot be computed");
                None
            });
            Ok((mdm.now(id)?, bill, mdm.today(id)?, mdm.invoices(id)?))
        })
        .await?;
    let unread = api.registry().read(move |tx| alerts::unread(tx, id, MOST_ALERTS)).await?;
    Ok(Json(Home {
        now: Now::new(&calendar, now),
        bill: bill.map(BillSoFar::new),
        today: Today {
            wh: today.energy.map(corrente_units::Energy::wh),
            amount: today.amount.map(|amount| amount.to_string()),
            quality: quality_word(today.quality),
            expected_wh: today.usual.map(|usual| usual.mean.wh()),
            expected_low_wh: today.usual.map(|usual| usual.low.wh()),
            expected_high_wh: today.usual.map(|usual| usual.high.wh()),
            points: today
                .points
                .iter()
                .map(|(t, energy)| TodayPoint { end: calendar.rfc3339(*t), wh: energy.wh() })
                .collect(),
        },
        last_invoice: invoices.first().map(|invoice| InvoiceSummary::new(&calendar, invoice)),
        alerts: unread.iter().map(|event| writer.event(event)).collect(),
    }))
}

impl Now {
    pub(crate) fn new(calendar: &Calendar, now: corrente_mdm::Now) -> Self {
        Self {
            power_w: now.power_w,
            at: now.at.map(|at| calendar.rfc3339(at)),
            price_per_hour: now.price_per_hour.map(|amount| amount.to_string()),
            age_s: now.age_s,
            state: match now.state {
                NowState::Live => "live",
                NowState::Late => "late",
                NowState::Silent => "silent",
                NowState::Nothing => "none",
            },
            period: now.period.as_ref().map(|period| PeriodNow::new(calendar, period)),
            phases: now.phases.into_iter().map(Phase::from).collect(),
            recent: now.recent.into_iter().map(|(t, w)| (t.second(), w)).collect(),
        }
    }
}

impl BillSoFar {
    fn new(bill: corrente_mdm::BillSoFar) -> Self {
        Self {
            from: bill.from.to_string(),
            to: bill.until.to_string(),
            day: bill.day,
            days: bill.days,
            wh: bill.energy.wh(),
            amount: bill.amount.to_string(),
            energy_amount: bill.energy_amount.to_string(),
            fixed_amount: bill.fixed_amount.to_string(),
            projected_amount: bill.projected.map(|p| p.amount.to_string()),
            projected_low: bill.projected.map(|p| p.low.to_string()),
            projected_high: bill.projected.map(|p| p.high.to_string()),
            previous_amount: bill.previous.map(|amount| amount.to_string()),
            at_least: bill.at_least,
            estimated: bill.estimated,
            missing: bill.missing,
            tariff: TariffName { name: bill.tariff, version: bill.tariff_version },
            currency: bill.currency.code(),
            lines: bill.lines.iter().map(Line::new).collect(),
        }
    }
}
