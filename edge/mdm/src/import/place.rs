//! From a file's channel to a channel of the registry.

use std::collections::{BTreeMap, BTreeSet};

use corrente_files::{FileChannel, FileReadings, Unit};
use corrente_ledger::{Admission, QuarantineReason};
use corrente_metering::{ChannelId, ChannelKind, Timestamp, id::UsagePointId};
use corrente_registry::{
    RegistryError, Tx,
    admin::{self, By, RegisteredMeter},
    channels::{ChannelRow, NewChannel},
    meters::{self, DEFAULT_REPORTING_SECONDS, MeterAccess},
    organisations,
    usage_points::{self, NewUsagePoint},
};

use super::{AHEAD_SECONDS, ImportOrder, RefusedChannel};
use crate::{Mdm, MdmError};

/// Where a file's channel goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Placed {
    /// Nowhere: another unit than Wh, or only there to compare with.
    Left,
    /// Nowhere, and somebody has to do something about it.
    Refused,
    /// To a channel that is to be made; one that only compares where the meter gives intervals.
    Missing { serial: String, check: bool },
    /// To this channel.
    At(Place),
}

/// A channel of the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) serial: String,
    pub(super) channel: ChannelId,
    pub(super) usage_point: Option<UsagePointId>,
    installed_from: Timestamp,
}

impl Place {
    /// Backfill and the import of old years are ordinary; 1970 and 2033 are not.
    pub(super) fn admission(&self, t: Timestamp, now: Timestamp) -> Admission {
        if t < self.installed_from {
            Admission::Quarantine(QuarantineReason::BeforeInstallation)
        } else if t > now.plus(AHEAD_SECONDS) {
            Admission::Quarantine(QuarantineReason::InFuture)
        } else {
            Admission::Accept
        }
    }
}

type LookedUp = (Vec<Placed>, Vec<RefusedChannel>);

impl Mdm {
    /// A place for each channel of the file, in its order, and those that have none.
    pub(super) fn look_up(
        &self,
        readings: &FileReadings,
        order: &ImportOrder,
    ) -> Result<LookedUp, MdmError> {
        let named: BTreeSet<&str> =
            readings.channels.iter().filter_map(|c| c.meter.as_deref()).collect();
        let mut placed = Vec::with_capacity(readings.channels.len());
        let mut refused = Vec::new();
        for channel in &readings.channels {
            let place = if channel.unit != Unit::Wh || channel.check {
                Ok(Placed::Left)
            } else {
                match serial_of(channel, &named, order) {
                    Ok(serial) => {
                        let access = self.meter(order, &serial)?;
                        place(readings, channel, access.as_ref(), serial, order)
                    }
                    Err(reason) => Err(reason),
                }
            };
            placed.push(place.unwrap_or_else(|reason| {
                refused.push(RefusedChannel {
                    meter: channel.meter.clone(),
                    channel: channel.name.clone(),
                    reason,
                });
                Placed::Refused
            }));
        }
        Ok((placed, refused))
    }

    fn meter(&self, order: &ImportOrder, serial: &str) -> Result<Option<MeterAccess>, MdmError> {
        let (organisation, serial) = (order.organisation, serial.to_owned());
        Ok(self
            .registry
            .read_blocking(move |tx| meters::access_by_serial(tx, organisation, &serial))?)
    }

    /// Makes what is missing, in one transaction, and makes all channels known to the ledger.
    pub(super) fn make_missing(
        &self,
        readings: &FileReadings,
        order: &ImportOrder,
        by: &By,
        placed: Vec<Placed>,
    ) -> Result<(Vec<Placed>, u64), MdmError> {
        let mut wanted: BTreeMap<String, Wanted> = BTreeMap::new();
        for (channel, placed) in readings.channels.iter().zip(&placed) {
            if let Placed::Missing { serial, check } = placed {
                wanted.entry(serial.clone()).or_default().add(channel, *check);
            }
        }
        if wanted.is_empty() {
            return Ok((placed, 0));
        }
        let made = wanted.values().map(|wanted| wanted.channels.len()).sum::<usize>();
        let (owned, by) = (order.clone(), by.clone());
        self.registry.write_blocking(move |tx| {
            wanted.iter().try_for_each(|(serial, wanted)| make(tx, &owned, &by, serial, wanted))
        })?;
        let (placed, _) = self.look_up(readings, order)?;
        let specs = self.registry.read_blocking(meters::all_channel_specs)?;
        self.ledger.open_channels(&specs)?;
        Ok((placed, u64::try_from(made).unwrap_or(u64::MAX)))
    }
}

/// Channels that a meter gets.
#[derive(Debug, Default)]
struct Wanted {
    channels: Vec<NewChannel>,
    /// Those of them that only compare, by name.
    checks: BTreeSet<String>,
    from: Option<Timestamp>,
}

impl Wanted {
    fn add(&mut self, channel: &FileChannel, check: bool) {
        let name = if check { dial(&channel.name) } else { channel.name.clone() };
        if check {
            self.checks.insert(name.clone());
        }
        self.channels.push(NewChannel {
            name,
            kind: channel.kind,
            direction: channel.direction,
            interval_seconds: match channel.kind {
                ChannelKind::Interval => channel.interval_seconds,
                ChannelKind::Register => None,
            },
            register_digits: channel.register_modulus_wh.and_then(digits),
        });
        let Some(first) = channel.readings.first() else { return };
        let start = match channel.kind {
            ChannelKind::Register => first.end,
            ChannelKind::Interval => first.end.plus(-channel.interval_seconds.unwrap_or(0)),
        };
        self.from = Some(self.from.map_or(start, |known| known.min(start)));
    }
}

/// The digits of a dial of kWh that begins again at this many Wh.
fn digits(modulus_wh: i64) -> Option<u8> {
    (1..=9)
        .find(|digits| 10_i64.checked_pow(u32::from(*digits)).map(|m| m * 1000) == Some(modulus_wh))
}

fn make(
    tx: &mut Tx,
    order: &ImportOrder,
    by: &By,
    serial: &str,
    wanted: &Wanted,
) -> Result<(), RegistryError> {
    if meters::by_serial(tx, order.organisation, serial)?.is_some() {
        let from = wanted.from.unwrap_or(by.business);
        return wanted.channels.iter().try_for_each(|new| {
            let add = if wanted.checks.contains(&new.name) {
                admin::add_check_register
            } else {
                admin::add_channel
            };
            add(tx, by, order.organisation, serial, (new, from)).map(drop)
        });
    }
    let name = order.usage_point.as_deref().unwrap_or(serial);
    let known = usage_points::by_name(tx, order.organisation, name)?;
    let usage_point = if let Some(point) = known {
        point.id
    } else {
        let organisation =
            organisations::get(tx, order.organisation)?.ok_or(RegistryError::Reference)?;
        admin::create_usage_point(tx, by, &NewUsagePoint::named(&organisation, name))?
    };
    let interval = wanted.channels.iter().find_map(|channel| channel.interval_seconds);
    let from = wanted.from.unwrap_or(by.business);
    let (checks, channels): (Vec<NewChannel>, Vec<NewChannel>) =
        wanted.channels.iter().cloned().partition(|new| wanted.checks.contains(&new.name));
    let new = RegisteredMeter {
        organisation: order.organisation,
        serial: serial.to_owned(),
        model: None,
        reporting_seconds: interval.unwrap_or(DEFAULT_REPORTING_SECONDS).clamp(1, 86_400),
        secret: None,
        channels,
        usage_point,
        installed_from: from,
    };
    // It reports by files; for a connection of its own it is given a secret later.
    admin::register_meter(tx, by, &new)?;
    checks.iter().try_for_each(|new| {
        admin::add_check_register(tx, by, order.organisation, serial, (new, from)).map(drop)
    })
}

fn serial_of(
    channel: &FileChannel,
    named: &BTreeSet<&str>,
    order: &ImportOrder,
) -> Result<String, String> {
    match (&order.meter, &channel.meter) {
        (Some(_), Some(_)) if named.len() > 1 => Err(format!(
            "the file names {} meters: leave the meter out of the question",
            named.len()
        )),
        (Some(given), _) => Ok(given.clone()),
        (None, Some(named)) => Ok(named.clone()),
        (None, None) => {
            Err("the file names no meter: say whose it is with --meter SERIAL".to_owned())
        }
    }
}

/// The place of one channel.
fn place(
    readings: &FileReadings,
    channel: &FileChannel,
    access: Option<&MeterAccess>,
    serial: String,
    order: &ImportOrder,
) -> Result<Placed, String> {
    let Some(access) = access else {
        let intervals = readings.channels.iter().any(|c| {
            c.meter == channel.meter
                && c.direction == channel.direction
                && c.kind == ChannelKind::Interval
                && c.unit == Unit::Wh
                && !c.check
        });
        return if order.create {
            let check = channel.kind == ChannelKind::Register && intervals;
            Ok(Placed::Missing { serial, check })
        } else {
            Err(format!("there is no meter `{serial}`: register it, or let --create make it"))
        };
    };
    let at = |row: &ChannelRow| {
        Placed::At(Place {
            serial: access.serial.clone(),
            channel: row.number,
            usage_point: access.usage_point,
            installed_from: access.installed_from,
        })
    };
    let (own, compared): (Vec<&ChannelRow>, Vec<&ChannelRow>) = access
        .channels
        .iter()
        .filter(|row| row.direction == channel.direction)
        .partition(|row| row.checks != Some(true));
    let named = |r: &&&ChannelRow| r.name == channel.name || r.name == dial(&channel.name);
    if let Some(same) = compared.iter().find(named).filter(|r| r.kind == channel.kind) {
        return Ok(at(same));
    }
    if let Some(same) = own.iter().find(|r| r.name == channel.name && r.kind == channel.kind) {
        return Ok(at(same));
    }
    let beside: Vec<&str> = readings
        .channels
        .iter()
        .filter(|c| c.meter == channel.meter && c.direction == channel.direction)
        .filter(|c| c.unit == Unit::Wh && !c.check)
        .map(|c| c.name.as_str())
        .collect();
    if let [only] = own.as_slice()
        && beside.len() == 1
        && only.kind == channel.kind
    {
        return Ok(at(only));
    }
    // A register more is fine where the file has the known ones too; anything else would count energy
    // twice.
    if own.iter().all(|row| row.kind == channel.kind && beside.contains(&row.name.as_str())) {
        return if order.create {
            Ok(Placed::Missing { serial, check: false })
        } else {
            Err(format!("meter `{serial}` has no channel `{}`: --create adds it", channel.name))
        };
    }
    if channel.kind == ChannelKind::Register
        && own.iter().all(|row| row.kind == ChannelKind::Interval)
    {
        return if order.create {
            Ok(Placed::Missing { serial, check: true })
        } else {
            Err(format!(
                "meter `{serial}` gives intervals already: --create adds `{}` as a register that only compares",
                channel.name
            ))
        };
    }
    let names: Vec<String> =
        own.iter().map(|row| format!("`{}` ({})", row.name, kind_word(row.kind))).collect();
    Err(format!(
        "meter `{serial}` measures this already with {}; `{}` ({}) beside it would count the energy twice",
        names.join(", "),
        channel.name,
        kind_word(channel.kind)
    ))
}

/// The name of the register that only compares, beside the intervals of this name.
fn dial(name: &str) -> String {
    format!("{name} dial")
}

const fn kind_word(kind: ChannelKind) -> &'static str {
    match kind {
        ChannelKind::Register => "register",
        ChannelKind::Interval => "interval",
    }
}
