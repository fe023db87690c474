//! What a file's readings are to what is stored, without storing anything.

use corrente_files::FileChannel;
use corrente_ledger::{Admission, AsOf};
use corrente_metering::Span;

use super::{Stored, place::Place};
use crate::{Mdm, MdmError, series::empty_if_unknown};

impl Mdm {
    pub(super) fn compare(
        &self,
        channel: &FileChannel,
        at: &Place,
        stored: &mut Stored,
    ) -> Result<(), MdmError> {
        let (Some(first), Some(last)) = (channel.readings.first(), channel.readings.last()) else {
            return Ok(());
        };
        let now = self.clock.now();
        let span = Span::new(first.end.plus(-1), last.end);
        let known = empty_if_unknown(self.ledger.range(at.channel, span, AsOf::Now))?;
        for reading in &channel.readings {
            if at.admission(reading.end, now) != Admission::Accept {
                stored.quarantined += 1;
                continue;
            }
            match known.binary_search_by_key(&reading.end, |known| known.end) {
                Err(_) => stored.new += 1,
                Ok(found) if known.get(found).is_some_and(|k| k.value == reading.value) => {
                    stored.duplicates += 1;
                }
                Ok(_) => stored.conflicts += 1,
            }
        }
        Ok(())
    }
}
