//! Rice codes: each number's high part in unary and its `k` low bits behind it.
//!
//! What a household uses in a quarter of an hour has many small values and few large ones; such numbers
//! take about a tenth less than in packed bits, where one width has to do for all of them.
//!
//! One byte of `k`, as [`FIRST_HEAD`]` + k`, then the codes, the lowest bit first. A high part of
//! [`ESCAPE`] says that all 64 bits follow.

/// The heads of [`super::patched`] are widths up to 64, or have the high bit set.
const FIRST_HEAD: u8 = 65;
/// The largest `k`: beyond it packed bits are as good.
const K_MAX: u32 = 48;
/// High parts from here on are written out.
const ESCAPE: u32 = 20;

/// Is this the head of a column in Rice codes?
pub(super) fn is_head(head: u8) -> bool {
    k_of(head).is_some()
}

fn k_of(head: u8) -> Option<u32> {
    head.checked_sub(FIRST_HEAD).map(u32::from).filter(|&k| k <= K_MAX)
}

/// The best `k`, and the bytes that the column takes with it.
pub(super) fn best(numbers: &[u64]) -> (u32, usize) {
    let count = u64::try_from(numbers.len()).unwrap_or(u64::MAX).max(1);
    let sum = numbers.iter().fold(0_u64, |sum, &number| sum.saturating_add(number));
    // Around the logarithm of the mean; an outlier moves that a little.
    let middle = (64 - (sum / count).leading_zeros()).min(K_MAX - 1);
    let (bits, k) = (middle.saturating_sub(3)..=middle.saturating_add(1))
        .map(|k| (numbers.iter().map(|&number| u64::from(bits(number, k))).sum::<u64>(), k))
        .min()
        .unwrap_or((u64::MAX, 0));
    (k, usize::try_from(bits.div_ceil(8)).unwrap_or(usize::MAX).saturating_add(1))
}

fn bits(number: u64, k: u32) -> u32 {
    match u32::try_from(number >> k) {
        Ok(high) if high < ESCAPE => high + 1 + k,
        _ => ESCAPE + 1 + 64,
    }
}

/// Appends `numbers` to `out`.
pub(super) fn encode(numbers: &[u64], k: u32, out: &mut Vec<u8>) {
    let k = k.min(K_MAX);
    out.push(FIRST_HEAD + u8::try_from(k).unwrap_or_default());
    let (mut held, mut length) = (0_u128, 0_u32);
    let mut put = |bits: u64, count: u32| {
        held |= u128::from(bits) << length;
        length += count;
        if length >= 64 {
            out.extend_from_slice(&held.to_le_bytes()[..8]);
            held >>= 64;
            length -= 64;
        }
        (held, length)
    };
    let mut rest = (0, 0);
    for &number in numbers {
        rest = match u32::try_from(number >> k) {
            Ok(high) if high < ESCAPE => {
                put(1 << high, high + 1);
                put(number & ((1 << k) - 1), k)
            }
            _ => {
                put(1 << ESCAPE, ESCAPE + 1);
                put(number & 0xffff_ffff, 32);
                put(number >> 32, 32)
            }
        };
    }
    let (held, length) = rest;
    let bytes = usize::try_from(length.div_ceil(8)).unwrap_or_default();
    out.extend_from_slice(&held.to_le_bytes()[..bytes]);
}

/// Takes `count` numbers from the front of `input` into `out`, which is overwritten.
pub(super) fn decode(input: &mut &[u8], count: usize, out: &mut Vec<u64>) -> Option<()> {
    let (&head, rest) = input.split_first()?;
    let k = k_of(head)?;
    // A number takes a bit at least: no more than that is believed of a damaged count.
    if count > rest.len().checked_mul(8)? {
        return None;
    }
    out.clear();
    out.reserve(count);
    let mut bits = Bits { words: rest, held: 0, length: 0, taken: 0 };
    for _ in 0..count {
        bits.fill();
        let high = bits.low().trailing_zeros();
        if high > ESCAPE {
            return None;
        }
        bits.take(high + 1);
        bits.fill();
        out.push(if high < ESCAPE {
            u64::from(high) << k | bits.take(k)
        } else {
            let low = bits.take(32);
            bits.fill();
            low | bits.take(32) << 32
        });
    }
    let bytes = bits.taken.div_ceil(8);
    *input = rest.get(bytes..)?;
    Some(())
}

/// Bits from the front of some bytes; behind their end there are zeros.
struct Bits<'a> {
    words: &'a [u8],
    held: u128,
    length: u32,
    taken: usize,
}

impl Bits<'_> {
    /// Makes sure that 64 bits are there.
    fn fill(&mut self) {
        if self.length < 64 {
            let mut word = [0; 8];
            let (chunk, rest) = self.words.split_at(self.words.len().min(8));
            word[..chunk.len()].copy_from_slice(chunk);
            self.words = rest;
            self.held |= u128::from(u64::from_le_bytes(word)) << self.length;
            self.length += 64;
        }
    }

    fn low(&self) -> u64 {
        let bytes = self.held.to_le_bytes();
        u64::from_le_bytes([
            bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7],
        ])
    }

    /// At most 63 of them.
    fn take(&mut self, count: u32) -> u64 {
        let bits = self.low() & ((1 << count) - 1);
        self.held >>= count;
        self.length -= count;
        self.taken = self.taken.saturating_add(usize::try_from(count).unwrap_or_default());
        bits
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round_trip(numbers: &[u64]) -> usize {
        let (k, expected) = best(numbers);
        let mut bytes = Vec::new();
        encode(numbers, k, &mut bytes);
        assert_eq!(bytes.len(), expected, "the cost is exact");
        assert!(is_head(bytes[0]));
        bytes.push(0xff);
        let (mut rest, mut out) = (&*bytes, Vec::new());
        decode(&mut rest, numbers.len(), &mut out).unwrap();
        assert_eq!((rest, &*out), (&[0xff][..], numbers));
        expected
    }

    #[test]
    fn sizes_are_what_they_should_be() {
        assert_eq!(round_trip(&[]), 1);
        assert_eq!(round_trip(&[0; 96]), 1 + 12);
        assert_eq!(round_trip(&[5, 9, 3, 7, 2, 60, 4, 8]), 1 + 6);
        assert_eq!(round_trip(&[u64::MAX; 2]), 1 + (2 * 85_usize).div_ceil(8));
    }

    proptest! {
        #[test]
        fn any_numbers_survive(numbers in proptest::collection::vec(
            prop_oneof![0..16_u64, 0..5000_u64, any::<u64>()], 0..200,
        )) {
            round_trip(&numbers);
        }

        #[test]
        fn noise_is_refused_and_never_a_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..300), count in 0..400_usize,
        ) {
            let mut out = Vec::new();
            if decode(&mut &*bytes, count, &mut out).is_some() {
                prop_assert_eq!(out.len(), count);
            }
        }
    }
}
