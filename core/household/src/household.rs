//! A household as a function of time.

use corrente_metering::{Calendar, Date, Span, Timestamp};
use corrente_units::{Energy, Power};

use crate::{
    appliances::{self, NightPart, Today},
    curve::{DayCurve, Sketch},
    draw::{Draw, Purpose},
    habits::Habits,
    kind::HouseholdKind,
    register::SimulatedRegister,
    weather::Climate,
};

/// A further load from some day on: a pool pump, a forgotten heater, a greenhouse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extra {
    /// The first day on which it runs.
    pub from: Date,
    /// The first day on which it no longer runs; `None` for ever.
    pub until: Option<Date>,
    /// Minute of the local day at which it starts.
    pub start_minute: u16,
    /// For how many minutes; it ends with the day at the latest.
    pub minutes: u16,
    /// How much it takes; negative takes away (what is left never falls below 0).
    pub power: Power,
}

/// A simulated household. Cheap to make; two of the same seed, kind and zone are the same.
#[derive(Clone, Debug)]
pub struct Household {
    seed: u64,
    kind: HouseholdKind,
    calendar: Calendar,
    climate: Climate,
    habits: Habits,
    extras: Vec<Extra>,
}

impl Household {
    /// The household of this seed and kind; the calendar's zone decides its days and its climate.
    pub fn new(seed: u64, kind: HouseholdKind, calendar: Calendar) -> Self {
        let climate = Climate::of_zone(calendar.name());
        Self { seed, kind, climate, habits: Habits::draw(seed, kind), calendar, extras: Vec::new() }
    }

    /// The same household in another climate.
    #[must_use]
    pub fn with_climate(mut self, climate: Climate) -> Self {
        self.climate = climate;
        self
    }

    /// The same household with a further load.
    #[must_use]
    pub fn with_extra(mut self, extra: Extra) -> Self {
        self.extras.push(extra);
        self
    }

    /// Its kind.
    pub const fn kind(&self) -> HouseholdKind {
        self.kind
    }

    /// The calendar of its zone.
    pub const fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// Power in the minute that contains `t`. Each call draws the whole day: for a walk through time
    /// use [`Household::register`] or [`Household::day`].
    pub fn power_w(&self, t: Timestamp) -> Power {
        Power::from_w(i64::from(self.day_of(t).watts_at(t)))
    }

    /// Energy of the span, to the nearest watt-hour (half up). Rounded for itself: for registers whose
    /// differences add up, use [`Household::register`].
    pub fn energy(&self, span: Span) -> Energy {
        Energy::from_wh(self.watt_seconds(span).saturating_add(1800).div_euclid(3600))
    }

    /// Energy of the span in watt-seconds, exact and additive. Saturates after millions of years.
    pub fn watt_seconds(&self, span: Span) -> i64 {
        let mut sum = 0_i64;
        let mut at = span.start;
        while at < span.end {
            let day = self.day_of(at);
            let end = day.end().min(span.end);
            if end <= at {
                break;
            }
            sum = sum
                .saturating_add(day.watt_seconds_until(end))
                .saturating_sub(day.watt_seconds_until(at));
            at = end;
        }
        sum
    }

    /// A register that shows `shows` at `start` and then counts what the household takes.
    pub fn register(&self, start: Timestamp, shows: Energy) -> SimulatedRegister {
        SimulatedRegister::new(self.clone(), start, shows)
    }

    /// The day that contains `t`.
    pub fn day_of(&self, t: Timestamp) -> DayCurve {
        self.day(self.calendar.date(t))
    }

    /// The curve of one local day.
    pub fn day(&self, date: Date) -> DayCurve {
        let number = day_number(date);
        let today = Today {
            climate: self.climate,
            temperature: self.climate.temperature(&self.calendar, date, number),
            weekday: usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0),
            dusk: dusk(self.climate, date),
        };
        let habits = &self.habits;
        let mut draw = Draw::new(self.seed, Purpose::Day, number);
        let mut sketch = Sketch::new();
        sketch.block(0, 24 * 60, habits.always_on_w);
        appliances::refrigerators(&mut sketch, &mut draw, habits, today);
        match self.kind {
            HouseholdKind::Shop => appliances::shop(&mut sketch, &mut draw, habits, today),
            HouseholdKind::Bakery => appliances::bakery(&mut sketch, &mut draw, habits, today),
            HouseholdKind::Apartment
            | HouseholdKind::Family
            | HouseholdKind::AirConditioned
            | HouseholdKind::Retired => {
                if !self.is_away(number) {
                    self.live(&mut sketch, &mut draw, today, number);
                }
            }
        }
        for extra in &self.extras {
            if extra.from <= date && extra.until.is_none_or(|until| date < until) {
                let watts = i32::try_from(extra.power.w()).unwrap_or(0);
                sketch.block(i32::from(extra.start_minute), i32::from(extra.minutes), watts);
            }
        }
        sketch.finish(&self.calendar, date)
    }

    /// Family life on one day.
    fn live(&self, sketch: &mut Sketch, draw: &mut Draw, today: Today, number: i64) {
        let habits = &self.habits;
        appliances::showers(sketch, draw, habits, today);
        appliances::lights(sketch, draw, habits, today);
        appliances::screens_and_fans(sketch, draw, habits, today);
        appliances::kitchen(sketch, draw, habits, today);
        appliances::laundry(sketch, draw, habits, today);
        appliances::heating(sketch, draw, habits, today);
        if self.climate.is_warm() {
            // A night belongs to two days: both draw it from the same stream. The temperature is the
            // day's own on either side, so that a day needs no neighbour's weather.
            let mut evening = Draw::new(self.seed, Purpose::Night, number);
            let mut morning = Draw::new(self.seed, Purpose::Night, number.saturating_sub(1));
            let t = today.temperature;
            appliances::night_cooling(sketch, &mut evening, habits, t, NightPart::Evening);
            appliances::night_cooling(sketch, &mut morning, habits, t, NightPart::Morning);
        }
    }

    /// Some weeks of the year nobody is home.
    fn is_away(&self, day: i64) -> bool {
        Draw::new(self.seed, Purpose::Week, day.div_euclid(7)).chance(3)
    }
}

/// Days since 1970-01-01 on the civil calendar.
fn day_number(date: Date) -> i64 {
    let year = i64::from(date.year());
    let before = year.saturating_sub(1);
    let leaps = before
        .div_euclid(4)
        .saturating_sub(before.div_euclid(100))
        .saturating_add(before.div_euclid(400));
    before
        .saturating_mul(365)
        .saturating_add(leaps)
        .saturating_add(i64::from(date.day_of_year()))
        .saturating_sub(719_163)
}

/// The minute at which lights go on: nearly the same all year near the equator.
fn dusk(climate: Climate, date: Date) -> i32 {
    let from_winter_solstice = match climate {
        Climate::TropicalSouth => i32::from(date.day_of_year()).saturating_sub(172),
        Climate::TemperateNorth => i32::from(date.day_of_year()).saturating_sub(355),
    }
    .rem_euclid(365);
    let towards_summer = from_winter_solstice.min(365_i32.saturating_sub(from_winter_solstice));
    match climate {
        Climate::TropicalSouth => towards_summer.div_euclid(4).saturating_add(17 * 60 + 20),
        Climate::TemperateNorth => {
            towards_summer.saturating_mul(8).div_euclid(5).saturating_add(16 * 60)
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn bahia() -> Calendar {
        Calendar::new("America/Bahia").unwrap()
    }

    #[test]
    fn days_are_numbered_like_the_epoch() {
        for (day, number) in
            [(date(1970, 1, 1), 0), (date(2000, 3, 1), 11_017), (date(2026, 11, 23), 20_780)]
        {
            assert_eq!(day_number(day), number, "{day}");
        }
    }

    #[test]
    fn parts_add_up_to_the_whole_in_any_zone() {
        for zone in ["America/Bahia", "Europe/London", "Australia/Lord_Howe"] {
            let calendar = Calendar::new(zone).unwrap();
            let home = Household::new(3, HouseholdKind::Family, calendar.clone());
            let span = calendar.days(date(2026, 3, 25), date(2026, 4, 8));
            let whole = home.watt_seconds(span);
            let parts: i64 =
                calendar.steps(span, 777).into_iter().map(|part| home.watt_seconds(part)).sum();
            assert_eq!(whole, parts, "{zone}");
            let mut register = home.register(span.start, Energy::from_wh(1_000));
            for part in calendar.steps(span, 900) {
                register.advance_to(part.end);
            }
            assert_eq!(register.shows().wh(), 1_000 + whole / 3600, "{zone}");
        }
    }

    #[test]
    fn any_instant_is_the_same_without_history() {
        let home = Household::new(11, HouseholdKind::AirConditioned, bahia());
        let again = Household::new(11, HouseholdKind::AirConditioned, bahia());
        let start = bahia().midnight(date(2026, 1, 20));
        for minute in (0..1440).step_by(7) {
            let t = start.plus(minute * 60);
            assert_eq!(home.power_w(t), again.power_w(t));
        }
        let other = Household::new(12, HouseholdKind::AirConditioned, bahia());
        let day = bahia().day(date(2026, 1, 20));
        assert_ne!(home.energy(day), other.energy(day));
    }

    #[test]
    fn a_month_is_what_such_a_home_uses() {
        let check = |kind: HouseholdKind, month: i8, low: i64, high: i64| {
            let span = bahia().month(date(2026, month, 1));
            let sum: i64 =
                (0..40).map(|seed| Household::new(seed, kind, bahia()).energy(span).wh()).sum();
            let mean = sum / 40 / 1000;
            assert!((low..=high).contains(&mean), "{kind} in month {month}: {mean} kWh");
        };
        check(HouseholdKind::Apartment, 5, 75, 140);
        check(HouseholdKind::Family, 5, 150, 260);
        check(HouseholdKind::Family, 1, 140, 260);
        check(HouseholdKind::Retired, 5, 85, 160);
        check(HouseholdKind::AirConditioned, 1, 300, 560);
        check(HouseholdKind::AirConditioned, 7, 170, 330);
        check(HouseholdKind::Shop, 1, 500, 1300);
        check(HouseholdKind::Bakery, 5, 800, 2000);
    }

    #[test]
    fn a_shop_is_quiet_on_sunday_and_busy_on_monday() {
        let shop = Household::new(5, HouseholdKind::Shop, bahia());
        let sunday = shop.energy(bahia().day(date(2026, 11, 22)));
        let monday = shop.energy(bahia().day(date(2026, 11, 23)));
        assert!(monday.wh() > 3 * sunday.wh(), "{monday} {sunday}");
    }

    #[test]
    fn an_extra_load_begins_and_ends_on_its_days() {
        let plain = Household::new(5, HouseholdKind::Apartment, bahia());
        let with = plain.clone().with_extra(Extra {
            from: date(2026, 11, 10),
            until: Some(date(2026, 11, 12)),
            start_minute: 600,
            minutes: 120,
            power: Power::from_w(1500),
        });
        for (day, more) in [(9, 0), (10, 3000), (11, 3000), (12, 0)] {
            let span = bahia().day(date(2026, 11, day));
            assert_eq!(with.watt_seconds(span) - plain.watt_seconds(span), more * 3600, "{day}");
        }
    }
}
