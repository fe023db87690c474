//! The formats that are known.

use serde::Serialize;

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Half hours of the Low Carbon London trial.
    London,
    /// Quarter hours with cumulative registers, from the HomeWizard app.
    HomeWizard,
    /// Quarter hours of slimmemeterportal.nl.
    SlimmeMeterPortal,
    /// Hours exported by DSMR-reader.
    DsmrReader,
    /// Hours of Engie's customer site.
    Engie,
    /// A year of Ameren (Illinois, Missouri).
    Ameren,
    /// A month of Enel / e-distribuzione, one row a day.
    EnelMonth,
    /// Hours of an Ontario utility, labelled by their end.
    Ontario,
    /// Green Button (NAESB ESPI) XML.
    GreenButton,
    /// Australian interval data.
    Nem12,
    /// Australian register reads.
    Nem13,
    /// Registers that a person read: serial, date, register, reader.
    FieldReadings,
    /// A table described by a mapping file.
    Mapped,
}

impl Format {
    /// Every format.
    pub const ALL: &[Self] = &[
        Self::London,
        Self::HomeWizard,
        Self::SlimmeMeterPortal,
        Self::DsmrReader,
        Self::Engie,
        Self::Ameren,
        Self::EnelMonth,
        Self::Ontario,
        Self::GreenButton,
        Self::Nem12,
        Self::Nem13,
        Self::FieldReadings,
        Self::Mapped,
    ];

    /// Its name for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::London => "Low Carbon London half-hourly CSV",
            Self::HomeWizard => "HomeWizard CSV",
            Self::SlimmeMeterPortal => "SlimmeMeterPortal CSV",
            Self::DsmrReader => "DSMR-reader hourly CSV",
            Self::Engie => "Engie hourly CSV",
            Self::Ameren => "Ameren interval CSV",
            Self::EnelMonth => "Enel monthly CSV",
            Self::Ontario => "Ontario hourly CSV",
            Self::GreenButton => "Green Button (ESPI) XML",
            Self::Nem12 => "NEM12",
            Self::Nem13 => "NEM13",
            Self::FieldReadings => "field readings CSV",
            Self::Mapped => "CSV by mapping file",
        }
    }
}
