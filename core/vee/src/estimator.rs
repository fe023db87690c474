//! The names of the estimators, and those that stand alone.

use corrente_metering::{
    Date, EstimationMethod, Interval, LoadProfile, Quality, Reading, SourceQuality, Span, Timestamp,
};
use corrente_units::{Energy, OutOfRange};
use serde::{Deserialize, Serialize};

use crate::spread::spread;

macro_rules! estimators {
    ($($(#[$doc:meta])* $variant:ident, $name:literal, $version:literal, $method:ident;)*) => {
        /// A way to estimate. Its name is stable and stands in rule sets and `docs/vee.md`.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum Estimator {
            $($(#[$doc])* $variant,)*
        }

        impl Estimator {
            /// Every estimator, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name, as in files and on the wire.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Its version: raised whenever the same input could give another value.
            pub const fn version(self) -> u16 {
                match self { $(Self::$variant => $version,)* }
            }

            /// What the interval's quality says of it.
            pub const fn method(self) -> EstimationMethod {
                match self { $(Self::$variant => EstimationMethod::$method,)* }
            }
        }
    };
}

estimators! {
    /// A register difference, spread by the point's own week or its class.
    ScalarSpread, "scalar_spread", 1, RegisterDifferenceByProfile;
    /// A register difference, spread evenly over the gap.
    Gap, "gap", 1, RegisterDifference;
    /// A straight line between the neighbours of a short gap.
    LinearInterpolation, "linear_interpolation", 1, LinearInterpolation;
    /// The mean of the same hours of the last comparable days.
    Averaging, "averaging", 1, OwnAverage;
    /// The point's own mean week.
    OwnProfile, "own_profile", 1, OwnAverage;
    /// The same hours of the last comparable day.
    ProxyDay, "proxy_day", 1, ProxyDay;
    /// The week of the point's class, at the size of the point's own average day.
    ClassProfile, "class_profile", 1, ClassProfile;
    /// The whole minus its other parts, where what is usually lost on the way is small beside the rest.
    Subtraction, "subtraction", 2, RegisterDifference;
    /// A register from the one before it and the intervals since.
    RegisterFromInterval, "register_from_interval", 1, RegisterDifference;
    /// A register between two others, by their share of time or of a profile.
    Proration, "proration", 1, RegisterDifference;
    /// What a person entered, with a reason.
    PersonEdit, "person_edit", 1, BySource;
}

/// What an estimate was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Basis {
    /// The difference of the registers at both ends.
    Registers {
        /// From the earlier one's instant to the later one's.
        span: Span,
        /// The difference.
        energy: Energy,
    },
    /// The intervals on both sides.
    Neighbours,
    /// This many comparable days of the point.
    OwnDays {
        /// How many.
        days: usize,
    },
    /// The point's own mean week.
    OwnWeek,
    /// One comparable day.
    Day {
        /// Which.
        date: Date,
    },
    /// The class's week.
    Class,
    /// Other measurements of the place.
    Siblings,
    /// A person's decision.
    Person,
}

/// A stretch that was estimated, and from what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// Which stretch.
    pub span: Span,
    /// Its energy.
    pub energy: Energy,
    /// How.
    pub estimator: Estimator,
    /// From what.
    pub basis: Basis,
}

/// Spreads the energy between two registers over intervals by weights (one per interval), so that
/// their sum is exactly the difference.
///
/// # Errors
/// When the difference does not fit.
pub fn scalar_spread(
    first: Reading,
    last: Reading,
    intervals: &[Span],
    weights: &[i64],
) -> Result<LoadProfile, OutOfRange> {
    let difference = last.value.checked_sub(first.value)?;
    let method = Estimator::ScalarSpread.method();
    let shares = spread(difference.wh(), weights);
    let intervals = intervals
        .iter()
        .zip(shares)
        .map(|(s, wh)| Interval::known(*s, Energy::from_wh(wh), Quality::Estimated { method }))
        .collect();
    Ok(LoadProfile { intervals })
}

/// The register at `at`, between two others: their difference in proportion to the weights of the
/// time before and after it (seconds, or what a profile says of both parts).
///
/// `None` when `at` does not lie between them.
pub fn prorate(
    first: Reading,
    last: Reading,
    at: Timestamp,
    weight: impl Fn(Span) -> i64,
) -> Option<Reading> {
    if !(first.end <= at && at <= last.end) {
        return None;
    }
    let difference = last.value.checked_sub(first.value).ok()?;
    let weights = [weight(Span::new(first.end, at)), weight(Span::new(at, last.end))];
    let before = spread(difference.wh(), &weights).first().copied()?;
    let value = first.value.checked_add(Energy::from_wh(before)).ok()?;
    Some(Reading { end: at, value, quality: SourceQuality::ESTIMATED })
}

/// The register at the end of the profile, from the register at its start and its intervals.
///
/// `None` when an interval is missing (a register would turn the gap into zero), when the profile
/// does not begin at the register, or when the sum does not fit.
pub fn register_from_intervals(register: Reading, profile: &LoadProfile) -> Option<Reading> {
    let (first, last) = profile.intervals.first().zip(profile.intervals.last())?;
    if first.span().start != register.end || profile.missing_count() > 0 {
        return None;
    }
    let value = register.value.checked_add(profile.known_energy().ok()?).ok()?;
    let measured = profile.estimated_count() == 0 && register.quality == SourceQuality::GOOD;
    let quality = if measured { SourceQuality::GOOD } else { SourceQuality::ESTIMATED };
    Some(Reading { end: last.span().end, value, quality })
}

/// What is left of the whole in each interval after its other parts are taken away. An interval is
/// missing when the whole or a part is, or when the parts are more than the whole.
pub fn subtract(whole: &LoadProfile, parts: &[&LoadProfile]) -> LoadProfile {
    let method = Estimator::Subtraction.method();
    let intervals = whole
        .intervals
        .iter()
        .map(|interval| {
            let span = interval.span();
            let rest = parts.iter().try_fold(interval.energy()?.wh(), |rest, part| {
                rest.checked_sub(energy_in(part, span)?.wh())
            })?;
            let energy = Energy::from_wh(rest);
            (rest >= 0).then(|| Interval::known(span, energy, Quality::Estimated { method }))
        })
        .zip(&whole.intervals)
        .map(|(rest, interval)| rest.unwrap_or_else(|| Interval::missing(interval.span())))
        .collect();
    LoadProfile { intervals }
}

/// What a profile knows of exactly this span; `None` when a part of it is missing or not there.
pub(crate) fn energy_in(profile: &LoadProfile, span: Span) -> Option<Energy> {
    let first = profile.intervals.partition_point(|i| i.span().start < span.start);
    let (mut at, mut sum) = (span.start, Energy::ZERO);
    for interval in profile.intervals.get(first..)? {
        if interval.span().start != at || at >= span.end {
            break;
        }
        sum = sum.checked_add(interval.energy()?).ok()?;
        at = interval.span().end;
    }
    (at == span.end).then_some(sum)
}
