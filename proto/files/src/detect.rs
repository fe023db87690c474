//! What a text is.

use crate::{
    FileError, FileReadings, Format, Mapping, green_button, nem,
    table::{self, Fit},
    wide,
};

/// The tables that are known, as mapping files.
const TABLES: &[(Format, &str)] = &[
    (Format::London, include_str!("mappings/london.toml")),
    (Format::HomeWizard, include_str!("mappings/homewizard.toml")),
    (Format::SlimmeMeterPortal, include_str!("mappings/slimmemeterportal.toml")),
    (Format::DsmrReader, include_str!("mappings/dsmr_reader.toml")),
    (Format::Engie, include_str!("mappings/engie.toml")),
    (Format::Ameren, include_str!("mappings/ameren.toml")),
    (Format::Ontario, include_str!("mappings/ontario.toml")),
    (Format::FieldReadings, include_str!("mappings/field_readings.toml")),
];

/// Finds out what the text is and reads it.
pub(crate) fn read(text: &str, mapping: Option<&Mapping>) -> Result<FileReadings, FileError> {
    if text.trim().is_empty() {
        return Err(FileError::Unrecognised {
            nearest: None,
            what: "line 1: the file is empty".to_owned(),
        });
    }
    if let Some(mapping) = mapping.filter(|m| m.time.is_some()) {
        return table::read(text, mapping, Format::Mapped);
    }
    let zone = mapping.and_then(|m| m.zone.clone());
    if text.trim_start().starts_with('<') {
        return green_button::read(text);
    }
    if let Some(format) = nem::looks_like(text) {
        return nem::read(text, format);
    }
    if wide::looks_like(text) {
        return wide::read(text, zone.as_deref());
    }
    let mut nearest: Option<(Format, Fit<'_>)> = None;
    for (format, toml) in TABLES {
        let mut mapping = Mapping::from_toml(toml)
            .map_err(|e| FileError::Unrecognised { nearest: Some(*format), what: e.to_string() })?;
        let fit = table::fit(text, &mapping);
        if fit.fits() {
            mapping.zone = zone.or(mapping.zone);
            return table::read(text, &mapping, *format);
        }
        // Shares without division: a/b > c/d when a·d > c·b.
        let nearer = nearest.as_ref().is_none_or(|(_, best)| {
            fit.found.saturating_mul(best.wanted) > best.found.saturating_mul(fit.wanted)
        });
        if nearer && fit.found > 0 {
            nearest = Some((*format, fit));
        }
    }
    let first = text.lines().find(|l| !l.trim().is_empty()).unwrap_or_default();
    let first: String = first.chars().take(80).collect();
    Err(match nearest {
        Some((format, fit)) => FileError::Unrecognised {
            nearest: Some(format),
            what: format!(
                "no column `{}` ({} of {} headings are there); the file begins `{first}`",
                fit.lacking.unwrap_or_default(),
                fit.found,
                fit.wanted
            ),
        },
        None => FileError::Unrecognised {
            nearest: None,
            what: format!(
                "no heading of a known table; the file begins `{first}`. A mapping file can describe it"
            ),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_mappings_are_read_and_told_apart() {
        for (format, toml) in TABLES {
            let mapping = Mapping::from_toml(toml).unwrap();
            assert!(mapping.time.is_some(), "{format:?}");
        }
    }
}
