//! Readings that were kept aside because a meter's clock was wrong.

use corrente_ledger::{Admission, Decision, Entry, RejectionReason, Settled};
use corrente_metering::{Span, id::OrganisationId};
use corrente_registry::{
    RegistryError,
    admin::{self, By},
    meters,
};

use crate::{Mdm, MdmError, import::AHEAD_SECONDS};

/// Looked at in the ledger at a time; those of other meters are between them.
const AT_ONCE: usize = 10_000;

/// What became of the readings that were kept aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Released {
    /// They count now.
    pub counted: u64,
    /// They are still out of place and stay aside.
    pub left: u64,
}

impl Mdm {
    /// Lets readings count that were kept aside because the meter's clock was wrong: each so many
    /// seconds later (earlier when negative) than the meter said. With a span only those that the meter
    /// stamped in it. The readings as they came stay stored.
    ///
    /// # Errors
    /// When a store fails or there is no such meter.
    pub async fn release_quarantined(
        &self,
        by: By,
        organisation: OrganisationId,
        serial: String,
        (add_seconds, span): (i64, Option<Span>),
    ) -> Result<Released, MdmError> {
        let (entries, settle, left) = self
            .run(move |mdm| mdm.corrected(&by, organisation, &serial, (add_seconds, span)))
            .await?;
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
        (add_seconds, span): (i64, Option<Span>),
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
                if span.is_some_and(|span| !span.contains(rejected.reading.end)) {
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
