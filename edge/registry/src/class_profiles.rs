//! The mean week of a class of usage points, each from a day on.

use corrente_metering::{Date, Timestamp, id::OrganisationId};

use crate::{
    RegistryError, Tx,
    value::{params, row},
};

row! {
    /// The mean week of a class as it was from a day on.
    pub struct ClassProfileRow {
        /// Of which class of usage points.
        class: String,
        /// The first day that it is for.
        valid_from: Date,
        /// The week, and what it was made of.
        document: serde_json::Value,
        /// When it was made.
        created: Timestamp = "created_s",
    }
}

const INSERT: &str = "\
INSERT INTO class_profile (organisation, class, valid_from, document, created_s)
VALUES ($organisation, $class, $valid_from, $document, $now)
ON CONFLICT (organisation, class, valid_from) DO NOTHING";

/// Stores a class's week. One that is there for that day stays: says whether there was none.
pub fn insert(
    tx: &mut Tx,
    organisation: OrganisationId,
    new: &ClassProfileRow,
) -> Result<bool, RegistryError> {
    let changed = tx.execute(
        INSERT,
        params! {
            organisation, class: new.class, valid_from: new.valid_from, document: new.document,
            now: new.created
        },
    )?;
    Ok(changed > 0)
}

const OF_CLASS: &str = "\
SELECT * FROM class_profile WHERE organisation = $organisation AND class = $class
ORDER BY valid_from";

/// The weeks of a class, in order of time.
pub fn of_class(
    tx: &mut Tx,
    organisation: OrganisationId,
    class: &str,
) -> Result<Vec<ClassProfileRow>, RegistryError> {
    tx.rows(OF_CLASS, params! { organisation, class })
}

const LIST: &str = "\
SELECT * FROM class_profile WHERE organisation = $organisation ORDER BY class, valid_from";

/// The weeks of all classes, by class and in order of time.
pub fn list(
    tx: &mut Tx,
    organisation: OrganisationId,
) -> Result<Vec<ClassProfileRow>, RegistryError> {
    tx.rows(LIST, params! { organisation })
}
