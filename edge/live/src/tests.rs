use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn reading(t: i64, register: Option<i64>, power_w: Option<i64>) -> LiveReading {
    LiveReading {
        channel: ChannelId::from_number(1),
        usage_point: Some(UsagePointId::from_uuid(Uuid::from_u128(7))),
        meter: MeterId::from_uuid(Uuid::from_u128(9)),
        t: Timestamp::from_second(t),
        register: register.map(Energy::from_wh),
        power_w,
        volts_mv: [None; 3],
        amps_ma: [None; 3],
    }
}

fn point() -> UsagePointId {
    UsagePointId::from_uuid(Uuid::from_u128(7))
}

fn alert() -> AlertEventId {
    AlertEventId::from_uuid(Uuid::from_u128(11))
}

#[test]
fn power_comes_from_the_meter_or_from_two_registers() {
    let hub = LiveHub::new();
    for (reading, expected) in [
        (reading(0, Some(1000), None), None),
        (reading(60, Some(1010), None), Some(600)),
        // A register that went back says nothing about power.
        (reading(120, Some(5), None), Some(600)),
        (reading(180, Some(15), None), Some(600)),
        (reading(190, None, Some(-42)), Some(-42)),
        // What the meter measured is better than an average since the last register.
        (reading(240, Some(115), None), Some(-42)),
        (reading(800, Some(675), None), Some(3600)),
        // Late data changes nothing that is shown.
        (reading(500, Some(300), Some(9)), Some(3600)),
    ] {
        hub.publish(reading);
        assert_eq!(hub.snapshot(point()).unwrap().power_w, expected, "{reading:?}");
    }
}

#[tokio::test]
async fn watchers_hear_of_readings_and_notices() {
    let hub = LiveHub::new();
    let mut watcher = hub.subscribe();
    hub.publish(reading(0, Some(1), Some(5)));
    hub.publish(LiveReading { usage_point: None, ..reading(1, Some(1), Some(5)) });
    hub.notify(point(), LiveNotice::Alert(alert()));
    let event = watcher.recv().await.unwrap();
    assert_eq!(event.usage_point, point());
    assert!(matches!(event.what, LiveWhat::Reading { power_w: Some(5), .. }));
    let event = watcher.recv().await.unwrap();
    assert_eq!(event.what, LiveWhat::Notice(LiveNotice::Alert(alert())));
    assert!(watcher.try_recv().is_err());
}

#[tokio::test]
async fn a_page_hears_of_its_own_usage_point_alone() {
    let hub = LiveHub::new();
    let other = UsagePointId::from_uuid(Uuid::from_u128(8));
    let (mut mine, mut same, mut others) =
        (hub.watch(point()), hub.watch(point()), hub.watch(other));
    // More than a page may be behind, all of it somewhere else.
    for t in 0..200 {
        hub.publish(LiveReading { usage_point: Some(other), ..reading(t, None, Some(1)) });
    }
    hub.publish(reading(0, Some(1), Some(5)));
    for watcher in [&mut mine, &mut same] {
        let event = watcher.recv().await.unwrap();
        assert!(matches!(event.what, LiveWhat::Reading { power_w: Some(5), .. }), "{event:?}");
    }
    assert!(matches!(others.recv().await, Err(broadcast::error::RecvError::Lagged(_))));
    // Nothing is kept of who left.
    drop(mine);
    hub.notify(point(), LiveNotice::Alert(alert()));
    assert_eq!(same.recv().await.unwrap().usage_point, point());
    drop((same, others));
    let watched: usize = hub.inner.shards.iter().map(|s| s.lock().unwrap().watched.len()).sum();
    assert_eq!(watched, 0);
}

proptest! {
    #[test]
    fn memory_is_bounded_and_the_last_hour_is_in_order(
        steps in prop::collection::vec((-50_i64..400, -5000_i64..5000), 1..600),
    ) {
        let hub = LiveHub::new();
        let mut t = 0;
        for (step, power) in steps {
            t += step;
            hub.publish(reading(t, None, Some(power)));
        }
        let state = hub.snapshot(point()).unwrap();
        prop_assert!(state.recent.len() <= 122);
        prop_assert!(state.recent.windows(2).all(|pair| pair[0].0 < pair[1].0));
        prop_assert!(state.recent.iter().all(|(at, _)| state.last.t.since(*at) <= 3600));
        prop_assert_eq!(state.recent.last().map(|(_, w)| *w), state.power_w);
    }
}
