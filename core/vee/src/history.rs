//! What a run of VEE looks at: one flow at one usage point.

use corrente_metering::{Calendar, ChannelId, ChannelKind, LoadProfile, Reading, Span, Timestamp};
use corrente_units::{Energy, Power};
use serde::{Deserialize, Serialize};

use crate::{ClassProfile, OwnHistory};

/// One flow (import, say) at one usage point: everything that a run of VEE may look at.
#[derive(Clone, Debug)]
pub struct PointHistory {
    /// What the load profile shall cover.
    pub span: Span,
    /// Length of its intervals in seconds; a day's last one may be shorter.
    pub step_seconds: i64,
    /// The civil calendar of the place.
    pub calendar: Calendar,
    /// Business time of the run. Readings later than [`crate::Parameters::future_seconds`] after it
    /// are quarantined.
    pub now: Timestamp,
    /// The meters that measured this flow, one after another.
    pub meters: Vec<MeterPeriod>,
    /// What happened at the point.
    pub events: Vec<PointEvent>,
    /// What people decided, the later edit over the earlier one.
    pub edits: Vec<Edit>,
    /// The point's own past, for comparison and estimation.
    pub own: Option<OwnHistory>,
    /// The shape of the point's class.
    pub class: Option<ClassProfile>,
    /// Other measurements of the same place.
    pub siblings: Vec<Sibling>,
}

impl PointHistory {
    /// A history of this span without meters.
    pub fn new(span: Span, step_seconds: i64, calendar: Calendar) -> Self {
        Self {
            span,
            step_seconds,
            calendar,
            now: span.end,
            meters: Vec::new(),
            events: Vec::new(),
            edits: Vec::new(),
            own: None,
            class: None,
            siblings: Vec::new(),
        }
    }
}

/// A meter's channel at the point, from its installation to its removal.
#[derive(Clone, Debug)]
pub struct MeterPeriod {
    /// The channel of the readings.
    pub channel: ChannelId,
    /// What their values mean.
    pub kind: ChannelKind,
    /// Installed (or moved here) at this instant.
    pub from: Timestamp,
    /// Removed (or moved away) at this instant.
    pub until: Option<Timestamp>,
    /// The dial at installation, as written down by the one who installed it.
    pub first_register: Option<Energy>,
    /// The dial at removal, as written down by the one who removed it.
    pub final_register: Option<Energy>,
    /// How far apart the meter is set to report; the profile's step when unknown.
    pub interval_seconds: Option<i64>,
    /// The dial shows the register modulo this many Wh: 100,000,000 for five digits of kWh. When
    /// unknown, a power of ten is inferred where the dial was near its top.
    pub register_modulus_wh: Option<i64>,
    /// What the dial is multiplied by, from which instant (current and voltage transformers). Before
    /// the first entry, and without any, it is 1.
    pub multipliers: Vec<MultiplierFrom>,
    /// The multiplier that the source says it uses.
    pub declared_multiplier: Option<Ratio>,
    /// The unit that the source says its values have.
    pub declared_unit: Option<EnergyUnit>,
    /// What the connection can carry; the rule set's figure when unknown.
    pub power_max: Option<Power>,
    /// The raw readings in order of arrival. Some from before and after the span help: the last one
    /// before it and the first ones after it.
    pub readings: Vec<Reading>,
    /// Registers beside an interval channel: a daily or monthly dial, a field reading.
    pub registers: Vec<Reading>,
    /// How far the meter's clock was off when somebody looked.
    pub clock: Vec<ClockSample>,
    /// What a person decided about a wrong clock.
    pub clock_corrections: Vec<ClockCorrection>,
}

impl MeterPeriod {
    /// A meter without readings, installed at `from`.
    pub fn new(channel: ChannelId, kind: ChannelKind, from: Timestamp) -> Self {
        Self {
            channel,
            kind,
            from,
            until: None,
            first_register: None,
            final_register: None,
            interval_seconds: None,
            register_modulus_wh: None,
            multipliers: Vec::new(),
            declared_multiplier: None,
            declared_unit: None,
            power_max: None,
            readings: Vec::new(),
            registers: Vec::new(),
            clock: Vec::new(),
            clock_corrections: Vec::new(),
        }
    }

    /// The multiplier in force just before `t`, that is for energy that ends at `t`.
    pub fn multiplier_until(&self, t: Timestamp) -> Ratio {
        self.multipliers
            .iter()
            .filter(|m| m.from < t)
            .max_by_key(|m| m.from)
            .map_or(Ratio::ONE, |m| m.ratio)
    }
}

/// A ratio of whole numbers, such as a current transformer's 200/5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ratio {
    /// Primary side.
    pub numerator: i64,
    /// Secondary side, never 0 in a ratio that means something.
    pub denominator: i64,
}

impl Ratio {
    /// No transformer.
    pub const ONE: Self = Self { numerator: 1, denominator: 1 };

    /// `numerator / denominator`.
    pub const fn new(numerator: i64, denominator: i64) -> Self {
        Self { numerator, denominator }
    }

    /// Do both mean the same, as 200/5 and 40/1 do?
    pub fn same(self, other: Self) -> bool {
        i128::from(self.numerator).saturating_mul(i128::from(other.denominator))
            == i128::from(other.numerator).saturating_mul(i128::from(self.denominator))
    }
}

/// A multiplier from an instant on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MultiplierFrom {
    /// From when.
    pub from: Timestamp,
    /// What the dial is multiplied by.
    pub ratio: Ratio,
}

/// A unit of energy that sources use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnergyUnit {
    /// Watt-hours, which is what readings are stored in.
    Wh,
    /// Kilowatt-hours.
    Kwh,
    /// Megawatt-hours.
    Mwh,
    /// Reactive energy: never active energy.
    Varh,
    /// A volume: never energy.
    CubicMetre,
}

/// The meter's clock, seen by somebody whose clock is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockSample {
    /// When it was seen.
    pub at: Timestamp,
    /// How far the meter was ahead, in seconds; negative when behind.
    pub ahead_seconds: i64,
}

/// A person's correction of readings that came while the clock was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockCorrection {
    /// The readings that the meter stamped in this span …
    pub span: Span,
    /// … were truly this many seconds later (earlier when negative).
    pub add_seconds: i64,
}

/// Something that happened at the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
}

/// What happened at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// Supply was cut: no energy flows until it is reconnected.
    Disconnected,
    /// Supply was given again.
    Reconnected,
    /// The meter raised a tamper flag: cover, terminal, magnet; the code is the protocol's.
    Tamper {
        /// The protocol's code.
        code: u16,
    },
}

/// A person's decision about a span, with what an auditor asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// The intervals that it covers; one that it covers in part is left alone.
    pub span: Span,
    /// Their energy together.
    pub energy: Energy,
    /// Who decided.
    pub who: String,
    /// Why.
    pub why: String,
    /// When it was decided.
    pub at: Timestamp,
}

/// Another measurement of the same place.
#[derive(Clone, Debug)]
pub struct Sibling {
    /// What it is called in a finding: a serial, "phase A".
    pub name: String,
    /// How it relates to the point's own flow.
    pub role: SiblingRole,
    /// What it measured.
    pub profile: LoadProfile,
}

/// How a sibling's measurement relates to the point's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SiblingRole {
    /// A second meter of the same flow: both must agree.
    Check,
    /// One of the parts (phases, tariff registers, sub-meters) that together are the point's flow.
    Part,
    /// The whole of which the point's flow and its [`SiblingRole::Beside`]s are the parts.
    Whole,
    /// Another part of the [`SiblingRole::Whole`].
    Beside,
}
