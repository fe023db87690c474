//! What happens to a meter: it comes, goes, is exchanged and moved, with its registers written down.
//!
//! What a dial showed is written into the registry in the transaction of what happened, and appended to
//! the ledger after it: no transaction spans both files, and what is left over by a crash in between is
//! appended at the next start.

mod dial;
mod release;

use corrente_ledger::{Admission, Entry};
use corrente_metering::{
    ChannelKind, Direction, Reading, SourceQuality, Timestamp,
    id::{MeterId, OrganisationId},
};
use corrente_registry::{
    RegistryError, Tx,
    admin::{self, By, Exchange, Move},
    channels::NewChannel,
    dials,
    meters::{self, MeterAccess},
    point_events::PointEventKind,
    secrets::Secret,
    usage_points,
};
use corrente_units::Energy;

use crate::{Mdm, MdmError, series::empty_if_unknown};

pub use self::release::Released;

/// A meter that takes the place of another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// Who stands where, from when.
    pub exchange: Exchange,
    /// What the dials showed.
    pub registers: Vec<ExchangedRegister>,
}

/// The dials of a register when its meter goes and comes, as they were written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangedRegister {
    /// The register's name.
    pub channel: String,
    /// The last register of the meter that goes, or of the place from which it goes.
    pub last: Option<Energy>,
    /// The first one of the meter that comes, or at the place to which it comes.
    pub first: Option<Energy>,
}

/// A meter with the last reading of each channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterRegisters {
    /// The meter's serial.
    pub serial: String,
    /// The recorded name of the usage point where it stands.
    pub usage_point: Option<String>,
    /// Since when it stands there.
    pub since: Option<Timestamp>,
    /// Its channels.
    pub channels: Vec<LastReading>,
}

/// The last reading of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastReading {
    /// The channel's name.
    pub channel: String,
    /// What its values mean.
    pub kind: ChannelKind,
    /// Which way its energy flows.
    pub direction: Direction,
    /// When it was read, and what it showed.
    pub last: Option<(Timestamp, Energy)>,
}

/// What dials showed at one instant, by the name of the register.
type Dials = Vec<(String, Energy)>;

impl Mdm {
    /// A meter's channels with their last readings: what somebody compares with the dials before it is
    /// exchanged.
    ///
    /// # Errors
    /// When a store fails or there is no such meter.
    pub fn meter_registers(
        &self,
        organisation: OrganisationId,
        serial: &str,
    ) -> Result<MeterRegisters, MdmError> {
        let access = self.access(organisation, serial)?;
        let (meter, place) = (access.meter, access.usage_point);
        let (usage_point, since) = self.registry.read_blocking(move |tx| {
            let point = match place {
                Some(point) => usage_points::get(tx, point)?,
                None => None,
            };
            let stands = meters::installations(tx, meter)?;
            let since = stands.last().filter(|last| last.until.is_none()).map(|last| last.from);
            Ok::<_, RegistryError>((point.map(|point| point.name), since))
        })?;
        let mut channels = Vec::with_capacity(access.channels.len());
        for channel in access.channels {
            let last = empty_if_unknown(self.ledger.last(channel.number))?;
            channels.push(LastReading {
                channel: channel.name,
                kind: channel.kind,
                direction: channel.direction,
                last: last.map(|reading| (reading.end, reading.value)),
            });
        }
        Ok(MeterRegisters { serial: access.serial, usage_point, since, channels })
    }

    /// Says whether an exchange can be done, and does nothing.
    ///
    /// # Errors
    /// Those of [`Mdm::replace_meter`].
    pub fn rehearse_replacement(&self, replacement: &Replacement) -> Result<(), MdmError> {
        let exchange = &replacement.exchange;
        if self.exchanged_before(replacement)?.is_some() {
            return Ok(());
        }
        let invalid = |field, reason: &str| MdmError::Invalid { field, reason: reason.to_owned() };
        if exchange.from < exchange.at {
            let reason = "the new meter cannot stand there before the old one is gone";
            return Err(invalid("installed_from", reason));
        }
        let (organisation, new) = (exchange.organisation, exchange.new.clone());
        if self
            .registry
            .read_blocking(move |tx| meters::by_serial(tx, organisation, &new))?
            .is_some()
        {
            return Err(invalid("new_serial", "a meter has this serial already"));
        }
        let old = self.access(organisation, &exchange.old)?;
        if old.usage_point.is_none() {
            return Err(invalid("serial", "the meter stands nowhere"));
        }
        self.check_dials(&old, (exchange.at, &lasts(&replacement.registers)))?;
        named(&old, &firsts(&replacement.registers))
    }

    /// Puts a meter in the place of another one. What its dials showed are readings like any others, so
    /// that nothing is lost between the last and the first register. The same exchange again answers with
    /// a new secret, as long as the new meter has not been heard of.
    ///
    /// # Errors
    /// When a register is below what was read before, the meter stands nowhere, or a store fails.
    pub async fn replace_meter(
        &self,
        by: By,
        replacement: Replacement,
    ) -> Result<(MeterId, Secret), MdmError> {
        let made = self.run(move |mdm| mdm.exchange(&by, &replacement)).await?;
        self.store_dials().await?;
        Ok(made)
    }

    fn exchange(&self, by: &By, replacement: &Replacement) -> Result<(MeterId, Secret), MdmError> {
        if let Some(meter) = self.exchanged_before(replacement)? {
            let secret =
                replacement.exchange.secret.clone().unwrap_or_else(|| Secret::random("meter"));
            let made = (meter, secret.clone());
            self.registry
                .write_blocking(move |tx| meters::set_secret(tx, meter, secret.reveal()))?;
            return Ok(made);
        }
        self.rehearse_replacement(replacement)?;
        let exchange = replacement.exchange.clone();
        let (last, first) = (lasts(&replacement.registers), firsts(&replacement.registers));
        let by = by.clone();
        let made = self.registry.write_blocking(move |tx| {
            let made = admin::exchange_meter(tx, &by, &exchange)?;
            let Exchange { organisation, at, from, .. } = exchange;
            admin::write_dials(tx, &by, organisation, &exchange.old, (at, &last))?;
            admin::write_dials(tx, &by, organisation, &exchange.new, (from, &first))?;
            Ok::<_, RegistryError>(made)
        })?;
        self.open_channels()?;
        Ok(made)
    }

    /// The new meter, when this very exchange was done already and its answer was lost.
    fn exchanged_before(&self, replacement: &Replacement) -> Result<Option<MeterId>, MdmError> {
        let exchange = replacement.exchange.clone();
        let found = self.registry.read_blocking(move |tx| {
            let organisation = exchange.organisation;
            let Some(new) = meters::access_by_serial(tx, organisation, &exchange.new)? else {
                return Ok(None);
            };
            let Some(old) = meters::by_serial(tx, organisation, &exchange.old)? else {
                return Ok(None);
            };
            let gone = meters::installations(tx, old.id)?.pop();
            let came = meters::installations(tx, new.meter)?.pop();
            let same = gone.zip(came).is_some_and(|(gone, came)| {
                gone.usage_point == came.usage_point
                    && gone.until == Some(exchange.at)
                    && came.from == exchange.from
            });
            Ok::<_, RegistryError>(same.then_some(new))
        })?;
        let Some(new) = found else { return Ok(None) };
        for channel in &new.channels {
            let last = empty_if_unknown(self.ledger.last(channel.number))?;
            if last.is_some_and(|last| last.end > replacement.exchange.from) {
                return Ok(None);
            }
        }
        Ok(Some(new.meter))
    }

    /// Takes a meter to another usage point, with what its dials showed.
    ///
    /// # Errors
    /// When a register is below what was read before, another meter stands there, or a store fails.
    pub async fn move_meter(
        &self,
        by: By,
        moved: Move,
        registers: Vec<ExchangedRegister>,
    ) -> Result<(), MdmError> {
        self.run(move |mdm| {
            let meter = mdm.access(moved.organisation, &moved.serial)?;
            let (last, first) = (lasts(&registers), firsts(&registers));
            if moved.at == moved.from
                && first.iter().any(|first| last.iter().any(|l| l.0 == first.0 && l.1 != first.1))
            {
                let reason = "at one instant a dial shows one value".to_owned();
                return Err(MdmError::Invalid { field: "registers", reason });
            }
            mdm.check_dials(&meter, (moved.at, &last))?;
            named(&meter, &first)?;
            mdm.registry.write_blocking(move |tx| {
                admin::move_meter(tx, &by, &moved)?;
                let Move { organisation, at, from, .. } = moved;
                admin::write_dials(tx, &by, organisation, &moved.serial, (at, &last))?;
                admin::write_dials(tx, &by, organisation, &moved.serial, (from, &first))?;
                Ok::<_, MdmError>(())
            })
        })
        .await?;
        self.store_dials().await
    }

    /// Takes a meter away, with what its dials showed last.
    ///
    /// # Errors
    /// When a register is below what was read before, the meter stands nowhere, or a store fails.
    pub async fn remove_meter(
        &self,
        by: By,
        (organisation, serial): (OrganisationId, String),
        until: Timestamp,
        last: Vec<(String, Energy)>,
    ) -> Result<(), MdmError> {
        self.run(move |mdm| {
            let meter = mdm.access(organisation, &serial)?;
            mdm.check_dials(&meter, (until, &last))?;
            mdm.registry.write_blocking(move |tx| {
                admin::remove_meter(tx, &by, organisation, &serial, until)?;
                admin::write_dials(tx, &by, organisation, &serial, (until, &last))?;
                Ok::<_, MdmError>(())
            })
        })
        .await?;
        self.store_dials().await
    }

    /// Adds a channel to a meter: from an instant on it counts beside the others, or only compares.
    ///
    /// # Errors
    /// When the meter has such a channel, stands nowhere, or a store fails.
    pub fn add_channel(
        &self,
        by: &By,
        (organisation, serial): (OrganisationId, &str),
        (new, check): (NewChannel, bool),
        from: Timestamp,
    ) -> Result<(), MdmError> {
        let (by, serial) = (by.clone(), serial.to_owned());
        let add = if check { admin::add_check_register } else { admin::add_channel };
        self.registry
            .write_blocking(move |tx| add(tx, &by, organisation, &serial, (&new, from)))?;
        self.open_channels()
    }

    /// Notes that supply was cut or given again where a meter stands, or a tamper flag.
    ///
    /// # Errors
    /// When the meter stands nowhere then, or the registry fails.
    pub fn note_event(
        &self,
        by: &By,
        (organisation, serial): (OrganisationId, &str),
        (kind, code, at): (PointEventKind, Option<u16>, Timestamp),
    ) -> Result<(), MdmError> {
        let (by, serial) = (by.clone(), serial.to_owned());
        Ok(self.registry.write_blocking(move |tx| {
            admin::note_event(tx, &by, organisation, &serial, (kind, code, at))
        })?)
    }

    /// Appends to the ledger what dials showed and is not there yet. What is there already changes
    /// nothing.
    ///
    /// # Errors
    /// When a store fails; what is left is appended the next time.
    pub async fn store_dials(&self) -> Result<(), MdmError> {
        let waiting = self
            .run(|mdm| {
                mdm.open_channels()?;
                Ok(mdm.registry.read_blocking(dials::waiting)?)
            })
            .await?;
        if waiting.is_empty() {
            return Ok(());
        }
        let entries = waiting.iter().map(|dial| Entry {
            channel: dial.channel,
            reading: Reading { end: dial.at, value: dial.value, quality: SourceQuality::GOOD },
            admission: Admission::Accept,
        });
        self.ledger.append(entries.collect()).await?;
        self.run(move |mdm| {
            Ok(mdm.registry.write_blocking(move |tx: &mut Tx| {
                waiting.iter().try_for_each(|dial| dials::done(tx, dial.id))
            })?)
        })
        .await
    }

    fn open_channels(&self) -> Result<(), MdmError> {
        let specs = self.registry.read_blocking(meters::all_channel_specs)?;
        Ok(self.ledger.open_channels(&specs)?)
    }

    fn access(&self, organisation: OrganisationId, serial: &str) -> Result<MeterAccess, MdmError> {
        let owned = serial.to_owned();
        self.registry
            .read_blocking(move |tx| meters::access_by_serial(tx, organisation, &owned))?
            .ok_or_else(|| MdmError::NotFound { kind: "meter", id: serial.to_owned() })
    }
}

fn lasts(registers: &[ExchangedRegister]) -> Dials {
    registers.iter().filter_map(|r| Some((r.channel.clone(), r.last?))).collect()
}

fn firsts(registers: &[ExchangedRegister]) -> Dials {
    registers.iter().filter_map(|r| Some((r.channel.clone(), r.first?))).collect()
}

/// Refuses a name that none of the meter's registers has.
fn named(meter: &MeterAccess, dials: &[(String, Energy)]) -> Result<(), MdmError> {
    let is_register = |name: &str| {
        meter.channels.iter().any(|c| c.name == name && c.kind == ChannelKind::Register)
    };
    match dials.iter().find(|(name, _)| !is_register(name)) {
        None => Ok(()),
        Some((name, _)) => {
            let reason = format!("meter `{}` has no register `{name}`", meter.serial);
            Err(MdmError::Invalid { field: "registers", reason })
        }
    }
}
