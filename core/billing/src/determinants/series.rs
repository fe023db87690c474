//! Energy at prices of each interval.

use corrente_metering::{Date, Interval, Span, Timestamp};
use corrente_tariff::tou::{TouSpan, days_between, find};
use corrente_units::{Decimal, Energy};
use serde::{Deserialize, Serialize};

use super::Measure;
use crate::{BillingError, exact::apportion, portion::portions};

/// Prices by interval, such as the day-ahead market's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceSeries {
    /// Its name, as tariff files call it.
    pub name: String,
    /// The version of the data.
    pub version: String,
    /// Prices in order of time.
    pub points: Vec<PricePoint>,
}

/// The price of an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PricePoint {
    /// When.
    pub span: Span,
    /// The price in the series' unit; it may be negative.
    pub price: Decimal,
}

/// Energy in the intervals of a price series.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesQuantity {
    /// The charge's code.
    pub charge: String,
    /// The first day of the tariff version that asks.
    pub first: Date,
    /// The series' name.
    pub series: String,
    /// The version of the series' data.
    pub version: String,
    /// End of the interval, energy (Wh), price in the series' unit, period of the day.
    pub intervals: Vec<SeriesInterval>,
}

/// Energy at one price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesInterval {
    /// When the price's interval ended.
    pub end: Timestamp,
    /// Energy from the grid in it.
    pub energy: Energy,
    /// The series' price.
    pub price: Decimal,
    /// The period of the day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<String>,
}

pub(super) fn measure(
    from: &Measure<'_>,
    first: Date,
    until: Date,
) -> Result<Vec<SeriesQuantity>, BillingError> {
    let mut quantities = Vec::new();
    for portion in portions(from.tariffs, first, until)? {
        let tariff = portion.tariff;
        let days = from.calendar.days(portion.first, portion.until).intersect(from.span);
        for charge in &tariff.file().series {
            let series = from
                .series
                .iter()
                .find(|s| s.name == charge.series)
                .ok_or_else(|| BillingError::NoPriceSeries { series: charge.series.clone() })?;
            let mut stretches = Vec::new();
            if let Some(tou) = tariff.tou().filter(|_| !charge.add_in.is_empty()) {
                for date in days_between(portion.first, portion.until) {
                    stretches.extend(tou.day(from.calendar, date, tariff.day_kind(date)?));
                }
            }
            let names = tariff.tou().map_or(&[][..], |t| t.periods());
            quantities.push(SeriesQuantity {
                charge: charge.code.clone(),
                first: portion.first,
                series: series.name.clone(),
                version: series.version.clone(),
                intervals: energies(from.import, series, days, &stretches, names)?,
            });
        }
    }
    Ok(quantities)
}

fn energies(
    intervals: &[Interval],
    series: &PriceSeries,
    days: Span,
    stretches: &[TouSpan],
    names: &[String],
) -> Result<Vec<SeriesInterval>, BillingError> {
    let mut found: Vec<SeriesInterval> = Vec::new();
    for interval in intervals {
        let span = interval.span().intersect(days);
        let (false, Some(energy)) = (span.is_empty(), interval.energy()) else { continue };
        let start = series.points.partition_point(|p| p.span.end <= span.start);
        let points: Vec<&PricePoint> =
            series.points.iter().skip(start).take_while(|p| p.span.start < span.end).collect();
        let weights: Vec<i64> = points.iter().map(|p| p.span.intersect(span).seconds()).collect();
        if weights.iter().sum::<i64>() < span.seconds() {
            return Err(BillingError::NoPriceAt { series: series.name.clone(), at: span.end });
        }
        for (point, wh) in points.into_iter().zip(apportion(energy.wh(), &weights)) {
            match found.last_mut().filter(|last| last.end == point.span.end) {
                Some(last) => {
                    last.energy = last.energy.checked_add(Energy::from_wh(wh))?;
                }
                None => found.push(SeriesInterval {
                    end: point.span.end,
                    energy: Energy::from_wh(wh),
                    price: point.price,
                    period: find(stretches, point.span.end)
                        .and_then(|s| names.get(s.period))
                        .cloned(),
                }),
            }
        }
    }
    Ok(found)
}
