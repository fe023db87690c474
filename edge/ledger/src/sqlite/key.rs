//! Keys: where a row stands, in one integer.

/// Bits of a revision: 8191 of them for a channel and day.
const REVISION_BITS: u32 = 13;
/// Bits below the block day, in blocks and in the log alike.
const DAY_SHIFT: u32 = 40;
const LOW: i64 = (1 << DAY_SHIFT) - 1;

/// The last revision that a channel and day can have. Later readings stay in the log.
pub(super) const REVISION_MAX: u32 = (1 << REVISION_BITS) - 1;
/// The last slot that a key can hold.
pub(super) const SLOT_MAX: u32 = (1 << (DAY_SHIFT - REVISION_BITS)) - 1;

/// The key of a block.
pub(super) fn block(day: i32, slot: u32, revision: u32) -> i64 {
    i64::from(day) << DAY_SHIFT | i64::from(slot) << REVISION_BITS | i64::from(revision)
}

/// Day, slot and revision of a block's key.
pub(super) fn parts(key: i64) -> (i32, u32, u32) {
    let low = key & LOW;
    (
        day(key),
        u32::try_from(low >> REVISION_BITS).unwrap_or(u32::MAX),
        u32::try_from(low & i64::from(REVISION_MAX)).unwrap_or(u32::MAX),
    )
}

/// The block day of any key.
pub(super) fn day(key: i64) -> i32 {
    i32::try_from(key >> DAY_SHIFT).unwrap_or(i32::MAX)
}

/// The first key of a day.
pub(super) fn first_of(day: i32) -> i64 {
    i64::from(day) << DAY_SHIFT
}

/// The last key of a day.
pub(super) fn last_of(day: i32) -> i64 {
    first_of(day) | LOW
}

/// The key of the row that says what 256 channels of a day come to.
pub(super) fn ends(day: i32, chunk: u32) -> i64 {
    first_of(day) | i64::from(chunk)
}

/// The key of a log row.
pub(super) fn log(day: i32, sequence: i64) -> i64 {
    first_of(day) | (sequence & LOW)
}

/// The rising number in a log row's key.
pub(super) fn sequence(key: i64) -> i64 {
    key & LOW
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_by_day_slot_revision() {
        let all = [
            (-4_372_000, 0, 1),
            (-1, SLOT_MAX, REVISION_MAX),
            (0, 0, 1),
            (0, 1, 1),
            (20_000, 5, 1),
            (20_000, 5, 2),
            (20_000, 6, 1),
            (2_932_896, SLOT_MAX, REVISION_MAX),
        ];
        let keys: Vec<i64> = all.iter().map(|&(d, s, r)| block(d, s, r)).collect();
        assert!(keys.is_sorted());
        for (&key, &(d, s, r)) in keys.iter().zip(&all) {
            assert_eq!(parts(key), (d, s, r));
            assert!(first_of(d) <= key && key <= last_of(d));
        }
        assert_eq!((day(log(-7, 9)), sequence(log(-7, 9))), (-7, 9));
    }
}
