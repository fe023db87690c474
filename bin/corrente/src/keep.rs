//! What a program with many meters keeps of each: secrets, and the register of simulated ones.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use corrente_meter::{Identity, MeterState};
use serde::{Deserialize, Serialize};

use crate::{failure::Failure, output::read_text};

/// The file: one object, written anew as a whole.
#[derive(Debug)]
pub(crate) struct Keep {
    path: PathBuf,
    contents: Contents,
    changed: bool,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    version: u32,
    meters: BTreeMap<String, Kept>,
}

/// What is kept of one meter.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kept {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// What the register showed, and when (epoch seconds).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) register: Option<(i64, i64)>,
    /// What the register had counted when it last fell to zero, in Wh: its dial shows that much less.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) base: i64,
    /// Seconds by which the meter's clock is ahead.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) drift: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
const fn is_zero(number: &i64) -> bool {
    *number == 0
}

impl Keep {
    /// Opens the file, which may be missing.
    pub(crate) fn open(path: PathBuf) -> Result<Self, Failure> {
        let contents = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                Failure::new(format!(
                    "{}: the kept meters are damaged ({error}); restore the file, or move it away and \
                     use a new --prefix of serials",
                    path.display()
                ))
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Contents { version: 1, meters: BTreeMap::new() }
            }
            Err(error) => return Err(Failure::of(format!("cannot read {}", path.display()), error)),
        };
        Ok(Self { path, contents, changed: false })
    }

    /// What is kept of a meter.
    pub(crate) fn meter(&self, serial: &str) -> Option<&Kept> {
        self.contents.meters.get(serial)
    }

    /// The state with which a meter starts.
    pub(crate) fn state(&self, serial: &str) -> MeterState {
        match self.meter(serial).and_then(|kept| kept.secret.clone()) {
            Some(secret) => {
                MeterState::of(Identity { serial: serial.to_owned(), secret: Some(secret) })
            }
            None => MeterState::in_memory(),
        }
    }

    /// Keeps who a meter turned out to be.
    pub(crate) fn identity(&mut self, identity: Identity) {
        self.contents.meters.entry(identity.serial).or_default().secret = identity.secret;
        self.changed = true;
    }

    /// Keeps the secrets of a file of lines `meter,SERIAL,SECRET` below a header, as the import of a town
    /// prints them; what the file says of other things is passed over.
    pub(crate) fn secrets(&mut self, file: &Path) -> Result<(), Failure> {
        let expected = "lines `meter,SERIAL,SECRET` below `kind,name,secret` are expected, as \
                        `corrente admin import` prints them";
        let wrong = |why: String| Failure::new(format!("{}: {why}; {expected}", file.display()));
        let text = read_text(file)?;
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let mut found = 0_usize;
        for record in reader.records() {
            let record = record.map_err(|error| wrong(error.to_string()))?;
            if let (Some("meter"), Some(serial), Some(secret)) =
                (record.get(0), record.get(1), record.get(2))
            {
                let secret = Some(secret.to_owned());
                self.identity(Identity { serial: serial.to_owned(), secret });
                found += 1;
            }
        }
        if found == 0 { Err(wrong("there is no meter in it".to_owned())) } else { Ok(()) }
    }

    /// Keeps what a register showed.
    pub(crate) fn register(&mut self, serial: &str, t: i64, wh: i64) {
        self.contents.meters.entry(serial.to_owned()).or_default().register = Some((t, wh));
        self.changed = true;
    }

    /// Keeps what is wrong with a meter: it stays wrong over a restart.
    pub(crate) fn wrong(&mut self, serial: &str, base: i64, drift: i64) {
        let kept = self.contents.meters.entry(serial.to_owned()).or_default();
        (kept.base, kept.drift) = (base, drift);
        self.changed = true;
    }

    /// Writes the file if something changed: a crash leaves the old one or the new one.
    pub(crate) fn save(&mut self) -> Result<(), Failure> {
        if !self.changed {
            return Ok(());
        }
        self.write()
            .map_err(|error| Failure::of(format!("cannot write {}", self.path.display()), error))?;
        self.changed = false;
        Ok(())
    }

    fn write(&self) -> io::Result<()> {
        if let Some(folder) = self.path.parent().filter(|f| !f.as_os_str().is_empty()) {
            fs::create_dir_all(folder)?;
        }
        let new = self.path.with_extension("new");
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(&serde_json::to_vec(&self.contents)?)?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        if let Some(folder) = self.path.parent().filter(|f| !f.as_os_str().is_empty()) {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}
