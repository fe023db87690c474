//! The state file: one JSON record a line, appended; written anew beside itself and renamed when most
//! of it is history.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Identity, Pending, StateError};

/// One line of the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Record {
    /// The first line.
    Head {
        version: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        identity: Option<Identity>,
        next_sequence: u64,
        acknowledged: u64,
    },
    /// Sequence number, channel, end in epoch seconds, Wh, quality.
    #[serde(rename = "r")]
    Reading(u64, String, i64, i64, u8),
    /// Everything up to this number is acknowledged.
    #[serde(rename = "ack")]
    Acknowledged(u64),
    /// The server will never take this one.
    Refused(u64),
    /// Whatever the program wants to remember.
    Note(Value),
}

impl Record {
    pub(crate) fn reading(pending: &Pending) -> Self {
        let reading = &pending.reading;
        Self::Reading(
            pending.sequence,
            reading.channel.as_ref().to_owned(),
            reading.end.second(),
            reading.value.wh(),
            reading.quality.0,
        )
    }
}

#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    /// A lock of its own beside the file, since the file itself is replaced.
    _lock: File,
    lines: usize,
    bytes: u64,
}

impl Journal {
    pub(crate) fn open(path: &Path) -> Result<(Self, Vec<(usize, Record)>), StateError> {
        let fail = |action| move |source| StateError::Io { path: path.to_owned(), action, source };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(fail("make the folder of"))?;
        }
        let lock = private().open(beside(path, "lock")).map_err(fail("lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StateError::InUse { path: path.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(fail("lock")(source)),
        }
        let mut file = private().read(true).open(path).map_err(fail("open"))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(fail("read"))?;
        // A last line without its newline was being written when the program died.
        let whole = memchr::memrchr(b'\n', &bytes).map_or(0, |at| at + 1);
        let mut records = Vec::new();
        for (index, line) in bytes[..whole].split(|byte| *byte == b'\n').enumerate() {
            if line.is_empty() {
                continue;
            }
            let record = serde_json::from_slice(line).map_err(|error| StateError::Damaged {
                path: path.to_owned(),
                line: index + 1,
                reason: error.to_string(),
            })?;
            records.push((index + 1, record));
        }
        if whole < bytes.len() {
            file.set_len(whole as u64).map_err(fail("mend"))?;
        }
        file.seek(SeekFrom::End(0)).map_err(fail("read"))?;
        let mut journal = Self {
            path: path.to_owned(),
            file,
            _lock: lock,
            lines: records.len(),
            bytes: whole as u64,
        };
        if records.is_empty() {
            let head =
                Record::Head { version: 1, identity: None, next_sequence: 1, acknowledged: 0 };
            journal.append([head])?;
            journal.sync()?;
        }
        Ok((journal, records))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) const fn lines(&self) -> usize {
        self.lines
    }

    pub(crate) fn append(
        &mut self,
        records: impl IntoIterator<Item = Record>,
    ) -> Result<(), StateError> {
        let (bytes, count) = lines_of(records).map_err(|e| self.failed("write", e))?;
        if let Err(error) = self.file.write_all(&bytes) {
            // Half a line must not stand before the next one. When this fails too, the next start says so.
            let mended =
                self.file.set_len(self.bytes).and(self.file.seek(SeekFrom::End(0)).map(drop));
            if let Err(error) = mended {
                tracing::warn!(%error, "the meter's state keeps half a line");
            }
            return Err(self.failed("write", error));
        }
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        self.lines = self.lines.saturating_add(count);
        Ok(())
    }

    pub(crate) fn sync(&self) -> Result<(), StateError> {
        self.file.sync_data().map_err(|e| self.failed("write", e))
    }

    /// Writes the file anew: a crash leaves either the old one or the new one.
    pub(crate) fn replace(
        &mut self,
        records: impl IntoIterator<Item = Record>,
    ) -> Result<(), StateError> {
        let new = beside(&self.path, "new");
        let (bytes, count) = lines_of(records).map_err(|e| self.failed("write", e))?;
        let write = || -> io::Result<File> {
            let mut file = private().truncate(true).open(&new)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&new, &self.path)?;
            if let Some(folder) = self.path.parent().filter(|f| !f.as_os_str().is_empty()) {
                File::open(folder)?.sync_all()?;
            }
            Ok(file)
        };
        self.file = write().map_err(|e| self.failed("write", e))?;
        self.lines = count;
        self.bytes = bytes.len() as u64;
        Ok(())
    }

    fn failed(&self, action: &'static str, source: io::Error) -> StateError {
        StateError::Io { path: self.path.clone(), action, source }
    }
}

fn lines_of(records: impl IntoIterator<Item = Record>) -> io::Result<(Vec<u8>, usize)> {
    let mut bytes = Vec::new();
    let mut count = 0;
    for record in records {
        serde_json::to_writer(&mut bytes, &record)?;
        bytes.push(b'\n');
        count += 1;
    }
    Ok((bytes, count))
}

/// Files with a secret in them are for their owner alone.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
}
