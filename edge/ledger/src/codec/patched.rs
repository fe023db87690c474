//! Patched bit-packing: all numbers in as many bits as pay, and the few larger ones as exceptions.
//!
//! One byte of width (the high bit says that exceptions follow), the packed low bits, then the number
//! of exceptions and for each the distance to its place and its high bits, as variable-length integers.

/// The bit of the width byte that says that exceptions follow.
const PATCHED: u8 = 0x80;

/// Appends `numbers` to `out`.
pub(super) fn encode(numbers: &[u64], out: &mut Vec<u8>) {
    let width = best_width(numbers);
    let exceptions = numbers.iter().filter(|&&number| bits(number) > width).count();
    let marker = if exceptions == 0 { 0 } else { PATCHED };
    out.push(u8::try_from(width).unwrap_or(64) | marker);
    pack(numbers, width, out);
    if exceptions > 0 {
        write_varint(u64::try_from(exceptions).unwrap_or(u64::MAX), out);
        let mut next = 0;
        for (place, &number) in numbers.iter().enumerate() {
            if bits(number) > width {
                write_varint(u64::try_from(place - next).unwrap_or(u64::MAX), out);
                write_varint(number >> width, out);
                next = place + 1;
            }
        }
    }
}

/// Takes `count` numbers from the front of `input` into `out`, which is overwritten.
pub(super) fn decode(input: &mut &[u8], count: usize, out: &mut Vec<u64>) -> Option<()> {
    let (&head, rest) = input.split_first()?;
    *input = rest;
    let width = u32::from(head & !PATCHED);
    if width > 64 {
        return None;
    }
    unpack(input, width, count, out)?;
    if head & PATCHED != 0 {
        let exceptions = read_varint(input)?;
        let mut place = 0_usize;
        for _ in 0..exceptions {
            place = place.checked_add(usize::try_from(read_varint(input)?).ok()?)?;
            let high = read_varint(input)?.checked_shl(width)?;
            *out.get_mut(place)? |= high;
            place += 1;
        }
    }
    Some(())
}

/// Appends an integer of 1 to 10 bytes, 7 bits each, the lowest first.
pub(super) fn write_varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// Takes an integer that [`write_varint`] wrote.
pub(super) fn read_varint(input: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = input.split_first()?;
        *input = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

/// Small negative numbers become small numbers.
pub(super) fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

/// The inverse of [`zigzag`].
pub(super) fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

fn bits(number: u64) -> u32 {
    64 - number.leading_zeros()
}

/// The width with the smallest result.
fn best_width(numbers: &[u64]) -> u32 {
    let mut lengths = [0_u64; 65];
    for &number in numbers {
        lengths[usize::try_from(bits(number)).unwrap_or(64)] += 1;
    }
    let present: Vec<(u64, u64)> = (0..).zip(lengths).filter(|&(_, count)| count > 0).collect();
    let count = u64::try_from(numbers.len()).unwrap_or(u64::MAX);
    let cost = |width: u64| {
        let exceptions: u64 = present
            .iter()
            .filter(|&&(length, _)| length > width)
            .map(|&(length, count)| count * 8 * (1 + (length - width).div_ceil(7)))
            .sum();
        // The packed bits fill whole bytes.
        (width * count).div_ceil(8) * 8 + exceptions
    };
    let widest = present.last().map_or(0, |&(length, _)| length);
    let best = (0..=widest).rev().min_by_key(|&width| cost(width)).unwrap_or_default();
    u32::try_from(best).unwrap_or(64)
}

fn pack(numbers: &[u64], width: u32, out: &mut Vec<u8>) {
    if width == 0 {
        return;
    }
    let mask = u64::MAX >> (64 - width);
    let (mut held, mut length) = (0_u128, 0);
    for &number in numbers {
        held |= u128::from(number & mask) << length;
        length += width;
        if length >= 64 {
            out.extend_from_slice(&held.to_le_bytes()[..8]);
            held >>= 64;
            length -= 64;
        }
    }
    let rest = usize::try_from(length.div_ceil(8)).unwrap_or_default();
    out.extend_from_slice(&held.to_le_bytes()[..rest]);
}

fn unpack(input: &mut &[u8], width: u32, count: usize, out: &mut Vec<u64>) -> Option<()> {
    out.clear();
    if width == 0 {
        out.resize(count, 0);
        return Some(());
    }
    let bytes = count.checked_mul(usize::try_from(width).ok()?)?.div_ceil(8);
    let (packed, rest) = input.split_at_checked(bytes)?;
    *input = rest;
    let mask = u64::MAX >> (64 - width);
    let (mut held, mut length) = (0_u128, 0);
    let mut words = packed.chunks(8);
    out.extend((0..count).map(|_| {
        if length < width {
            let mut word = [0; 8];
            if let Some(chunk) = words.next() {
                match <[u8; 8]>::try_from(chunk) {
                    Ok(whole) => word = whole,
                    Err(_) => word[..chunk.len()].copy_from_slice(chunk),
                }
            }
            held |= u128::from(u64::from_le_bytes(word)) << length;
            length += 64;
        }
        let low = held.to_le_bytes();
        let number =
            u64::from_le_bytes([low[0], low[1], low[2], low[3], low[4], low[5], low[6], low[7]])
                & mask;
        held >>= width;
        length -= width;
        number
    }));
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round_trip(numbers: &[u64]) -> usize {
        let mut bytes = Vec::new();
        encode(numbers, &mut bytes);
        let mut out = Vec::new();
        let mut rest = &*bytes;
        decode(&mut rest, numbers.len(), &mut out).unwrap();
        assert!(rest.is_empty());
        assert_eq!(out, numbers);
        bytes.len()
    }

    #[test]
    fn sizes_are_what_they_should_be() {
        assert_eq!(round_trip(&[]), 1);
        assert_eq!(round_trip(&[0; 96]), 1);
        assert_eq!(round_trip(&[1; 96]), 1 + 12);
        assert_eq!(round_trip(&[u64::MAX; 3]), 1 + 24);
        let mut outlier = [3; 96];
        outlier[50] = 1 << 40;
        assert_eq!(round_trip(&outlier), 1 + 24 + 1 + 1 + 6);
    }

    proptest! {
        #[test]
        fn any_numbers_survive(numbers in proptest::collection::vec(
            prop_oneof![0..16_u64, 0..5000_u64, any::<u64>()], 0..200,
        )) {
            round_trip(&numbers);
        }

        #[test]
        fn zigzag_goes_both_ways(number: i64) {
            prop_assert_eq!(unzigzag(zigzag(number)), number);
        }
    }
}
