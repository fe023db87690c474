//! Readings on their way: what is appended together, and what watchers are told afterwards.

use corrente_ledger::{Admission, Entry, PowerSample, QuarantineReason};
use corrente_line::v1::{ChannelReading, MAX_CHANNELS, Sample};
use corrente_live::LiveReading;
use corrente_metering::{ChannelKind, Direction, Timestamp};

use crate::directory::{Admitted, AdmittedChannel};

/// A reading may be so many seconds ahead of business time: clocks differ.
const AHEAD_SECONDS: i64 = 300;
const SECONDS_PER_HOUR: i64 = 3600;

/// Readings of some lines, for one append.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) entries: Vec<Entry>,
    /// The latest reading of each channel that can be watched.
    pub(super) live: Vec<LiveReading>,
    /// Power that came with readings.
    pub(super) power: Vec<PowerSample>,
}

impl Group {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn add(&mut self, meter: &Admitted, now: Timestamp, readings: &[ChannelReading]) {
        self.entries.reserve(readings.len());
        let is_meter = is_meter(meter);
        for item in readings {
            let Some(channel) = meter.channels.get(item.channel) else { continue };
            let admission = admission(meter, now, item.reading.end);
            self.entries.push(Entry { channel: channel.id, reading: item.reading, admission });
            if is_meter && admission == Admission::Accept && channel.direction == Direction::Import
            {
                self.watch(live_reading(meter, channel, item));
                if let Some(watts) = item.power_w {
                    self.power.push(PowerSample {
                        channel: channel.id,
                        t: item.reading.end,
                        watts,
                    });
                }
            }
        }
    }

    /// Of a backlog only the end is live.
    fn watch(&mut self, reading: LiveReading) {
        match self.live.iter_mut().find(|known| known.channel == reading.channel) {
            Some(known) if known.t <= reading.t => *known = reading,
            Some(_) => {}
            None => self.live.push(reading),
        }
    }
}

/// Whoever has more registers than a meter is a gateway: there is no one place to look at, and no one clock.
pub(super) fn is_meter(meter: &Admitted) -> bool {
    meter.channels.len() <= MAX_CHANNELS
}

/// Backfill and the replay of old years are ordinary; 1970 and 2033 are not.
fn admission(meter: &Admitted, now: Timestamp, t: Timestamp) -> Admission {
    if t < meter.installed_from {
        Admission::Quarantine(QuarantineReason::BeforeInstallation)
    } else if t > now.plus(AHEAD_SECONDS) {
        Admission::Quarantine(QuarantineReason::InFuture)
    } else {
        Admission::Accept
    }
}

fn live_reading(meter: &Admitted, channel: &AdmittedChannel, item: &ChannelReading) -> LiveReading {
    let (register, average_w) = match channel.kind {
        ChannelKind::Register => (Some(item.reading.value), None),
        ChannelKind::Interval => (
            None,
            channel
                .interval_s
                .filter(|seconds| *seconds > 0)
                .map(|seconds| item.reading.value.wh().saturating_mul(SECONDS_PER_HOUR) / seconds),
        ),
    };
    LiveReading {
        channel: channel.id,
        usage_point: meter.usage_point,
        meter: meter.meter,
        t: item.reading.end,
        register,
        power_w: item.power_w.or(average_w),
        volts_mv: [None; 3],
        amps_ma: [None; 3],
    }
}

/// A sample is shown, and kept for a while; no energy is worked out of it.
pub(super) fn live_sample(
    meter: &Admitted,
    now: Timestamp,
    sample: &Sample,
) -> Option<LiveReading> {
    let channel = meter.channels.first()?;
    if admission(meter, now, sample.t) != Admission::Accept {
        return None;
    }
    Some(LiveReading {
        channel: channel.id,
        usage_point: meter.usage_point,
        meter: meter.meter,
        t: sample.t,
        register: None,
        power_w: Some(sample.power_w),
        volts_mv: sample.volts_mv.phases(),
        amps_ma: sample.amps_ma.phases(),
    })
}

#[cfg(test)]
mod tests {
    use corrente_metering::{ChannelId, Reading, SourceQuality, id::MeterId};
    use corrente_units::Energy;

    use super::*;

    fn meter() -> Admitted {
        let channel = |number, kind, direction, interval_s| AdmittedChannel {
            id: ChannelId::from_number(number),
            kind,
            direction,
            interval_s,
        };
        Admitted {
            meter: "0191e2c4-0000-7000-8000-000000000001".parse::<MeterId>().unwrap(),
            usage_point: None,
            installed_from: Timestamp::from_second(1000),
            interval_s: 10,
            channels: [
                channel(1, ChannelKind::Register, Direction::Import, None),
                channel(2, ChannelKind::Register, Direction::Export, None),
                channel(3, ChannelKind::Interval, Direction::Import, Some(1800)),
            ]
            .into(),
        }
    }

    #[test]
    fn a_gateway_stores_and_is_not_watched() {
        let mut gateway = meter();
        gateway.channels = [gateway.channels[0]; MAX_CHANNELS + 1].into();
        let mut group = Group::default();
        let readings: Vec<_> = (0..=MAX_CHANNELS).map(|n| reading(n, 4000, 1)).collect();
        group.add(&gateway, Timestamp::from_second(5000), &readings);
        assert_eq!((group.entries.len(), group.live.len()), (MAX_CHANNELS + 1, 0));
    }

    fn reading(channel: usize, t: i64, wh: i64) -> ChannelReading {
        ChannelReading {
            channel,
            seq: 1,
            reading: Reading {
                end: Timestamp::from_second(t),
                value: Energy::from_wh(wh),
                quality: SourceQuality::GOOD,
            },
            power_w: None,
        }
    }

    #[test]
    fn what_is_too_early_or_too_late_is_kept_aside() {
        use QuarantineReason::{BeforeInstallation, InFuture};
        let now = Timestamp::from_second(5000);
        for (t, expected) in [
            (999, Admission::Quarantine(BeforeInstallation)),
            (1000, Admission::Accept),
            (5300, Admission::Accept),
            (5301, Admission::Quarantine(InFuture)),
        ] {
            let mut group = Group::default();
            group.add(&meter(), now, &[reading(0, t, 1)]);
            assert_eq!(group.entries[0].admission, expected, "{t}");
        }
    }

    #[test]
    fn watchers_hear_of_the_end_of_a_backlog() {
        let mut group = Group::default();
        group.add(
            &meter(),
            Timestamp::from_second(5000),
            &[
                reading(0, 2000, 10),
                reading(0, 4000, 30),
                reading(0, 3000, 20),
                reading(0, 9999, 40),
                reading(1, 4000, 5),
                reading(2, 3600, 250),
                reading(9, 3600, 250),
            ],
        );
        assert_eq!(group.entries.len(), 6);
        let live: Vec<_> = group
            .live
            .iter()
            .map(|l| (l.t.second(), l.register.map(Energy::wh), l.power_w))
            .collect();
        assert_eq!(live, [(4000, Some(30), None), (3600, None, Some(500))]);
    }
}
