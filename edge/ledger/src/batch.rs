//! A log row: the readings of one group commit that fall into one block day, column by column. Pure.
//!
//! Each column is its least number and the differences to it in as many bytes as the largest needs. That
//! is a little larger than it could be and costs next to nothing, which is what the hot path wants.

/// The first byte of a row.
const VERSION: u8 = 1;

/// The readings of one block day on their way into the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Batch {
    /// Slots of the channels.
    pub(crate) slots: Vec<u32>,
    /// Seconds in the block day.
    pub(crate) seconds: Vec<u32>,
    /// Values in Wh.
    pub(crate) values: Vec<i64>,
    /// Quality codes.
    pub(crate) qualities: Vec<u8>,
}

/// The row cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damaged;

impl Batch {
    pub(crate) fn push(&mut self, slot: u32, second: u32, value: i64, quality: u8) {
        self.slots.push(slot);
        self.seconds.push(second);
        self.values.push(value);
        self.qualities.push(quality);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.slots.clear();
        self.seconds.clear();
        self.values.clear();
        self.qualities.clear();
    }

    /// Writes the row into `out`, which is overwritten. The key only enters the checksum.
    pub(crate) fn encode(&self, key: i64, out: &mut Vec<u8>) {
        out.clear();
        out.push(VERSION);
        out.extend(u32::try_from(self.slots.len()).unwrap_or(u32::MAX).to_le_bytes());
        write_column(self.slots.iter().map(|&slot| i64::from(slot)), out);
        write_column(self.seconds.iter().map(|&second| i64::from(second)), out);
        write_column(self.values.iter().copied(), out);
        write_column(self.qualities.iter().map(|&quality| i64::from(quality)), out);
        let sum = checksum(key, out);
        out.extend(sum.to_le_bytes());
    }

    /// Reads a row into `self`, which is overwritten.
    pub(crate) fn decode(&mut self, key: i64, row: &[u8]) -> Result<(), Damaged> {
        self.clear();
        let (body, sum) = row.split_last_chunk::<4>().ok_or(Damaged)?;
        if checksum(key, body) != u32::from_le_bytes(*sum) {
            return Err(Damaged);
        }
        let (&[version, a, b, c, d], mut rest) = body.split_first_chunk::<5>().ok_or(Damaged)?;
        let count = usize::try_from(u32::from_le_bytes([a, b, c, d])).map_err(|_| Damaged)?;
        if version != VERSION {
            return Err(Damaged);
        }
        read_column(&mut rest, count, &mut self.slots, |n| u32::try_from(n).ok())?;
        read_column(&mut rest, count, &mut self.seconds, |n| u32::try_from(n).ok())?;
        read_column(&mut rest, count, &mut self.values, Some)?;
        read_column(&mut rest, count, &mut self.qualities, |n| u8::try_from(n).ok())?;
        if rest.is_empty() { Ok(()) } else { Err(Damaged) }
    }
}

fn checksum(key: i64, body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&key.to_le_bytes());
    hasher.update(body);
    hasher.finalize()
}

pub(crate) fn write_column(numbers: impl Iterator<Item = i64> + Clone, out: &mut Vec<u8>) {
    let (least, most) =
        numbers.clone().fold((i64::MAX, i64::MIN), |(least, most), n| (least.min(n), most.max(n)));
    let least = least.min(most);
    let range = most.wrapping_sub(least).cast_unsigned();
    let width = (64 - range.leading_zeros()).div_ceil(8);
    let differences = numbers.map(|n| n.wrapping_sub(least).cast_unsigned());
    out.extend(least.to_le_bytes());
    out.push(u8::try_from(width).unwrap_or(8));
    match width {
        0 => {}
        1 => write_bytes::<1>(differences, out),
        2 => write_bytes::<2>(differences, out),
        3 => write_bytes::<3>(differences, out),
        4 => write_bytes::<4>(differences, out),
        5 => write_bytes::<5>(differences, out),
        6 => write_bytes::<6>(differences, out),
        7 => write_bytes::<7>(differences, out),
        _ => write_bytes::<8>(differences, out),
    }
}

fn write_bytes<const WIDTH: usize>(numbers: impl Iterator<Item = u64>, out: &mut Vec<u8>) {
    for number in numbers {
        if let Some(bytes) = number.to_le_bytes().first_chunk::<WIDTH>() {
            out.extend_from_slice(bytes);
        }
    }
}

pub(crate) fn read_column<T>(
    input: &mut &[u8],
    count: usize,
    out: &mut Vec<T>,
    convert: impl Fn(i64) -> Option<T>,
) -> Result<(), Damaged> {
    let (least, rest) = input.split_first_chunk::<8>().ok_or(Damaged)?;
    let least = i64::from_le_bytes(*least);
    let (&width, rest) = rest.split_first().ok_or(Damaged)?;
    let width = usize::from(width);
    if width > 8 {
        return Err(Damaged);
    }
    let bytes = count.checked_mul(width).ok_or(Damaged)?;
    let (column, rest) = rest.split_at_checked(bytes).ok_or(Damaged)?;
    *input = rest;
    out.reserve(count);
    match width {
        0 => {
            for _ in 0..count {
                out.push(convert(least).ok_or(Damaged)?);
            }
            Ok(())
        }
        1 => read_bytes::<1, T>(column, least, out, convert),
        2 => read_bytes::<2, T>(column, least, out, convert),
        3 => read_bytes::<3, T>(column, least, out, convert),
        4 => read_bytes::<4, T>(column, least, out, convert),
        5 => read_bytes::<5, T>(column, least, out, convert),
        6 => read_bytes::<6, T>(column, least, out, convert),
        7 => read_bytes::<7, T>(column, least, out, convert),
        _ => read_bytes::<8, T>(column, least, out, convert),
    }
}

/// The width is a constant to the compiler: it copies a word instead of calling for some bytes.
fn read_bytes<const WIDTH: usize, T>(
    column: &[u8],
    least: i64,
    out: &mut Vec<T>,
    convert: impl Fn(i64) -> Option<T>,
) -> Result<(), Damaged> {
    let (chunks, _) = column.as_chunks::<WIDTH>();
    for chunk in chunks {
        let mut word = [0; 8];
        word.first_chunk_mut::<WIDTH>().ok_or(Damaged)?.copy_from_slice(chunk);
        let number = least.wrapping_add(u64::from_le_bytes(word).cast_signed());
        out.push(convert(number).ok_or(Damaged)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_row_survives(readings in proptest::collection::vec(
            (any::<u32>(), 1..=86_400_u32, prop_oneof![0..100_000_i64, any::<i64>()], any::<u8>()),
            0..300,
        )) {
            let mut batch = Batch::default();
            for (slot, second, value, quality) in readings {
                batch.push(slot, second, value, quality);
            }
            let mut row = Vec::new();
            batch.encode(3, &mut row);
            let mut again = Batch::default();
            prop_assert_eq!(again.decode(3, &row), Ok(()));
            prop_assert_eq!(&again, &batch);
            prop_assert_eq!(again.decode(4, &row), Err(Damaged));
            let middle = row.len() / 2;
            row[middle] ^= 1;
            prop_assert_eq!(again.decode(3, &row), Err(Damaged));
        }
    }

    #[test]
    fn a_row_of_ordinary_readings_costs_about_ten_bytes_each() {
        let mut batch = Batch::default();
        for n in 0..10_000_u32 {
            batch.push(n * 7 % 100_000, 900 + n % 60, i64::from(n) * 5_003, 0);
        }
        let mut row = Vec::new();
        batch.encode(1, &mut row);
        assert!(row.len() < 100_000, "{}", row.len());
    }
}
