//! Stores of readings that stand beside each other: what each can be asked to do.

mod corrente;
mod influx;
mod load;
mod postgres;
mod program;
mod victoria;

use crate::{Failure, workload::Workload};

pub(crate) use corrente::{Corrente, ServerOptions, run_server};
pub(crate) use influx::Influx;
pub(crate) use load::{Loaded, Pace};
pub(crate) use postgres::Postgres;
pub(crate) use program::{Program, free_address};
pub(crate) use victoria::Victoria;

/// A store of readings.
pub(crate) trait Peer: Sync {
    /// A word for names of figures.
    fn name(&self) -> &'static str;

    /// Name and version for people.
    fn title(&self) -> String;

    /// Starts it on what it has, or on nothing; on these processors when any are named.
    fn start(&mut self, processors: Option<&str>) -> Result<(), Failure>;

    /// The running program.
    fn program(&self) -> Result<&Program, Failure>;

    /// Ends it at once: SIGKILL.
    fn kill(&mut self) -> Result<(), Failure>;

    /// Asks it to end, and waits.
    fn stop(&mut self) -> Result<(), Failure>;

    /// Writes so many quarters of the workload; returns when all of it is acknowledged.
    fn load(
        &self,
        workload: &mut Workload,
        quarters: u32,
        pace: &Pace<'_>,
    ) -> Result<Loaded, Failure>;

    /// Lets it bring what it has into its final form.
    fn settle(&mut self) -> Result<(), Failure>;

    /// Bytes that its readings take on the disk.
    fn size(&self) -> Result<u64, Failure>;

    /// Can it be asked only while it runs how many readings it has?
    fn counts_running(&self) -> bool {
        true
    }

    /// How many readings it has.
    fn count(&self) -> Result<u64, Failure>;

    /// Deletes all that it has.
    fn forget(&mut self) -> Result<(), Failure>;

    /// Somebody who asks questions on a connection of their own.
    fn asker(&self) -> Result<Box<dyn Asker>, Failure>;
}

/// Asks questions.
pub(crate) trait Asker: Send {
    /// Asks, and says how many answers came: readings, or channels.
    fn ask(&mut self, question: Question) -> Result<usize, Failure>;
}

/// What people want to know. Times are seconds since the epoch; spans are (start, end].
#[derive(Clone, Copy, Debug)]
pub(crate) enum Question {
    /// The meter's last reading.
    Last { meter: u32 },
    /// The meter's readings.
    Range { meter: u32, start: i64, end: i64 },
    /// What all meters together used in these days.
    City { start: i64, end: i64 },
    /// What each meter used in these days.
    Everybody { start: i64, end: i64 },
}
