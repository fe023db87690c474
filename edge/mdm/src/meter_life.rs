//! What happens to a meter: exchanged with its registers written down, its clock put right.

use corrente_ledger::{Admission, Decision, Entry, RejectionReason, Settled};
use corrente_metering::{
    ChannelKind, Reading, SourceQuality, Timestamp,
    id::{MeterId, OrganisationId},
};
use corrente_registry::{
    RegistryError,
    admin::{self, By, Exchange},
    meters,
    secrets::Secret,
};
use corrente_units::Energy;

use crate::{Mdm, MdmError, import::AHEAD_SECONDS, series::empty_if_unknown};

/// Looked at in the ledger at a time; those of other meters are between them.
const AT_ONCE: usize = 10_000;

/// A meter that takes the place of another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// Who stands where, from when.
    pub exchange: Exchange,
    /// What the dials showed.
    pub registers: Vec<ExchangedRegister>,
}

/// The dials of a register at an exchange, as they were written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangedRegister {
    /// The register's name.
    pub channel: String,
    /// The old meter's last register.
    pub last: Option<Energy>,
    /// The new meter's first one.
    pub first: Option<Energy>,
}

/// What became of the readings that were kept aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Released {
    /// They count now.
    pub counted: u64,
    /// They are still out of place and stay aside.
    pub left: u64,
}

impl Mdm {
    /// Puts a meter in the place of another one. What its dials showed are readings like any others, so
    /// that nothing is lost between the last and the first register.
    ///
    /// # Errors
    /// When a register is below what was read before, the meter stands nowhere, or a store fails.
    pub async fn replace_meter(
        &self,
        by: By,
        replacement: Replacement,
    ) -> Result<(MeterId, Secret), MdmError> {
        let (made, entries) = self.run(move |mdm| mdm.exchange(&by, &replacement)).await?;
        if !entries.is_empty() {
            self.ledger.append(entries).await?;
        }
        Ok(made)
    }

    fn exchange(
        &self,
        by: &By,
        replacement: &Replacement,
    ) -> Result<((MeterId, Secret), Vec<Entry>), MdmError> {
        let exchange = replacement.exchange.clone();
        let (organisation, old, new) =
            (exchange.organisation, exchange.old.clone(), exchange.new.clone());
        let at = exchange.at;
        let mut entries = Vec::new();
        for register in &replacement.registers {
            if let Some(last) = register.last {
                entries.push(self.register(organisation, &old, register, (at, last))?);
            }
        }
        let by = by.clone();
        let from = exchange.from;
        let made =
            self.registry.write_blocking(move |tx| admin::exchange_meter(tx, &by, &exchange))?;
        let specs = self.registry.read_blocking(meters::all_channel_specs)?;
        self.ledger.open_channels(&specs)?;
        for register in &replacement.registers {
            if let Some(first) = register.first {
                entries.push(self.register(organisation, &new, register, (from, first))?);
            }
        }
        Ok((made, entries))
    }

    /// What a dial showed, as a reading.
    fn register(
        &self,
        organisation: OrganisationId,
        serial: &str,
        register: &ExchangedRegister,
        (end, value): (Timestamp, Energy),
    ) -> Result<Entry, MdmError> {
        let invalid = |reason: String| MdmError::Invalid { field: "registers", reason };
        let owned = serial.to_owned();
        let access = self
            .registry
            .read_blocking(move |tx| meters::access_by_serial(tx, organisation, &owned))?
            .ok_or_else(|| MdmError::NotFound { kind: "meter", id: serial.to_owned() })?;
        let channel = access
            .channels
            .iter()
            .find(|c| c.name == register.channel && c.kind == ChannelKind::Register)
            .ok_or_else(|| {
                invalid(format!("meter `{serial}` has no register `{}`", register.channel))
            })?;
        let before = empty_if_unknown(self.ledger.at_or_before(
            channel.number,
            end,
            corrente_ledger::AsOf::Now,
        ))?;
        if let Some(before) = before.filter(|before| before.value > value) {
            return Err(invalid(format!(
                "{value} on the dial of `{serial}` is below {} of {}: look at the photo again; if it rolled over, enter its digits first",
                before.value, before.end
            )));
        }
        let reading = Reading { end, value, quality: SourceQuality::GOOD };
        Ok(Entry { channel: channel.number, reading, admission: Admission::Accept })
    }

    /// Lets readings count that were kept aside because the meter's clock was wrong: each so many
    /// seconds later (earlier when negative) than the meter said. The readings as they came stay stored.
    ///
    /// # Errors
    /// When a store fails or there is no such meter.
    pub async fn release_quarantined(
        &self,
        by: By,
        organisation: OrganisationId,
        serial: String,
        add_seconds: i64,
    ) -> Result<Released, MdmError> {
        let (entries, settle, left) =
            self.run(move |mdm| mdm.corrected(&by, organisation, &serial, add_seconds)).await?;
        if entries.is_empty() {
            return Ok(Released { counted: 0, left });
        }
        // First the corrected readings: if it ends here, doing it again finds duplicates.
        let appended = self.ledger.append(entries).await?;
        self.run(move |mdm| {
            for sequence in settle {
                match mdm.ledger.settle(sequence, Decision::Drop)? {
                    Settled::Done | Settled::Already | Settled::Conflict | Settled::Unknown => {}
                }
            }
            Ok(())
        })
        .await?;
        Ok(Released { counted: appended.new, left })
    }

    fn corrected(
        &self,
        by: &By,
        organisation: OrganisationId,
        serial: &str,
        add_seconds: i64,
    ) -> Result<(Vec<Entry>, Vec<u64>, u64), MdmError> {
        let owned = serial.to_owned();
        let access = self
            .registry
            .read_blocking(move |tx| meters::access_by_serial(tx, organisation, &owned))?
            .ok_or_else(|| MdmError::NotFound { kind: "meter", id: serial.to_owned() })?;
        let latest = self.clock.now().plus(AHEAD_SECONDS);
        let (mut entries, mut settle, mut left) = (Vec::new(), Vec::new(), 0);
        let mut after = 0;
        loop {
            let page = self.ledger.unsettled(after, AT_ONCE)?;
            let Some(last) = page.last() else { break };
            after = last.sequence;
            for rejected in page {
                let ours = access.channels.iter().any(|c| c.number == rejected.channel);
                if !ours || !matches!(rejected.reason, RejectionReason::Quarantine(_)) {
                    continue;
                }
                let mut reading = rejected.reading;
                reading.end = reading.end.plus(add_seconds);
                if reading.end < access.installed_from || reading.end > latest {
                    left += 1;
                    continue;
                }
                let admission = Admission::Accept;
                entries.push(Entry { channel: rejected.channel, reading, admission });
                settle.push(rejected.sequence);
            }
        }
        if !entries.is_empty() {
            let (by, serial, count) = (by.clone(), serial.to_owned(), entries.len());
            self.registry.write_blocking(move |tx| {
                admin::note_release(tx, &by, organisation, &serial, (add_seconds, count))?;
                Ok::<_, RegistryError>(())
            })?;
        }
        Ok((entries, settle, left))
    }
}
