//! What a household owns and how it lives, drawn once from its seed.

use crate::{
    draw::{Draw, Purpose},
    kind::HouseholdKind,
};

/// Appliances and customs. Watts, wall-clock minutes, and percent where the name says so.
#[derive(Clone, Debug)]
pub(crate) struct Habits {
    pub(crate) people: i32,
    /// Router, standby, clocks: never off.
    pub(crate) always_on_w: i32,
    pub(crate) fridge_w: i32,
    pub(crate) fridges: i32,
    pub(crate) fridge_period: i32,
    /// The electric shower on its winter setting.
    pub(crate) shower_w: i32,
    /// Share of showers that are taken in the morning, in percent.
    pub(crate) morning_showers: i32,
    pub(crate) wakes: i32,
    pub(crate) sleeps: i32,
    /// Is somebody home in the day-time of a working day?
    pub(crate) home_by_day: bool,
    pub(crate) lights_w: i32,
    pub(crate) screen_w: i32,
    pub(crate) cooks_electric: bool,
    /// Bedrooms (in a business: rooms) with air conditioning.
    pub(crate) air_conditioners: i32,
    /// The temperature in tenths of a degree from which they run.
    pub(crate) cools_from: i32,
    pub(crate) washes_on: [bool; 7],
    pub(crate) opens: i32,
    pub(crate) closes: i32,
}

impl Habits {
    pub(crate) fn draw(seed: u64, kind: HouseholdKind) -> Self {
        let mut draw = Draw::new(seed, Purpose::Habits, 0);
        let (people, always_on, lights, fridges) = match kind {
            HouseholdKind::Apartment => ((1, 2), (20, 45), (40, 90), 1),
            HouseholdKind::Family => ((3, 5), (30, 75), (80, 170), 1),
            HouseholdKind::AirConditioned => ((3, 5), (50, 110), (110, 240), 1),
            HouseholdKind::Retired => ((1, 2), (25, 55), (50, 110), 1),
            HouseholdKind::Shop => ((2, 5), (60, 160), (500, 1100), 2),
            HouseholdKind::Bakery => ((3, 6), (120, 260), (400, 900), 4),
        };
        let wakes = draw.about(5 * 60, 8 * 60);
        let weekly = match kind {
            HouseholdKind::Family | HouseholdKind::AirConditioned => 45,
            HouseholdKind::Apartment | HouseholdKind::Retired => 28,
            HouseholdKind::Shop | HouseholdKind::Bakery => 0,
        };
        Self {
            people: draw.between(people.0, people.1),
            always_on_w: draw.between(always_on.0, always_on.1),
            fridge_w: draw.between(85, 140),
            fridges,
            fridge_period: draw.between(38, 62),
            shower_w: match draw.between(0, 3) {
                0 => 4500,
                1 | 2 => 5400,
                _ => 6800,
            },
            morning_showers: draw.between(25, 75),
            wakes,
            sleeps: draw.about(21 * 60 + 30, 24 * 60 - 10),
            home_by_day: match kind {
                HouseholdKind::Apartment => draw.chance(20),
                HouseholdKind::Family | HouseholdKind::AirConditioned => draw.chance(55),
                HouseholdKind::Retired => true,
                HouseholdKind::Shop | HouseholdKind::Bakery => false,
            },
            lights_w: draw.between(lights.0, lights.1),
            screen_w: draw.between(60, 160),
            cooks_electric: draw.chance(60),
            air_conditioners: match kind {
                HouseholdKind::AirConditioned => draw.between(1, 3),
                HouseholdKind::Shop => draw.between(1, 2),
                HouseholdKind::Apartment
                | HouseholdKind::Family
                | HouseholdKind::Retired
                | HouseholdKind::Bakery => 0,
            },
            cools_from: draw.between(215, 240),
            washes_on: std::array::from_fn(|_| draw.chance(weekly)),
            opens: if kind == HouseholdKind::Bakery {
                3 * 60 + 30
            } else {
                draw.between(7 * 60, 9 * 60)
            },
            closes: draw.between(17 * 60 + 30, 20 * 60),
        }
    }
}
