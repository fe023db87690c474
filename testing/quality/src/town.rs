//! Simulated homes, each with one event whose kind and days are known.

use corrente_household::{Extra, Household, HouseholdKind};
use corrente_metering::{Calendar, Date};
use corrente_units::Power;
use jiff::ToSpan as _;

use crate::home::Home;

/// What happens in a home.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventKind {
    /// Nothing.
    Nothing,
    /// A heater or an iron runs for three days.
    LeftOn,
    /// Something new is always on.
    BaseGrows,
    /// A part of the load goes around the meter.
    Theft,
    /// Nobody is there for ten days.
    Holiday,
    /// Two kilowatts for three hours each evening from now on.
    NewAppliance,
    /// Guests for a week: half as much again of all that is not always on.
    GuestWeek,
    /// The sensor reports thirty kilowatt-hours in one hour.
    Glitch,
}

impl EventKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Nothing,
        Self::LeftOn,
        Self::BaseGrows,
        Self::Theft,
        Self::Holiday,
        Self::NewAppliance,
        Self::GuestWeek,
        Self::Glitch,
    ];

    /// Its name in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::LeftOn => "appliance left on",
            Self::BaseGrows => "base load grows",
            Self::Theft => "theft by bypass",
            Self::Holiday => "holiday",
            Self::NewAppliance => "new appliance",
            Self::GuestWeek => "guest week",
            Self::Glitch => "sensor glitch",
        }
    }

    /// For how many days it changes what is used; those that stay count for a month.
    pub const fn days(self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::LeftOn => 3,
            Self::BaseGrows | Self::Theft | Self::NewAppliance => 30,
            Self::Holiday => 10,
            Self::GuestWeek => 7,
            Self::Glitch => 1,
        }
    }
}

/// A home with what happened in it.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// The home.
    pub home: Home,
    /// What happened.
    pub event: EventKind,
    /// On which of its days it began.
    pub day: usize,
}

/// Days of a home: a year, and before it what the rules compare with.
pub const DAYS: usize = 365 + WARM_UP;
/// Days before alerts are counted.
pub const WARM_UP: usize = 70;

/// The home with this number, of a town with this seed.
pub fn labelled(seed: u64, number: u64) -> Labelled {
    let calendar = Calendar::new("America/Bahia").unwrap_or_else(|_| Calendar::utc());
    let event = EventKind::ALL
        .get(usize::try_from(number).unwrap_or(0) % EventKind::ALL.len())
        .copied()
        .unwrap_or(EventKind::Nothing);
    let dice = mix(seed, number);
    let day = WARM_UP + 30 + usize::try_from(dice % 300).unwrap_or(0);
    let first = Date::constant(2025, 1, 1);
    let date = |n: usize| first.saturating_add(i64::try_from(n).unwrap_or(0).days());
    let kinds = [
        HouseholdKind::Apartment,
        HouseholdKind::Family,
        HouseholdKind::AirConditioned,
        HouseholdKind::Retired,
    ];
    let kind = kinds[usize::try_from(mix(number, seed) % 4).unwrap_or(0)];
    let mut household = Household::new(mix(seed, number + 1_000_003), kind, calendar.clone());
    let extra = |from: usize, days: Option<usize>, start_minute, minutes, watts| Extra {
        from: date(from),
        until: days.map(|days| date(from + days)),
        start_minute,
        minutes,
        power: Power::from_w(watts),
    };
    match event {
        EventKind::LeftOn => {
            let watts = 800 + i64::try_from(dice % 1200).unwrap_or(0);
            household = household.with_extra(extra(day, Some(3), 0, 1440, watts));
        }
        EventKind::BaseGrows => {
            let watts = 60 + i64::try_from(dice % 180).unwrap_or(0);
            household = household.with_extra(extra(day, None, 0, 1440, watts));
        }
        EventKind::NewAppliance => {
            household = household.with_extra(extra(day, None, 18 * 60, 180, 2000));
        }
        EventKind::Nothing
        | EventKind::Theft
        | EventKind::Holiday
        | EventKind::GuestWeek
        | EventKind::Glitch => {}
    }
    let mut days: Vec<Vec<Option<i64>>> =
        (0..DAYS).map(|n| hours(&household, &calendar, date(n))).collect();
    change(&mut days, event, day);
    let home = Home { name: format!("{} {number}", kind.name()), calendar, first, days };
    Labelled { home, event, day }
}

fn hours(household: &Household, calendar: &Calendar, date: Date) -> Vec<Option<i64>> {
    let curve = household.day(date);
    let day = calendar.day(date);
    calendar
        .steps(day, 3600)
        .into_iter()
        .map(|span| {
            let seconds = curve.watt_seconds_until(span.end) - curve.watt_seconds_until(span.start);
            Some((seconds + 1800) / 3600)
        })
        .collect()
}

/// What a household has no word for.
fn change(days: &mut [Vec<Option<i64>>], event: EventKind, day: usize) {
    let base = |hours: &[Option<i64>]| hours.iter().flatten().copied().min().unwrap_or(0);
    for (n, hours) in days.iter_mut().enumerate().skip(day) {
        let low = base(hours);
        let inside = n < day + event.days();
        for (hour, wh) in hours.iter_mut().enumerate() {
            let Some(wh) = wh else { continue };
            match event {
                EventKind::Theft => *wh = *wh * 2 / 5,
                EventKind::Holiday if inside => *wh = low,
                EventKind::GuestWeek if inside => *wh += (*wh - low) / 2,
                EventKind::Glitch if inside && hour == 15 => *wh += 30_000,
                EventKind::Nothing
                | EventKind::LeftOn
                | EventKind::BaseGrows
                | EventKind::Holiday
                | EventKind::NewAppliance
                | EventKind::GuestWeek
                | EventKind::Glitch => {}
            }
        }
    }
}

/// A number that looks random, the same each time.
pub fn mix(a: u64, b: u64) -> u64 {
    let mut x = a.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ b.wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
    x ^= x >> 31;
    x = x.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x ^ (x >> 29)
}
