//! What the ledger keeps aside is seen in the worklist; a source's own replacement is an edit.

use corrente_ledger::{Admission, Decision, Entry, QuarantineReason};
use corrente_metering::{Direction, Quality, Reading, SourceQuality, Timestamp};
use corrente_units::Energy;

use super::Street;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readings_that_are_kept_aside_wait_for_a_person() {
    let street = Street::new("2026-03-20T12:00");
    let (_, channels) = street.home("Home", None, &["import"]);
    let mut entries = street.hours(&channels[0], 100, "2026-03-10T00:00", "2026-03-16T00:00");
    // A clock in 2033 for two days, and two values for hours that have one.
    let future = street.at("2033-03-10T00:00");
    for hour in 0..30 {
        entries.push(Entry {
            channel: channels[0].number,
            reading: Reading {
                end: future.plus(hour * 3600),
                value: Energy::from_wh(7),
                quality: SourceQuality::GOOD,
            },
            admission: Admission::Quarantine(QuarantineReason::InFuture),
        });
    }
    street.ledger.append(entries).await.unwrap();
    let mut again = street.hours(&channels[0], 100, "2026-03-11T00:00", "2026-03-11T02:00");
    for entry in &mut again {
        entry.reading.value = Energy::from_wh(1);
    }
    street.ledger.append(again).await.unwrap();
    street.mdm.show_rejections().unwrap();
    street.mdm.show_rejections().unwrap();
    let aside = street.rows("quarantine");
    assert_eq!(aside.len(), 1, "{aside:?}");
    assert_eq!((aside[0].usage_points, aside[0].count), (1, 3), "block days that touch: {aside:?}");
    let twice = street.rows("duplicate");
    assert_eq!((twice.len(), twice[0].count), (1, 2), "{twice:?}");
    assert!(twice[0].sentence.contains("two values for one instant"), "{twice:?}");
    // Dropped one by one: then nobody waits any more.
    for rejected in street.ledger.unsettled(0, 100).unwrap() {
        let by = street.by("wrong clock");
        let organisation = street.organisation;
        street.mdm.decide_reading(organisation, by, rejected.sequence, Decision::Drop).unwrap();
    }
    street.mdm.show_rejections().unwrap();
    assert!(street.open().is_empty(), "{:?}", street.open());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sources_final_replacement_is_an_edit_in_its_name() {
    let street = Street::new("2026-03-20T12:00");
    let (point, channel) = street.home_by_the_hour("Mill");
    let entries = street.each_hour(&channel, 500, "2026-03-01T01:00", "2026-03-19T00:00");
    street.ledger.append(entries).await.unwrap();
    street.mdm.validate(point).unwrap();
    let t: Timestamp = street.at("2026-03-12T10:00");
    let replaced =
        Reading { end: t, value: Energy::from_wh(650), quality: SourceQuality::SUBSTITUTED };
    let entry = Entry { channel: channel.number, reading: replaced, admission: Admission::Accept };
    street.ledger.append(vec![entry]).await.unwrap();
    street.mdm.show_rejections().unwrap();
    street.mdm.show_rejections().unwrap();
    street.mdm.validate(point).unwrap();
    let day = "2026-03-12".parse().unwrap();
    let profile = street.mdm.day_profile(point, Direction::Import, day, None).unwrap();
    let edited: Vec<_> =
        profile.intervals.iter().filter(|i| i.quality == Quality::Edited).collect();
    assert_eq!(edited.len(), 1, "{edited:?}");
    assert_eq!((edited[0].span.end, edited[0].energy), (t, Some(Energy::from_wh(650))));
    assert_eq!(edited[0].edit.as_ref().unwrap().actor, "source:Mill");
    assert!(street.ledger.unsettled(0, 10).unwrap().is_empty());
    assert_eq!(street.rows("final_replacement").len(), 1);
    assert!(street.rows("duplicate").is_empty());
}
