//! Random work against a slow model: a sorted map in which the first value stays.

use std::collections::BTreeMap;

use corrente_ledger::{Appended, AsOf, Entry, Ledger, Revisions};
use corrente_metering::{
    ChannelId, ChannelKind, ChannelSpec, Reading, SourceQuality, Span, Timestamp,
};
use corrente_units::Energy;
use proptest::{prelude::*, test_runner::TestRunner};

use crate::suite::{DAY, START, Store, at, entry, id, register, wait};

#[derive(Clone, Debug)]
enum Step {
    /// Channel, second from the start, value, quality.
    Append(Vec<(u64, i64, i64, u8)>),
    Seal(i64),
    Reopen,
    /// Notes what a bill would have seen, to be asked again at the end.
    Note(u64, i64, i64),
    Compact,
}

fn specs() -> Vec<ChannelSpec> {
    vec![
        register(1, 0),
        register(2, -10_800),
        ChannelSpec { kind: ChannelKind::Interval, ..register(3, 20_700) },
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Few instants and values, so that times collide; some runs of quarter hours.
    let single = (1..=3_u64, -2..40_i64, 0..3_i64, 0..2_u8)
        .prop_map(|(channel, slot, wh, quality)| vec![(channel, slot * 7777, wh, quality)]);
    let run = (1..=3_u64, -10..200_i64, 1..40_i64).prop_map(|(channel, first, count)| {
        (first..first + count).map(|n| (channel, n * 900, n * 3, 0)).collect()
    });
    let batch = proptest::collection::vec(prop_oneof![3 => single, 1 => run], 1..6)
        .prop_map(|parts: Vec<Vec<_>>| parts.concat());
    let step = prop_oneof![
        6 => batch.prop_map(Step::Append),
        2 => (0..5_i64, -2..2_i64).prop_map(|(day, hours)| Step::Seal(day * DAY + hours * 3600)),
        1 => Just(Step::Reopen),
        2 => (1..=3_u64, -1..3_i64, 0..3_i64)
            .prop_map(|(channel, day, days)| Step::Note(channel, day * DAY - 5000, days * DAY + 9999)),
        1 => Just(Step::Compact),
    ];
    proptest::collection::vec(step, 1..25)
}

type Model = BTreeMap<(ChannelId, Timestamp), Reading>;

struct Noted {
    channel: ChannelId,
    span: Span,
    revisions: Revisions,
    readings: Vec<Reading>,
}

/// Runs random steps on fresh stores.
pub(crate) fn check<S: Store>(store: impl Fn() -> S) {
    let config = ProptestConfig { cases: 40, failure_persistence: None, ..Default::default() };
    TestRunner::new(config)
        .run(&steps(), |steps| {
            run(&store(), &steps);
            Ok(())
        })
        .unwrap();
}

fn run(store: &dyn Store, steps: &[Step]) {
    let mut ledger = store.open();
    ledger.open_channels(&specs()).unwrap();
    let mut model = Model::new();
    let mut noted: Vec<Noted> = Vec::new();
    for step in steps {
        match step {
            Step::Append(readings) => {
                let entries: Vec<Entry> = readings
                    .iter()
                    .map(|&(channel, second, wh, quality)| {
                        let mut entry = entry(channel, START + second, wh);
                        entry.reading.quality = SourceQuality(quality);
                        entry
                    })
                    .collect();
                let expected = append(&mut model, &entries);
                assert_eq!(wait(ledger.append(entries)).unwrap(), expected);
            }
            Step::Seal(second) => {
                ledger.seal_until(at(START + second)).unwrap();
            }
            Step::Reopen => {
                ledger.close().unwrap();
                drop(ledger);
                ledger = store.open();
            }
            Step::Note(channel, start, length) => {
                let span = Span::new(at(START + start), at(START + start + length));
                let revisions = ledger.revisions(id(*channel), span).unwrap();
                let readings =
                    ledger.range(id(*channel), span, AsOf::Revisions(&revisions)).unwrap();
                noted.push(Noted { channel: id(*channel), span, revisions, readings });
            }
            Step::Compact => ledger.compact().unwrap(),
        }
        compare(&*ledger, &model);
    }
    for one in &noted {
        let again = ledger.range(one.channel, one.span, AsOf::Revisions(&one.revisions)).unwrap();
        assert_eq!(again, one.readings, "an older revision reads as it did");
        let falls = ledger.falls(one.channel, one.span, AsOf::Revisions(&one.revisions)).unwrap();
        assert_eq!(falls, falls_of(&again));
    }
    ledger.seal_until(at(START + 99 * DAY)).unwrap();
    compare(&*ledger, &model);
    assert_eq!(ledger.stats().window_readings, 0);
    assert!(ledger.verify().unwrap().is_empty());
    check_totals(&*ledger, &model);
}

fn append(model: &mut Model, entries: &[Entry]) -> Appended {
    let mut appended = Appended::default();
    for entry in entries {
        let kept = *model.entry((entry.channel, entry.reading.end)).or_insert_with(|| {
            appended.new += 1;
            appended.duplicates = appended.duplicates.wrapping_sub(1);
            entry.reading
        });
        if kept.value == entry.reading.value {
            appended.duplicates = appended.duplicates.wrapping_add(1);
        } else {
            appended.conflicts += 1;
        }
    }
    appended
}

fn falls_of(readings: &[Reading]) -> Vec<Timestamp> {
    let falls = readings.windows(2).filter(|pair| pair[1].value < pair[0].value);
    falls.map(|pair| pair[1].end).collect()
}

fn compare(ledger: &dyn Ledger, model: &Model) {
    for spec in specs() {
        let channel = spec.id;
        let of = |span: Span| -> Vec<Reading> {
            model
                .range((channel, Timestamp::MIN)..=(channel, Timestamp::MAX))
                .map(|(_, &reading)| reading)
                .filter(|reading| span.contains(reading.end))
                .collect()
        };
        let all = of(Span::new(Timestamp::MIN, Timestamp::MAX));
        assert_eq!(ledger.last(channel).unwrap(), all.last().copied());
        for second in (-20_000..330_000).step_by(43_211) {
            let t = at(START + second);
            let span = Span::new(t, t.plus(100_000));
            assert_eq!(ledger.range(channel, span, AsOf::Now).unwrap(), of(span));
            assert_eq!(ledger.falls(channel, span, AsOf::Now).unwrap(), falls_of(&of(span)));
            assert_eq!(
                ledger.at_or_before(channel, t, AsOf::Now).unwrap(),
                of(Span::new(Timestamp::MIN, t)).last().copied()
            );
            assert_eq!(
                ledger.after(channel, t, AsOf::Now).unwrap(),
                of(Span::new(t, Timestamp::MAX)).first().copied()
            );
        }
    }
}

/// The engine's totals against those from the readings.
fn check_totals(ledger: &dyn Ledger, model: &Model) {
    for (first, last) in [(19_999, 19_999), (20_000, 20_000), (20_001, 20_003)] {
        let totals = ledger.totals(first, last).unwrap();
        for spec in specs() {
            let midnight = |day: i32| at(i64::from(day) * DAY - i64::from(spec.offset_seconds));
            let (start, end) = (midnight(first), midnight(last + 1));
            let of = |from: Timestamp, to: Timestamp| {
                let span = Span::new(from, to);
                model
                    .range((spec.id, Timestamp::MIN)..=(spec.id, Timestamp::MAX))
                    .map(|(_, reading)| *reading)
                    .filter(move |reading| span.contains(reading.end))
            };
            let expected = of(start, end).next_back().map(|closing| match spec.kind {
                ChannelKind::Register => of(Timestamp::MIN, start)
                    .next_back()
                    .map(|opening| closing.value.wh() - opening.value.wh()),
                ChannelKind::Interval => Some(of(start, end).map(|one| one.value.wh()).sum()),
            });
            let found = totals.iter().find(|one| one.channel == spec.id);
            assert_eq!(found.map(|one| one.energy.map(Energy::wh)), expected);
        }
    }
}
