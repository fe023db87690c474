//! The forecast on recorded homes, where their readings are at hand. Loose: it fails when something broke,
//! and `corrente-quality london` says how good it is.

use corrente_quality::{forecast::Error, london, look::look, town::WARM_UP};

#[test]
fn months_of_london_are_foreseen_and_few_messages_are_sent() {
    let Some(folder) = london::folder() else {
        println!("SKIPPED: there is no shared data beside the repository");
        return;
    };
    let homes = london::homes(&folder).unwrap();
    for (known, most_percent) in [(5, 16.0), (10, 12.0), (20, 6.0)] {
        let mut error = Error::default();
        for home in &homes {
            error.add(home, known);
        }
        assert!(error.months > 400, "{} months", error.months);
        let mean = error.percent / f64::from(u32::try_from(error.months).unwrap());
        assert!(mean < most_percent, "day {known}: {mean:.1} %");
        let inside = error.inside * 100 / error.months;
        assert!((72..=90).contains(&inside), "day {known}: {inside} % in the range");
    }
    let days: usize = homes.iter().map(|home| home.days.len() - WARM_UP).sum();
    let usual = homes
        .iter()
        .flat_map(look)
        .filter(|told| told.day >= WARM_UP && told.kind.on_by_default())
        .count();
    let each = usual * 365 / days;
    assert!(each <= 6, "{each} messages per home and year");
}
