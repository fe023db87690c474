//! What a file's readings are to what is stored, without storing anything.

use corrente_files::FileChannel;
use corrente_ledger::{Admission, AsOf, QuarantineReason};
use corrente_metering::Span;
use corrente_units::Energy;

use super::{Against, Stored, place::Place};
use crate::{Mdm, MdmError, series::empty_if_unknown};

/// So many readings that do not count are told one by one.
const MOST_TOLD: usize = 1000;

impl Mdm {
    /// Counts what would become of a channel's readings, and tells those that would not count.
    pub(super) fn compare(
        &self,
        channel: &FileChannel,
        at: &Place,
        (stored, against): (&mut Stored, &mut Vec<Against>),
    ) -> Result<(), MdmError> {
        let (Some(first), Some(last)) = (channel.readings.first(), channel.readings.last()) else {
            return Ok(());
        };
        let now = self.clock.now();
        let span = Span::new(first.end.plus(-1), last.end);
        let known = empty_if_unknown(self.ledger.range(at.channel, span, AsOf::Now))?;
        let mut tell = |n: usize, kept: Option<Energy>, reason: &str| {
            let Some(reading) = channel.readings.get(n).filter(|_| against.len() < MOST_TOLD)
            else {
                return;
            };
            against.push(Against {
                line: channel.lines.get(n).copied(),
                meter: channel.meter.clone(),
                channel: channel.name.clone(),
                at: reading.end.to_string(),
                wh: reading.value.wh(),
                kept_wh: kept.map(Energy::wh),
                reason: reason.to_owned(),
            });
        };
        for (n, reading) in channel.readings.iter().enumerate() {
            if let Admission::Quarantine(reason) = at.admission(reading.end, now) {
                stored.quarantined += 1;
                let word = match reason {
                    QuarantineReason::BeforeInstallation => "before_installation",
                    QuarantineReason::InFuture => "in_future",
                };
                tell(n, None, word);
                continue;
            }
            match known.binary_search_by_key(&reading.end, |known| known.end) {
                Err(_) => stored.new += 1,
                Ok(found) if known.get(found).is_some_and(|k| k.value == reading.value) => {
                    stored.duplicates += 1;
                }
                Ok(found) => {
                    stored.conflicts += 1;
                    tell(n, known.get(found).map(|known| known.value), "conflict");
                }
            }
        }
        Ok(())
    }
}
