//! Schedules of 12 months × 24 hours as periods of the day with seasons.

use serde_json::{Map, Value};

use super::{UrdbError, period_name};
use crate::file::{DayName, Season, TouCalendar, TouRule};

const BUSINESS: [DayName; 5] =
    [DayName::Mon, DayName::Tue, DayName::Wed, DayName::Thu, DayName::Fri];
const WEEKEND: [DayName; 2] = [DayName::Sat, DayName::Sun];

type Hours = Vec<usize>;

/// Period indices by month and hour, for business days and weekends.
pub(super) struct Schedule {
    weekday: Vec<Hours>,
    weekend: Vec<Hours>,
}

/// Reads both schedules; nothing where the rate has none.
pub(super) fn schedule(
    rate: &Map<String, Value>,
    weekday: &str,
    weekend: &str,
    periods: usize,
) -> Result<Option<Schedule>, UrdbError> {
    let one = |field: &str| -> Result<Option<Vec<Hours>>, UrdbError> {
        let Some(value) = rate.get(field).filter(|v| !v.is_null()) else { return Ok(None) };
        let wrong = |problem: &str| UrdbError::Field {
            field: field.to_owned(),
            problem: problem.to_owned(),
        };
        let months = value.as_array().filter(|m| m.len() == 12);
        let months = months.ok_or_else(|| wrong("is no list of 12 months"))?;
        let mut found = Vec::new();
        for month in months {
            let hours = month.as_array().filter(|h| h.len() == 24);
            let hours = hours.ok_or_else(|| wrong("has a month without 24 hours"))?;
            let indices: Option<Hours> = hours
                .iter()
                .map(|h| h.as_u64().and_then(|h| usize::try_from(h).ok()).filter(|h| *h < periods))
                .collect();
            found.push(
                indices.ok_or_else(|| {
                    wrong("has an hour whose period is not in the rate structure")
                })?,
            );
        }
        Ok(Some(found))
    };
    Ok(match (one(weekday)?, one(weekend)?) {
        (None, None) => None,
        (Some(weekday), None) => Some(Schedule { weekend: weekday.clone(), weekday }),
        (None, Some(weekend)) => Some(Schedule { weekday: weekend.clone(), weekend }),
        (Some(weekday), Some(weekend)) => Some(Schedule { weekday, weekend }),
    })
}

impl Schedule {
    /// The periods that occur.
    pub(super) fn periods(&self) -> Vec<usize> {
        let mut found: Vec<usize> =
            self.weekday.iter().chain(&self.weekend).flatten().copied().collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The calendar; nothing where there is one period all year.
    pub(super) fn calendar(&self, prefix: &str) -> Option<TouCalendar> {
        let periods = self.periods();
        if periods.len() < 2 {
            return None;
        }
        let mut seasons: Vec<(&Hours, &Hours, String)> = Vec::new();
        let mut calendar = TouCalendar {
            periods: periods.iter().map(|p| period_name(prefix, *p)).collect(),
            // The form knows no holidays; this only gives that kind of day a period.
            rest: periods.first().map(|p| period_name(prefix, *p)),
            season: Vec::new(),
            rule: Vec::new(),
        };
        for (month, (weekday, weekend)) in (1_u8..=12).zip(self.weekday.iter().zip(&self.weekend)) {
            let known = seasons.iter().find(|(a, b, _)| *a == weekday && *b == weekend);
            let name = if let Some((_, _, name)) = known {
                name.clone()
            } else {
                let name = format!("s{}", seasons.len());
                seasons.push((weekday, weekend, name.clone()));
                name
            };
            if calendar.season.last().is_none_or(|last| last.name != name) {
                calendar.season.push(Season { name, from: format!("{month:02}-01") });
            }
        }
        for (weekday, weekend, name) in seasons {
            for (days, hours) in [(&BUSINESS[..], weekday), (&WEEKEND[..], weekend)] {
                for (from, until, period) in runs(hours) {
                    calendar.rule.push(TouRule {
                        period: period_name(prefix, period),
                        days: days.to_vec(),
                        seasons: vec![name.clone()],
                        from: format!("{from:02}:00"),
                        until: format!("{until:02}:00"),
                    });
                }
            }
        }
        Some(calendar)
    }
}

/// Stretches of hours of the same period.
fn runs(hours: &[usize]) -> Vec<(usize, usize, usize)> {
    let mut runs: Vec<(usize, usize, usize)> = Vec::new();
    for (hour, period) in hours.iter().enumerate() {
        let end = hour.saturating_add(1);
        match runs.last_mut() {
            Some(last) if last.2 == *period => last.1 = end,
            _ => runs.push((hour, end, *period)),
        }
    }
    runs
}
