//! What meters say of themselves: the multiplier on the plate, the unit in which values come.

use corrente_metering::{
    Timestamp,
    id::{MeterId, OrganisationId, UsagePointId},
};

use crate::{
    RegistryError, Tx,
    value::{params, row, words},
};

/// A unit in which a source says that its values come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeclaredUnit {
    /// Watt-hours, in which readings are kept.
    Wh,
    /// Kilowatt-hours.
    Kwh,
    /// Megawatt-hours.
    Mwh,
    /// Reactive energy.
    Varh,
    /// A volume.
    CubicMetre,
}

words! { DeclaredUnit {
    Wh = "Wh", Kwh = "kWh", Mwh = "MWh", Varh = "varh", CubicMetre = "m3"
} }

impl DeclaredUnit {
    /// As it is written: `kWh`.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Wh => "Wh",
            Self::Kwh => "kWh",
            Self::Mwh => "MWh",
            Self::Varh => "varh",
            Self::CubicMetre => "m3",
        }
    }
}

impl std::str::FromStr for DeclaredUnit {
    type Err = RegistryError;

    fn from_str(text: &str) -> Result<Self, RegistryError> {
        match text.trim().to_ascii_lowercase().as_str() {
            "wh" => Ok(Self::Wh),
            "kwh" => Ok(Self::Kwh),
            "mwh" => Ok(Self::Mwh),
            "varh" => Ok(Self::Varh),
            "m3" | "m³" => Ok(Self::CubicMetre),
            _ => Err(RegistryError::Invalid {
                field: "declared_unit",
                reason: format!("`{text}` is not Wh, kWh, MWh, varh or m3"),
            }),
        }
    }
}

/// What a meter says of itself; what it does not say is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Declaration {
    /// The multiplier that it uses or has on its plate: 200 and 5 of 200/5.
    pub ratio: Option<(i64, i64)>,
    /// The unit in which its values come.
    pub unit: Option<DeclaredUnit>,
}

impl Declaration {
    /// As a person or a file writes it: the multiplier as `200/5` or `40`, the unit as `kWh`.
    ///
    /// # Errors
    /// Names the one that cannot be read.
    pub fn read(multiplier: Option<&str>, unit: Option<&str>) -> Result<Self, RegistryError> {
        let ratio = multiplier.map(|text| {
            let (numerator, denominator) = text.split_once('/').unwrap_or((text, "1"));
            let number = |text: &str| text.trim().parse::<i64>().ok();
            let ratio = number(numerator).zip(number(denominator)).filter(|ratio| sane(*ratio));
            ratio.ok_or_else(|| RegistryError::Invalid {
                field: "declared_multiplier",
                reason: format!("`{text}` is no ratio of whole numbers such as 200/5"),
            })
        });
        Ok(Self { ratio: ratio.transpose()?, unit: unit.map(str::parse).transpose()? })
    }
}

/// Is it a multiplier of this world?
pub(crate) fn sane((numerator, denominator): (i64, i64)) -> bool {
    let sane = 1..=1_000_000;
    sane.contains(&numerator) && sane.contains(&denominator)
}

row! {
    struct DeclarationRow {
        meter: MeterId,
        numerator: Option<i64>,
        denominator: Option<i64>,
        unit: Option<DeclaredUnit>,
    }
}

const SET: &str = "\
INSERT INTO meter_declaration (meter, organisation, numerator, denominator, unit, created_s)
VALUES ($meter, $organisation, $numerator, $denominator, $unit, $now)
ON CONFLICT (meter) DO UPDATE SET numerator = excluded.numerator,
  denominator = excluded.denominator, unit = excluded.unit";

/// Writes down what a meter says of itself, in place of what was written before.
pub(crate) fn set(
    tx: &mut Tx,
    (organisation, meter): (OrganisationId, MeterId),
    new: Declaration,
    now: Timestamp,
) -> Result<(), RegistryError> {
    tx.execute(
        SET,
        params! {
            meter, organisation, numerator: new.ratio.map(|ratio| ratio.0),
            denominator: new.ratio.map(|ratio| ratio.1), unit: new.unit, now
        },
    )?;
    Ok(())
}

const AT_USAGE_POINT: &str = "\
SELECT DISTINCT d.meter, d.numerator, d.denominator, d.unit
FROM meter_declaration d JOIN installation i ON i.meter = d.meter
WHERE i.usage_point = $usage_point ORDER BY d.meter";

/// What all meters that ever stood at a usage point say of themselves.
pub(crate) fn at_usage_point(
    tx: &mut Tx,
    usage_point: UsagePointId,
) -> Result<Vec<(MeterId, Declaration)>, RegistryError> {
    let rows: Vec<DeclarationRow> = tx.rows(AT_USAGE_POINT, params! { usage_point })?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let ratio = row.numerator.zip(row.denominator);
            (row.meter, Declaration { ratio, unit: row.unit })
        })
        .collect())
}
