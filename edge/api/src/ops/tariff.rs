//! `GET /usage-points/{id}/tariff`: the tariff of a usage point, as its customer reads it.

use axum::{Json, extract::State};
use corrente_tariff::file::{FixedPer, TaxMethod};
use corrente_units::{Rounding, round_to};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Api, OwnUsagePoint, Problem};

/// Prices are shown with so many decimals, as bills have them.
const PRICE_DECIMALS: u32 = 6;

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(get_tariff))
}

/// The tariff of a usage point today.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnTariff {
    /// The tariff; null where none is agreed.
    tariff: Option<Tariff>,
}

/// A tariff as its customer reads it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tariff {
    /// Its name.
    name: String,
    /// Its version.
    version: String,
    /// The first day of the version.
    valid_from: String,
    /// The first day that it no longer covers; null while it is open.
    valid_until: Option<String>,
    /// Its prices are examples.
    example: bool,
    /// ISO 4217.
    currency: &'static str,
    /// Now.
    now: String,
    /// What a kWh costs, the period that comes first on the bill first.
    prices: Vec<Price>,
    /// Today and the days after it with their hours; empty where all hours are alike.
    days: Vec<Day>,
    /// The holidays of the next twelve months, where the hours of a day depend on them.
    holidays: Vec<String>,
    /// What is charged beside energy, without taxes.
    fixed: Vec<Fixed>,
    /// The taxes.
    taxes: Vec<TaxRate>,
}

/// What a kWh costs in a period of the day and a block.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Price {
    /// The period, in the tariff's own word; null where it has none.
    period: Option<String>,
    /// `off_peak`, `shoulder`, `peak`: how dear it is among its tariff's.
    level: &'static str,
    /// From this kWh of the bill on.
    from_kwh: String,
    /// Per kWh without taxes.
    net: String,
    /// Per kWh with taxes, as it comes to the bill.
    with_taxes: String,
}

/// A day and its hours.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Day {
    /// The day.
    date: String,
    /// Is it a holiday of the tariff's list?
    holiday: bool,
    /// Its stretches in order.
    hours: Vec<Hours>,
}

/// Hours of one price.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Hours {
    /// Beginning.
    start: String,
    /// End.
    end: String,
    /// The period, in the tariff's own word.
    period: String,
    /// `off_peak`, `shoulder`, `peak`.
    level: &'static str,
}

/// What is charged beside energy.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Fixed {
    /// Its name on the bill.
    label: String,
    /// The price.
    price: String,
    /// `day`, `month`, `year`, `meter`, `kw`.
    per: &'static str,
}

/// A tax.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaxRate {
    /// Its name on the bill.
    label: String,
    /// A fraction: 0.205 is 20.5 %.
    rate: String,
    /// Is it inside the price (*por dentro*), or added to it?
    included: bool,
}

/// The tariff of a usage point today: the hours of the day, prices with and without taxes, the days that
/// are different.
#[utoipa::path(
    get,
    path = "/usage-points/{id}/tariff",
    tag = "usage",
    params(("id" = String, Path, description = "The usage point")),
    responses((status = 200, body = OwnTariff)),
    extensions(("x-access" = json!("viewer"))),
)]
async fn get_tariff(
    State(api): State<Api>,
    own: OwnUsagePoint,
) -> Result<Json<OwnTariff>, Problem> {
    let id = own.point.id;
    let shown = api.mdm().run(move |mdm| mdm.shown_tariff(id)).await?;
    Ok(Json(OwnTariff { tariff: shown.as_ref().map(Tariff::new) }))
}

impl Tariff {
    fn new(shown: &corrente_mdm::ShownTariff) -> Self {
        let (tariff, calendar) = (&shown.tariff, &shown.calendar);
        let file = tariff.file();
        let today = calendar.date(shown.now);
        let price =
            |value| round_to(value, PRICE_DECIMALS, Rounding::HalfUp).normalize().to_string();
        Self {
            name: file.name.clone(),
            version: tariff.version().to_owned(),
            valid_from: tariff.valid_from().to_string(),
            valid_until: tariff.valid_until().map(|date| date.to_string()),
            example: file.example,
            currency: shown.currency.code(),
            now: calendar.rfc3339(shown.now),
            prices: shown
                .prices
                .iter()
                .map(|own| Price {
                    period: own.period.clone(),
                    level: own.level.word(),
                    from_kwh: own.from_kwh.normalize().to_string(),
                    net: price(own.net),
                    with_taxes: price(own.with_taxes),
                })
                .collect(),
            days: shown
                .days
                .iter()
                .map(|day| Day {
                    date: day.date.to_string(),
                    holiday: day.holiday,
                    hours: day
                        .hours
                        .iter()
                        .map(|hours| Hours {
                            start: calendar.rfc3339(hours.span.start),
                            end: calendar.rfc3339(hours.span.end),
                            period: hours.period.clone(),
                            level: hours.level.word(),
                        })
                        .collect(),
                })
                .collect(),
            holidays: shown.holidays.iter().map(ToString::to_string).collect(),
            fixed: file
                .fixed
                .iter()
                .filter_map(|charge| {
                    let value = charge.price.on(today)?;
                    let per = per(charge.per);
                    Some(Fixed { label: charge.label.clone(), price: price(value), per })
                })
                .collect(),
            taxes: file
                .tax
                .iter()
                .filter_map(|tax| {
                    Some(TaxRate {
                        label: tax.label.clone(),
                        rate: tax.rate.on(today)?.normalize().to_string(),
                        included: tax.method == TaxMethod::Inclusive,
                    })
                })
                .collect(),
        }
    }
}

const fn per(per: FixedPer) -> &'static str {
    match per {
        FixedPer::Day => "day",
        FixedPer::Month => "month",
        FixedPer::Year => "year",
        FixedPer::Meter => "meter",
        FixedPer::Kw => "kw",
    }
}
