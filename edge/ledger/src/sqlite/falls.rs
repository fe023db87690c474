//! Where a register fell, mostly from the headers of the blocks.

use corrente_metering::{ChannelId, Reading, Span, Timestamp};

use super::{Shared, blocks::Stop, read::each_block};
use crate::{
    AsOf, LedgerError,
    codec::{self, Columns},
    day, falls_of,
};

/// Readings in a row, of which the first and the last are enough where nothing falls between them.
struct Stretch {
    first: (Timestamp, i64),
    last: (Timestamp, i64),
}

impl Shared {
    pub(super) fn falls(
        &self,
        channel: ChannelId,
        span: Span,
        as_of: AsOf<'_>,
    ) -> Result<Vec<Timestamp>, LedgerError> {
        let place = self.place(channel)?;
        if span.is_empty() {
            return Ok(Vec::new());
        }
        let mut open = Vec::new();
        let sealed = {
            let window = self.window();
            if matches!(as_of, AsOf::Now) {
                window.collect(place.slot, place.offset, span, &mut open);
            }
            window.span(place.slot)
        };
        let days = Self::days(sealed, as_of, span, place.offset);
        let mut falls = Vec::new();
        let mut stretches: Vec<Stretch> = Vec::new();
        self.read(|connection| {
            let mut columns = Columns::default();
            each_block(connection, &days, place.slot, |day, key, header, body| {
                let at = |second: u32| day::join(day, second, place.offset);
                if header.falls {
                    columns.clear();
                    codec::decode(key, header, body, &mut columns)
                        .map_err(|_| Stop::Damaged(key))?;
                    let cells = || columns.seconds.iter().zip(&columns.values);
                    for ((before, a), (second, b)) in cells().zip(cells().skip(1)) {
                        if b < a && span.contains(at(*before)) {
                            falls.push(at(*second));
                        }
                    }
                } else {
                    codec::verify(key, header, body).map_err(|_| Stop::Damaged(key))?;
                }
                stretches.push(Stretch {
                    first: (at(header.first), header.first_value),
                    last: (at(header.last), header.last_value),
                });
                Ok(())
            })
        })?;
        let single = |reading: &Reading| {
            let cell = (reading.end, reading.value.wh());
            Stretch { first: cell, last: cell }
        };
        stretches.extend(open.iter().map(single));
        stretches.sort_by_key(|stretch| stretch.first.0);
        let pairs = || stretches.iter().zip(stretches.iter().skip(1));
        if pairs().any(|(a, b)| b.first.0 <= a.last.0) {
            // Late readings lie among earlier ones: only the readings themselves say it.
            return Ok(falls_of(&self.range(channel, span, as_of)?));
        }
        let fell = |a: &Stretch, b: &Stretch| b.first.1 < a.last.1 && span.contains(a.last.0);
        falls.extend(pairs().filter(|(a, b)| fell(a, b)).map(|(_, b)| b.first.0));
        falls.retain(|t| span.contains(*t));
        falls.sort_unstable();
        Ok(falls)
    }
}
