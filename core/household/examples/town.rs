//! Prints the mean month of each kind of household, and how long two years of a town take.

use std::time::Instant;

use corrente_household::{Household, HouseholdKind};
use corrente_metering::{Calendar, Date};

#[expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "an example"
)]
fn main() {
    let calendar = Calendar::new("America/Bahia").unwrap();
    for kind in HouseholdKind::ALL {
        let months: Vec<String> = (1..=12)
            .map(|month| {
                let span = calendar.month(Date::constant(2025, month, 1));
                let wh: i64 = (0..20)
                    .map(|seed| Household::new(seed, kind, calendar.clone()).energy(span).wh())
                    .sum();
                (wh / 20_000).to_string()
            })
            .collect();
        println!("{:16} kWh a month: {}", kind.name(), months.join(" "));
    }
    let begun = Instant::now();
    let span = calendar.days(Date::constant(2024, 11, 1), Date::constant(2026, 11, 1));
    let mut readings = 0_u64;
    for home in 0..200 {
        let household = Household::new(home, HouseholdKind::of_town(home), calendar.clone());
        let mut register = household.register(span.start, corrente_units::Energy::ZERO);
        let mut t = span.start;
        while t < span.end {
            t = t.plus(900);
            register.advance_to(t);
            readings += 1;
        }
    }
    println!("{readings} quarter hours of 200 homes in {:?}", begun.elapsed());
}
