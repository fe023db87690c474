//! What a meter must not forget: who it is, and what the server has not acknowledged.

use std::{collections::VecDeque, path::Path, sync::Arc};

use corrente_metering::{SourceQuality, Timestamp};
use corrente_units::{Energy, Power};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    StateError,
    journal::{Journal, Record},
};

/// Who the meter is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The serial printed on it.
    pub serial: String,
    /// The secret that the server gave when the meter enrolled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// A reading to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewReading {
    /// The channel's name.
    pub channel: Arc<str>,
    /// End of what was measured.
    pub end: Timestamp,
    /// The counter, or the interval's energy.
    pub value: Energy,
    /// Power at that instant, where the meter knows it. It is not kept across a restart.
    pub power: Option<Power>,
    /// The source's own word on the value.
    pub quality: SourceQuality,
}

impl NewReading {
    /// A good reading of channel `import`.
    pub fn new(end: Timestamp, value: Energy) -> Self {
        Self { channel: Arc::from("import"), end, value, power: None, quality: SourceQuality::GOOD }
    }
}

/// A reading with its sequence number, not acknowledged yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The meter's own number, one more with every reading.
    pub sequence: u64,
    /// What was read.
    pub reading: NewReading,
}

/// A meter's memory, in a file or (for simulated fleets and replays) only in the program.
#[derive(Debug)]
pub struct MeterState {
    identity: Option<Identity>,
    next_sequence: u64,
    acknowledged: u64,
    pending: VecDeque<Pending>,
    note: Value,
    journal: Option<Journal>,
}

impl MeterState {
    /// A memory that ends with the program. Sequence numbers begin at 1.
    pub fn in_memory() -> Self {
        Self {
            identity: None,
            next_sequence: 1,
            acknowledged: 0,
            pending: VecDeque::new(),
            note: Value::Null,
            journal: None,
        }
    }

    /// A memory that ends with the program, of a meter that has enrolled before.
    pub fn of(identity: Identity) -> Self {
        Self { identity: Some(identity), ..Self::in_memory() }
    }

    /// The same memory, with sequence numbers from `sequence` on: a program that keeps no state must
    /// see to it that it never gives a number twice.
    #[must_use]
    pub fn numbered_from(mut self, sequence: u64) -> Self {
        self.next_sequence = self.next_sequence.max(sequence);
        self
    }

    /// The memory in the file at `path`, which is made when it is missing.
    ///
    /// # Errors
    /// When the file cannot be used, is in use, or is damaged. A last line that was cut by a crash is
    /// no damage: what it held was never reported as kept.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        let mut state = Self::in_memory();
        let (journal, records) = Journal::open(path)?;
        for (line, record) in records {
            state.replay(record).map_err(|reason| StateError::Damaged {
                path: path.to_owned(),
                line,
                reason: reason.to_owned(),
            })?;
        }
        state.journal = Some(journal);
        Ok(state)
    }

    /// Who the meter is, once it is known.
    pub const fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// The file's path, where there is a file.
    pub fn path(&self) -> Option<&Path> {
        self.journal.as_ref().map(Journal::path)
    }

    /// What the program left here beside its last reading: `null` at first.
    pub const fn note(&self) -> &Value {
        &self.note
    }

    /// The readings that wait for their acknowledgement, oldest first.
    pub const fn pending(&self) -> &VecDeque<Pending> {
        &self.pending
    }

    /// The highest sequence number that was acknowledged.
    pub const fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// The sequence number of the next reading.
    pub const fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// Keeps who the meter is, durably.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn identify(&mut self, identity: Identity) -> Result<(), StateError> {
        self.identity = Some(identity);
        self.rewrite()
    }

    /// Gives readings their numbers and keeps them, with the program's note, durably: when this
    /// returns, they survive a crash. Says the last number given.
    ///
    /// # Errors
    /// When they cannot be written; then none of them is kept.
    pub fn append(
        &mut self,
        readings: Vec<NewReading>,
        note: Option<Value>,
    ) -> Result<u64, StateError> {
        let mut next = self.next_sequence;
        let mut numbered = Vec::with_capacity(readings.len());
        for reading in readings {
            numbered.push(Pending { sequence: next, reading });
            next = next.saturating_add(1);
        }
        if let Some(journal) = &mut self.journal {
            let note = note.clone().map(Record::Note);
            journal.append(numbered.iter().map(Record::reading).chain(note))?;
            journal.sync()?;
        }
        self.next_sequence = next;
        self.pending.extend(numbered);
        if let Some(note) = note {
            self.note = note;
        }
        Ok(next.saturating_sub(1))
    }

    /// Forgets what is acknowledged. Not durable at once: after a crash the readings are sent again,
    /// which is harmless.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn acknowledge(&mut self, sequence: u64) -> Result<usize, StateError> {
        let count = self.pending.partition_point(|p| p.sequence <= sequence);
        if count == 0 {
            return Ok(0);
        }
        self.pending.drain(..count);
        self.acknowledged = self.acknowledged.max(sequence);
        let Some(journal) = &mut self.journal else { return Ok(count) };
        journal.append([Record::Acknowledged(sequence)])?;
        // The file is written anew when most of it is history.
        if journal.lines() > 1_000 && journal.lines() > self.pending.len().saturating_mul(4) {
            self.rewrite()?;
        }
        Ok(count)
    }

    /// Forgets one reading that the server refuses for ever, so that it is not sent again.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn refuse(&mut self, sequence: u64) -> Result<Option<Pending>, StateError> {
        let Ok(at) = self.pending.binary_search_by_key(&sequence, |p| p.sequence) else {
            return Ok(None);
        };
        let refused = self.pending.remove(at);
        if let Some(journal) = &mut self.journal {
            journal.append([Record::Refused(sequence)])?;
        }
        Ok(refused)
    }

    fn rewrite(&mut self) -> Result<(), StateError> {
        let Some(journal) = &mut self.journal else { return Ok(()) };
        let head = Record::Head {
            version: 1,
            identity: self.identity.clone(),
            next_sequence: self.next_sequence,
            acknowledged: self.acknowledged,
        };
        let note = (!self.note.is_null()).then(|| Record::Note(self.note.clone()));
        journal.replace(
            std::iter::once(head).chain(note).chain(self.pending.iter().map(Record::reading)),
        )
    }

    fn replay(&mut self, record: Record) -> Result<(), &'static str> {
        match record {
            Record::Head { version, identity, next_sequence, acknowledged } => {
                if version != 1 {
                    return Err("written by a newer version");
                }
                self.identity = identity;
                self.next_sequence = next_sequence.max(1);
                self.acknowledged = acknowledged;
            }
            Record::Note(note) => self.note = note,
            Record::Acknowledged(sequence) => {
                let count = self.pending.partition_point(|p| p.sequence <= sequence);
                self.pending.drain(..count);
                self.acknowledged = self.acknowledged.max(sequence);
            }
            Record::Refused(sequence) => self.pending.retain(|p| p.sequence != sequence),
            Record::Reading(sequence, channel, end, wh, quality) => {
                if self.pending.back().is_some_and(|last| last.sequence >= sequence) {
                    return Err("its sequence number is not above the one before");
                }
                let reading = NewReading {
                    channel: channel.into(),
                    end: Timestamp::from_second(end),
                    value: Energy::from_wh(wh),
                    power: None,
                    quality: SourceQuality(quality),
                };
                self.pending.push_back(Pending { sequence, reading });
                self.next_sequence = self.next_sequence.max(sequence.saturating_add(1));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write};

    use super::*;

    fn reading(t: i64, wh: i64) -> NewReading {
        NewReading::new(Timestamp::from_second(t), Energy::from_wh(wh))
    }

    fn sequences(state: &MeterState) -> Vec<u64> {
        state.pending().iter().map(|p| p.sequence).collect()
    }

    #[test]
    fn what_was_not_acknowledged_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("meter.state");
        let mut state = MeterState::open(&path).unwrap();
        state.identify(Identity { serial: "M-1".into(), secret: Some("s".into()) }).unwrap();
        state.append(vec![reading(10, 1), reading(20, 2)], None).unwrap();
        state.append(vec![reading(30, 3)], Some("rate".into())).unwrap();
        assert_eq!(state.acknowledge(1).unwrap(), 1);
        drop(state);
        let mut state = MeterState::open(&path).unwrap();
        assert_eq!(state.identity().unwrap().serial, "M-1");
        assert_eq!(sequences(&state), [2, 3]);
        assert_eq!(state.note(), "rate");
        assert_eq!(state.append(vec![reading(40, 4)], None).unwrap(), 4);
    }

    #[test]
    fn a_sequence_number_is_never_given_twice() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("meter.state");
        for round in 0..5_u64 {
            let mut state = MeterState::open(&path).unwrap();
            let last = state.append(vec![reading(10, 1); 700], None).unwrap();
            assert_eq!(last, (round + 1) * 700);
            state.acknowledge(last).unwrap();
            assert!(state.pending().is_empty());
        }
    }

    #[test]
    fn a_line_cut_by_a_crash_is_forgotten_and_the_rest_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("meter.state");
        let mut state = MeterState::open(&path).unwrap();
        state.append(vec![reading(10, 1), reading(20, 2)], None).unwrap();
        drop(state);
        let whole = fs::read(&path).unwrap();
        for cut in 1..12 {
            fs::write(&path, &whole[..whole.len() - cut]).unwrap();
            let mut state = MeterState::open(&path).unwrap();
            assert_eq!(sequences(&state), [1], "cut by {cut}");
            state.append(vec![reading(30, 3)], None).unwrap();
            drop(state);
            assert_eq!(sequences(&MeterState::open(&path).unwrap()), [1, 2]);
        }
    }

    #[test]
    fn damage_in_the_middle_is_said_with_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("meter.state");
        let mut state = MeterState::open(&path).unwrap();
        state.append(vec![reading(10, 1)], None).unwrap();
        drop(state);
        let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"\x00\xffnoise\n{\"ack\":1}\n").unwrap();
        let error = MeterState::open(&path).unwrap_err().to_string();
        assert!(error.contains("damaged") && error.contains("line 3"), "{error}");
        assert!(error.contains("enrol the meter again"), "{error}");
    }

    #[test]
    fn a_file_in_use_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("meter.state");
        let _first = MeterState::open(&path).unwrap();
        assert!(matches!(MeterState::open(&path), Err(StateError::InUse { .. })));
    }

    #[test]
    fn a_refused_reading_is_not_sent_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("meter.state");
        let mut state = MeterState::open(&path).unwrap();
        state.append(vec![reading(10, 1), reading(20, 2), reading(30, 3)], None).unwrap();
        assert_eq!(state.refuse(2).unwrap().unwrap().reading, reading(20, 2));
        drop(state);
        assert_eq!(sequences(&MeterState::open(&path).unwrap()), [1, 3]);
    }
}
