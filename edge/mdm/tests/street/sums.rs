//! A dial beside intervals is in no total, and finds what they lack.

use corrente_ledger::{Admission, Entry};
use corrente_metering::{ChannelKind, Direction, Quality, Reading, SourceQuality};
use corrente_registry::{channels::NewChannel, meters};
use corrente_units::Energy;

use super::{LONG_AGO, Street};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn intervals_have_to_add_up_to_the_dial_beside_them() {
    let street = Street::new("2026-03-20T12:00");
    let (point, channel) = street.home_by_the_hour("Mill");
    let dial =
        NewChannel { name: "dial".to_owned(), kind: ChannelKind::Register, ..NewChannel::import() };
    let whose = (street.organisation, "Mill");
    street.mdm.add_channel(&street.by("dial"), whose, (dial, true), LONG_AGO).unwrap();
    let organisation = street.organisation;
    let number = street
        .registry
        .read_blocking(move |tx| meters::access_by_serial(tx, organisation, "Mill"))
        .unwrap()
        .unwrap()
        .channels
        .into_iter()
        .find(|channel| channel.name == "dial")
        .unwrap()
        .number;
    let mut entries = street.each_hour(&channel, 500, "2026-03-01T01:00", "2026-03-19T00:00");
    // On the 12th two hours were lost, of which the dial knows.
    let lost = (street.at("2026-03-12T08:00"), street.at("2026-03-12T10:00"));
    entries.retain(|entry| !(lost.0 < entry.reading.end && entry.reading.end <= lost.1));
    // Read every night, and once more than the intervals say between the 14th and the 17th.
    for (day, wh) in [
        ("2026-03-11", 120_000),
        ("2026-03-12", 132_000),
        ("2026-03-13", 144_600),
        ("2026-03-14", 156_600),
        ("2026-03-17", 199_600),
    ] {
        let reading = Reading {
            end: street.at(&format!("{day}T00:00")),
            value: Energy::from_wh(wh),
            quality: SourceQuality::GOOD,
        };
        entries.push(Entry { channel: number, reading, admission: Admission::Accept });
    }
    street.ledger.append(entries).await.unwrap();
    street.mdm.validate(point).unwrap();
    street.mdm.check_sums().unwrap();
    street.mdm.check_sums().unwrap();
    let day = |day: &str| {
        street.mdm.day_profile(point, Direction::Import, day.parse().unwrap(), None).unwrap()
    };
    let sum = |day: &corrente_mdm::vee::DayProfile| {
        day.intervals.iter().filter_map(|i| i.energy).map(Energy::wh).sum::<i64>()
    };
    assert_eq!(sum(&day("2026-03-11")), 12_000, "the dial is in no total");
    let closed = day("2026-03-12");
    assert_eq!(sum(&closed), 12_600, "the gap has what the dial says of it");
    let estimated =
        closed.intervals.iter().filter(|i| matches!(i.quality, Quality::Estimated { .. })).count();
    assert_eq!(estimated, 2);
    let rows = street.rows("sum_check");
    assert_eq!((rows.len(), rows[0].count), (1, 1), "{rows:?}");
    assert_eq!(rows[0].effect_wh, Some(7_000), "{rows:?}");
    assert_eq!(rows[0].from, street.at("2026-03-14T00:00").to_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dial_that_turns_over_or_is_reset_between_two_readings_is_no_lack() {
    let street = Street::new("2026-03-20T12:00");
    let mut told = Vec::new();
    for (name, readings, effect) in [
        ("Turns", [9_990_000, 14_000, 38_000], None),
        ("Lacks", [9_990_000, 21_000, 45_000], Some(7_000)),
        ("Reset", [5_000_000, 14_000, 38_000], None),
    ] {
        let (point, channel) = street.home_by_the_hour(name);
        let dial = NewChannel {
            name: "dial".to_owned(),
            kind: ChannelKind::Register,
            register_digits: Some(4),
            ..NewChannel::import()
        };
        let whose = (street.organisation, name);
        street.mdm.add_channel(&street.by("dial"), whose, (dial, true), LONG_AGO).unwrap();
        let organisation = street.organisation;
        let access = street
            .registry
            .read_blocking(move |tx| meters::access_by_serial(tx, organisation, name))
            .unwrap()
            .unwrap();
        let number = access.channels.iter().find(|c| c.name == "dial").unwrap().number;
        let mut entries = street.each_hour(&channel, 500, "2026-03-01T01:00", "2026-03-19T00:00");
        for (day, wh) in ["2026-03-11", "2026-03-13", "2026-03-15"].into_iter().zip(readings) {
            let (end, value) = (street.at(&format!("{day}T00:00")), Energy::from_wh(wh));
            let reading = Reading { end, value, quality: SourceQuality::GOOD };
            entries.push(Entry { channel: number, reading, admission: Admission::Accept });
        }
        street.ledger.append(entries).await.unwrap();
        street.mdm.validate(point).unwrap();
        street.mdm.check_sums().unwrap();
        let found: Vec<_> =
            street.rows("sum_check").into_iter().map(|row| (row.from, row.effect_wh)).collect();
        told.extend(effect.map(|effect| (street.at("2026-03-11T00:00").to_string(), Some(effect))));
        assert_eq!(found, told, "{name}");
    }
}
