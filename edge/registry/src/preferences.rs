//! How people want to be told: at once, once a day or not at all by e-mail, and not in quiet hours.

use corrente_metering::{Timestamp, id::OrganisationId};

use crate::{
    RegistryError, Tx,
    users::normal_email,
    value::{params, row, words},
};

/// How e-mail goes to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MailMode {
    /// Each message by itself.
    Now,
    /// All of a day in one letter.
    Daily,
    /// None.
    Off,
}

words! { MailMode { Now = "now", Daily = "daily", Off = "off" } }

impl MailMode {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Now, Self::Daily, Self::Off];

    /// Its word in the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Daily => "daily",
            Self::Off => "off",
        }
    }
}

row! {
    struct PreferenceRow {
        mail: MailMode,
        quiet_from_minute: Option<u16>,
        quiet_until_minute: Option<u16>,
    }
}

/// How a person wants to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preference {
    /// How e-mail goes.
    pub mail: MailMode,
    /// From and until which minute after midnight, at home, nothing is delivered.
    pub quiet_minutes: Option<(u16, u16)>,
}

impl Default for Preference {
    fn default() -> Self {
        Self { mail: MailMode::Now, quiet_minutes: None }
    }
}

const GET: &str = "SELECT * FROM delivery_preference WHERE recipient = $recipient";

/// How the person with this address wants to be told; at once where nobody chose.
pub fn get(tx: &mut Tx, email: &str) -> Result<Preference, RegistryError> {
    let recipient = normal_email(email);
    let found: Option<PreferenceRow> = tx.row(GET, params! { recipient })?;
    Ok(found.map_or_else(Preference::default, |row| Preference {
        mail: row.mail,
        quiet_minutes: row.quiet_from_minute.zip(row.quiet_until_minute),
    }))
}

const PUT: &str = "\
INSERT INTO delivery_preference
  (recipient, organisation, mail, quiet_from_minute, quiet_until_minute, changed_s)
VALUES ($recipient, $organisation, $mail, $from, $until, $now)
ON CONFLICT (recipient) DO UPDATE
SET mail = $mail, quiet_from_minute = $from, quiet_until_minute = $until, changed_s = $now";

/// Sets how the person with this address wants to be told.
pub fn put(
    tx: &mut Tx,
    organisation: OrganisationId,
    email: &str,
    preference: Preference,
    now: Timestamp,
) -> Result<(), RegistryError> {
    let recipient = normal_email(email);
    let from = preference.quiet_minutes.map(|(from, _)| from);
    let until = preference.quiet_minutes.map(|(_, until)| until);
    tx.execute(PUT, params! { recipient, organisation, mail: preference.mail, from, until, now })?;
    Ok(())
}
