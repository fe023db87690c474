//! Others that measure the same energy: a feeder with the homes behind it, a dial beside registers.

use corrente_metering::{ChannelKind, Quality};
use corrente_registry::{channels::NewChannel, meters};
use corrente_units::Energy;
use corrente_vee::{Basis, Estimator};

use super::{LONG_AGO, Street};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gap_is_what_the_feeder_has_more_than_the_others_behind_it() {
    let street = Street::new("2026-03-20T12:00");
    let (a, of_a) = street.home_by_the_hour("A");
    let (_, of_b) = street.home_by_the_hour("B");
    let (_, of_feeder) = street.home_by_the_hour("F");
    let (from, until) = ("2026-03-01T01:00", "2026-03-20T10:00");
    let mut of_a_hours = street.each_hour(&of_a, 400, from, until);
    let mut of_b_hours = street.each_hour(&of_b, 300, from, until);
    let mut of_feeder_hours = street.each_hour(&of_feeder, 710, from, until);
    // In the gap A takes 900 Wh an hour, which nothing in its past would say.
    let gap = (street.at("2026-03-12T08:00"), street.at("2026-03-12T11:00"));
    let inside = |end| gap.0 < end && end <= gap.1;
    of_a_hours.retain(|entry| !inside(entry.reading.end));
    for entry in of_feeder_hours.iter_mut().filter(|entry| inside(entry.reading.end)) {
        entry.reading.value = Energy::from_wh(1_210);
    }
    // Of B the hours of the gap come late.
    let late: Vec<_> = of_b_hours.iter().filter(|e| inside(e.reading.end)).copied().collect();
    of_b_hours.retain(|entry| !inside(entry.reading.end));
    for entries in [of_a_hours, of_b_hours, of_feeder_hours] {
        street.ledger.append(entries).await.unwrap();
    }
    street.link("A", "F", "2026-03-01T00:00").unwrap();
    street.link("B", "F", "2026-03-01T00:00").unwrap();
    street.mdm.validate(a).unwrap();
    let estimates = |day: &str| {
        let found = street.profile(a, day).intervals.into_iter().filter_map(|interval| {
            let (estimator, basis) = interval.estimate?;
            Some((interval.energy?.wh(), estimator, basis))
        });
        found.collect::<Vec<_>>()
    };
    let before = estimates("2026-03-12");
    assert_eq!(before.len(), 3, "{before:?}");
    assert!(before.iter().all(|(_, by, _)| *by != Estimator::Subtraction), "B is not known");
    street.ledger.append(late).await.unwrap();
    street.mdm.validate(a).unwrap();
    let expected = [(910, Estimator::Subtraction, Basis::Siblings); 3];
    assert_eq!(estimates("2026-03-12"), expected);
    assert_eq!(estimates("2026-03-13"), []);
    let done = street.mdm.validate(a).unwrap();
    assert_eq!((done.days, done.versions), (0, 0), "the same again changes nothing");
    // A hundred times as much behind the feeder, of which six per cent get lost on the way.
    let (_, of_mill) = street.home_by_the_hour("Mill");
    let mill = street.each_hour(&of_mill, 1, from, until);
    street.ledger.append(mill).await.unwrap();
    street.link("B", "Mill", "2026-03-01T00:00").unwrap();
    street.mdm.validate(a).unwrap();
    let alone = estimates("2026-03-12");
    assert_eq!(alone, [(1_210, Estimator::Subtraction, Basis::Siblings); 3], "B went elsewhere");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_feeder_of_many_the_loss_of_all_is_not_one_homes_use() {
    let street = Street::new("2026-03-20T12:00");
    let (a, of_a) = street.home_by_the_hour("A");
    let (_, of_b) = street.home_by_the_hour("B");
    let (_, of_feeder) = street.home_by_the_hour("F");
    let (from, until) = ("2026-03-01T01:00", "2026-03-20T10:00");
    let mut of_a_hours = street.each_hour(&of_a, 400, from, until);
    let gap = (street.at("2026-03-12T08:00"), street.at("2026-03-12T11:00"));
    of_a_hours.retain(|entry| !(gap.0 < entry.reading.end && entry.reading.end <= gap.1));
    street.ledger.append(of_a_hours).await.unwrap();
    street.ledger.append(street.each_hour(&of_b, 20_000, from, until)).await.unwrap();
    street.ledger.append(street.each_hour(&of_feeder, 21_500, from, until)).await.unwrap();
    street.link("A", "F", "2026-03-01T00:00").unwrap();
    street.link("B", "F", "2026-03-01T00:00").unwrap();
    street.mdm.validate(a).unwrap();
    let estimated: Vec<_> = street
        .profile(a, "2026-03-12")
        .intervals
        .into_iter()
        .filter_map(|interval| Some((interval.energy?.wh(), interval.estimate?.0)))
        .collect();
    assert_eq!(estimated.len(), 3, "{estimated:?}");
    assert!(estimated.iter().all(|(wh, by)| *wh == 400 && *by != Estimator::Subtraction));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dial_beside_two_registers_must_show_their_sum() {
    let street = Street::new("2026-03-20T12:00");
    let (point, channels) = street.home("Shop", None, &["peak", "off"]);
    let total = NewChannel {
        name: "total".to_owned(),
        kind: ChannelKind::Register,
        ..NewChannel::import()
    };
    let whose = (street.organisation, "Shop");
    street.mdm.add_channel(&street.by("dial"), whose, (total, true), LONG_AGO).unwrap();
    let organisation = street.organisation;
    let access = street
        .registry
        .read_blocking(move |tx| meters::access_by_serial(tx, organisation, "Shop"))
        .unwrap()
        .unwrap();
    let dial = access.channels.iter().find(|channel| channel.name == "total").unwrap();
    let (from, until) = ("2026-03-01T00:00", "2026-03-20T10:00");
    let mut entries = street.hours(&channels[0], 300, from, until);
    entries.extend(street.hours(&channels[1], 100, from, until));
    let mut of_dial = street.hours(dial, 400, from, until);
    // On the 12th the dial runs for two kilowatt-hours that neither of the two saw.
    let (start, end) = (street.at("2026-03-12T06:00"), street.at("2026-03-12T16:00"));
    for entry in &mut of_dial {
        let hours = entry.reading.end.min(end).since(start).max(0) / 3600;
        entry.reading.value = Energy::from_wh(entry.reading.value.wh() + hours * 200);
    }
    entries.extend(of_dial);
    street.ledger.append(entries).await.unwrap();
    street.mdm.validate(point).unwrap();
    let day = street.profile(point, "2026-03-12");
    assert_eq!(day.intervals.iter().filter_map(|i| i.energy).map(Energy::wh).sum::<i64>(), 9_600);
    assert!(day.intervals.iter().all(|i| i.quality == Quality::Measured));
    let rows = street.rows("sibling_channels");
    assert_eq!((rows.len(), rows[0].count), (1, 1), "only the 12th: {rows:?}");
    assert_eq!(rows[0].from, street.at("2026-03-12T00:00").to_string());
    assert!(rows[0].sentence.contains("Shop total"), "{}", rows[0].sentence);
}
