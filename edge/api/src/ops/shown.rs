//! How energy, money, time and quality are written in the answers about usage and bills, and how the
//! questions about them are read.

use corrente_mdm::{Compare, Step, UsageInterval, UsageTotal};
use corrente_metering::{Calendar, Date, Timestamp, calendar::DateTime};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Problem;

/// One step of usage.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Interval {
    /// Beginning, RFC 3339.
    start: String,
    /// End.
    end: String,
    /// Wh; null when missing.
    wh: Option<i64>,
    /// Its cost; null when unknown.
    amount: Option<String>,
    /// `measured`, `estimated`, `edited`, `missing`.
    quality: &'static str,
    /// A part of the step is missing, so it was at least this.
    at_least: bool,
    /// What would have been usual: the mean of the same weekday and time of eight weeks before.
    expected_wh: Option<i64>,
    /// With `whole`: its share of what is charged beside energy; null when that is not known.
    fixed_amount: Option<String>,
    /// Its cost with that share.
    total_amount: Option<String>,
    /// With `whole`: what the usual energy would have cost, with the same share.
    expected_amount: Option<String>,
    /// Its energy by period of the day, the cheapest first; empty where the tariff has none.
    parts: Vec<Part>,
}

/// Energy of a step in one period of the day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Part {
    /// The period, in the tariff's own word.
    period: String,
    /// `off_peak`, `shoulder`, `peak`: how dear it is among its tariff's.
    level: &'static str,
    /// Wh.
    wh: i64,
    /// Its cost; null when unknown.
    amount: Option<String>,
}

impl Interval {
    pub(crate) fn new(calendar: &Calendar, interval: &UsageInterval) -> Self {
        Self {
            start: calendar.rfc3339(interval.span.start),
            end: calendar.rfc3339(interval.span.end),
            wh: interval.energy.map(corrente_units::Energy::wh),
            amount: interval.amount.map(|amount| amount.to_string()),
            quality: corrente_mdm::export::quality_word(interval.quality),
            at_least: interval.at_least,
            expected_wh: interval.expected.map(corrente_units::Energy::wh),
            fixed_amount: interval.fixed.map(|amount| amount.to_string()),
            total_amount: interval.whole_amount().map(|amount| amount.to_string()),
            expected_amount: interval.expected_amount.map(|amount| amount.to_string()),
            parts: interval
                .parts
                .iter()
                .map(|part| Part {
                    period: part.period.clone(),
                    level: part.level.word(),
                    wh: part.energy.wh(),
                    amount: part.amount.map(|amount| amount.to_string()),
                })
                .collect(),
        }
    }
}

/// A sum of steps.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Total {
    /// Wh of what is known; null when nothing is.
    wh: Option<i64>,
    /// Its cost.
    amount: Option<String>,
    /// With `whole`: its share of what is charged beside energy.
    fixed_amount: Option<String>,
    /// Its cost with that share.
    total_amount: Option<String>,
    /// Something is missing, so it was at least this.
    at_least: bool,
    /// Steps that were measured.
    measured: usize,
    /// Steps that were estimated or edited.
    estimated: usize,
    /// Steps of which something is missing.
    missing: usize,
}

impl Total {
    pub(crate) fn new(total: &UsageTotal) -> Self {
        Self {
            wh: total.energy.map(corrente_units::Energy::wh),
            amount: total.amount.map(|amount| amount.to_string()),
            fixed_amount: total.fixed.map(|amount| amount.to_string()),
            total_amount: total.whole_amount().map(|amount| amount.to_string()),
            at_least: total.at_least,
            measured: total.measured,
            estimated: total.estimated,
            missing: total.missing,
        }
    }
}

/// An instant in a question: RFC 3339, or a civil date (its first midnight) or time of the usage point.
pub(crate) fn instant(
    calendar: &Calendar,
    field: &'static str,
    text: &str,
) -> Result<Timestamp, Problem> {
    // In a query a plus sign that was not encoded arrives as a space.
    let text = text.trim().replace(' ', "+");
    if let Ok(t) = text.parse::<jiff::Timestamp>() {
        return Ok(t.into());
    }
    if let Ok(date) = text.parse::<Date>()
        && text.len() <= 10
    {
        return Ok(calendar.midnight(date));
    }
    if let Ok(civil) = text.parse::<DateTime>() {
        return Ok(calendar.instant(civil));
    }
    Err(Problem::field(
        field,
        format!(
            "`{text}` is no time: use 2026-11-23, 2026-11-23T14:00 or 2026-11-23T14:00:00-03:00."
        ),
    ))
}

/// A step in a question; nothing for `auto`.
pub(crate) fn step(text: Option<&str>) -> Result<Option<Step>, Problem> {
    match text {
        None | Some("auto" | "") => Ok(None),
        Some(word) => Step::from_word(word).map(Some).ok_or_else(|| {
            let allowed = "auto, 15m, 30m, hour, day, week, month, year";
            Problem::field("step", format!("`{word}` is not one of {allowed}."))
        }),
    }
}

/// What to compare with, in a question.
pub(crate) fn compare(text: Option<&str>) -> Result<Compare, Problem> {
    match text {
        None | Some("none" | "") => Ok(Compare::Nothing),
        Some("previous") => Ok(Compare::Previous),
        Some("year") => Ok(Compare::Year),
        Some(word) => {
            Err(Problem::field("compare", format!("`{word}` is not one of none, previous, year.")))
        }
    }
}
