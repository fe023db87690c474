//! How many files and sockets this process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Kept for what is no connection: databases, certificates, bills being made, requests to other servers.
const RESERVE: u64 = 128;

/// Raises the limit as far as the system lets this user, and says what it is then. Most systems start a
/// program with room for a thousand and let it ask for more.
pub fn raise() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return current;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => maximum,
        // A system that refuses leaves us what we had.
        Err(_) => current,
    }
}

/// The connections that there is room for, of so many that are wanted.
pub(crate) fn connections(wanted: u32) -> u32 {
    room(wanted, getrlimit(Resource::Nofile).current)
}

fn room(wanted: u32, limit: Option<u64>) -> u32 {
    // Where nothing is to spare, half of it is for connections.
    let room = limit.map_or(u64::MAX, |limit| limit.saturating_sub(RESERVE).max(limit / 2));
    u32::try_from(room).unwrap_or(u32::MAX).min(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_room_for_the_rest() {
        for (wanted, limit, connections) in [
            (100_000, None, 100_000),
            (100_000, Some(1_048_576), 100_000),
            (100_000, Some(1_024), 896),
            (100, Some(1_024), 100),
            (100_000, Some(64), 32),
        ] {
            assert_eq!(room(wanted, limit), connections, "{wanted} wanted, {limit:?} files");
        }
    }

    #[test]
    fn the_soft_limit_becomes_the_hard_one() {
        let raised = raise();
        assert_eq!(raised, getrlimit(Resource::Nofile).maximum);
    }
}
