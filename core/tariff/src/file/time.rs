//! Periods of the day, seasons, holidays.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::Day;

/// Which minute of which day belongs to which period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TouCalendar {
    /// The names of the periods, in the order of the bill.
    pub periods: Vec<String>,
    /// The period of all minutes that no rule covers. Without it, rules must cover each minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<String>,
    /// Seasons, which together cover the year. One season without a name when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub season: Vec<Season>,
    /// The rules. No minute may be covered by two of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rule: Vec<TouRule>,
}

/// A part of the year.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Season {
    /// Its name.
    pub name: String,
    /// Its first day, as month and day: `"06-01"`. A name may occur more than once.
    pub from: String,
}

/// Some hours of some days belong to a period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TouRule {
    /// The period's name.
    pub period: String,
    /// On these days; on all when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<DayName>,
    /// In these seasons; in all when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seasons: Vec<String>,
    /// From this time of day: `"18:00"`.
    #[serde(default = "day_start")]
    pub from: String,
    /// Until this time of day, which is not part of it: `"21:00"`, at most `"24:00"`. Before `from` it
    /// means the same day's morning hours and evening hours.
    #[serde(default = "day_end")]
    pub until: String,
}

fn day_start() -> String {
    "00:00".to_owned()
}

fn day_end() -> String {
    "24:00".to_owned()
}

/// Days of the week and kinds of day.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DayName {
    /// Mondays that are no holiday, and so on to Sunday.
    Mon,
    /// Tuesdays.
    Tue,
    /// Wednesdays.
    Wed,
    /// Thursdays.
    Thu,
    /// Fridays.
    Fri,
    /// Saturdays.
    Sat,
    /// Sundays.
    Sun,
    /// Monday to Friday, no holidays.
    Business,
    /// Saturday and Sunday, no holidays.
    Weekend,
    /// Holidays, whatever weekday they fall on.
    Holiday,
}

/// The holidays of one year.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HolidayYear {
    /// The year.
    pub year: i16,
    /// Its holidays.
    pub dates: Vec<Day>,
}
