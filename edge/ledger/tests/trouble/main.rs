//! What a ledger must outlive: being killed, power cuts, a full disk, flipped bits, wrong files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod damage;
mod disk;
mod failing;
mod kill;
mod load;
mod opening;
mod power;
mod trace;
