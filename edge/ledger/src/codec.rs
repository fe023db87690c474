//! The block codec: the readings of one channel in one block day, in a few bytes. Pure.
//!
//! A block is a [`Header`], which the engine keeps in columns, and a body: a version byte, a shape
//! byte, the time stamps as base and regular step with exceptions, the values as deltas in patched packed
//! bits or in Rice codes, whichever is shorter, the quality codes in packed bits where there are any, and
//! a CRC-32 over key, header and body. A block that fails its checksum is never served.

mod patched;
mod rice;

use patched::{read_varint, unzigzag, write_varint, zigzag};

/// The body's first byte. Version 1 knew no Rice codes, and is read by the same rules.
const VERSION: u8 = 2;
const OLDEST_VERSION: u8 = 1;
/// Time stamps are not all one step apart.
const IRREGULAR: u8 = 1;
/// There are quality codes other than 0.
const QUALITIES: u8 = 2;
/// Values are coded as they are and not as differences to the one before.
const PLAIN: u8 = 4;

/// More readings than this cannot be in one block: one for each second.
const COUNT_MAX: usize = 86_400;

/// The readings of a block in columns, in order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// Seconds since the start of the block day, 1 to 86400, rising.
    pub seconds: Vec<u32>,
    /// Values in Wh.
    pub values: Vec<i64>,
    /// The source's quality codes.
    pub qualities: Vec<u8>,
    scratch: Vec<u64>,
}

impl Columns {
    /// How many readings there are.
    pub fn len(&self) -> usize {
        self.seconds.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.seconds.is_empty()
    }

    /// Forgets all readings and keeps the memory.
    pub fn clear(&mut self) {
        self.seconds.clear();
        self.values.clear();
        self.qualities.clear();
    }

    /// Adds a reading behind the others.
    pub fn push(&mut self, second: u32, value: i64, quality: u8) {
        self.seconds.push(second);
        self.values.push(value);
        self.qualities.push(quality);
    }
}

/// What is known of a block without decoding it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// How many readings.
    pub count: u32,
    /// Second of the first reading in its block day.
    pub first: u32,
    /// Second of the last reading in its block day.
    pub last: u32,
    /// Value of the first reading in Wh.
    pub first_value: i64,
    /// Value of the last reading in Wh.
    pub last_value: i64,
    /// For interval channels: the sum of the values, where 64 bits hold it.
    pub sum: Option<i64>,
    /// Some value is smaller than the one before it: decode before you take a difference.
    pub falls: bool,
    /// All quality codes are 0.
    pub plain_quality: bool,
}

/// The block cannot be decoded: its checksum does not match or its body makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the block is damaged")]
pub struct Damaged;

/// What the values of the channel are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// A counter: differences are small.
    Cumulative,
    /// Amounts: the values themselves are small.
    Amounts,
}

/// Encodes the readings under `key`, which only enters the checksum. `body` is overwritten.
/// Returns nothing when there is no reading.
pub fn encode(
    key: i64,
    columns: &mut Columns,
    values: Values,
    body: &mut Vec<u8>,
) -> Option<Header> {
    let (first, last) = (*columns.seconds.first()?, *columns.seconds.last()?);
    let (first_value, last_value) = (*columns.values.first()?, *columns.values.last()?);
    let plain_quality = columns.qualities.iter().all(|&quality| quality == 0);
    let header = Header {
        count: u32::try_from(columns.len()).ok()?,
        first,
        last,
        first_value,
        last_value,
        sum: match values {
            Values::Cumulative => None,
            Values::Amounts => {
                columns.values.iter().try_fold(0_i64, |sum, &value| sum.checked_add(value))
            }
        },
        falls: columns.values.windows(2).any(|pair| pair[1] < pair[0]),
        plain_quality,
    };
    body.clear();
    let step = regular_step(&header);
    let regular = step.is_some_and(|step| {
        columns.seconds.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == step)
    });
    let mut shape = 0;
    shape |= if regular { 0 } else { IRREGULAR };
    shape |= if plain_quality { 0 } else { QUALITIES };
    shape |= if values == Values::Amounts { PLAIN } else { 0 };
    body.extend([VERSION, shape]);
    let scratch = &mut columns.scratch;
    if !regular {
        let step = commonest_gap(&columns.seconds);
        write_varint(u64::from(step), body);
        scratch.clear();
        scratch.extend(
            columns
                .seconds
                .windows(2)
                .map(|pair| zigzag(i64::from(pair[1]) - i64::from(pair[0]) - i64::from(step))),
        );
        patched::encode(scratch, body);
    }
    scratch.clear();
    match values {
        Values::Cumulative => scratch.extend(
            columns.values.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]).cast_unsigned()),
        ),
        Values::Amounts => {
            scratch.extend(columns.values.iter().skip(1).map(|&value| value.cast_unsigned()));
        }
    }
    // A falling register is rare and then an exception, so that it does not widen the others.
    let least = scratch.iter().map(|&value| value.cast_signed()).filter(|&value| value >= 0).min();
    let least = least.unwrap_or_else(|| {
        scratch.iter().map(|&value| value.cast_signed()).min().unwrap_or_default()
    });
    write_varint(zigzag(least), body);
    for value in scratch.iter_mut() {
        *value = value.wrapping_sub(least.cast_unsigned());
    }
    encode_shortest(scratch, body);
    if !plain_quality {
        scratch.clear();
        scratch.extend(columns.qualities.iter().map(|&quality| u64::from(quality)));
        patched::encode(scratch, body);
    }
    let sum = checksum(key, &header, body);
    body.extend(sum.to_le_bytes());
    Some(header)
}

/// Does the checksum match? Ask before a header is served without decoding.
pub fn verify(key: i64, header: &Header, body: &[u8]) -> Result<(), Damaged> {
    split_checksum(key, header, body).map(|_| ())
}

/// Decodes a block behind what `columns` holds already.
pub fn decode(
    key: i64,
    header: &Header,
    body: &[u8],
    columns: &mut Columns,
) -> Result<(), Damaged> {
    let body = split_checksum(key, header, body)?;
    let [OLDEST_VERSION..=VERSION, shape, rest @ ..] = body else { return Err(Damaged) };
    let mut rest = rest;
    let count = usize::try_from(header.count).map_err(|_| Damaged)?;
    if count == 0 || count > COUNT_MAX {
        return Err(Damaged);
    }
    let Columns { seconds, values, qualities, scratch } = columns;
    if shape & IRREGULAR == 0 {
        let step = regular_step(header).ok_or(Damaged)?;
        seconds.extend((0..header.count).map(|n| header.first.wrapping_add(n.wrapping_mul(step))));
    } else {
        let step = i64::try_from(read_varint(&mut rest).ok_or(Damaged)?).map_err(|_| Damaged)?;
        patched::decode(&mut rest, count - 1, scratch).ok_or(Damaged)?;
        let mut second = i64::from(header.first);
        seconds.push(header.first);
        for &gap in scratch.iter() {
            second = second.wrapping_add(step).wrapping_add(unzigzag(gap));
            seconds.push(u32::try_from(second).map_err(|_| Damaged)?);
        }
    }
    let least = unzigzag(read_varint(&mut rest).ok_or(Damaged)?);
    let is_rice = rest.first().is_some_and(|&head| rice::is_head(head));
    let decode = if is_rice { rice::decode } else { patched::decode };
    decode(&mut rest, count - 1, scratch).ok_or(Damaged)?;
    values.push(header.first_value);
    if shape & PLAIN == 0 {
        let mut value = header.first_value;
        values.extend(scratch.iter().map(|&delta| {
            value = value.wrapping_add(least).wrapping_add(delta.cast_signed());
            value
        }));
    } else {
        values.extend(scratch.iter().map(|&value| least.wrapping_add(value.cast_signed())));
    }
    if shape & QUALITIES == 0 {
        qualities.resize(values.len(), 0);
    } else {
        patched::decode(&mut rest, count, scratch).ok_or(Damaged)?;
        for &quality in scratch.iter() {
            qualities.push(u8::try_from(quality).map_err(|_| Damaged)?);
        }
    }
    if rest.is_empty() { Ok(()) } else { Err(Damaged) }
}

fn encode_shortest(numbers: &[u64], body: &mut Vec<u8>) {
    let start = body.len();
    patched::encode(numbers, body);
    let (k, bytes) = rice::best(numbers);
    if bytes < body.len() - start {
        body.truncate(start);
        rice::encode(numbers, k, body);
    }
}

fn split_checksum<'a>(key: i64, header: &Header, body: &'a [u8]) -> Result<&'a [u8], Damaged> {
    let (body, sum) = body.split_last_chunk::<4>().ok_or(Damaged)?;
    if checksum(key, header, body) == u32::from_le_bytes(*sum) { Ok(body) } else { Err(Damaged) }
}

/// Covers the key too, so that a block found under another key is as damaged as a changed one.
fn checksum(key: i64, header: &Header, body: &[u8]) -> u32 {
    let mut bytes = [0_u8; 56];
    let flags = u64::from(header.falls)
        | u64::from(header.plain_quality) << 1
        | u64::from(header.sum.is_some()) << 2;
    let places = u64::from(header.first) | u64::from(header.last) << 32;
    let words = [
        key.cast_unsigned(),
        u64::from(header.count),
        places,
        header.first_value.cast_unsigned(),
        header.last_value.cast_unsigned(),
        header.sum.unwrap_or_default().cast_unsigned(),
        flags,
    ];
    for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&bytes);
    hasher.update(body);
    hasher.finalize()
}

/// The step that count, first and last allow, so that a regular block need not store it.
fn regular_step(header: &Header) -> Option<u32> {
    let span = header.last.checked_sub(header.first)?;
    match header.count.checked_sub(1)? {
        0 => (span == 0).then_some(0),
        gaps => span.is_multiple_of(gaps).then_some(span / gaps),
    }
}

fn commonest_gap(seconds: &[u32]) -> u32 {
    let mut gaps: Vec<u32> = seconds.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    gaps.sort_unstable();
    gaps.chunk_by(|a, b| a == b)
        .max_by_key(|run| run.len())
        .and_then(|run| run.first().copied())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn columns(readings: &[(u32, i64, u8)]) -> Columns {
        let mut columns = Columns::default();
        for &(second, value, quality) in readings {
            columns.push(second, value, quality);
        }
        columns
    }

    fn round_trip(readings: &[(u32, i64, u8)], values: Values) -> usize {
        let mut input = columns(readings);
        let mut body = Vec::new();
        let header = encode(7, &mut input, values, &mut body).unwrap();
        let mut output = Columns::default();
        decode(7, &header, &body, &mut output).unwrap();
        assert_eq!(output.seconds, input.seconds);
        assert_eq!(output.values, input.values);
        assert_eq!(output.qualities, input.qualities);
        assert_eq!(verify(7, &header, &body), Ok(()));
        assert_eq!(verify(8, &header, &body), Err(Damaged), "the key is covered");
        body.len()
    }

    #[test]
    fn a_regular_day_is_small() {
        let mut value = 12_345_678;
        let day: Vec<(u32, i64, u8)> = (1..=96_u32)
            .map(|n| {
                value += i64::from(n * 37 % 128);
                (n * 900, value, 0)
            })
            .collect();
        // 95 deltas of 7 bits, and 9 bytes beside them.
        assert!(round_trip(&day, Values::Cumulative) <= 84 + 9);
    }

    #[test]
    fn odd_blocks_survive() {
        for readings in [
            vec![(1, 0, 0)],
            vec![(86_400, i64::MIN, 255)],
            vec![(1, i64::MIN, 0), (2, i64::MAX, 1), (86_400, 0, 2)],
            vec![(5, 10, 0), (10, 20, 0), (15, 5, 0), (20, 6, 0)],
            vec![(900, 1, 0), (1800, 2, 0), (3600, 3, 0), (4500, 4, 7)],
        ] {
            round_trip(&readings, Values::Cumulative);
            round_trip(&readings, Values::Amounts);
        }
    }

    /// Written by the first version of this codec.
    #[test]
    fn a_block_of_version_1_is_read() {
        let body: Vec<u8> =
            "01001a8921bc00084180058b0310668c80a0240789028c1e4121906208952d65c4345839af486e09\
         b1c82cf04c72ceccee74b454c964c08a832835babb88218045051146662929e3c594b4035418f012\
         44a1401d212bae18b2f2e60299cd6a344819f6c73cca0174f01a31a40f460c021c012c0141c6cec5"
                .as_bytes()
                .chunks(2)
                .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
                .collect();
        let header = Header {
            count: 96,
            first: 900,
            last: 86400,
            first_value: 2419658,
            last_value: 2432530,
            sum: None,
            falls: false,
            plain_quality: true,
        };
        let mut columns = Columns::default();
        decode(22489410834530305, &header, &body, &mut columns).unwrap();
        assert_eq!((columns.len(), columns.values.last()), (96, Some(&2432530)));
        let mut again = Vec::new();
        assert_eq!(
            encode(22489410834530305, &mut columns, Values::Cumulative, &mut again),
            Some(header)
        );
        assert!(again.len() < body.len(), "{} is no less than {}", again.len(), body.len());
    }

    #[test]
    fn the_header_tells_what_a_bill_needs() {
        let mut body = Vec::new();
        let mut amounts = columns(&[(900, 10, 0), (1800, 20, 1)]);
        let header = encode(0, &mut amounts, Values::Amounts, &mut body).unwrap();
        assert_eq!((header.sum, header.falls, header.plain_quality), (Some(30), false, false));
        let mut register = columns(&[(900, 10, 0), (1800, 5, 0)]);
        let header = encode(0, &mut register, Values::Cumulative, &mut body).unwrap();
        assert_eq!((header.sum, header.falls, header.plain_quality), (None, true, true));
        let mut huge = columns(&[(900, i64::MAX, 0), (1800, 1, 0)]);
        assert_eq!(encode(0, &mut huge, Values::Amounts, &mut body).unwrap().sum, None);
        assert_eq!(encode(0, &mut Columns::default(), Values::Amounts, &mut body), None);
    }

    proptest! {
        #[test]
        fn any_block_survives(
            day in proptest::collection::btree_map(1..=86_400_u32, (any::<i64>(), any::<u8>()), 1..200),
            amounts: bool,
        ) {
            let readings: Vec<_> =
                day.into_iter().map(|(second, (value, quality))| (second, value, quality)).collect();
            round_trip(&readings, if amounts { Values::Amounts } else { Values::Cumulative });
        }

        #[test]
        fn any_flipped_bit_is_found(
            day in proptest::collection::btree_map(1..=86_400_u32, 0..5000_i64, 1..100),
            place: proptest::sample::Index,
            bit in 0..8_u32,
        ) {
            let readings: Vec<_> =
                day.into_iter().map(|(second, value)| (second, value, 0)).collect();
            let mut body = Vec::new();
            let header =
                encode(7, &mut columns(&readings), Values::Amounts, &mut body).unwrap();
            let place = place.index(body.len());
            body[place] ^= 1 << bit;
            prop_assert_eq!(decode(7, &header, &body, &mut Columns::default()), Err(Damaged));
        }

        #[test]
        fn noise_is_refused_and_never_a_panic(
            body in proptest::collection::vec(any::<u8>(), 0..300),
            count in 0..200_u32,
        ) {
            let header = Header {
                count, first: 1, last: count, first_value: 0, last_value: 0,
                sum: None, falls: false, plain_quality: true,
            };
            let mut sealed = body.clone();
            sealed.extend(checksum(1, &header, &body).to_le_bytes());
            // Right checksum, senseless body: an answer either way.
            if decode(1, &header, &sealed, &mut Columns::default()).is_ok() {
                prop_assert!(count > 0);
            }
        }
    }
}
