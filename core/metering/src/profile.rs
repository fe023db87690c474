//! The load profile: what is believed about a span, interval by interval.

use corrente_units::{Energy, OutOfRange};
use serde::{Deserialize, Serialize};

use crate::Span;

/// How an estimate was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EstimationMethod {
    /// The register's difference over the gap, spread evenly: the sum is measured, the shape is not.
    RegisterDifference,
    /// The register's difference over the gap, spread by the point's own profile.
    RegisterDifferenceByProfile,
    /// A straight line between the neighbours.
    LinearInterpolation,
    /// The mean of the point's own comparable days.
    OwnAverage,
    /// The same interval of a similar day.
    ProxyDay,
    /// The profile of the point's class.
    ClassProfile,
    /// The meter or the source estimated it.
    BySource,
}

/// How well the energy of an interval is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Quality {
    /// By readings of a meter close enough to the interval's ends.
    Measured,
    /// By a named method.
    Estimated {
        /// Which one.
        method: EstimationMethod,
    },
    /// By a person, with a reason that the edit holds.
    Edited,
    /// Not at all. Missing is never zero.
    Missing,
}

/// The energy of one interval and how well it is known.
///
/// `energy` is `None` exactly when `quality` is [`Quality::Missing`]; the constructors keep that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    span: Span,
    energy: Option<Energy>,
    quality: Quality,
}

impl Interval {
    /// An interval whose energy is known by `quality`. A [`Quality::Missing`] drops the energy.
    pub fn known(span: Span, energy: Energy, quality: Quality) -> Self {
        match quality {
            Quality::Missing => Self::missing(span),
            Quality::Measured | Quality::Estimated { .. } | Quality::Edited => {
                Self { span, energy: Some(energy), quality }
            }
        }
    }

    /// An interval of which nothing is known.
    pub const fn missing(span: Span) -> Self {
        Self { span, energy: None, quality: Quality::Missing }
    }

    /// When.
    pub const fn span(&self) -> Span {
        self.span
    }

    /// How much, or nothing when it is missing.
    pub const fn energy(&self) -> Option<Energy> {
        self.energy
    }

    /// How well it is known.
    pub const fn quality(&self) -> Quality {
        self.quality
    }
}

/// Consecutive intervals of one channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadProfile {
    /// In order of time, each beginning where the one before ended.
    pub intervals: Vec<Interval>,
}

impl LoadProfile {
    /// The sum of what is known. Together with [`LoadProfile::missing_count`] it says "at least".
    ///
    /// # Errors
    /// When the sum does not fit.
    pub fn known_energy(&self) -> Result<Energy, OutOfRange> {
        Energy::sum(self.intervals.iter().filter_map(Interval::energy))
    }

    /// How many intervals are missing.
    pub fn missing_count(&self) -> usize {
        self.intervals.iter().filter(|i| i.quality == Quality::Missing).count()
    }

    /// How many intervals are estimated, by us or by the source.
    pub fn estimated_count(&self) -> usize {
        self.intervals.iter().filter(|i| matches!(i.quality, Quality::Estimated { .. })).count()
    }
}
