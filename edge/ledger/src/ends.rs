//! What the channels of a block day come to, 256 of them in a row of the store. Pure.
//!
//! A city's total of a day asks every channel for one number. Reading it from each channel's block would
//! read the whole day; here the same numbers stand side by side in a few kilobytes. They say nothing that
//! the blocks do not say too, and can be made from them again.

use corrente_metering::ChannelKind;

use crate::{
    batch::{read_column, write_column},
    codec::Header,
    day::DAY_SECONDS,
};

/// The first byte of a row.
const VERSION: u8 = 1;
const REGISTER: u8 = 0;
const SUM: u8 = 1;
const OVERFLOW: u8 = 2;
const ABSENT: u8 = 3;

/// What one channel comes to in a block day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DayEnd {
    /// A register: second of its last reading in the day, and the value in Wh.
    Register { second: u32, value: i64 },
    /// An interval channel: the sum of its values in Wh.
    Sum(i64),
    /// An interval channel whose sum 64 bits do not hold.
    Overflow,
}

/// The row is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damaged;

impl DayEnd {
    /// What a block says.
    pub(crate) fn of(kind: ChannelKind, header: &Header) -> Self {
        match kind {
            ChannelKind::Register => {
                Self::Register { second: header.last, value: header.last_value }
            }
            ChannelKind::Interval => header.sum.map_or(Self::Overflow, Self::Sum),
        }
    }

    /// With what another block of the same channel and day says.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Register { second: a, .. }, Self::Register { second: b, .. }) => {
                if a < b {
                    other
                } else {
                    self
                }
            }
            (Self::Sum(a), Self::Sum(b)) => a.checked_add(b).map_or(Self::Overflow, Self::Sum),
            // A channel has one kind for ever; whatever else this is, it is no clear sum.
            (Self::Register { .. } | Self::Sum(_) | Self::Overflow, _) => Self::Overflow,
        }
    }

    fn code(end: Option<Self>) -> u8 {
        match end {
            Some(Self::Register { .. }) => REGISTER,
            Some(Self::Sum(_)) => SUM,
            Some(Self::Overflow) => OVERFLOW,
            None => ABSENT,
        }
    }

    /// Seconds from the last reading to the day's end: nearly always 0.
    fn rest(self) -> i64 {
        match self {
            Self::Register { second, .. } => DAY_SECONDS - i64::from(second),
            Self::Sum(_) | Self::Overflow => 0,
        }
    }

    fn value(self) -> i64 {
        match self {
            Self::Register { value, .. } | Self::Sum(value) => value,
            Self::Overflow => 0,
        }
    }

    fn read(code: u8, rest: i64, value: i64) -> Option<Self> {
        match code {
            REGISTER => {
                let second = u32::try_from(DAY_SECONDS.wrapping_sub(rest)).ok()?;
                Some(Self::Register { second, value })
            }
            SUM => Some(Self::Sum(value)),
            OVERFLOW => Some(Self::Overflow),
            _ => None,
        }
    }
}

/// The row of some channels, in order of their slots. The key only enters the checksum.
pub(crate) fn encode(key: i64, ends: &[Option<DayEnd>]) -> Vec<u8> {
    let mut row = vec![VERSION];
    row.extend(u16::try_from(ends.len()).unwrap_or(u16::MAX).to_le_bytes());
    let present = ends.iter().copied().flatten();
    write_column(ends.iter().map(|&end| i64::from(DayEnd::code(end))), &mut row);
    write_column(present.clone().map(DayEnd::rest), &mut row);
    write_column(present.map(DayEnd::value), &mut row);
    let sum = checksum(key, &row);
    row.extend(sum.to_le_bytes());
    row
}

/// The inverse of [`encode`].
pub(crate) fn decode(key: i64, row: &[u8]) -> Result<Vec<Option<DayEnd>>, Damaged> {
    let (body, sum) = row.split_last_chunk::<4>().ok_or(Damaged)?;
    if checksum(key, body) != u32::from_le_bytes(*sum) {
        return Err(Damaged);
    }
    let (&[version, low, high], mut rest) = body.split_first_chunk::<3>().ok_or(Damaged)?;
    if version != VERSION {
        return Err(Damaged);
    }
    let damaged = |_| Damaged;
    let (mut codes, mut rests, mut values) = (Vec::new(), Vec::new(), Vec::new());
    let count = usize::from(u16::from_le_bytes([low, high]));
    read_column(&mut rest, count, &mut codes, |n| u8::try_from(n).ok()).map_err(damaged)?;
    let present = codes.iter().filter(|&&code| code != ABSENT).count();
    read_column(&mut rest, present, &mut rests, Some).map_err(damaged)?;
    read_column(&mut rest, present, &mut values, Some).map_err(damaged)?;
    let mut known = rests.into_iter().zip(values);
    codes
        .into_iter()
        .map(|code| {
            if code == ABSENT {
                return Ok(None);
            }
            let (rest, value) = known.next().ok_or(Damaged)?;
            DayEnd::read(code, rest, value).map(Some).ok_or(Damaged)
        })
        .collect()
}

fn checksum(key: i64, body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&key.to_le_bytes());
    hasher.update(body);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn end() -> impl Strategy<Value = Option<DayEnd>> {
        prop_oneof![
            2 => Just(None),
            6 => (1..=86_400_u32, prop_oneof![0..100_000_000_i64, any::<i64>()])
                .prop_map(|(second, value)| Some(DayEnd::Register { second, value })),
            3 => any::<i64>().prop_map(|value| Some(DayEnd::Sum(value))),
            1 => Just(Some(DayEnd::Overflow)),
        ]
    }

    proptest! {
        #[test]
        fn any_row_survives(ends in proptest::collection::vec(end(), 0..257), flip in any::<u16>()) {
            let mut row = encode(7, &ends);
            prop_assert_eq!(decode(7, &row), Ok(ends));
            prop_assert_eq!(decode(8, &row), Err(Damaged));
            let place = usize::from(flip) % row.len();
            row[place] ^= 1;
            prop_assert_eq!(decode(7, &row), Err(Damaged));
        }
    }

    #[test]
    fn later_readings_and_further_sums_count() {
        let register = |second, value| DayEnd::Register { second, value };
        assert_eq!(register(10, 5).and(register(20, 4)), register(20, 4));
        assert_eq!(register(20, 4).and(register(10, 5)), register(20, 4));
        assert_eq!(DayEnd::Sum(3).and(DayEnd::Sum(4)), DayEnd::Sum(7));
        assert_eq!(DayEnd::Sum(i64::MAX).and(DayEnd::Sum(1)), DayEnd::Overflow);
        assert_eq!(DayEnd::Overflow.and(DayEnd::Sum(1)), DayEnd::Overflow);
    }

    #[test]
    fn a_day_of_a_meter_costs_about_four_bytes() {
        let ends: Vec<_> = (0..256)
            .map(|n| Some(DayEnd::Register { second: 86_400, value: n * 390_625 % 90_000_000 }))
            .collect();
        let row = encode(1, &ends);
        assert!(row.len() < 256 * 4 + 64, "{}", row.len());
    }
}
