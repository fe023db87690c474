//! Decoders against a corpus of good and hostile bytes, cut and changed.
//!
//! A file that once broke something stays in the corpus. `CORRENTE_FUZZ_ROUNDS` changes each file more often than
//! the short run of the test command does, and `CORRENTE_FUZZ_SEED` changes it in other ways;
//! `cargo xtask fuzz` sets both.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

/// Rounds of the test command.
const ROUNDS: u32 = 100;
/// Bytes of a file that are changed: the rest of a long one says nothing new.
const MOST_BYTES: usize = 4000;

/// Pieces that mean something to one decoder or another.
const WORDS: [&[u8]; 24] = [
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b"(",
    b")",
    b"\n",
    b"-",
    b"e9",
    b"null",
    b"\xff",
    b"\\u0000",
    b"99999999999999999999",
    b",",
    b";",
    b"\t",
    b"=",
    b"'",
    b"0",
    b"2026-02-30",
    b"24:00",
    b"<",
];

/// Files that a decoder is tried with.
#[derive(Debug)]
pub struct Corpus {
    files: Vec<(String, Vec<u8>)>,
}

impl Corpus {
    /// The files of a folder, in order of their names.
    ///
    /// # Panics
    /// When the folder cannot be read or is empty: a corpus that has gone is no corpus.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        let mut files = Vec::new();
        let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        for path in entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()) {
            let bytes = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            files
                .push((path.file_name().unwrap_or_default().to_string_lossy().into_owned(), bytes));
        }
        files.sort();
        assert!(!files.is_empty(), "{} is empty", folder.display());
        Self { files }
    }

    /// These texts.
    pub fn from_texts<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let files = (1..).zip(texts).map(|(n, text)| (format!("text {n}"), text.into())).collect();
        Self { files }
    }

    /// More files.
    #[must_use]
    pub fn and(mut self, more: Self) -> Self {
        self.files.extend(more.files);
        self
    }

    /// Names and bytes.
    pub fn files(&self) -> &[(String, Vec<u8>)] {
        &self.files
    }

    /// Hands `check` each file as it is, cut off at each of its first bytes, and changed at random. The second
    /// argument is a place in the bytes, for checks that hand them over in two pieces.
    ///
    /// # Panics
    /// When `check` does, with the bytes that made it.
    pub fn try_all(&self, check: impl Fn(&[u8], usize)) {
        for (name, bytes) in &self.files {
            for cut in (0..bytes.len().min(400)).chain([bytes.len()]) {
                attempt(&check, bytes.get(..cut).unwrap_or_default(), cut, name);
            }
        }
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
        let rounds = number("CORRENTE_FUZZ_ROUNDS").unwrap_or(u64::from(ROUNDS));
        let seed = number("CORRENTE_FUZZ_SEED").unwrap_or(0);
        let mut random = Random::from_seed(seed);
        for round in 0..rounds {
            for (name, bytes) in &self.files {
                let mut changed =
                    bytes.get(..bytes.len().min(MOST_BYTES)).unwrap_or_default().to_vec();
                for _ in 0..=random.below(4) {
                    self.change(&mut random, &mut changed);
                }
                let cut = random.below(changed.len() + 1);
                attempt(&check, &changed, cut, &format!("{name}, round {round} of seed {seed}"));
            }
        }
    }

    fn change(&self, random: &mut Random, bytes: &mut Vec<u8>) {
        let place = random.below(bytes.len() + 1);
        match random.below(6) {
            0 if place < bytes.len() => bytes[place] = random.below(256).to_le_bytes()[0],
            1 if place < bytes.len() => {
                bytes.remove(place);
            }
            2 => {
                let word = WORDS[random.below(WORDS.len())];
                // Sometimes very often, for what counts how deep or how long something is.
                let often = if random.below(50) == 0 { 3_000 } else { 1 };
                bytes.splice(place..place, word.repeat(often));
            }
            3 => bytes.truncate(place),
            4 => {
                let end = (place + random.below(60)).min(bytes.len());
                bytes.extend_from_within(place..end);
            }
            _ => {
                let (_, other) = &self.files[random.below(self.files.len())];
                let start = random.below(other.len() + 1);
                let end = (start + random.below(60)).min(other.len());
                bytes.splice(place..place, other[start..end].iter().copied());
            }
        }
    }
}

fn attempt(check: &impl Fn(&[u8], usize), bytes: &[u8], cut: usize, what: &str) {
    let outcome = catch_unwind(AssertUnwindSafe(|| check(bytes, cut)));
    assert!(outcome.is_ok(), "{what}, cut at {cut}: {}", bytes.escape_ascii());
}

/// A stream of numbers that is the same for the same seed.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn from_seed(seed: u64) -> Self {
        Self(0x2545_f491_4f6c_dd1d ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % limit.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tester_finds_what_is_there() {
        let corpus = Corpus::from_texts(["[1]", "{\"a\":1}"]);
        let found = |check: fn(&[u8], usize)| {
            catch_unwind(AssertUnwindSafe(|| corpus.try_all(check))).is_err()
        };
        assert!(!found(|_, _| {}));
        assert!(found(|bytes, _| assert!(!bytes.starts_with(b"[1]"))));
        assert!(found(|bytes, _| assert!(bytes.len() < 1_000)), "a word is repeated");
        assert!(found(|bytes, _| assert!(!bytes.contains(&0xff))), "bytes are changed");
    }
}
