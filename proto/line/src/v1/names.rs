//! Which of a meter's channels a line names.

use super::MAX_CHANNELS;

/// A place in the table that no name has.
const NOBODY: u32 = u32::MAX;

/// The names of a meter's channels, in the order in which it was admitted with them.
#[derive(Debug)]
pub(super) struct Names {
    names: Box<[Box<str>]>,
    /// Where a name stands, by its hash. Empty for what a meter has: those are looked through one by
    /// one, and an idle connection stays small. A gateway has thousands.
    table: Box<[u32]>,
}

impl Names {
    pub(super) fn new(names: impl IntoIterator<Item = Box<str>>) -> Self {
        let names: Box<[Box<str>]> = names.into_iter().collect();
        if names.len() <= MAX_CHANNELS {
            return Self { names, table: Box::default() };
        }
        let size = names.len().saturating_mul(2).next_power_of_two();
        let mut table = vec![NOBODY; size].into_boxed_slice();
        for (place, name) in (0_u32..).zip(&names) {
            let free = probes(name, size).find(|&at| {
                // Of two of one name the first counts.
                table.get(at).is_none_or(|&taken| taken == NOBODY || is(&names, taken, name))
            });
            if let Some(entry) = free.and_then(|at| table.get_mut(at))
                && *entry == NOBODY
            {
                *entry = place;
            }
        }
        Self { names, table }
    }

    /// The place of a channel.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        if self.table.is_empty() {
            return self.names.iter().position(|known| **known == *name);
        }
        for at in probes(name, self.table.len()) {
            match *self.table.get(at)? {
                NOBODY => return None,
                place if is(&self.names, place, name) => return usize::try_from(place).ok(),
                _ => {}
            }
        }
        None
    }
}

fn is(names: &[Box<str>], place: u32, name: &str) -> bool {
    usize::try_from(place).ok().and_then(|place| names.get(place)).is_some_and(|n| **n == *name)
}

/// Where to look in a table of this size (a power of two), in order.
fn probes(name: &str, size: usize) -> impl Iterator<Item = usize> {
    // FNV-1a. Who registers the names is trusted.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let start = usize::try_from(hash >> 32 ^ hash & 0xffff_ffff).unwrap_or_default();
    (0..size).map(move |step| start.wrapping_add(step) & size.wrapping_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_names_are_found_alike() {
        for count in [1, MAX_CHANNELS, MAX_CHANNELS + 1, 5000] {
            let names = Names::new((0..count).map(|n| format!("r{n}").into()));
            for place in 0..count {
                assert_eq!(names.place(&format!("r{place}")), Some(place), "{count}");
            }
            assert_eq!(names.place(&format!("r{count}")), None);
        }
        let twice = Names::new((0..40).map(|n| format!("r{}", n % 20).into()));
        assert_eq!(twice.place("r7"), Some(7));
    }
}
