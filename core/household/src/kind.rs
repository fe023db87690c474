//! Types of household.

use std::{fmt, str::FromStr};

/// What kind of household it is: it decides which appliances there are and when somebody is home.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HouseholdKind {
    /// One or two people, away on working days. About 90 to 150 kWh a month.
    Apartment,
    /// Three to five people, somebody home in the afternoon. About 160 to 260 kWh a month.
    Family,
    /// A family with air conditioning in the bedrooms. About 280 to 520 kWh a month, most in summer.
    AirConditioned,
    /// One or two people who are home all day. About 110 to 180 kWh a month.
    Retired,
    /// A shop with lights, freezers and air conditioning in opening hours; closed on Sunday.
    Shop,
    /// A bakery: electric ovens before dawn and in the afternoon, every day.
    Bakery,
}

/// The word names no kind of household.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownKind(pub String);

impl HouseholdKind {
    /// All kinds, in order.
    pub const ALL: [Self; 6] = [
        Self::Apartment,
        Self::Family,
        Self::AirConditioned,
        Self::Retired,
        Self::Shop,
        Self::Bakery,
    ];

    /// Its name as written in files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Apartment => "apartment",
            Self::Family => "family",
            Self::AirConditioned => "air-conditioned",
            Self::Retired => "retired",
            Self::Shop => "shop",
            Self::Bakery => "bakery",
        }
    }

    /// The kind of the `index`-th home of a town: mostly homes, a shop here and there, one bakery in
    /// forty.
    pub const fn of_town(index: u64) -> Self {
        match index % 40 {
            2 | 5 | 9 | 13 | 17 | 21 | 25 | 29 | 33 | 37 => Self::Apartment,
            3 | 11 | 19 | 27 | 35 => Self::AirConditioned,
            4 | 12 | 20 | 28 | 36 => Self::Retired,
            7 | 23 | 39 => Self::Shop,
            15 => Self::Bakery,
            _ => Self::Family,
        }
    }

    /// Does it keep opening hours instead of family life?
    pub const fn is_business(self) -> bool {
        matches!(self, Self::Shop | Self::Bakery)
    }
}

impl fmt::Display for HouseholdKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for HouseholdKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

impl fmt::Display for UnknownKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = HouseholdKind::ALL.iter().map(|kind| kind.name()).collect();
        write!(f, "`{}` is no kind of household: use {}", self.0, names.join(", "))
    }
}

impl std::error::Error for UnknownKind {}
